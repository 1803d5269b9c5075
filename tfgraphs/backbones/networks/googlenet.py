"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842; "Inception v1"), trained on ImageNet, as TensorFlow released it.

The release is `inception5h.zip`, the network of the DeepDream notebooks. It differs from the paper in details: mixed4a
has 508 channels, and the normalization is another one. 13,461,996 parameters, 6,033,180 of them up to mixed5b; 1008
classes.

Layers keep the names of the file: `conv2d0`, `maxpool0`, `localresponsenorm0` ... `mixed3a_1x1`,
`mixed3a_3x3_bottleneck`, `mixed3a_3x3`, `mixed3a_5x5_bottleneck`, `mixed3a_5x5`, `mixed3a_pool`, `mixed3a_pool_reduce`,
`mixed3a` (four of them concatenated) ... `mixed5b`, `avgpool0`. Three heads classify: `softmax0` reads mixed4a and
`softmax1` mixed4d, through `head0_pool`, `head0_bottleneck`, `nn0`; `softmax2` reads mixed5b. Each rectified layer has
a twin before the rectifier, `mixed4d_3x3_bottleneck_pre_relu`, and so has each block, as in lucid (`mixed4d_pre_relu`).

As in `vgg`, the fully connected layers are convolutions: on pictures of 224 px, as in training, the result is the same,
and on larger ones there is a result for every square. `softmax2_places` are the class logits at each position,
`softmax2_pre_activation` their mean.

The backbone "inception5h" computes the same from the file's own graph, see `frozen_graph`.
"""

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import layers
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU, Arrays, Layer, Reader
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.weights import WeightsError, classes_of, take
from tfgraphs.errors import summary


@dataclass(frozen=True)
class Member:
    """A file of the released archive: its name, its SHA-256 digest and a bound of its size in bytes."""

    name: str
    sha256: str
    limit: int


GRAPH = Member(
    "tensorflow_inception_graph.pb", "a39b08b826c9d5a5532ff424c03a3a11a202967544e389aca4b06c2bd8aef63f", 2**26
)
LABELS = Member(
    "imagenet_comp_graph_label_strings.txt", "da2a31ecfe9f212ae8dd07379b11a74cb2d7a110eba12c5fc8c862a65b8e6606", 2**16
)
ALIASES = {
    "output": "softmax0",
    "output1": "softmax1",
    "output2": "softmax2",
    "logits": "softmax2_pre_activation",
    "softmax": "softmax2",
}

CLASSES = 1008
# 1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, pool_reduce
_BLOCKS = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 204, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 48, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}
_POOLED = {"mixed3b": "maxpool4", "mixed4e": "maxpool10"}  # blocks that a pooling follows
_HEADS = {"mixed4a": "0", "mixed4d": "1"}  # blocks that a head of their own reads
_FIRST = {"0": "head0_bottleneck_w", "1": "head1_bottleneck_w", "2": "softmax2_w"}  # array of each head


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: the constants of the released file, {"conv2d0_w": kernel, "conv2d0_b": bias, ...}.
    """
    read = layers.shapes_only if arrays is None else partial(_read, arrays)
    heads = {
        head: classes_of(arrays or {}, f"softmax{head}_w", 1, usual=CLASSES)
        for head, array in _FIRST.items()
        if arrays is None or array in arrays
    }
    return Backbone(name, _layers(read, heads, pooling_kind), preprocess, ALIASES)


def preprocess(pictures: tf.Tensor) -> tf.Tensor:
    """Maps RGB in 0..1 to 0..255 minus 117, the grey on which the network was trained."""
    return pictures * 255 - 117.0


def is_release(names: Collection[str]) -> bool:
    """Tells by the names of its layers whether a graph is the released one."""
    return {"conv2d0_pre_relu/conv", "localresponsenorm1", *_BLOCKS, "mixed5b_pool_reduce_pre_relu"} <= set(names)


