"""Functions of pictures as functions of the files that contain them, for programs that run elsewhere.

A photograph of 600 x 400 px is 8.9 MB of JSON as numbers, and 0.1 MB as a JPEG file in base64.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.pictures.images import MAX_PIXELS, MAX_SIDE


def on_encoded(paint: Callable[..., tf.Tensor], names: Sequence[str]) -> Any:
    """Returns a tf.function that maps files of pictures to PNG files.

    Its inputs, named `image_bytes` for a picture "image", are string [batch]: JPEG, PNG, GIF (its first frame) or BMP
    files. It returns {"image_bytes": string [batch]}. The pictures of a batch are painted one after the other, so each
    may have a size of its own, up to MAX_SIDE and MAX_PIXELS. Transparency is dropped, and pictures are not turned by
    their EXIF orientation.

    Args:
        paint: maps as many pictures as there are names, float32 [1, height, width, 3] in 0..1, to one.
        names: of the pictures.
    """
    files = [tf.TensorSpec([None], tf.string, name=f"{name}_bytes") for name in names]

    def paint_one(encoded: Sequence[tf.Tensor]) -> tf.Tensor:
        return encode(paint(*[decode(file)[tf.newaxis] for file in encoded])[0])

    @tf.function(input_signature=files)
    def serve_bytes(*encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        painted = tf.map_fn(
            paint_one,  # type: ignore[arg-type]
            list(encoded),
            fn_output_signature=tf.string,
            parallel_iterations=1,  # else up to ten pictures would take memory at once
        )
        return {"image_bytes": painted}

    return serve_bytes


def decode(file: tf.Tensor) -> tf.Tensor:
    """Returns the picture of a file, string scalar, as float32 [height, width, 3] in 0..1.

    A picture with more than MAX_SIDE a side or MAX_PIXELS in all is refused: a small file may hold one, and a network
    takes many times the memory of its pixels.

    Raises:
        tf.errors.InvalidArgumentError: when it runs: the file is no picture, or the picture is too large.
    """
    pixels = tf.io.decode_image(file, channels=3, expand_animations=False)
    size = tf.shape(pixels)[:2]
    fits = tf.logical_and(tf.reduce_max(size) <= MAX_SIDE, tf.reduce_prod(tf.cast(size, tf.int64)) <= MAX_PIXELS)
    message = f"a picture is too large: at most {MAX_SIDE:,} px a side and {MAX_PIXELS:,} px in all, not"
    with tf.control_dependencies([tf.debugging.Assert(fits, [message, size])]):
        return tf.cast(pixels, tf.float32) / 255


def encode(picture: tf.Tensor) -> tf.Tensor:
    """Returns the PNG file, string scalar, of a picture, float32 [height, width, 3] in 0..1.

    Values outside are clipped, and what is no number is black.
    """
    finite = tf.where(tf.math.is_nan(picture), 0.0, picture)
    return tf.io.encode_png(tf.saturate_cast(tf.round(finite * 255), tf.uint8))
