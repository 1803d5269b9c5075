"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842; "Inception v1"), trained on ImageNet, as TensorFlow released it.

The release is `inception5h.zip`, the network of the DeepDream notebooks. It differs from the paper in small ways, so in
mixed4a, which has 508 channels, and in the normalization. 13,461,996 parameters in all, 6,033,180 of them up to
mixed5b; 1008 classes.

Layers keep the names of the file: `conv2d0`, `maxpool0`, `localresponsenorm0` ... `mixed3a_1x1`,
`mixed3a_3x3_bottleneck`, `mixed3a_3x3`, `mixed3a_5x5_bottleneck`, `mixed3a_5x5`, `mixed3a_pool`, `mixed3a_pool_reduce`,
`mixed3a` (four of them side by side) ... `mixed5b`, `avgpool0`. Three heads classify: `softmax0` behind mixed4a and
`softmax1` behind mixed4d, with `head0_pool`, `head0_bottleneck`, `nn0`, and `softmax2` behind mixed5b. Each rectified
layer has its twin before the rectifier, `mixed4d_3x3_bottleneck_pre_relu`, and so has each block, as in lucid
(`mixed4d_pre_relu`); `softmax2_pre_activation` are the class logits.

As in `vgg`, the fully connected layers are convolutions: at the 224 px of the training it is the same, and of a larger
picture they see every square. `softmax2_places` are the class logits at each place, `softmax2_pre_activation` their
mean.

`frozen_graph.load(path, "inception5h", googlenet.preprocess, aliases=googlenet.ALIASES)` gives the same numbers from
the file's own graph.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import (
    Layer,
    concatenation,
    convolution,
    global_average,
    local_response_normalization,
    pooling,
    relu,
    softmax,
)
from tfgraphs.backbones.readers.archive import Archive
from tfgraphs.backbones.readers.frozen_graph_file import read_constants
from tfgraphs.backbones.readers.weights import WeightsError, take
from tfgraphs.errors import said
from tfgraphs.files.outputs import atomic_file

__all__ = [
    "ALIASES",
    "GRAPH",
    "LABELS",
    "SHA256",
    "URL",
    "build",
    "extract",
    "is_release",
    "preprocess",
    "read_classes",
    "read_constants",
]


@dataclass(frozen=True)
class Member:
    """A file of the released archive: its name, its SHA-256 digest and a bound of its size in bytes."""

    name: str
    sha256: str
    limit: int


URL = "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip"
SHA256 = "d13569f6a98159de37e92e9c8ec4dae8f674fbf475f69fe6199b514f756d4364"
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

_MEAN = 117.0
_CLASSES = 1008
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
_HEADS = {"mixed4a": "0", "mixed4d": "1"}  # blocks that a head of their own looks at

Read = Callable[[str, tuple[int, ...]], np.ndarray]


def build(arrays: Mapping[str, np.ndarray], pooling_kind: str = "max") -> Backbone:
    """Builds the network from the constants of the released file, {"conv2d0_w": kernel, "conv2d0_b": bias, ...}.

    Args:
        arrays: of the whole network, or without some of its heads, which it then does not have.
        pooling_kind: "max" as trained, or "average", which lets gradients reach every pixel and paints smoother.

    Raises:
        WeightsError: an array is missing or has another shape.
    """
    return Backbone("googlenet", _layers(arrays, pooling_kind), preprocess, ALIASES)


def preprocess(pictures: tf.Tensor) -> tf.Tensor:
    """RGB in 0..1 to 0..255 less 117, the grey on which the network was trained."""
    return pictures * 255 - _MEAN


def is_release(layers: Collection[str]) -> bool:
    """Whether a graph with layers of these names is the released one, whatever its file is called."""
    return {"conv2d0_pre_relu/conv", "localresponsenorm1", *_BLOCKS, "mixed5b_pool_reduce_pre_relu"} <= set(layers)


def extract(archive: Path, folder: Path) -> Path:
    """Takes the graph and the labels, and nothing else, out of the released archive, if they are not there already.

    Args:
        archive: `inception5h.zip`.
        folder: where `GRAPH.name` and `LABELS.name` are put. Files of these names are replaced by whole ones only.

    Returns:
        The path of the graph.

    Raises:
        WeightsError: the archive is damaged, or one of the two is not in it or not the known file.
        OutputError: the folder cannot be written.
    """
    contents = {}
    for member in (GRAPH, LABELS):
        if _is_known(folder / member.name, member):
            continue
        try:
            with Archive(archive) as opened:
                content = opened.read(member.name, member.limit)
        except Exception as error:  # what a damaged archive raises cannot be foreseen
            raise WeightsError(f"{archive} is not the released archive: {said(error)}") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != member.sha256:
            raise WeightsError(
                f"{archive}: {member.name} is not the known file: its SHA-256 is {digest}, expected {member.sha256}; "
                "download the archive again"
            )
        contents[member] = content
    for member, content in contents.items():
        with atomic_file(folder / member.name) as temporary:
            temporary.write_bytes(content)
    return folder / GRAPH.name


