"""One-pass networks as SavedModels: writes ours, reads ours and those of others.

A model of one style is called with photographs and returns them painted. A model of any style, such as Magenta's
arbitrary style transfer (Ghiasi et al., arXiv 1705.06830), is called with photographs and paintings and returns a
sequence that begins with the painted photographs. All are float32 [batch, height, width, 3], RGB in 0..1.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgraphs.errors import errors_as
from tfgraphs.files import export, hub, saved_models
from tfgraphs.neural_style.one_pass.network import SMALLEST_SIDE, TransformationNetwork, noise_of
from tfgraphs.neural_style.regions import StyleError, check_size
from tfgraphs.pictures.encoded import on_encoded
from tfgraphs.pictures.images import resize


def export_network(folder: str | Path, network: TransformationNetwork) -> None:
    """Writes a network as a SavedModel `model(image)` for pictures of any size from SMALLEST_SIDE on.

    Two more functions are attributes of the model and signatures:

        serve_bytes(image_bytes: string [batch])
            paints files of pictures, see `on_encoded`
        with_noise(image: float32 [batch, height, width, 3], noise: float32 [1, height / 4, width / 4, 1])
            paints with noise that is given, see `noise_of`, so that it consists of operations that TensorFlow.js and
            LiteRT have, too

    Raises:
        OutputError: the folder holds something else or cannot be written.
    """
    pictures = tf.TensorSpec([None, None, None, 3], tf.float32, name="image")
    noise = tf.TensorSpec([1, None, None, 1], tf.float32, name="noise")
    with_noise = tf.function(network.__call__, input_signature=[pictures, noise])

    @tf.function(input_signature=[pictures])
    def call(image: tf.Tensor) -> tf.Tensor:
        return with_noise(image, noise_of(tf.shape(image)[1:3]))

    functions = {"serve_bytes": on_encoded(call, ["image"]), "with_noise": with_noise}
    export.save(folder, call, output="image", variables=network.trainable_variables, functions=functions)


class StyleModel:
    """A SavedModel that paints; `takes_painting` says whether it is called with a painting, too.

    Args:
        handle: a folder; or "hub:" and what tensorflow_hub resolves, the address of a model or a folder.

    Raises:
        TrustError: it could do more than compute, see `files.trust`.
        StyleError: there is no SavedModel, it is damaged, or it is not called as such models are.
    """

    def __init__(self, handle: str) -> None:
        self._handle = handle
        self._model = saved_models.load(hub.saved_model_folder(handle, StyleError), handle, StyleError)
        counts = {len(inputs) for inputs in _calls(self._model)}
        if not counts & {1, 2}:
            raise StyleError(
                f"{handle} is not a model that paints: it should be called with a photograph, or with a photograph and "
                "a painting"
            )
        self.takes_painting = 1 not in counts

    def __call__(self, photograph: np.ndarray, painting: np.ndarray | None = None) -> np.ndarray:
        """Paints a photograph; the result has its shape.

        Args:
            photograph: float32 [height, width, 3], RGB in 0..1.
            painting: the same kind of array, of any size, if the model takes one.

        Raises:
            StyleError: a picture is too small, or the model fails or does not return a picture.
        """
        pictures = [photograph] if painting is None else [photograph, painting]
        for picture in pictures:
            check_size(picture.shape[:2], SMALLEST_SIDE)
        with errors_as(StyleError, f"{self._handle} fails", "it may be made for pictures of another size"):
            result = self._model(*(tf.constant(picture[np.newaxis], tf.float32) for picture in pictures))
            painted = np.asarray(tf.nest.flatten(result)[0])
        if painted.ndim != 4 or painted.shape[0] != 1 or painted.shape[-1] != 3 or not np.isfinite(painted).all():
            raise StyleError(f"{self._handle} is not a model that paints: it does not return a picture")
        return resize(painted[0], photograph.shape[:2]).clip(0, 1)  # some models return it a few pixels smaller


def _calls(model: Any) -> Iterator[list[tf.Tensor]]:
    """For each way to call a model that may return a picture, the pictures that it takes."""
    if not callable(model):
        return
    for function in getattr(model.__call__, "concrete_functions", [model.__call__]):  # Magenta's is a single one
        inputs = function.inputs[: len(function.inputs) - len(function.captured_inputs)]
        pictures = tf.TensorSpec([None, None, None, 3], tf.float32)
        if inputs and all(pictures.is_compatible_with(tensor) for tensor in [*inputs, *function.outputs[:1]]):
            yield inputs
