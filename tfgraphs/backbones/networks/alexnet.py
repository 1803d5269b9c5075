"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), trained on ImageNet, as Caffe released it (bvlc_alexnet).

61.0 million parameters, 1000 classes. Layers have Caffe's names: `conv1`, `norm1`, `pool1` ... `conv5`, `pool5`, `fc6`,
`fc7`, `fc8` (class logits at each position), `logits` (their mean), `softmax`. Each rectified layer has a twin before
the rectifier, `conv1_pre_relu`. conv2, conv4 and conv5 are in two groups, which ran on one of two graphics cards each.

As in `vgg`, the fully connected layers are convolutions: on pictures of 227 px, as in training, the result is the same.
The poolings round up, as Caffe's do: 128 positions become 64, and not 63 as in most other programs.
"""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Arrays, Layer, Reader
from tfgraphs.backbones.readers.weights import WeightsError, classes_of, fitted, take, unknown_names

# shape of the kernel (side, side, channels in of a group, channels out), stride, zeros on every side
_CONVOLUTIONS = {
    "conv1": ((11, 11, 3, 96), 4, 0),
    "conv2": ((5, 5, 48, 256), 1, 2),
    "conv3": ((3, 3, 256, 384), 1, 1),
    "conv4": ((3, 3, 192, 384), 1, 1),
    "conv5": ((3, 3, 192, 256), 1, 1),
}


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: {"conv1/0": kernel, "conv1/1": bias, "conv2/0": ..., ...}. Kernels are as a .caffemodel has them,
            [channels out, channels in of a group, height, width], and take pictures in BGR.
    """
    read: Reader = layers.shapes_only
    classes = layers.FULLY_CONNECTED[-1]
    if arrays is not None:
        if fitted(arrays, "features.0.weight"):
            raise WeightsError("it holds torchvision's AlexNet, whose layers have other sizes than those of Caffe's")
        if "conv1/0" not in arrays:
            raise unknown_names(arrays, name, "conv1/0")
        read = partial(_read, arrays, name)
        classes = classes_of(arrays, "fc8/0", 0, usual=classes) if "fc6/0" in arrays else 0
    return Backbone(name, _layers(read, classes, pooling_kind), preprocessing.caffe)


def _read(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer; fully connected ones are stored as matrices."""
    height, width, before, after = shape
    outer = (after, before, height, width)
    stored = (after, math.prod(outer[1:])) if layer.startswith("fc") else outer
    kernel = take(arrays, network, f"{layer}/0", stored).reshape(outer).transpose(2, 3, 1, 0)
    return np.ascontiguousarray(kernel), take(arrays, network, f"{layer}/1", (after,))


def _layers(read: Reader, classes: int, pooling_kind: str) -> Iterator[Layer]:
    source = "input"
    for name, (shape, stride, padding) in _CONVOLUTIONS.items():
        yield from layers.rectified_convolution(name, source, *read(name, shape), stride, padding or "VALID")
        source, number = name, name[-1]
        if number in "12":
            source = f"norm{number}"
            yield layers.local_response_normalization(source, name, radius=2, bias=1.0, alpha=2e-5, beta=0.75)
        if number in "125":
            yield layers.pooling(f"pool{number}", source, pooling_kind, 3, 2, "CEIL")
            source = f"pool{number}"
    if classes:
        yield from layers.fully_connected_layers(read, source, 6, 256, classes)
