"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360), trained on ImageNet, from the arrays of the package `ndf`.

1.2 million parameters, 1000 classes. Layers keep the names of the release with `/` written as `_`: `conv1`, `pool1`,
`fire2_squeeze1x1`, `fire2_expand1x1`, `fire2_expand3x3`, `fire2` (both expansions concatenated) ... `fire9`, `conv10`,
`pool10` (class logits), `softmax`. Each rectified layer has a twin before the rectifier, `conv1_pre_relu`.
"""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU, Layer, Reader
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.packaged import packaged_file, read_known

_FILE = "example_models/weights/squeezenet_weights.pkl"
_SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"

Arrays = Mapping[str, Sequence[np.ndarray]]


def read_packaged() -> Arrays:
    """Reads the arrays of the package `ndf`.

    Raises:
        PackageError: the package is missing or its file is not the known one.
    """
    return pickle.loads(read_known(weights_file(), _SHA256))


def weights_file() -> Path:
    """Returns the file of the weights, unread; raises PackageError if the package is missing."""
    return packaged_file("ndf", _FILE, "ndf")


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: {"conv1": [kernel, bias], "fire2/squeeze1x1": [...], ...}.
    """
    read = layers.shapes_only if arrays is None else partial(_read, arrays)
    return Backbone(name, _layers(read, pooling_kind), preprocessing.caffe)


def _read(arrays: Arrays, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    weights = arrays.get(layer.replace("_", "/"), [])
    if [array.shape for array in weights] != [shape, shape[-1:]]:
        raise WeightsError(f"the weights of {layer} are missing or have the wrong shape: this is no SqueezeNet 1.1")
    kernel, bias = weights
    return kernel, bias


def _layers(read: Reader, pooling_kind: str) -> Iterator[Layer]:
    pool = partial(layers.pooling, kind=pooling_kind, size=3, stride=2)
    yield from layers.rectified_convolution("conv1", "input", *read("conv1", (3, 3, 3, 64)), stride=2)
    yield pool("pool1", "conv1")
    source, channels = "pool1", 64
    for number, squeezed in zip(range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), strict=True):
        yield from _fire(read, f"fire{number}", source, channels, squeezed)
        source, channels = f"fire{number}", 8 * squeezed
        if number in (3, 5):
            yield pool(f"pool{number}", source)
            source = f"pool{number}"
    yield from layers.rectified_convolution("conv10", source, *read("conv10", (1, 1, channels, 1000)))
    yield layers.global_average("pool10", "conv10")
    yield layers.softmax("softmax", "pool10")


def _fire(read: Reader, name: str, source: str, channels: int, squeezed: int) -> Iterator[Layer]:
    """Squeezes to a few channels with 1x1 kernels, then expands to four times as many with 1x1 and with 3x3 ones."""
    squeeze, expansions = f"{name}_squeeze1x1", [f"{name}_expand1x1", f"{name}_expand3x3"]
    yield from layers.rectified_convolution(squeeze, source, *read(squeeze, (1, 1, channels, squeezed)))
    for side, expansion in zip((1, 3), expansions, strict=True):
        yield from layers.rectified_convolution(
            expansion, squeeze, *read(expansion, (side, side, squeezed, 4 * squeezed))
        )
    yield layers.concatenation(name + PRE_RELU, [expansion + PRE_RELU for expansion in expansions])
    yield layers.relu(name, name + PRE_RELU)
