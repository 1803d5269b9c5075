"""Exported models in LiteRT, with its own operations only."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.one_pass.network import TransformationNetwork, noise_of
from tfgraphs.neural_style.one_pass.stylize import export_network
from tfgraphs.vectors.models.embedding import export_embedding
from tfgraphs.vectors.word_vectors import WordVectors

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed: pip install ai-edge-litert")

MATRIX = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("models")
    export_network(base / "network", TransformationNetwork(channels=(6, 8), blocks=1, seed=3))
    export_embedding(base / "embedding", WordVectors(list("abcde"), MATRIX))
    return base


def convert(folder, signature):
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[signature]).convert()


def test_a_network_paints_pictures_of_any_size(folders):
    interpreter = litert.Interpreter(model_content=convert(folders / "network", "with_noise"))
    paint = interpreter.get_signature_runner("with_noise")
    network = tf.saved_model.load(str(folders / "network"))
    for size in ((24, 32), (37, 21)):
        pictures = np.random.default_rng(0).random((1, *size, 3)).astype(np.float32)
        painted = paint(image=pictures, noise=noise_of(tf.constant(size)).numpy())["image"]
        np.testing.assert_allclose(painted, network(pictures), atol=1e-4)


def test_rows_of_the_vocabulary_give_vectors(folders):
    interpreter = litert.Interpreter(model_content=convert(folders / "embedding", "vectors"))
    look_up = interpreter.get_signature_runner("vectors")
    np.testing.assert_array_equal(look_up(rows=np.int32([3, 0, 3]))["default"], MATRIX[[3, 0, 3]])


@pytest.mark.parametrize(
    ("model", "operation"), [("network", "StatelessRandomNormalV2"), ("embedding", "StringToHashBucketFast")]
)
def test_what_litert_lacks(folders, model, operation):
    with pytest.raises(Exception, match=operation):
        convert(folders / model, "serving_default")
