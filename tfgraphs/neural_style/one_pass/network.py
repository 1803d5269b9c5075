"""The image transformation network: paints a photograph in one pass.

It is a much smaller form of that of Johnson, Alahi and Fei-Fei (arXiv 1603.08155), with two later improvements:
instance normalization (Ulyanov, Vedaldi and Lempitsky, arXiv 1607.08022), and resize convolutions instead of transposed
ones, which print chessboards (Odena, Dumoulin and Olah, distill.pub/2016/deconv-checkerboard). Two convolutions of
stride 2 reduce the picture to a quarter of its size, residual blocks do most of the work there, and two resize
convolutions enlarge it again:

    painted = sigmoid(up(blocks(down(photograph) + strength * noise)))

The noise, the same for every photograph of a size, is for skies and walls: where a photograph is even, a network has
nothing else to make strokes of (Ulyanov et al., arXiv 1603.03417, feed it noise for the same reason). Only the last
resize convolution is computed at the full size: more layers there took most of the time and improved the picture
little. Adding the photograph itself at the end was tried and left out: its sharp edges stay, and the network does not
learn to paint strokes.
"""

import itertools

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope
from tfgraphs.monitor import html

SMALLEST_SIDE = 8  # of a picture, in pixels, so that there is something to mirror at each border
CHANNELS = (24, 64)  # of the activations at half and at a quarter of the size
BLOCKS = 4
NETWORK = "network"
"""The scope in which training computes the network; names of variables begin with it."""
_LAST = "up_2"  # the scope of the last layer, which has no normalization
_EPSILON = 1e-5


class TransformationNetwork(tf.Module):
    """Maps float32 pictures [batch, height, width, 3], RGB in 0..1, to painted ones of the same shape and range.

    Args:
        channels: see `CHANNELS`.
        blocks: how many residual blocks there are.
        seed: of the initial kernels.
    """

    def __init__(self, channels: tuple[int, int] = CHANNELS, blocks: int = BLOCKS, seed: int = 0) -> None:
        super().__init__(name="transformation")
        draw = np.random.default_rng(seed)
        half, quarter = channels
        self._down = [_Layer("down_1", draw, 7, 3, half), _Layer("down_2", draw, 3, half, quarter)]
        self._blocks = [
            [_Layer(f"block_{number + 1}/{place}", draw, 3, quarter, quarter) for place in ("first", "second")]
            for number in range(blocks)
        ]
        self._up = _Layer("up_1", draw, 3, quarter, half)
        self._strength = tf.Variable(tf.fill([quarter], 0.1), name=f"{NETWORK}/noise/strength")
        self._kernel = tf.Variable(_initial(draw, 5, half, 3), name=f"{NETWORK}/{_LAST}/kernel")
        self._bias = tf.Variable(tf.zeros([3]), name=f"{NETWORK}/{_LAST}/bias")

    def __repr__(self) -> str:
        return f"<{self._summary}>"

    def _repr_html_(self) -> str:
        """Returns the convolutions as a table for notebooks."""
        layers = [*self._down, *itertools.chain(*self._blocks), self._up]
        shapes = {**{layer.scope: layer.kernel.shape for layer in layers}, _LAST: self._kernel.shape}
        rows = [(name, f"{height} x {width}", before, after) for name, (height, width, before, after) in shapes.items()]
        return html.table(["Convolution", "Kernel", "Channels in", "Channels out"], rows, self._summary)

    @property
    def _summary(self) -> str:
        parameters = sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)
        return f"{type(self).__name__}: {parameters:,} parameters"

    def __call__(self, pictures: tf.Tensor, noise: tf.Tensor | None = None) -> tf.Tensor:
        """Paints pictures of at least SMALLEST_SIDE pixels a side; `noise` replaces `noise_of` their size."""
        activation = pictures
        for layer in self._down:
            with scope(layer.scope):
                activation = tf.nn.relu(layer.normalized(convolution(activation, layer.kernel, stride=2)))
        with scope("noise"):
            activation += self._strength * (noise_of(tf.shape(pictures)[1:3]) if noise is None else noise)
        for first, second in self._blocks:
            with scope(first.scope):
                inner = tf.nn.relu(first.normalized(convolution(activation, first.kernel)))
            with scope(second.scope):
                activation += second.normalized(convolution(inner, second.kernel))
        with scope(self._up.scope):
            activation = tf.nn.relu(self._up.normalized(resize_convolution(activation, self._up.kernel)))
        with scope(_LAST):
            painted = tf.sigmoid(resize_convolution(activation, self._kernel) + self._bias)
            height, width = tf.unstack(tf.shape(pictures)[1:3])
            return painted[:, :height, :width]  # halves of odd sides were rounded up


