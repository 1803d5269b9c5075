"""VGG-16 and VGG-19 (Simonyan, Zisserman 2014, arXiv 1409.1556), trained on ImageNet, as Keras released them.

138.4 and 143.7 million parameters, 1000 classes. Layers have the paper's names, `conv1_1` ... `conv5_4`, `pool1` ...
`pool5`, `fc6`, `fc7`, `fc8` (class logits at each place), `logits` (their mean), `softmax`; each rectified layer has a
twin before the rectifier, `conv1_1_pre_relu`. Keras' names stand for the same: `block1_conv1`, `block1_pool`, `fc1`,
`predictions`. Neural Style (Gatys et al. 2015) looks through VGG-19 with average pooling.

The fully connected layers are convolutions here, the first with a kernel of 7 x 7: at the 224 px of the training it is
the same, and of a larger picture they see every square of 224 px.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tfgraphs.backbones import preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Layer, convolution, global_average, pooling, relu, softmax
from tfgraphs.backbones.readers.weights import take

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)
_CONNECTED = {"fc6": ("fc1", 7, 4096), "fc7": ("fc2", 1, 4096), "fc8": ("predictions", 1, 1000)}

Arrays = Mapping[str, np.ndarray]


def build(name: str, arrays: Arrays, pooling_kind: str = "max") -> Backbone:
    """Builds the network from Keras' arrays, {"block1_conv1/kernel": ..., "block1_conv1/bias": ..., ...}.

    Args:
        name: "vgg16" or "vgg19".
        arrays: of the whole network, or without the fully connected layers, which it then does not have.
        pooling_kind: "max" as trained, or "average", which lets gradients reach every pixel and paints smoother.

    Raises:
        WeightsError: an array is missing or has another shape.
    """
    return Backbone(name, _layers(name, arrays, pooling_kind), preprocessing.caffe, _keras_names(name))


def _layers(name: str, arrays: Arrays, pooling_kind: str) -> Iterator[Layer]:
    read = partial(take, arrays, name)
    source, before = "input", 3
    for block, (depth, channels) in enumerate(zip(DEPTHS[name], _CHANNELS, strict=True), 1):
        for number in range(1, depth + 1):
            layer, keras = f"conv{block}_{number}", f"block{block}_conv{number}"
            kernel = read(f"{keras}/kernel", (3, 3, before, channels))
            yield convolution(f"{layer}_pre_relu", source, kernel, read(f"{keras}/bias", (channels,)))
            yield relu(layer, f"{layer}_pre_relu")
            source, before = layer, channels
        yield pooling(f"pool{block}", source, pooling_kind, size=2, stride=2)
        source = f"pool{block}"
    if "fc1/kernel" in arrays:
        yield from _connected(read, source, before)


def _connected(read: partial[np.ndarray], source: str, before: int) -> Iterator[Layer]:
    for layer, (keras, side, channels) in _CONNECTED.items():
        kernel = read(f"{keras}/kernel", (side * side * before, channels)).reshape(side, side, before, channels)
        last = layer == "fc8"
        convolved = layer if last else f"{layer}_pre_relu"
        yield convolution(convolved, source, kernel, read(f"{keras}/bias", (channels,)), padding="VALID")
        if not last:
            yield relu(layer, convolved)
        source, before = layer, channels
    yield global_average("logits", source)
    yield softmax("softmax", "logits")


def _keras_names(name: str) -> dict[str, str]:
    """What Keras calls the layers, by the names that stand for the same here."""
    names = {"fc1": "fc6", "fc2": "fc7", "predictions": "softmax"}
    for block, depth in enumerate(DEPTHS[name], 1):
        names[f"block{block}_pool"] = f"pool{block}"
        for number in range(1, depth + 1):
            names[f"block{block}_conv{number}"] = f"conv{block}_{number}"
            names[f"block{block}_conv{number}_pre_relu"] = f"conv{block}_{number}_pre_relu"
    return names
