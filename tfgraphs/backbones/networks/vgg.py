"""VGG-16 and VGG-19 (Simonyan, Zisserman 2014, arXiv 1409.1556), trained on ImageNet, as Keras released them.

138.4 and 143.7 million parameters, 1000 classes. Layers have the paper's names: `conv1_1` ... `conv5_4`, `pool1` ...
`pool5`, `fc6`, `fc7`, `fc8` (class logits at each position), `logits` (their mean), `softmax`. Each rectified layer has
a twin before the rectifier, `conv1_1_pre_relu`. Keras' names are aliases: `block1_conv1`, `block1_pool`, `fc1`,
`predictions`. Neural Style (Gatys et al. 2015) uses VGG-19 with average pooling.

The fully connected layers are convolutions here, the first with a kernel of 7 x 7. On pictures of 224 px, as in
training, the result is the same; on larger ones there is a result for every square of 224 px.
"""

import math
import re
from collections.abc import Iterator
from functools import partial

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Arrays, Layer, Reader
from tfgraphs.backbones.readers.weights import take

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)
_KERAS_WEIGHTS = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: Keras' {"block1_conv1/kernel": ..., "block1_conv1/bias": ..., ...}.
    """
    read = layers.shapes_only if arrays is None else partial(_read, arrays, name)
    whole = arrays is None or "fc1/kernel" in arrays
    network = list(_layers(name, read, whole, pooling_kind))
    aliases = {"fc1": "fc6", "fc2": "fc7", "predictions": "softmax"}
    aliases |= {_keras_name(layer.name): layer.name for layer in network if layer.name.startswith(("conv", "pool"))}
    return Backbone(name, network, preprocessing.caffe, aliases)


def _keras_name(layer: str) -> str:
    """Keras' name of a layer: block1_conv2 for conv1_2, block1_pool for pool1."""
    return re.sub(r"^(conv|pool)(\d)_?", r"block\2_\1", layer)


def _read(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer; fully connected ones are stored as matrices."""
    stored = (math.prod(shape[:-1]), shape[-1]) if layer in _KERAS_WEIGHTS else shape
    keras = _KERAS_WEIGHTS.get(layer) or _keras_name(layer)
    kernel = take(arrays, network, f"{keras}/kernel", stored).reshape(shape)
    return kernel, take(arrays, network, f"{keras}/bias", shape[-1:])


def _layers(name: str, read: Reader, whole: bool, pooling_kind: str) -> Iterator[Layer]:
    source, before = "input", 3
    for block, (depth, channels) in enumerate(zip(DEPTHS[name], _CHANNELS, strict=True), 1):
        for number in range(1, depth + 1):
            layer = f"conv{block}_{number}"
            yield from layers.rectified_convolution(layer, source, *read(layer, (3, 3, before, channels)))
            source, before = layer, channels
        yield layers.pooling(f"pool{block}", source, pooling_kind, size=2, stride=2)
        source = f"pool{block}"
    if whole:
        yield from layers.fully_connected_layers(read, source, side=7, channels=before)