def read_classes(folder: Path) -> tuple[str, ...]:
    """The names of the 1008 classes, whose order is not ImageNet's: of the file beside the graph, if it is there."""
    path = folder / LABELS.name
    return tuple(path.read_text(encoding="utf-8").splitlines()) if _is_known(path, LABELS) else ()


def _is_known(path: Path, member: Member) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == member.sha256
    except OSError:
        return False


def _layers(arrays: Mapping[str, np.ndarray], pooling_kind: str) -> Iterator[Layer]:
    read = partial(take, arrays, "googlenet")
    pool = partial(pooling, kind=pooling_kind, size=3, padding="SAME")
    normalize = partial(local_response_normalization, radius=5, bias=2.0, alpha=1e-4, beta=0.5)
    yield from _rectified(read, "conv2d0", "input", (7, 7, 3, 64), stride=2)
    yield pool("maxpool0", "conv2d0", stride=2)
    yield normalize("localresponsenorm0", "maxpool0")
    yield from _rectified(read, "conv2d1", "localresponsenorm0", (1, 1, 64, 64))
    yield from _rectified(read, "conv2d2", "conv2d1", (3, 3, 64, 192))
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
        if block in _HEADS and f"head{_HEADS[block]}_bottleneck_w" in arrays:
            yield from _side_head(read, _HEADS[block], block, channels)
    yield pooling("avgpool0", source, "average", size=7, stride=1)
    if "softmax2_w" in arrays:
        yield from _classifier(read, "softmax2", "avgpool0", channels)


def _block(read: Read, name: str, source: str, channels: int, widths: tuple[int, ...]) -> Iterator[Layer]:
    """Kernels of three sizes and a pooling side by side; 1x1 kernels make the larger ones' inputs narrow."""
    straight, bottleneck3, wide3, bottleneck5, wide5, reduced = widths
    rectified = partial(_rectified, read)
    yield from rectified(f"{name}_1x1", source, (1, 1, channels, straight))
    yield from rectified(f"{name}_3x3_bottleneck", source, (1, 1, channels, bottleneck3))
    yield from rectified(f"{name}_3x3", f"{name}_3x3_bottleneck", (3, 3, bottleneck3, wide3))
    yield from rectified(f"{name}_5x5_bottleneck", source, (1, 1, channels, bottleneck5))
    yield from rectified(f"{name}_5x5", f"{name}_5x5_bottleneck", (5, 5, bottleneck5, wide5))
    yield from rectified(f"{name}_pool_reduce", f"{name}_pool", (1, 1, channels, reduced))
    branches = [f"{name}_{branch}" for branch in ("1x1", "3x3", "5x5", "pool_reduce")]
    yield concatenation(f"{name}_pre_relu", [f"{branch}_pre_relu" for branch in branches])
    yield concatenation(name, branches)


def _side_head(read: Read, number: str, source: str, channels: int) -> Iterator[Layer]:
    yield pooling(f"head{number}_pool", source, "average", size=5, stride=3)
    yield from _rectified(read, f"head{number}_bottleneck", f"head{number}_pool", (1, 1, channels, 128))
    yield from _rectified(read, f"nn{number}", f"head{number}_bottleneck", (4, 4, 128, 1024), connected=True)
    yield from _classifier(read, f"softmax{number}", f"nn{number}", 1024)


def _classifier(read: Read, name: str, source: str, channels: int) -> Iterator[Layer]:
    kernel = read(f"{name}_w", (channels, _CLASSES)).reshape(1, 1, channels, _CLASSES)
    yield convolution(f"{name}_places", source, kernel, read(f"{name}_b", (_CLASSES,)))
    yield global_average(f"{name}_pre_activation", f"{name}_places")
    yield softmax(name, f"{name}_pre_activation")


def _rectified(
    read: Read, name: str, source: str, shape: tuple[int, int, int, int], stride: int = 1, connected: bool = False
) -> Iterator[Layer]:
    """A convolution and its rectifier. `connected`: stored as a matrix, and seeing no place beyond the border."""
    height, width, before, after = shape
    stored = (height * width * before, after) if connected else shape
    kernel, bias = read(f"{name}_w", stored).reshape(shape), read(f"{name}_b", (after,))
    yield convolution(f"{name}_pre_relu", source, kernel, bias, stride, "VALID" if connected else "SAME")
    yield relu(name, f"{name}_pre_relu")
