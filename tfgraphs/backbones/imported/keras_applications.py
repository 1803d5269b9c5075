"""The networks of keras.applications: builders, preprocessing, and published weights with their digests.

Most digests are in tables of Keras' sources. The others stand in its code, from which they are copied here; Keras
publishes MobileNet 1 and 2 without a digest.
"""

import contextlib
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.applications import convnext, efficientnet, efficientnet_v2, mobilenet_v3, resnet
from keras.src.backend.common import global_state
from keras.src.utils import naming

from tfgraphs.backbones.readers.keras_file import copy_hdf5
from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.readers.weights import WeightsError, classes_of, reading
from tfgraphs.errors import summary
from tfgraphs.files.downloads import Download

_DEVIATIONS = (0.229, 0.224, 0.225)  # of ImageNet's pictures, red, green and blue in 0..1
_SUFFIXES = (".h5", ".hdf5", ".keras")
_CLASSIFIERS = ("predictions", "fc1000", "conv_preds", "Logits", "logits")
_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"
_KERNELS = "_weights_tf_dim_ordering_tf_kernels"
_IN_CODE = {
    "densenet121": (f"densenet/densenet121{_KERNELS}", "9d60b8095a5708f2dcce2bca79d332c7"),
    "densenet169": (f"densenet/densenet169{_KERNELS}", "d699b8f76981ab1b30698df4c175e90b"),
    "densenet201": (f"densenet/densenet201{_KERNELS}", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
    "inception_resnet_v2": (f"inception_resnet_v2/inception_resnet_v2{_KERNELS}", "e693bd0210a403b3192acc6073ad2e96"),
    "inception_v3": (f"inception_v3/inception_v3{_KERNELS}", "9a0d58056eeedaa3f26cb7ebd46da564"),
    "mobilenet": ("mobilenet/mobilenet_1_0_224_tf", ""),
    "mobilenet_v2": (f"mobilenet_v2/mobilenet_v2{_KERNELS}_1.0_224", ""),
    "nasnet_large": ("nasnet/NASNet-large", "11577c9a518f0070763c2b964a382f17"),
    "nasnet_mobile": ("nasnet/NASNet-mobile", "020fb642bf7360b370c678b08e0adf61"),
    "vgg16": (f"vgg16/vgg16{_KERNELS}", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": (f"vgg19/vgg19{_KERNELS}", "cbe5617147190e668d6c5d5026f83318"),
    "xception": (f"xception/xception{_KERNELS}", "0a58e3b7378bc2990ea3b43d5981f1f6"),
}


@dataclass(frozen=True)
class Application:
    """A network of keras.applications: name, address of its weights with the classifier, and their digest or ""."""

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

    def untrained(self, classes: int = 1000) -> keras.Model:
        """Builds the network with random weights; for no classes without the layers that tell them."""
        options = {"classes": classes} if classes else {}
        with untrainable(), _names_from_zero(), warnings.catch_warnings(action="ignore"):  # as no size is given
            return self.builder(weights=None, include_top=bool(classes), **options)

    def build(self, weights: Path) -> keras.Model:
        """Builds the network with weights from a file, which may lack those of the classifier, or have other classes.

        Raises:
            WeightsError: they are not weights of this network, or not finite.
        """
        if weights.suffix not in _SUFFIXES:
            raise WeightsError(f"the weights of {self.name} should be in a file *.h5 of Keras, not in {weights}")
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / weights.name
            with reading(weights), weights.open("rb") as file:
                zipped = file.read(2) == b"PK"
                if not zipped:
                    copy_hdf5(file, copy)
            model = self._with_weights(None if zipped else copy, weights)
        check_finite(model, weights)
        if self.name.startswith("efficientnet_b"):
            # Trained on pictures divided by the standard deviation, not by its root as in Keras' Normalization layer;
            # with its own weights Keras inserts another layer for that (github.com/tensorflow/tensorflow/issues/49930)
            stem = model.get_layer("stem_conv")
            stem.kernel.assign(stem.kernel / np.sqrt(_DEVIATIONS, dtype=np.float32)[:, None])
        return model

    def _with_weights(self, copy: Path | None, weights: Path) -> keras.Model:
        """Builds the network with weights from a copy of their file, in Keras' order of layers or by their names."""
        faults: list[Exception] = []
        for classes in (1000, None, 0):
            try:
                if classes is None:
                    return self._with_arrays(read_arrays(weights))
                if copy:
                    model = self.untrained(classes)
                    model.load_weights(copy)
                    return model
            except Exception as error:  # what a damaged file raises cannot be foreseen
                faults.append(error)
        problem = summary(faults[0]).removeprefix(f"{weights}: ")
        raise WeightsError(f"{weights} does not hold the weights of {self.name}: {problem}") from faults[0]

    def _with_arrays(self, arrays: Mapping[str, np.ndarray]) -> keras.Model:
        """Builds the network with arrays by layer, "Conv1/kernel", with the classes that there are, or without them."""
        found = [classes for name in _CLASSIFIERS if (classes := classes_of(arrays, f"{name}/kernel", -1, usual=0))]
        for classes in (*found, 0):
            model = self.untrained(classes)
            values = {
                weight.path: next((arrays[name] for name in _names_of(layer, weight) if name in arrays), None)
                for layer in model.layers
                for weight in layer.weights
            }
            lacking = [path for path, value in values.items() if value is None]
            if not lacking:
                for weight in model.weights:
                    weight.assign(values[weight.path])
                return model
        raise WeightsError(f"{lacking[0]} is missing")


def _names_of(layer: keras.Layer, weight: Any) -> tuple[str, ...]:
    """Names of an array in files, of which Keras 2 calls kernels by the kind of layer."""
    return f"{layer.name}/{weight.name}", f"{layer.name}/depthwise_{weight.name}"


@contextlib.contextmanager
def _names_from_zero() -> Iterator[None]:
    """Makes Keras count the layers that it names in the block, `conv2d_7`, as in a new process."""
    counts = global_state.get_global_attribute("object_name_uids")
    naming.reset_uids()
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", counts)


@contextlib.contextmanager
def untrainable(check: Callable[[Any], None] = lambda value: None) -> Iterator[None]:
    """Makes all variables of the block untrainable, so that no gradient is taken with respect to them.

    `check` is called with the initial value of each variable, or a function that makes it.
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


def _letters(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


def _releases() -> Iterator[tuple[str, str, str]]:
    """Yields name, address without suffix, and digits of the digest of each network with its classifier.

    Keras' tables are {key: (digits with the classifier, digits without)}.
    """
    for name, (path, digits) in _IN_CODE.items():
        yield name, _BASE + path, digits
    for key, (digits, _) in convnext.WEIGHTS_HASHES.items():
        yield key, f"{convnext.BASE_WEIGHTS_PATH}{key}", digits
    for key, (digits, _) in efficientnet.WEIGHTS_HASHES.items():
        yield f"efficientnet_{key}", f"{efficientnet.BASE_WEIGHTS_PATH}efficientnet{key}", digits
    for key, (digits, _) in efficientnet_v2.WEIGHTS_HASHES.items():
        size = key.removeprefix("-")
        yield f"efficientnet_v2_{size}", f"{efficientnet_v2.BASE_WEIGHTS_PATH}efficientnetv2-{size}", digits
    for key, (digits, _) in resnet.WEIGHTS_HASHES.items():
        if key.startswith("resnet"):  # Keras has no function for its resnext
            yield key.replace("v2", "_v2"), f"{resnet.BASE_WEIGHTS_PATH}{key}{_KERNELS}", digits
    for size in ("large", "small"):
        key = f"{size}_224_1.0_float"
        address = f"{mobilenet_v3.BASE_WEIGHT_PATH}weights_mobilenet_v3_{key}"
        yield f"mobilenet_v3_{size}", address, mobilenet_v3.WEIGHTS_HASHES[key][0]


_ALGORITHMS = {64: "sha256:", 32: "md5:", 0: ""}  # by number of digits
APPLICATIONS = {
    name: Application(name, f"{path}.h5", _ALGORITHMS[len(digits)] + digits)
    for name, path, digits in sorted(_releases())
}
_BY_LETTERS = {_letters(name): application for name, application in APPLICATIONS.items()}
