"""Many dreams and features in one process take no more memory than a few."""

import ctypes
import gc
import sys

import numpy as np
import pytest

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamSettings, channel, dream, layer_l2
from tfgraphs.deepdream.features import FeatureSettings, visualize_feature

SIZES = [(48, 56), (64, 52), (50, 70)]
FORGOTTEN = 50_000  # bytes that TensorFlow keeps for ever of a run, mostly names: 13,000 of a dream, 30,000 of Adam


@pytest.fixture(scope="module")
def backbone():
    kernels = [
        np.random.default_rng(seed).normal(0, 0.3, (3, 3, *depth)) for seed, depth in enumerate([(3, 6), (6, 8)])
    ]
    layers = [
        convolution("conv1_pre_relu", "input", kernels[0].astype(np.float32), np.zeros(6, np.float32), stride=2),
        relu("conv1", "conv1_pre_relu"),
        convolution("conv2", "conv1", kernels[1].astype(np.float32), np.zeros(8, np.float32)),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


class _MallInfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


def allocated():
    """Bytes that the process has allocated and not freed, TensorFlow's among them."""
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("only glibc counts what is allocated")
    library.mallinfo2.restype = _MallInfo
    gc.collect()
    info = library.mallinfo2()
    return info.uordblks + info.hblkhd


def run(kind, size, backbone):
    if kind == "dream":
        pixels = np.random.default_rng(0).uniform(size=(*size, 3)).astype(np.float32)
        return dream(pixels, layer_l2("conv2"), backbone, DreamSettings(steps=2, octaves=2))
    return visualize_feature(channel("conv2", 3), backbone, FeatureSettings(style=kind, size=size, steps=2, octaves=1))


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        ("dream", 2),
        *(pytest.param(kind, 7, marks=pytest.mark.long) for kind in ("dream", "laplacian", "fourier", "maco")),
    ],
)
def test_memory_is_flat_after_the_first_runs_of_each_size(backbone, kind, rounds):
    def measure():
        for size in SIZES * rounds:
            assert [*run(kind, size, backbone)]
        return allocated()

    measure()
    before, after = measure(), measure()
    assert (after - before) / (rounds * len(SIZES)) < FORGOTTEN
