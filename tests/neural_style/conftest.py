"""What several tests of paintings look through."""

import numpy as np
import pytest

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu


@pytest.fixture(scope="module")
def small():
    """Two convolutions of random kernels, each rectified."""

    def layer(name, source, channels):
        kernel = np.random.default_rng(len(source)).normal(0, 0.3, (3, 3, *channels)).astype(np.float32)
        yield convolution(f"{name}_pre_relu", source, kernel, np.zeros(channels[1], np.float32))
        yield relu(name, f"{name}_pre_relu")

    layers = [*layer("conv1", "input", (3, 8)), *layer("conv2", "conv1", (8, 8))]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)
