"""Forms of a convolution that are faster than `tf.nn.conv2d` on some processors, and equal up to rounding.

`processor` says where. `backbones.layers.convolution` has the plain form, which is the reference.
"""

from collections.abc import Callable

import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.own_gradients import custom_gradient

Convolution = Callable[[tf.Tensor], tf.Tensor]
Padding = str | int
"""How a window reaches over the border: TensorFlow's "SAME" or "VALID", or a number of zeros on every side."""


def faster_convolution(kernel: tf.Variable, stride: int, padding: Padding) -> Convolution | None:
    """Returns a faster form of `tf.nn.conv2d`, or None where the plain form is as fast on this processor.

    Args:
        kernel: [height, width, channels in, channels out], which does not change.
        stride: in positions.
        padding: see `Padding`.
    """
    chosen, sides = processor.current(), kernel.shape.as_list()[:2]
    odd = max(sides) > 1 and all(side % 2 for side in sides)
    same = padding == "SAME" or all(padding == side // 2 for side in sides)
    if chosen.transposed_convolutions and stride == 1 and odd and same:
        return transposed_convolution(kernel)
    if chosen.gathered_strides and stride > 1 and max(sides) == 1 and padding in ("SAME", "VALID", 0):
        return lambda activation: tf.nn.conv2d(every_position(activation, stride), kernel, 1, "VALID")
    return None


def transposed_convolution(kernel: tf.Variable) -> Convolution:
    """A convolution of stride 1, padding SAME and odd sides as the transpose of one with the mirrored kernel.

    Value and gradient both are `Conv2DBackpropInput`, for which TensorFlow lets oneDNN choose the order of numbers in
    the kernel; for `Conv2D` it does not.
    """
    mirrored = tf.Variable(kernel.numpy()[::-1, ::-1].transpose(0, 1, 3, 2), trainable=False, name="mirrored")

    def transpose(filters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        channels = filters.shape[2]
        shape = tf.concat([tf.shape(values)[:3], [channels]], axis=0)
        result = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=shape, filter=filters, out_backprop=values, strides=[1, 1, 1, 1], padding="SAME"
        )
        return tf.ensure_shape(result, [*values.shape[:3], channels])

    def convolve(activation: tf.Tensor) -> tf.Tensor:
        forward, backward = tf.convert_to_tensor(mirrored), tf.convert_to_tensor(kernel)

        @custom_gradient
        def convolved(values: tf.Tensor) -> tuple[tf.Tensor, Convolution]:
            return transpose(forward, values), lambda upstream: transpose(backward, upstream)

        return convolved(activation)

    return convolve


def every_position(activation: tf.Tensor, stride: int) -> tf.Tensor:
    """activation[:, ::stride, ::stride] of [batch, height, width, channels], with a faster gradient."""
    batch, height, width, _ = tf.unstack(tf.shape(activation))
    places = tf.meshgrid(tf.range(batch), tf.range(0, height, stride), tf.range(0, width, stride), indexing="ij")
    known = [None if side is None else -(-side // stride) for side in activation.shape[1:3]]
    result = tf.gather_nd(activation, tf.stack(places, axis=-1))
    return tf.ensure_shape(result, [activation.shape[0], *known, activation.shape[-1]])
