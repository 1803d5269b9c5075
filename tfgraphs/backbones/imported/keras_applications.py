"""The networks of keras.applications: builders, preprocessing and published weights."""

import contextlib
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgraphs.backbones.imported.keras_releases import releases
from tfgraphs.backbones.readers.keras_file import copy_hdf5
from tfgraphs.backbones.readers.weights import WeightsError, reading
from tfgraphs.errors import summary
from tfgraphs.files.downloads import Download
from tfgraphs.files.trust import check_regular_file

_DEVIATIONS = (0.229, 0.224, 0.225)  # of ImageNet's pictures, red, green and blue in 0..1
_SUFFIXES = (".h5", ".hdf5")


@dataclass(frozen=True)
class Application:
    """A network of keras.applications.

    Attributes:
        name: "mobilenet_v2".
        address: address of its published weights, with those of the classifier.
        digest: "md5:" or "sha256:" and hexadecimal digits, as in the sources of Keras; empty if there is none.
    """

    name: str
    address: str
    digest: str

    @property
    def download(self) -> Download | None:
        """The published weights; None without a digest."""
        return Download(self.address, self.digest) if self.digest else None

    @property
    def builder(self) -> Callable[..., keras.Model]:
        """Keras' function that builds it, such as keras.applications.MobileNetV2."""
        functions = ((name, made) for name, made in vars(keras.applications).items() if callable(made))
        return next(made for name, made in functions if _letters(name) == _letters(self.name))

    def preprocess(self, pictures: tf.Tensor) -> tf.Tensor:
        """Maps RGB in 0..1 to what the network was trained on, by Keras' own function."""
        return sys.modules[self.builder.__module__].preprocess_input(pictures * 255, data_format="channels_last")

    def untrained(self, whole: bool = True) -> keras.Model:
        """Builds the network with random weights, with or without the layers that tell the classes."""
        with untrainable(), warnings.catch_warnings(action="ignore"):  # that no size of pictures was given
            return self.builder(weights=None, include_top=whole)

    def build(self, weights: Path) -> keras.Model:
        """Builds the network with weights from a file, which may lack those of the classifier.

        Raises:
            WeightsError: they are not weights of this network, or not finite.
        """
        if weights.suffix not in _SUFFIXES:
            raise WeightsError(f"the weights of {self.name} should be in a file *.h5 of Keras, not in {weights}")
        size = check_regular_file(weights, WeightsError)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / weights.name
            with reading(weights), weights.open("rb") as file:
                copy_hdf5(file, size, copy)
            model = self._with_weights(copy, weights)
        check_finite(model, weights)
        if self.name.startswith("efficientnet_b"):
            _divide_by_roots(model.get_layer("stem_conv"))
        return model

    def _with_weights(self, copy: Path, weights: Path) -> keras.Model:
        """Builds the network with weights from a copy of their file."""
        faults = []
        for whole in (True, False):
            model = self.untrained(whole)
            try:
                model.load_weights(copy)
                return model
            except Exception as error:  # what a damaged file raises cannot be foreseen
                faults.append(error)
        raise WeightsError(f"{weights} does not hold the weights of {self.name}: {summary(faults[0])}") from faults[0]


def _divide_by_roots(layer: Any) -> None:
    """Scales the first kernel of EfficientNet as in its training.

    There pictures were divided by the standard deviation, not by its root as in Keras' Normalization layer. With its
    own weights Keras inserts another layer for that (github.com/tensorflow/tensorflow/issues/49930).
    """
    layer.kernel.assign(layer.kernel / np.sqrt(_DEVIATIONS, dtype=np.float32)[:, None])


@contextlib.contextmanager
def untrainable(check: Callable[[Any], None] = lambda value: None) -> Iterator[None]:
    """Makes all variables of the block untrainable, so that no gradient is taken with respect to them.

    Args:
        check: called with the initial value of each variable, or a function that makes it.
    """

    def create(make: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
        check(options.get("initial_value"))
        return make(**options | {"trainable": False})

    with tf.variable_creator_scope(create):
        yield


def check_finite(model: keras.Model, path: Path) -> None:
    """Raises WeightsError if a weight of a model, which was read from `path`, is not finite."""
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise WeightsError(f"{path} is damaged: it holds numbers in {weight.path} that are not finite")


def find(name: str) -> Application | None:
    """Returns the network of a name in any spelling: "inception_v3", "InceptionV3", "efficientnetv2-b0"."""
    return _BY_LETTERS.get(_letters(name))


def find_by_model(model: keras.Model) -> Application | None:
    """Returns the network with the name that Keras gave a model, "mobilenetv2_1.00_224"."""
    return find(re.sub(r"_\d\.\d+_\d+$", "", model.name))


def _letters(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


APPLICATIONS = {name: Application(name, *release) for name, release in releases().items()}
_BY_LETTERS = {_letters(name): application for name, application in APPLICATIONS.items()}
