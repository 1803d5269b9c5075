"""Functions of pictures as functions of the files that contain them, for programs that run elsewhere.

A photograph of 600 x 400 px is 8.9 MB of JSON as numbers, and 0.1 MB as a JPEG file in base64.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def on_encoded(paint: Callable[..., tf.Tensor], names: Sequence[str]) -> Any:
    """Returns a tf.function that maps files of pictures to PNG files.

    Its inputs, named `image_bytes` for a picture "image", are string [batch]: JPEG, PNG, GIF (its first frame) or BMP
    files. It returns {"image_bytes": string [batch]}. The pictures of a batch are painted one after the other, so each
    may have a size of its own. Transparency is dropped, and pictures are not turned by their EXIF orientation.

    Args:
        paint: maps as many pictures as there are names, float32 [1, height, width, 3] in 0..1, to one.
        names: of the pictures.
    """
    files = [tf.TensorSpec([None], tf.string, name=f"{name}_bytes") for name in names]

    def paint_one(encoded: Sequence[tf.Tensor]) -> tf.Tensor:
        return encode(paint(*[decode(file)[tf.newaxis] for file in encoded])[0])

    @tf.function(input_signature=files)
    def serve_bytes(*encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        painted = tf.map_fn(paint_one, list(encoded), fn_output_signature=tf.string)  # type: ignore[arg-type]
        return {"image_bytes": painted}

    return serve_bytes


def decode(file: tf.Tensor) -> tf.Tensor:
    """Returns the picture of a file, string scalar, as float32 [height, width, 3] in 0..1."""
    return tf.cast(tf.io.decode_image(file, channels=3, expand_animations=False), tf.float32) / 255


def encode(picture: tf.Tensor) -> tf.Tensor:
    """Returns the PNG file, string scalar, of a picture, float32 [height, width, 3] in 0..1."""
    return tf.io.encode_png(tf.cast(tf.round(picture * 255), tf.uint8))
