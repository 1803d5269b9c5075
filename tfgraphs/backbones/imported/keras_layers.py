"""Makes layers of a backbone of a Keras model: one for each call of a layer or operation."""

import inspect
import re
from collections.abc import Callable, Iterable
from itertools import chain, count
from typing import Any

import keras
import tensorflow as tf
from keras.src.utils import naming

from tfgraphs.backbones.backbone import BackboneError
from tfgraphs.backbones.geometry import POINT, WHOLE, Window, padding, sliding
from tfgraphs.backbones.layers import PRE_RELU, Layer
from tfgraphs.graphs.convolutions import faster_convolution

_KINDS = {
    "Add": "addition",
    "AveragePooling2D": "average pooling",
    "BatchNormalization": "normalization",
    "Concatenate": "concatenation",
    "Conv2D": "convolution",
    "Dense": "connected",
    "DepthwiseConv2D": "convolution",
    "GlobalAveragePooling2D": "global average",
    "LayerNormalization": "normalization",
    "LeakyReLU": "relu",
    "MaxPooling2D": "max pooling",
    "Multiply": "multiplication",
    "ReLU": "relu",
    "SeparableConv2D": "convolution",
    "Subtract": "subtraction",
}
_ACTIVATIONS = {"Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"}  # and nothing else
_FUSED = {"Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "SeparableConv2D"}  # with an activation function
_POINTWISE = _ACTIVATIONS.union(
    ["Add", "Average", "Concatenate", "Divide", "Maximum", "Minimum", "Multiply", "Subtract"],
    ["Absolute", "Clip", "Elu", "Exp", "Gelu", "HardSigmoid", "HardSilu", "LeakyRelu", "Log", "Negative", "Power"],
    ["Relu", "Relu6", "Sigmoid", "Silu", "Softplus", "Sqrt", "Square", "Tanh"],
    ["BatchNormalization", "CustomScaleLayer", "Dense", "LayerNormalization", "LayerScale", "Normalization"],
    ["Rescaling", "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"],
    ["Identity", "SpatialDropout2D", "StochasticDepth"],
    ["RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"],
)
_ALONG_AN_AXIS = {"Concatenate", "LayerNormalization", "Softmax"}  # pointwise if the axis is that of the channels
_SIZED = {"Flatten", "Permute", "Reshape"}  # layers after them take pictures of one size


class KerasLayers:
    """The layers of a model, with Keras' names.

    Names of layers in a nested model begin with its name, `stem/conv`. The second call of a layer, or its second
    output, is `conv_1`. If a layer includes its activation function, `conv_pre_relu` is the value before it; for a
    layer that is an activation function, `activation_pre_relu` is an alias of its input. If the model ends with a
    softmax, `softmax` and `logits` are aliases of it and its input.

    Attributes:
        layers: by name, each after those it reads.
        aliases: further names.
        flattening: names of the layers that arrange positions anew, for which these must be as many as in the model.
    """

    def __init__(self, model: keras.Model, pooling: str) -> None:
        """Reads the graph of a functional or sequential model with one input, which is not changed.

        Pooling "average" replaces all max poolings; BackboneError if one is not 2-D.
        """
        self.layers: dict[str, Layer] = {}
        self.aliases: dict[str, str] = {}
        self.flattening: set[str] = set()
        self._pooling = pooling
        self._names: dict[int, str] = {}  # names of tensors by id
        self._weighed: set[int] = set()  # ids of operations whose weights were counted
        self._walk(model, ["input"], prefix="")
        last = self.layers.get(self._names[id(model.outputs[0])])
        if last and last.kind == "softmax":
            self.aliases.setdefault("softmax", last.name)
            self.aliases.setdefault("logits", last.inputs[0])
        self.aliases = {alias: layer for alias, layer in self.aliases.items() if self._free(alias) == alias}

    def _walk(self, model: keras.Model, sources: list[str], prefix: str) -> None:
        """Adds the layers of a model with the inputs `sources`."""
        self._names.update(zip(map(id, model.inputs), sources, strict=True))
        for node in _nodes(model):
            operation = node.operation
            name = prefix + re.sub(r"[^A-Za-z0-9_.-]", "_", operation.name)  # as TensorFlow allows for scopes
            reads = [self._names[id(tensor)] for tensor in node.input_tensors]
            if has_graph(operation) and len(operation.inputs) == len(reads):
                self._walk(operation, reads, f"{name}/")
                outputs = [self._names[id(tensor)] for tensor in operation.outputs]
                self.aliases.setdefault(name, outputs[0])
            else:
                outputs = [self._output(node, number, name, reads) for number in range(len(node.outputs))]
            self._names.update(zip(map(id, node.outputs), outputs, strict=True))

    def _output(self, node: Any, number: int, name: str, reads: list[str]) -> str:
        """Adds the layer of one output of a call, and the one before its activation. Returns its name."""
        operation, kind = node.operation, _kind(node.operation)
        if self._pooling == "average" and type(operation).__name__.startswith("MaxPool"):
            operation, kind = _average_pooling(operation), "average pooling"
        name = self._free(name)
        activation = _fused_activation(operation)
        weights = [] if id(node.operation) in self._weighed else getattr(operation, "weights", [])
        self._weighed.add(id(node.operation))
        rows, columns = _windows(operation)
        layer = Layer(
            name=self._free(name + PRE_RELU) if activation else name,
            kind=kind,
            inputs=tuple(reads),
            compute=_call(node, number, operation, bool(activation)),
            channels=(node.outputs[number].shape or (None,))[-1] or 1,
            windows=(rows, columns),
            weights=tuple(weight.value for weight in weights),
        )
        self.layers[layer.name] = layer
        if _needs_size(operation):
            self.flattening.add(layer.name)
        if activation:
            self.layers[name] = Layer(name, _function_name(activation), (layer.name,), activation, layer.channels)
        elif type(operation).__name__ in _ACTIVATIONS:
            self.aliases[name + PRE_RELU] = reads[0]
        return name

    def _free(self, name: str) -> str:
        """Returns the name, with a number appended if another layer has it."""
        tries = chain([name], (f"{name}_{number}" for number in count(1)))
        return next(found for found in tries if found != "input" and found not in self.layers)


def has_graph(operation: Any) -> bool:
    """Whether something is a model with a graph of layers."""
    if isinstance(operation, keras.Sequential):
        return operation.built and bool(operation.layers)
    return isinstance(operation, keras.Model) and isinstance(operation, keras.Function)


def _nodes(model: keras.Model) -> list[Any]:
    """Returns the calls of a model, each after those it depends on."""
    known, nodes, seen = set(map(id, model.inputs)), [], set()
    waiting = [(tensor, False) for tensor in reversed(model.outputs)]
    while waiting:
        tensor, ready = waiting.pop()
        if id(tensor) in known:
            continue
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        if ready:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((tensor, True))
            waiting.extend((source, False) for source in reversed(node.input_tensors))
    return nodes


def _call(node: Any, number: int, operation: Any, bare: bool) -> Callable[..., tf.Tensor]:
    """Returns one output of a call as a function of its inputs; `bare`: before the activation function."""
    if faster := _faster_convolution(operation):
        return faster
    ids = [id(tensor) for tensor in node.input_tensors]
    # Layers that vary pictures at random were noted as training when the model was made
    trains = isinstance(operation, keras.Layer) and "training" in inspect.signature(operation.call).parameters
    mode = {"training": False} if trains else {}

    def compute(*activations: tf.Tensor) -> tf.Tensor:
        arguments, options = node.arguments.fill_in(dict(zip(ids, activations, strict=True)))
        options |= mode
        if not bare:
            return keras.tree.flatten(operation(*arguments, **options))[number]
        activation = operation.activation
        operation.activation = keras.activations.linear
        try:
            return operation(*arguments, **options)
        finally:
            operation.activation = activation

    return compute


def _faster_convolution(operation: Any) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """A convolution before its activation function in a form that is faster here; None for all others."""
    if type(operation) is not keras.layers.Conv2D or not operation.built:
        return None
    shape = (operation.strides, operation.dilation_rate, operation.groups, operation.padding, operation.data_format)
    if shape != ((1, 1), (1, 1), 1, "same", "channels_last") or operation.compute_dtype != "float32":
        return None
    convolve = faster_convolution(operation.kernel.value, 1, "SAME")
    if convolve is None or not operation.use_bias:
        return convolve
    return lambda activation: tf.nn.bias_add(convolve(activation), operation.bias.value)


def _fused_activation(operation: Any) -> Callable[[tf.Tensor], tf.Tensor] | None:
    activation = operation.activation if type(operation).__name__ in _FUSED else None
    return None if activation is keras.activations.linear else activation


def _function_name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__.lower())


