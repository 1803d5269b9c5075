"""VGG-16 and VGG-19 (Simonyan, Zisserman 2014, arXiv 1409.1556), trained on ImageNet, as Keras released them.

138.4 and 143.7 million parameters, 1000 classes. Layers have the paper's names: `conv1_1` ... `conv5_4`, `pool1` ...
`pool5`, `fc6`, `fc7`, `fc8` (class logits at each position), `logits` (their mean), `softmax`. Each rectified layer has
a twin before the rectifier, `conv1_1_pre_relu`. Keras' names are aliases: `block1_conv1`, `block1_pool`, `fc1`,
`predictions`. Neural Style (Gatys et al. 2015) uses VGG-19 with average pooling.

The fully connected layers are convolutions here, the first with a kernel of 7 x 7. On pictures of 224 px, as in
training, the result is the same; on larger ones there is a result for every square of 224 px.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU, Layer, Reader
from tfgraphs.backbones.readers.weights import take

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)
_CONNECTED = (4096, 4096, 1000)  # channels of fc6, fc7, fc8

Arrays = Mapping[str, np.ndarray]


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network.

    Args:
        name: "vgg16" or "vgg19".
        arrays: Keras' {"block1_conv1/kernel": ..., "block1_conv1/bias": ..., ...}, of the whole network, or without
            the fully connected layers, which the network then lacks. None: its structure without weights.
        pooling_kind: "max" as trained, or "average", which lets gradients reach every pixel and paints smoother.

    Raises:
        WeightsError: an array is missing or has another shape.
    """
    read = layers.shapes_only if arrays is None else partial(_read, arrays, name)
    whole = arrays is None or "fc1/kernel" in arrays
    return Backbone(name, _layers(name, read, whole, pooling_kind), preprocessing.caffe, _keras_names(name))


def _read(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer, by Keras' name; fully connected ones are stored as matrices."""
    stored = shape if layer.startswith("block") else (math.prod(shape[:-1]), shape[-1])
    kernel = take(arrays, network, f"{layer}/kernel", stored).reshape(shape)
    return kernel, take(arrays, network, f"{layer}/bias", shape[-1:])


def _layers(name: str, read: Reader, whole: bool, pooling_kind: str) -> Iterator[Layer]:
    source, before = "input", 3
    for block, (depth, channels) in enumerate(zip(DEPTHS[name], _CHANNELS, strict=True), 1):
        for number in range(1, depth + 1):
            weights = read(f"block{block}_conv{number}", (3, 3, before, channels))
            yield from layers.rectified_convolution(f"conv{block}_{number}", source, *weights)
            source, before = f"conv{block}_{number}", channels
        yield layers.pooling(f"pool{block}", source, pooling_kind, size=2, stride=2)
        source = f"pool{block}"
    if whole:
        six, seven, eight = _CONNECTED
        yield from layers.rectified_convolution("fc6", source, *read("fc1", (7, 7, before, six)), padding="VALID")
        yield from layers.rectified_convolution("fc7", "fc6", *read("fc2", (1, 1, six, seven)), padding="VALID")
        yield layers.convolution("fc8", "fc7", *read("predictions", (1, 1, seven, eight)), padding="VALID")
        yield layers.global_average("logits", "fc8")
        yield layers.softmax("softmax", "logits")


def _keras_names(name: str) -> dict[str, str]:
    """Keras' names of layers, as aliases."""
    names = {"fc1": "fc6", "fc2": "fc7", "predictions": "softmax"}
    for block, depth in enumerate(DEPTHS[name], 1):
        names[f"block{block}_pool"] = f"pool{block}"
        for number in range(1, depth + 1):
            for twin in ("", PRE_RELU):
                names[f"block{block}_conv{number}{twin}"] = f"conv{block}_{number}{twin}"
    return names