def read_archive(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Reads the graph and the names of the classes from `inception5h.zip`.

    Raises:
        WeightsError: the archive is damaged, or one of the two is not in it or not the known file.
    """
    try:
        with Archive(path) as archive:
            graph, labels = (archive.read(member.name, member.limit) for member in (GRAPH, LABELS))
    except Exception as error:  # what a damaged archive raises cannot be foreseen
        raise WeightsError(f"{path} is not the released archive: {summary(error)}") from error
    for member, content in ((GRAPH, graph), (LABELS, labels)):
        digest = hashlib.sha256(content).hexdigest()
        if digest != member.sha256:
            raise WeightsError(
                f"{path}: {member.name} is not the known file: its SHA-256 is {digest}, expected {member.sha256}; "
                "download the archive again"
            )
    return graph, tuple(labels.decode().splitlines())


def read_classes(folder: Path) -> tuple[str, ...]:
    """Reads the names of the 1008 classes, whose order is not ImageNet's, from the file beside the graph, if any."""
    try:
        with (folder / LABELS.name).open("rb") as file:
            content = file.read(LABELS.limit)
    except OSError:
        return ()
    return tuple(content.decode().splitlines()) if hashlib.sha256(content).hexdigest() == LABELS.sha256 else ()


def _read(arrays: Arrays, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer; fully connected ones are stored as matrices."""
    stored = (math.prod(shape[:-1]), shape[-1]) if layer.startswith(("nn", "softmax")) else shape
    kernel = take(arrays, "googlenet", f"{layer}_w", stored).reshape(shape)
    return kernel, take(arrays, "googlenet", f"{layer}_b", shape[-1:])


def _layers(read: Reader, heads: Mapping[str, int], pooling_kind: str) -> Iterator[Layer]:
    pool = partial(layers.pooling, kind=pooling_kind, size=3, padding="SAME")
    normalize = partial(layers.local_response_normalization, radius=5, bias=2.0, alpha=1e-4, beta=0.5)
    yield from layers.rectified_convolution("conv2d0", "input", *read("conv2d0", (7, 7, 3, 64)), stride=2)
    yield pool("maxpool0", "conv2d0", stride=2)
    yield normalize("localresponsenorm0", "maxpool0")
    yield from layers.rectified_convolution("conv2d1", "localresponsenorm0", *read("conv2d1", (1, 1, 64, 64)))
    yield from layers.rectified_convolution("conv2d2", "conv2d1", *read("conv2d2", (3, 3, 64, 192)))
    yield normalize("localresponsenorm1", "conv2d2")
    yield pool("maxpool1", "localresponsenorm1", stride=2)
    source, channels = "maxpool1", 192
    for block, widths in _BLOCKS.items():
        yield pool(f"{block}_pool", source, stride=1)
        yield from _block(read, block, source, channels, widths)
        source, channels = block, widths[0] + widths[2] + widths[4] + widths[5]
        if block in _POOLED:
            source = _POOLED[block]
            yield pool(source, block, stride=2)
        if _HEADS.get(block) in heads:
            yield from _side_head(read, _HEADS[block], block, channels, heads[_HEADS[block]])
    yield layers.pooling("avgpool0", source, "average", size=7, stride=1)
    if "2" in heads:
        yield from _classifier(read, "softmax2", "avgpool0", channels, heads["2"])


def _block(read: Reader, name: str, source: str, channels: int, widths: tuple[int, ...]) -> Iterator[Layer]:
    """Kernels of three sizes and a pooling in parallel; 1x1 kernels reduce the channels that the larger ones read."""
    straight, bottleneck3, wide3, bottleneck5, wide5, reduced = widths
    convolutions = {
        "1x1": (source, (1, 1, channels, straight)),
        "3x3_bottleneck": (source, (1, 1, channels, bottleneck3)),
        "3x3": (f"{name}_3x3_bottleneck", (3, 3, bottleneck3, wide3)),
        "5x5_bottleneck": (source, (1, 1, channels, bottleneck5)),
        "5x5": (f"{name}_5x5_bottleneck", (5, 5, bottleneck5, wide5)),
        "pool_reduce": (f"{name}_pool", (1, 1, channels, reduced)),
    }
    for branch, (below, shape) in convolutions.items():
        yield from layers.rectified_convolution(f"{name}_{branch}", below, *read(f"{name}_{branch}", shape))
    branches = [f"{name}_{branch}" for branch in ("1x1", "3x3", "5x5", "pool_reduce")]
    yield layers.concatenation(name + PRE_RELU, [branch + PRE_RELU for branch in branches])
    yield layers.concatenation(name, branches)


def _side_head(read: Reader, number: str, source: str, channels: int, classes: int) -> Iterator[Layer]:
    pool, bottleneck, wide = f"head{number}_pool", f"head{number}_bottleneck", f"nn{number}"
    yield layers.pooling(pool, source, "average", size=5, stride=3)
    yield from layers.rectified_convolution(bottleneck, pool, *read(bottleneck, (1, 1, channels, 128)))
    yield from layers.rectified_convolution(wide, bottleneck, *read(wide, (4, 4, 128, 1024)), padding="VALID")
    yield from _classifier(read, f"softmax{number}", wide, 1024, classes)


def _classifier(read: Reader, name: str, source: str, channels: int, classes: int) -> Iterator[Layer]:
    yield layers.convolution(f"{name}_places", source, *read(name, (1, 1, channels, classes)))
    yield layers.global_average(f"{name}_pre_activation", f"{name}_places")
    yield layers.softmax(name, f"{name}_pre_activation")
