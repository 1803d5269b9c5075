"""Functions of files of pictures: which files they refuse, and what they write."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgraphs.files.trust import OPERATIONS
from tfgraphs.pictures import encoded
from tfgraphs.pictures.encoded import encode, on_encoded
from tfgraphs.pictures.images import MAX_SIDE


def png(height, width):
    written = io.BytesIO()
    Image.new("L", (width, height), 128).save(written, "PNG")
    return written.getvalue()


def sizes_after(*files, paint=lambda picture: picture):
    """Height and width of each picture that a function of files returns."""
    answer = on_encoded(paint, ["image"])(tf.constant(files))["image_bytes"]
    return [tuple(tf.io.decode_png(file).shape[:2]) for file in answer]


def test_pictures_up_to_the_longest_side_are_read():
    assert sizes_after(png(1, MAX_SIDE), png(MAX_SIDE, 1)) == [(1, MAX_SIDE), (MAX_SIDE, 1)]


@pytest.mark.parametrize("size", [(1, MAX_SIDE + 1), (MAX_SIDE + 1, 1)])
def test_a_longer_side_is_refused_with_the_limit_and_the_size(size):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        sizes_after(png(*size))
    assert "too large: at most 20,000 px a side and 100,000,000 px in all" in str(refusal.value)
    assert f"{size[0]} {size[1]}" in str(refusal.value)


def test_the_number_of_pixels_is_limited_too(monkeypatch):
    monkeypatch.setattr(encoded, "MAX_PIXELS", 600)
    assert sizes_after(png(20, 30)) == [(20, 30)]
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        sizes_after(png(20, 31))


def test_what_is_too_large_is_not_painted():
    painted = tf.Variable(0)

    def paint(picture):
        painted.assign_add(tf.shape(picture)[1])
        return picture

    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        sizes_after(png(2, 2), png(MAX_SIDE + 1, 1), png(2, 2), paint=paint)
    assert painted.numpy() == 2


def test_pictures_are_painted_one_after_the_other():
    graph = on_encoded(lambda picture: picture, ["image"]).get_concrete_function().graph
    (loop,) = [node for node in graph.as_graph_def().node if node.op in ("While", "StatelessWhile")]
    assert loop.attr["parallel_iterations"].i == 1


def test_a_program_of_files_passes_the_check_of_programs():
    definition = on_encoded(lambda picture: picture, ["image"]).get_concrete_function().graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    assert "Assert" in {node.op for node in nodes}
    assert {node.op for node in nodes} <= OPERATIONS


def test_values_out_of_range_are_clipped_and_what_is_no_number_is_black():
    pixels = np.array([[[-1, 2, np.nan], [np.inf, -np.inf, 0.5]]], np.float32)
    np.testing.assert_array_equal(tf.io.decode_png(encode(pixels)), [[[0, 255, 0], [255, 0, 128]]])
