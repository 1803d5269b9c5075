"""Layers of networks: what each computes, its window, and its weights or their shapes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.geometry import POINT, WHOLE, Windows, sliding
from tfgraphs.graphs.convolutions import Padding, faster_convolution

PRE_RELU = "_pre_relu"
"""Ends the name of the layer before a rectifier: `conv1_pre_relu` for `conv1`."""

FULLY_CONNECTED = (4096, 4096, 1000)  # channels of fc6, fc7, fc8


Array: TypeAlias = np.ndarray | tf.TensorSpec
"""Weights, or what stands for them in the structure of a network that has none."""

Arrays = Mapping[str, np.ndarray]

Reader = Callable[[str, tuple[int, ...]], tuple[Array, Array]]
"""Reads the weights of a layer: maps its name and the shape of its kernel to kernel and bias."""


def shapes_only(layer: str, shape: tuple[int, ...]) -> tuple[tf.TensorSpec, tf.TensorSpec]:
    """A `Reader` for the structure of a network without its weights."""
    return tf.TensorSpec(shape), tf.TensorSpec(shape[-1:])


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        name: as in the paper or release.
        kind: "convolution", "relu", "max pooling", ...
        inputs: names of the layers that it reads; "input" is the preprocessed picture.
        compute: maps the activations of `inputs` to this layer's own.
        channels: number of channels; None for as many as its inputs have together.
        windows: along rows and along columns, in positions of its input.
        weights: its parameters, or their shapes.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    compute: Callable[..., tf.Tensor]
    channels: int | None = None
    windows: Windows = (POINT, POINT)
    weights: tuple[Any, ...] = ()

    @property
    def kernel(self) -> int:
        """The longer side of its window; 0 for the whole picture."""
        return max(window.kernel for window in self.windows)

    @property
    def stride(self) -> int:
        """The larger distance of its windows."""
        return max(window.stride for window in self.windows)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(weight.shape)) for weight in self.weights)


def convolution(
    name: str, source: str, kernel: Array, bias: Array, stride: int = 1, padding: Padding = "SAME"
) -> Layer:
    """Convolution with a bias, in groups if the kernel has fewer channels than its input.

    Args:
        name: of the layer.
        source: the layer that it reads.
        kernel: [height, width, channels in of a group, channels out], or its shape.
        bias: [channels out], or its shape.
        stride: in positions of its input.
        padding: of its input, see `Padding`.
    """
    weights = _variables(name, kernel, bias)
    faster = faster_convolution(weights[0], stride, padding) if isinstance(weights[0], tf.Variable) else None

    def compute(activation: tf.Tensor) -> tf.Tensor:
        if faster is not None and activation.shape[-1] == kernel.shape[2]:
            return tf.nn.bias_add(faster(activation), weights[1])
        return tf.nn.bias_add(_convolve(activation, weights[0], stride, padding), weights[1])

    side, channels = kernel.shape[0], kernel.shape[-1]
    return Layer(name, "convolution", (source,), compute, channels, _square(side, stride, padding), weights)


def _square(side: int, stride: int, padding: Padding) -> Windows:
    """The windows of a square; a number of zeros counts as the zeros of "SAME"."""
    window = sliding(side, stride, "same" if isinstance(padding, int) else padding)
    return window, window


def _convolve(activation: tf.Tensor, kernel: tf.Variable, stride: int, padding: Padding) -> tf.Tensor:
    """The plain form of a convolution: `tf.nn.conv2d`, group by group, as TensorFlow has no gradient of all at once."""
    side, before = kernel.shape[0], kernel.shape[2]
    if stride == 1 and padding == side // 2:
        padding = "SAME"  # the same numbers; TensorFlow's gradient of other paddings is slow
    activation, border = _with_zeros(activation, padding)
    groups = activation.shape[-1] // before
    sources, kernels = tf.split(activation, groups, axis=-1), tf.split(kernel, groups, axis=-1)
    parts = [tf.nn.conv2d(source, part, stride, border) for source, part in zip(sources, kernels, strict=True)]
    return tf.concat(parts, axis=-1) if groups > 1 else parts[0]


def _with_zeros(activation: tf.Tensor, padding: Padding) -> tuple[tf.Tensor, str]:
    """An activation with the zeros that TensorFlow does not put around it itself, and how it is to do the rest."""
    if isinstance(padding, str):
        return activation, padding
    return tf.pad(activation, [[0, 0], [padding, padding], [padding, padding], [0, 0]]), "VALID"


def _variables(name: str, *arrays: Array) -> tuple[Any, ...]:
    """Variables that are not trained, called `name_w` and `name_b`; shapes stay shapes."""
    return tuple(
        array if isinstance(array, tf.TensorSpec) else tf.Variable(array, trainable=False, name=f"{name}_{part}")
        for part, array in zip("wb", arrays, strict=True)
    )


def rectified_convolution(
    name: str, source: str, kernel: Array, bias: Array, stride: int = 1, padding: Padding = "SAME"
) -> Iterator[Layer]:
    """The layers `name_pre_relu`, a convolution, and `name`, its rectifier; arguments as of `convolution`."""
    yield convolution(name + PRE_RELU, source, kernel, bias, stride, padding)
    yield relu(name, name + PRE_RELU)


def fully_connected_layers(
    read: Reader, source: str, side: int, channels: int, classes: int | None = None
) -> Iterator[Layer]:
    """`fc6` ... `fc8`, `logits` and `softmax` of AlexNet and VGG, as convolutions; fc6 reads side x side positions."""
    six, seven, eight = FULLY_CONNECTED
    eight = classes or eight
    yield from rectified_convolution("fc6", source, *read("fc6", (side, side, channels, six)), padding="VALID")
    yield from rectified_convolution("fc7", "fc6", *read("fc7", (1, 1, six, seven)), padding="VALID")
    yield convolution("fc8", "fc7", *read("fc8", (1, 1, seven, eight)), padding="VALID")
    yield global_average("logits", "fc8")
    yield softmax("softmax", "logits")


def relu(name: str, source: str) -> Layer:
    """max(x, 0)."""
    return Layer(name, "relu", (source,), tf.nn.relu)


def pooling(name: str, source: str, kind: str, size: int, stride: int, padding: Padding = "VALID") -> Layer:
    """Maximum or average over windows of size x size.

    Args:
        name, source: as of `convolution`; with zeros around it, a source without negative values.
        kind: "max" or "average".
        size: side of a window, in positions.
        stride: from one window to the next.
        padding: as of a convolution; or "CEIL", as Caffe pools: the number of windows is rounded up, and one that
            reaches over the end is the maximum or average of the positions that are there.
    """
    pool = {"max": tf.nn.max_pool2d, "average": tf.nn.avg_pool2d}[kind]

    def compute(activation: tf.Tensor) -> tf.Tensor:
        if padding == "CEIL":
            return _pool_rounding_up(activation, kind, size, stride)
        activation, border = _with_zeros(activation, padding)  # behind a rectifier nothing is below them
        return pool(activation, size, stride, border)

    return Layer(name, f"{kind} pooling", (source,), compute, windows=_square(size, stride, padding))


def _pool_rounding_up(activation: tf.Tensor, kind: str, size: int, stride: int) -> tf.Tensor:
    """Pools windows of which the last may reach over the end, where there are zeros that do not count."""
    known, shape = activation.shape, tf.shape(activation)
    lacking = [-((known[axis] or shape[axis]) - size) % stride for axis in (1, 2)]
    around = [[0, 0], *([0, number] for number in lacking), [0, 0]]
    wider = tf.pad(activation, around)
    if kind == "max":
        return tf.nn.max_pool2d(wider, size, stride, "VALID")
    there = tf.pad(tf.ones_like(activation[:1, ..., :1]), around)
    return tf.nn.avg_pool2d(wider, size, stride, "VALID") / tf.nn.avg_pool2d(there, size, stride, "VALID")


def local_response_normalization(name: str, source: str, radius: int, bias: float, alpha: float, beta: float) -> Layer:
    """x / (bias + alpha * sum of x^2 over the channels up to `radius` away)^beta (Krizhevsky et al. 2012, 3.3)."""
    return Layer(
        name, "normalization", (source,), lambda x: tf.nn.local_response_normalization(x, radius, bias, alpha, beta)
    )


def addition(name: str, sources: Sequence[str], channels: int) -> Layer:
    """The sum of layers of one shape."""
    return Layer(name, "addition", tuple(sources), lambda *activations: tf.add_n(activations), channels)


def concatenation(name: str, sources: Sequence[str]) -> Layer:
    """The channels of several layers side by side."""
    return Layer(name, "concatenation", tuple(sources), lambda *activations: tf.concat(activations, axis=-1))


def global_average(name: str, source: str) -> Layer:
    """Mean over all positions: [batch, height, width, channels] -> [batch, channels]."""
    return Layer(name, "global average", (source,), lambda x: tf.reduce_mean(x, axis=[1, 2]), windows=(WHOLE, WHOLE))


def softmax(name: str, source: str) -> Layer:
    """Probabilities of classes: [batch, classes] -> [batch, classes]."""
    return Layer(name, "softmax", (source,), tf.nn.softmax)


def connected(name: str, source: str, matrix: Array, bias: Array) -> Layer:
    """A fully connected layer: [batch, channels in] -> [batch, channels out]."""
    weights = _variables(name, matrix, bias)
    return Layer(
        name, "connected", (source,), lambda x: tf.matmul(x, weights[0]) + weights[1], matrix.shape[1], weights=weights
    )