def _kind(operation: Any) -> str:
    name = type(operation).__name__
    if name == "Activation":
        return _function_name(operation.activation)
    return _KINDS.get(name) or re.sub(r"\d[dD]$", "", naming.to_snake_case(name)).replace("_", " ").strip()


def _average_pooling(operation: Any) -> keras.Layer:
    if not isinstance(operation, keras.layers.MaxPooling2D):
        raise BackboneError(f"{operation.name} is not a MaxPooling2D layer: average pooling cannot replace it")
    return keras.layers.AveragePooling2D(operation.pool_size, operation.strides, operation.padding)


def _windows(operation: Any) -> Iterable[Window]:
    """Returns the windows of an operation along rows and columns: the whole picture, if it is unknown."""
    name = type(operation).__name__
    if name in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
        gaps = zip(operation.kernel_size, operation.strides, operation.dilation_rate, strict=True)
        return (sliding(kernel, stride, operation.padding, gap) for kernel, stride, gap in gaps)
    if name in ("MaxPooling2D", "AveragePooling2D"):
        sides = zip(operation.pool_size, operation.strides, strict=True)
        return (sliding(kernel, stride, operation.padding) for kernel, stride in sides)
    if name == "Conv2DTranspose":
        sides = zip(operation.kernel_size, operation.strides, strict=True)
        return (Window(-(-kernel // stride), finer=stride, before=(0, kernel)) for kernel, stride in sides)
    if name == "UpSampling2D":
        reach = 1 + (operation.interpolation != "nearest")
        return (Window(reach, finer=size, before=(0, reach)) for size in operation.size)
    if name == "ZeroPadding2D":
        return (padding(before, after) for before, after in operation.padding)
    if name == "Cropping2D":
        return (padding(-before, -after) for before, after in operation.cropping)
    return (POINT, POINT) if _is_pointwise(name, operation) else (WHOLE, WHOLE)


def _is_pointwise(name: str, operation: Any) -> bool:
    if name not in _ALONG_AN_AXIS:
        return name in _POINTWISE
    axes = operation.axis if isinstance(operation.axis, Iterable) else [operation.axis]
    return all(axis in (-1, 3) for axis in axes)


def _needs_size(operation: Any) -> bool:
    """Whether an operation takes pictures of one size only."""
    if isinstance(operation, keras.layers.PReLU):
        return any(side > 1 for side in operation.alpha.shape[:-1])
    return type(operation).__name__ in _SIZED