def noise_of(size: tf.Tensor) -> tf.Tensor:
    """Returns the noise for pictures of a size [height, width]: normal, float32 [1, height / 4, width / 4, 1].

    Quarters are rounded up.
    """
    height, width = tf.unstack((size + 3) // 4)
    return tf.random.stateless_normal([1, height, width, 1], seed=[0, 0])


class _Layer(tf.Module):
    """The weights of a convolution between so many channels, and those of the normalization after it.

    Their names in graphs begin with the scope in which they are used.
    """

    def __init__(self, scope: str, draw: np.random.Generator, side: int, before: int, after: int) -> None:
        super().__init__()
        self.scope = scope
        self.kernel = tf.Variable(_initial(draw, side, before, after), name=f"{NETWORK}/{scope}/kernel")
        self._scale = tf.Variable(tf.ones([after]), name=f"{NETWORK}/{scope}/scale")
        self._shift = tf.Variable(tf.zeros([after]), name=f"{NETWORK}/{scope}/shift")

    def normalized(self, activation: tf.Tensor) -> tf.Tensor:
        return instance_normalization(activation, self._scale, self._shift)


def _initial(draw: np.random.Generator, side: int, before: int, after: int) -> np.ndarray:
    """A kernel that keeps the variance of rectified activations (He et al., arXiv 1502.01852)."""
    deviation = np.sqrt(2 / (side * side * before))
    return draw.normal(0, deviation, (side, side, before, after)).astype(np.float32)


def convolution(activation: tf.Tensor, kernel: tf.Tensor, stride: int = 1) -> tf.Tensor:
    """Convolves a picture that is mirrored at its borders, as zeros there would show as a frame.

    Args:
        activation: [batch, height, width, channels in]; the result's height and width are divided by the stride.
        kernel: [side, side, channels in, channels out], with an odd side.
        stride: in positions of the input.
    """
    margin = kernel.shape[0] // 2
    mirrored = tf.pad(activation, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "SYMMETRIC")
    return tf.nn.conv2d(mirrored, kernel, stride, "VALID")


def instance_normalization(activation: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """scale (x - mean) / deviation + shift, for each channel of each picture [batch, height, width, channels]."""
    mean, variance = tf.nn.moments(activation, axes=[1, 2], keepdims=True)
    return tf.nn.batch_normalization(activation, mean, variance, shift, scale, _EPSILON)


def resize_convolution(activation: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Doubles the size by repeating each position, and convolves.

    The convolution is computed before the size is doubled, in a fraction of the time: a kernel on repeated positions
    equals a smaller kernel on the positions themselves, a different one for each of the four that a position becomes.

    Args:
        activation: [batch, height, width, channels in]; the result is [batch, 2 height, 2 width, channels out].
        kernel: as of `convolution`.
    """
    margin = kernel.shape[0] // 2
    reach = (margin + 1) // 2
    rows = np.zeros((2, 2 * reach + 1, kernel.shape[0]), np.float32)  # which position each row meets
    for place in range(2):
        for row in range(kernel.shape[0]):
            rows[place, reach + (place + row - margin) // 2, row] = 1
    four = tf.einsum("pam,qbn,mnio->abipqo", rows, rows, kernel)
    before, after = kernel.shape[2:]
    convolved = convolution(activation, tf.reshape(four, [2 * reach + 1, 2 * reach + 1, before, 4 * after]))
    return tf.nn.depth_to_space(convolved, 2)
