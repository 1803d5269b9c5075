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
from tfgraphs.backbones.readers.weights import take

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
            [channels out, channels in of a group, height, width], or as `bvlc_alexnet.npy` does, [height, width,
            channels in of a group, channels out] (Guerzhoy, University of Toronto). Both take pictures in BGR; of a
            copy that takes RGB, reverse the channels in of `conv1/0` first.
    """
    read = layers.shapes_only if arrays is None else partial(_read, arrays, name)
    whole = arrays is None or "fc6/0" in arrays
    return Backbone(name, _layers(read, whole, pooling_kind), preprocessing.caffe)


def _read(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer in either layout; fully connected ones are stored as matrices."""
    height, width, before, after = shape
    caffe = "conv1/0" in arrays and arrays["conv1/0"].shape[:1] == (96,)
    outer = (after, before, height, width) if caffe else shape
    inputs = math.prod(shape[:-1])
    matrix = (after, inputs) if caffe else (inputs, after)
    kernel = take(arrays, network, f"{layer}/0", matrix if layer.startswith("fc") else outer).reshape(outer)
    if caffe:
        kernel = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
    return kernel, take(arrays, network, f"{layer}/1", (after,))


def _layers(read: Reader, whole: bool, pooling_kind: str) -> Iterator[Layer]:
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
    if whole:
        yield from layers.fully_connected_layers(read, source, side=6, channels=256)
