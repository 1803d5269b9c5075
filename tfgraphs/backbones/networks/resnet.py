"""ResNet-18, 34, 50, 101 and 152 (He et al. 2015, arXiv 1512.03385), trained on ImageNet, by Keras or by torchvision.

Up to 60.3 million parameters, 1000 classes. Layers have Keras' names: `conv1_relu`, `pool1_pool`, then for each block
`conv2_block1_1_relu` ..., `conv2_block1_add` and, rectified, `conv2_block1_out`; `avg_pool`, `logits`, `softmax`. Batch
normalization is folded into the convolution before it: the result is `conv2_block1_1_bn`, and as in all networks
`conv2_block1_1_relu_pre_relu` too. torchvision's names are aliases: `layer1.0` for `conv2_block1_out`, `layer1.0.bn1`,
`layer1.0.downsample.1`, `maxpool`, `avgpool`, `fc`.

Keras' networks, of 50 layers and more, have the stride of a block in its first convolution (1 x 1) and take pictures as
Caffe does; torchvision's have it in the 3 x 3 convolution and take pictures of mean 0 and variance 1.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from tfgraphs.backbones import layers, preprocessing
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import PRE_RELU, Arrays, Layer, Reader
from tfgraphs.backbones.readers.weights import NamedArrays, classes_of, fitted, fold_normalization, take, unknown_names

DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
_PLAIN = ("resnet18", "resnet34")  # blocks of two 3 x 3 convolutions; the others have 1 x 1, 3 x 3, 1 x 1
_CHILDREN = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")


def build(name: str, arrays: Arrays | None = None, pooling_kind: str = "max") -> Backbone:
    """Builds the network from arrays; the arguments are those of every network, see `networks`.

    Args:
        arrays: Keras' {"conv1_conv/kernel": ...}, or torchvision's {"conv1.weight": ...}, whose batch normalization
            may be folded into biases, {"conv1.weight": ..., "conv1.bias": ...}.
    """
    read: Reader = layers.shapes_only
    classes, by_keras = 1000, name not in _PLAIN
    if arrays is not None:
        torchs = fitted(arrays, "conv1.weight", "layer1.0.conv1.weight") or _of_children(arrays)
        if torchs is None and "conv1_conv/kernel" not in arrays:
            raise unknown_names(arrays, name, "layer1.0.conv1.weight", *["conv1_conv/kernel"] * by_keras)
        by_keras, found = torchs is None, torchs or arrays
        read = partial(_read_keras if by_keras else _read_torch, found, name)
        classes = classes_of(found, *(("predictions/kernel", 1) if by_keras else ("fc.weight", 0)), usual=0)
    preprocess = preprocessing.caffe if by_keras else preprocessing.standard
    network = list(_layers(name, read, classes, by_keras, pooling_kind))
    return Backbone(name, network, preprocess, _aliases(network))


def _of_children(arrays: Arrays) -> NamedArrays | None:
    """torchvision's arrays of a network that was cut off: torch.nn.Sequential(*list(network.children())[:-1])."""
    found = fitted(arrays, "0.weight", "4.0.conv1.weight")
    if found is None:
        return None
    names = {str(number): name for number, name in enumerate(_CHILDREN)}
    parts = {name: name.partition(".") for name in found}
    return NamedArrays({f"{names.get(part[0], part[0])}.{part[2]}": found[name] for name, part in parts.items()})


