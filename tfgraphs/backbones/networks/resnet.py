"""ResNet-18, 34, 50, 101 and 152 (He et al. 2015, arXiv 1512.03385), trained on ImageNet, by Keras or by torchvision.

60.3 million parameters at the deepest, 1000 classes. Layers have Keras' names: `conv1_relu`, `pool1_pool`, then for
each block `conv2_block1_1_relu` ..., `conv2_block1_add` and, rectified, `conv2_block1_out`; `avg_pool`, `logits`,
`softmax`.
Batch normalization is part of the convolution before it: its result is `conv2_block1_1_bn`, and by the rule for all
networks `conv2_block1_1_relu_pre_relu` too. torchvision's names stand for the same: `layer1.0` for `conv2_block1_out`,
`layer1.0.bn1`, `layer1.0.downsample.1`, `maxpool`, `avgpool`, `fc`.

Keras' networks, of 50 layers and more, take the stride in a block's first convolution (1 x 1) and pictures as Caffe
does, torchvision's in the 3 x 3 one and pictures of mean 0 and variance 1.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tfgraphs.backbones import preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import Layer, addition, connected, convolution, global_average, pooling, relu, softmax
from tfgraphs.backbones.readers.weights import WeightsError, take

DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
_PLAIN = ("resnet18", "resnet34")  # blocks of two 3 x 3 convolutions; the others have 1 x 1, 3 x 3, 1 x 1
_EPSILON = {"keras": 1.001e-5, "torch": 1e-5}

Arrays = Mapping[str, np.ndarray]


def build(name: str, arrays: Arrays, pooling_kind: str = "max") -> Backbone:
    """Builds the network from Keras' arrays, {"conv1_conv/kernel": ...}, or torchvision's, {"conv1.weight": ...}.

    torchvision's may have batch normalization folded into biases, {"conv1.weight": ..., "conv1.bias": ...}.

    Args:
        name: of `DEPTHS`.
        arrays: of the whole network, or without its last, fully connected layer, which it then does not have.
        pooling_kind: "max" as trained, or "average".

    Raises:
        WeightsError: an array is missing or has another shape.
    """
    release = "torch" if "conv1.weight" in arrays else "keras"
    network = _Network(
        name, release, partial(take, arrays, name), "fc.weight" in arrays or "predictions/kernel" in arrays
    )
    preprocess = preprocessing.caffe if release == "keras" else preprocessing.standard
    return Backbone(name, network.layers(arrays, pooling_kind), preprocess, _names(name))


def _names(name: str) -> dict[str, str]:
    """Further names of layers: torchvision's, and those of layers before their rectifier."""
    last = 2 if name in _PLAIN else 3
    names = {"relu": "conv1_relu", "bn1": "conv1_bn", "maxpool": "pool1_pool", "avgpool": "avg_pool", "fc": "logits"}
    names |= {"predictions": "softmax", "conv1_relu_pre_relu": "conv1_bn"}
    for stage, depth in enumerate(DEPTHS[name], 2):
        names[f"layer{stage - 1}"] = f"conv{stage}_block{depth}_out"
        for block in range(1, depth + 1):
            keras, torch = f"conv{stage}_block{block}", f"layer{stage - 1}.{block - 1}"
            names |= {torch: f"{keras}_out", f"{keras}_out_pre_relu": f"{keras}_add"}
            if _has_shortcut(name, stage, block):
                names[f"{torch}.downsample.1"] = f"{keras}_0_bn"
            for number in range(1, last + 1):
                names[f"{torch}.bn{number}"] = f"{keras}_{number}_bn"
                if number < last:
                    names[f"{keras}_{number}_relu_pre_relu"] = f"{keras}_{number}_bn"
    return names


def _has_shortcut(name: str, stage: int, block: int) -> bool:
    """Whether a block's input goes around it through a convolution, because its shape changes."""
    return block == 1 and (stage > 2 or name not in _PLAIN)


