"""A network that is small enough for tests of what is done with any."""

import numpy as np

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu


def small_backbone():
    """Two convolutions of random kernels, the first of stride 2, each rectified; and the pixels themselves."""

    def layer(name, source, channels, stride):
        kernel = np.random.default_rng(stride).normal(0, 0.3, (3, 3, *channels)).astype(np.float32)
        yield convolution(f"{name}_pre_relu", source, kernel, np.zeros(channels[1], np.float32), stride)
        yield relu(name, f"{name}_pre_relu")

    layers = [*layer("conv1", "input", (3, 8), 2), *layer("conv2", "conv1", (8, 8), 1)]
    layers.append(convolution("pixels", "input", np.eye(3, dtype=np.float32)[None, None], np.zeros(3, np.float32)))
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)