def _read_keras(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer from Keras' arrays, batch normalization included."""
    read, after = partial(take, arrays, network), shape[-1:]
    if layer == "logits":
        return read("predictions/kernel", shape), read("predictions/bias", after)
    kernel, bias = read(f"{layer}_conv/kernel", shape), read(f"{layer}_conv/bias", after)
    return fold_normalization(arrays, network, f"{layer}_bn", kernel, bias, by_keras=True)


def _read_torch(arrays: Arrays, network: str, layer: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The same from torchvision's, which have channels out first."""
    read, after = partial(take, arrays, network), shape[-1:]
    if layer == "logits":
        return np.ascontiguousarray(read("fc.weight", shape[::-1]).T), read("fc.bias", after)
    name, normalization = _torch_names(f"{layer}_bn")
    outer = (shape[3], shape[2], shape[0], shape[1])
    kernel = np.ascontiguousarray(read(f"{name}.weight", outer).transpose(2, 3, 1, 0))
    if f"{name}.bias" in arrays:
        return kernel, read(f"{name}.bias", after)
    return fold_normalization(arrays, network, normalization, kernel, np.zeros(after, np.float32))


def _torch_names(layer: str) -> tuple[str, str]:
    """torchvision's names of a convolution and its batch normalization: layer1.0.conv1, layer1.0.bn1."""
    if layer == "conv1_bn":
        return "conv1", "bn1"
    block, number = _torch_block(layer), layer[-4]
    names = ("downsample.0", "downsample.1") if number == "0" else (f"conv{number}", f"bn{number}")
    return f"{block}.{names[0]}", f"{block}.{names[1]}"


def _torch_block(layer: str) -> str:
    """torchvision's name of the block that a layer is in: layer1.0 for conv2_block1_out."""
    stage, block = re.findall(r"\d+", layer)[:2]
    return f"layer{int(stage) - 1}.{int(block) - 1}"


def _aliases(network: Iterable[Layer]) -> dict[str, str]:
    """Further names of layers: torchvision's, and those of layers before their rectifier."""
    names = {"relu": "conv1_relu", "maxpool": "pool1_pool", "avgpool": "avg_pool", "fc": "logits"}
    names["predictions"] = "softmax"
    for layer in network:
        if layer.kind == "relu":
            names[layer.name + PRE_RELU] = layer.inputs[0]
        if layer.name.endswith("_bn"):
            names[_torch_names(layer.name)[1]] = layer.name
        if layer.name.endswith("_out"):
            block = _torch_block(layer.name)
            names |= {block: layer.name, block.partition(".")[0]: layer.name}  # a stage is called as its last block
    return names


def _layers(name: str, read: Reader, classes: int, by_keras: bool, pooling_kind: str) -> Iterator[Layer]:
    yield _convolution(read, "conv1", "input", (7, 7, 3, 64), 2)
    yield layers.relu("conv1_relu", "conv1_bn")
    yield layers.pooling("pool1_pool", "conv1_relu", pooling_kind, 3, 2, padding=1)
    source, before = "pool1_pool", 64
    for stage, depth in enumerate(DEPTHS[name], 2):
        width = 64 << (stage - 2)
        after = width if name in _PLAIN else 4 * width
        for number in range(1, depth + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            if name in _PLAIN:
                steps = [((3, 3, before, width), stride), ((3, 3, width, after), 1)]
            else:
                first, second = (stride, 1) if by_keras else (1, stride)
                steps = [((1, 1, before, width), first), ((3, 3, width, width), second), ((1, 1, width, after), 1)]
            shortcut = ((1, 1, before, after), stride) if before != after else None
            yield from _block(read, f"conv{stage}_block{number}", source, steps, shortcut)
            source, before = f"conv{stage}_block{number}_out", after
    yield layers.global_average("avg_pool", source)
    if classes:
        yield layers.connected("logits", "avg_pool", *read("logits", (before, classes)))
        yield layers.softmax("softmax", "logits")


Step = tuple[tuple[int, int, int, int], int]  # shape of a kernel, and its stride


def _block(read: Reader, name: str, source: str, steps: list[Step], shortcut: Step | None) -> Iterator[Layer]:
    """relu(g(x) + f(x)), where f is two or three convolutions, and g one or the identity."""
    added = source
    if shortcut:
        added = f"{name}_0_bn"
        yield _convolution(read, f"{name}_0", source, *shortcut)
    for number, step in enumerate(steps, 1):
        yield _convolution(read, f"{name}_{number}", source, *step)
        if number < len(steps):
            source = f"{name}_{number}_relu"
            yield layers.relu(source, f"{name}_{number}_bn")
    yield layers.addition(f"{name}_add", [added, f"{name}_{len(steps)}_bn"], steps[-1][0][-1])
    yield layers.relu(f"{name}_out", f"{name}_add")


def _convolution(read: Reader, name: str, source: str, shape: tuple[int, int, int, int], stride: int) -> Layer:
    """A convolution with the batch normalization behind it."""
    padding = "SAME" if shape[0] == 1 else shape[0] // 2
    return layers.convolution(f"{name}_bn", source, *read(name, shape), stride, padding)