class _Network:
    """The layers, one after the other.

    Args:
        name: of the network.
        release: "keras" or "torch".
        read: gives an array by name and shape.
        classifies: whether there is a last layer.
    """

    def __init__(self, name: str, release: str, read: "partial[np.ndarray]", classifies: bool) -> None:
        self._name, self._release, self._read, self._classifies = name, release, read, classifies

    def layers(self, arrays: Arrays, pooling_kind: str) -> Iterator[Layer]:
        self._arrays = arrays
        yield self._convolution("conv1", "input", 3, 64, 7, 2)
        yield relu("conv1_relu", "conv1_bn")
        yield pooling("pool1_pool", "conv1_relu", pooling_kind, 3, 2, padding=1)
        source, before = "pool1_pool", 64
        for stage, depth in enumerate(DEPTHS[self._name], 2):
            width = 64 << (stage - 2)
            after = width if self._name in _PLAIN else 4 * width
            for block in range(1, depth + 1):
                stride = 2 if block == 1 and stage > 2 else 1
                yield from self._block(stage, block, source, (before, width, after), stride)
                source, before = f"conv{stage}_block{block}_out", after
        yield global_average("avg_pool", source)
        if self._classifies:
            yield self._classes(before)
            yield softmax("softmax", "logits")

    def _block(
        self, stage: int, block: int, source: str, channels: tuple[int, int, int], stride: int
    ) -> Iterator[Layer]:
        """x + f(x), rectified, where f is two or three convolutions; see `_has_shortcut`."""
        name = f"conv{stage}_block{block}"
        before, width, after = channels
        if self._name in _PLAIN:
            steps = [(before, width, 3, stride), (width, after, 3, 1)]
        else:
            first, second = (stride, 1) if self._release == "keras" else (1, stride)
            steps = [(before, width, 1, first), (width, width, 3, second), (width, after, 1, 1)]
        shortcut = source
        if _has_shortcut(self._name, stage, block):
            shortcut = f"{name}_0_bn"
            yield self._convolution(f"{name}_0", source, before, after, 1, stride)
        for number, step in enumerate(steps, 1):
            yield self._convolution(f"{name}_{number}", source, *step)
            if number < len(steps):
                yield relu(f"{name}_{number}_relu", f"{name}_{number}_bn")
            source = f"{name}_{number}_relu"
        yield addition(f"{name}_add", [shortcut, f"{name}_{len(steps)}_bn"], after)
        yield relu(f"{name}_out", f"{name}_add")

    def _convolution(self, name: str, source: str, before: int, after: int, side: int, stride: int) -> Layer:
        """A convolution with the batch normalization behind it folded in."""
        shape = (side, side, before, after)
        if self._release == "keras":
            kernel = self._read(f"{name}_conv/kernel", shape)
            bias = self._read(f"{name}_conv/bias", (after,))
            normalization = [f"{name}_bn/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        else:
            torch, normal = _torch_names(name)
            kernel = self._read(f"{torch}.weight", (after, before, side, side)).transpose(2, 3, 1, 0)
            folded = f"{torch}.bias" in self._arrays
            bias = self._read(f"{torch}.bias", (after,)) if folded else np.zeros(after, np.float32)
            parts = () if folded else ("weight", "bias", "running_mean", "running_var")
            normalization = [f"{normal}.{part}" for part in parts]
        if normalization:
            gamma, beta, mean, variance = (self._read(part, (after,)) for part in normalization)
            if (variance < 0).any():
                raise WeightsError(f"{normalization[-1]} of {self._name} is below 0: the file is damaged")
            scale = gamma / np.sqrt(variance + _EPSILON[self._release])
            kernel, bias = kernel * scale, (bias - mean) * scale + beta
        padding = "SAME" if side == 1 else side // 2
        return convolution(f"{name}_bn", source, np.ascontiguousarray(kernel), bias, stride, padding)

    def _classes(self, before: int) -> Layer:
        """The last layer, on the mean of all places."""
        if self._release == "keras":
            matrix, bias = self._read("predictions/kernel", (before, 1000)), self._read("predictions/bias", (1000,))
        else:
            matrix, bias = self._read("fc.weight", (1000, before)).T, self._read("fc.bias", (1000,))
        return connected("logits", "avg_pool", np.ascontiguousarray(matrix), bias)


def _torch_names(name: str) -> tuple[str, str]:
    """torchvision's names of a convolution and of its batch normalization: conv2_block1_1 is layer1.0.conv1."""
    if name == "conv1":
        return "conv1", "bn1"
    stage, block, number = (int(part.removeprefix("conv").removeprefix("block")) for part in name.split("_"))
    inside = f"layer{stage - 1}.{block - 1}"
    if number == 0:
        return f"{inside}.downsample.0", f"{inside}.downsample.1"
    return f"{inside}.conv{number}", f"{inside}.bn{number}"
