"""The nodes that networks are made of: what each computes, and how far it sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Layer:
    """One node of a network.

    Attributes:
        name: as in the paper or release.
        kind: "convolution", "relu", "max pooling", ...
        inputs: names of the layers that it reads; "input" is the preprocessed picture.
        compute: maps the activations of `inputs` to this layer's own.
        channels: how many features it has, or None for as many as its inputs have together.
        kernel: side of the window that it looks at, in positions of its input; 0 for the whole picture.
        stride: positions of its input from one of its own to the next.
        padded: whether positions beyond the border count as zeros, so that a window may reach over it.
        weights: its parameters.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    compute: Callable[..., tf.Tensor]
    channels: int | None = None
    kernel: int = 1
    stride: int = 1
    padded: bool = True
    weights: tuple[tf.Variable, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(weight.shape)) for weight in self.weights)


def convolution(
    name: str, source: str, kernel: np.ndarray, bias: np.ndarray, stride: int = 1, padding: str = "SAME"
) -> Layer:
    """Convolution with a bias. kernel: [height, width, channels in, channels out]; bias: [channels out]."""
    weights = (
        tf.Variable(kernel, trainable=False, name=f"{name}_w"),
        tf.Variable(bias, trainable=False, name=f"{name}_b"),
    )

    def compute(activation: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.nn.conv2d(activation, weights[0], stride, padding), weights[1])

    side, channels = kernel.shape[0], kernel.shape[-1]
    return Layer(name, "convolution", (source,), compute, channels, side, stride, padding == "SAME", weights)


def relu(name: str, source: str) -> Layer:
    """max(x, 0)."""
    return Layer(name, "relu", (source,), tf.nn.relu)


def pooling(name: str, source: str, kind: str, size: int, stride: int, padding: str = "VALID") -> Layer:
    """Maximum or average over windows of size x size. kind: "max" or "average"."""
    pool = {"max": tf.nn.max_pool2d, "average": tf.nn.avg_pool2d}[kind]

    def compute(activation: tf.Tensor) -> tf.Tensor:
        return pool(activation, size, stride, padding)

    return Layer(name, f"{kind} pooling", (source,), compute, None, size, stride, padding == "SAME")


def concatenation(name: str, sources: Sequence[str]) -> Layer:
    """The channels of several layers side by side."""

    def compute(*activations: tf.Tensor) -> tf.Tensor:
        return tf.concat(activations, axis=-1)

    return Layer(name, "concatenation", tuple(sources), compute)


def global_average(name: str, source: str) -> Layer:
    """Mean over all positions: [batch, height, width, channels] -> [batch, channels]."""

    def compute(activation: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(activation, axis=[1, 2])

    return Layer(name, "global average", (source,), compute, kernel=0)


def softmax(name: str, source: str) -> Layer:
    """Probabilities of classes: [batch, classes] -> [batch, classes]."""
    return Layer(name, "softmax", (source,), tf.nn.softmax)
