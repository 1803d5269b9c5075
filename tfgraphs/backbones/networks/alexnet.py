"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), trained on ImageNet, as Caffe released it (bvlc_alexnet).

61.0 million parameters, 1000 classes. Layers have Caffe's names: `conv1`, `norm1`, `pool1` ... `conv5`, `pool5`, `fc6`,
`fc7`, `fc8` (class logits at each place), `logits` (their mean), `softmax`; each rectified layer has its twin before
the rectifier, `conv1_pre_relu`. conv2, conv4 and conv5 are in two groups, which saw one of two graphics cards each.

As in `vgg`, the fully connected layers are convolutions: at the 227 px of the training it is the same. The poolings
round up, as Caffe's do: of 128 positions they make 64, and not 63 as most other programs.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tfgraphs.backbones import preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import (
    Layer,
    convolution,
    global_average,
    local_response_normalization,
    pooling,
    relu,
    softmax,
)
from tfgraphs.backbones.readers.weights import take

Arrays = Mapping[str, np.ndarray]

# side, channels in of a group, channels out, stride, zeros on every side
_CONVOLUTIONS = {
    "conv1": (11, 3, 96, 4, 0),
    "conv2": (5, 48, 256, 1, 2),
    "conv3": (3, 256, 384, 1, 1),
    "conv4": (3, 192, 384, 1, 1),
    "conv5": (3, 192, 256, 1, 1),
}
_CONNECTED = {"fc6": (6, 256, 4096), "fc7": (1, 4096, 4096), "fc8": (1, 4096, 1000)}


def build(name: str, arrays: Arrays, pooling_kind: str = "max") -> Backbone:
    """Builds the network from {"conv1/0": kernel, "conv1/1": bias, "conv2/0": ..., ...}.

    Args:
        name: "alexnet".
        arrays: as a .caffemodel has them, [channels out, channels in of a group, height, width]; or as
            `bvlc_alexnet.npy` does, [height, width, channels in of a group, channels out] (Guerzhoy, University of
            Toronto). Of the whole network, or without the fully connected layers, which it then does not have. Both
            take pictures in BGR; of a copy that takes RGB, reverse the channels in of `conv1/0` first.
        pooling_kind: "max" as trained, or "average".

    Raises:
        WeightsError: an array is missing or has another shape.
    """
    return Backbone(name, _layers(_Reader(name, arrays), "fc6/0" in arrays, pooling_kind), preprocessing.caffe)


class _Reader:
    """Kernels as [height, width, channels in, channels out], however they are stored."""

    def __init__(self, name: str, arrays: Arrays) -> None:
        self._take = partial(take, arrays, name)
        self._caffe = "conv1/0" in arrays and arrays["conv1/0"].shape[:1] == (96,)

    def kernel(self, layer: str, side: int, before: int, after: int) -> np.ndarray:
        shape = (side, side, before, after)
        if not self._caffe:
            flat = (side * side * before, after)
            return self._take(f"{layer}/0", flat if layer in _CONNECTED else shape).reshape(shape)
        flat, outer = (after, side * side * before), (after, before, side, side)
        kernel = self._take(f"{layer}/0", flat if layer in _CONNECTED else outer).reshape(outer)
        return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))

    def bias(self, layer: str, after: int) -> np.ndarray:
        return self._take(f"{layer}/1", (after,))


def _layers(read: _Reader, classifies: bool, pooling_kind: str) -> Iterator[Layer]:
    source = "input"
    for name, (side, before, after, stride, padding) in _CONVOLUTIONS.items():
        kernel, bias = read.kernel(name, side, before, after), read.bias(name, after)
        yield convolution(f"{name}_pre_relu", source, kernel, bias, stride, padding or "VALID")
        yield relu(name, f"{name}_pre_relu")
        source, number = name, name[-1]
        if number in "12":
            yield local_response_normalization(f"norm{number}", source, radius=2, bias=1.0, alpha=2e-5, beta=0.75)
            source = f"norm{number}"
        if number in "125":
            yield pooling(f"pool{number}", source, pooling_kind, 3, 2, "CEIL")
            source = f"pool{number}"
    if not classifies:
        return
    for name, (side, before, after) in _CONNECTED.items():
        kernel, bias = read.kernel(name, side, before, after), read.bias(name, after)
        convolved = name if name == "fc8" else f"{name}_pre_relu"
        yield convolution(convolved, source, kernel, bias, padding="VALID")
        if convolved != name:
            yield relu(name, convolved)
        source = name
    yield global_average("logits", source)
    yield softmax("softmax", "logits")
