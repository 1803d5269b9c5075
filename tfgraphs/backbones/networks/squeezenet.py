"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360), trained on ImageNet, from the arrays of the package `ndf`.

1.2 million parameters, 1000 classes. Layers keep the names of the release with `/` written as `_`: `conv1`, `pool1`,
`fire2_squeeze1x1`, `fire2_expand1x1`, `fire2_expand3x3`, `fire2` (both expansions side by side) ... `fire9`,
`conv10`, `pool10` (class logits), `softmax`. Each rectified layer has its twin before the rectifier, `conv1_pre_relu`.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from tfgraphs.backbones import preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Layer, concatenation, convolution, global_average, pooling, relu, softmax
from tfgraphs.backbones.readers.weights import WeightsError, read_pickled_arrays
from tfgraphs.files.packaged import check_sha256, packaged_file

_FILE = "example_models/weights/squeezenet_weights.pkl"
_SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
_POOLED = {1: "pool1", 3: "pool3", 5: "pool5"}  # fire modules (1: conv1) that a pooling follows

Weights = dict[str, list[np.ndarray]]


def load(pooling_kind: str = "max") -> Backbone:
    """Loads SqueezeNet 1.1.

    Args:
        pooling_kind: "max" as trained, or "average", which lets gradients reach every pixel and paints smoother.

    Raises:
        PackageError: the package `ndf` is missing or its file is not the known one.
    """
    path = packaged_file("ndf", _FILE, "ndf")
    check_sha256(path, _SHA256)
    return build(read_pickled_arrays(path), pooling_kind)


def build(weights: Weights, pooling_kind: str = "max") -> Backbone:
    """Builds the network from {"conv1": [kernel, bias], "fire2/squeeze1x1": [...], ...}.

    Raises:
        WeightsError: a layer is missing or has another shape.
    """
    return Backbone("squeezenet", _layers(weights, pooling_kind), preprocessing.caffe)


def _layers(weights: Weights, pooling_kind: str) -> Iterator[Layer]:
    pool = partial(pooling, kind=pooling_kind, size=3, stride=2)
    yield from _convolution_and_relu(weights, "conv1", "input", (3, 64), stride=2)
    yield pool(_POOLED[1], "conv1")
    source, channels = _POOLED[1], 64
    for number, squeezed in zip(range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), strict=True):
        yield from _fire(weights, f"fire{number}", source, channels, squeezed)
        source, channels = f"fire{number}", 8 * squeezed
        if number in _POOLED:
            yield pool(_POOLED[number], source)
            source = _POOLED[number]
    yield from _convolution_and_relu(weights, "conv10", source, (channels, 1000))
    yield global_average("pool10", "conv10")
    yield softmax("softmax", "pool10")


def _fire(weights: Weights, name: str, source: str, channels: int, squeezed: int) -> Iterator[Layer]:
    """Squeeze to a few channels with 1x1, expand to four times as many each with 1x1 and with 3x3 kernels."""
    expansions = [f"{name}_expand1x1", f"{name}_expand3x3"]
    yield from _convolution_and_relu(weights, f"{name}_squeeze1x1", source, (channels, squeezed))
    for expansion in expansions:
        yield from _convolution_and_relu(weights, expansion, f"{name}_squeeze1x1", (squeezed, 4 * squeezed))
    yield concatenation(f"{name}_pre_relu", [f"{expansion}_pre_relu" for expansion in expansions])
    yield relu(name, f"{name}_pre_relu")


def _convolution_and_relu(
    weights: Weights, name: str, source: str, channels: tuple[int, int], stride: int = 1
) -> Iterator[Layer]:
    side = 1 if name.endswith("1x1") or name == "conv10" else 3
    arrays = weights.get(name.replace("_", "/"), [])
    if [array.shape for array in arrays] != [(side, side, *channels), channels[1:]]:
        raise WeightsError(f"the weights of {name} are missing or have the wrong shape: this is no SqueezeNet 1.1")
    kernel, bias = arrays
    yield convolution(f"{name}_pre_relu", source, kernel, bias, stride)
    yield relu(name, f"{name}_pre_relu")
