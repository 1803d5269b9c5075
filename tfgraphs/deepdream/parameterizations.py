"""Parameterizations: the variables that an optimizer changes, and the pictures made of them.

The same objective gives other pictures in another space. Gradients of pixels are mostly fine noise. In frequency space
with decorrelated colours, coarse and fine structures change alike (Olah, Mordvintsev, Schubert, "Feature
Visualization", 2017: "preconditioning").
"""

import functools
from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfgraphs.graphs.scopes import scope

# Decorrelated colour axes: the columns are lightness, red against blue, and green against both. A square root of the
# covariance of RGB in ImageNet, from Lucid (2018), divided by the norm of its longest column.
_MIXED = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLORS = (_MIXED / np.linalg.norm(_MIXED, axis=0).max()).astype(np.float32)

# Natural pictures along the same axes, before the sigmoid: amplitudes fall as f^-EXPONENTS, and DEVIATIONS are the
# standard deviations. Measured on the colour photographs that scikit-image ships (astronaut, chelsea, coffee,
# rocket, motorcycle_left; of each the squares at both ends of its longer side, reduced to 256 px). RGB, clipped to
# 0.02..0.98, went through the inverses of the sigmoid and of COLORS. The exponents are slopes of log amplitude over
# log f in 15 rings from 3/256 to 0.35 cycles per pixel, under a Hann window, of the mean of all power spectra, each
# divided by its sum; the deviations are geometric means.
EXPONENTS = (1.21, 1.33, 1.21)
DEVIATIONS = (1.73, 1.99, 1.31)


class Parameterization(Protocol):
    """What all parameterizations have.

    Attributes:
        variables: what the optimizer changes.
        projection: what is applied to each variable after each step; None for nothing.
    """

    variables: list[tf.Variable]
    projection: Callable[[tf.Tensor], tf.Tensor] | None = None

    def pictures(self) -> tf.Tensor:
        """Returns the pictures, float32 [batch, height, width, 3], RGB in 0..1."""

    def alpha(self) -> tf.Tensor | None:
        """Returns their opacity, float32 [batch, height, width, 1] in 0..1; None if they have none."""
        return None


class Pixels(Parameterization):
    """The pictures themselves, clipped to 0..1 after each step."""

    def __init__(self, pictures: np.ndarray) -> None:
        """Starts from pictures, float32 [batch, height, width, 3]."""
        self.variables = [tf.Variable(pictures, name="pixels")]
        self.projection = functools.partial(tf.clip_by_value, clip_value_min=0.0, clip_value_max=1.0)

    def pictures(self) -> tf.Tensor:
        return self.variables[0].read_value()


class Fourier(Parameterization):
    """Pictures as sums of waves along decorrelated colour axes; the amplitudes are optimised.

        picture = sigmoid(COLORS irfft2(scale * spectrum) / 4),    scale = sqrt(height * width) / f^decay

    f are cycles per pixel, at least 1 / max(height, width). As `fft_image` and `to_valid_rgb` of Lucid, where
    `chroma_blur` is 0. It multiplies the scale of the two axes of colours by exp(-2 (pi chroma_blur f)^2), the spectrum
    of a Gaussian: colours are blurred, which keeps pictures from fringes.
    """

    def __init__(
        self,
        size: tuple[int, int],
        batch: int = 1,
        *,
        decay: float = 1.0,
        chroma_blur: float = 0.0,
        deviation: float = 0.01,
        alpha: bool = False,
        seed: int = 0,
    ) -> None:
        """Starts from faint noise.

        Args:
            size: height and width in pixels.
            batch: number of pictures.
            decay: exponent of the scale, at least 0; larger values make smoother pictures.
            chroma_blur: standard deviation in pixels, at least 0, of the Gaussian that blurs colours.
            deviation: standard deviation of the initial spectrum.
            alpha: whether the pictures have an opacity, as one more axis besides the colours.
            seed: of the initial spectrum.
        """
        self._size = size
        scale, gaussian = _wave_scale(size, decay), np.exp(-2 * np.square(np.pi * chroma_blur * _frequencies(size)))
        sharp = np.ones_like(gaussian)
        self._scale = scale * tf.constant([sharp, gaussian, gaussian, sharp][: 3 + alpha], tf.float32)
        shape = [2, batch, *self._scale.shape]  # real and imaginary parts
        self.variables = [tf.Variable(tf.random.stateless_normal(shape, [seed, 0], stddev=deviation), name="spectrum")]
        self._has_alpha = alpha

    def pictures(self) -> tf.Tensor:
        with scope("fourier"):
            return _colored(self._axes()[:, :3])

    def alpha(self) -> tf.Tensor | None:
        if not self._has_alpha:
            return None
        with scope("opacity"):
            return tf.sigmoid(self._axes()[:, 3, :, :, None])

    def _axes(self) -> tf.Tensor:
        return _waves(self._scale * self.variables[0], self._size)


class Maco(Parameterization):
    """Pictures with the spectrum of natural ones along decorrelated colour axes; only the phases are optimised.

        picture = sigmoid(COLORS irfft2(magnitude * exp(i phase)))

    As no wave can become stronger than in natural pictures, no pattern fills the picture (Fel et al., "Unlocking
    Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization", 2023, arXiv 2306.06805). The
    paper takes the mean spectrum of ImageNet; the magnitudes here follow a power law, see `EXPONENTS`.
    """

    def __init__(self, size: tuple[int, int], batch: int = 1, *, seed: int = 0) -> None:
        """Starts from random phases; args as of `Fourier`."""
        self._size = size
        self.magnitudes = tf.constant(_natural_magnitudes(size), tf.float32)
        shape = [batch, *self.magnitudes.shape]
        phases = tf.random.stateless_uniform(shape, [seed, 0], -np.pi, np.pi)
        self.variables = [tf.Variable(phases, name="phases")]

    def pictures(self) -> tf.Tensor:
        with scope("maco"):
            phases = _antisymmetric(self.variables[0], self._size[1])
            spectrum = tf.complex(self.magnitudes * tf.cos(phases), self.magnitudes * tf.sin(phases))
            return _colored(tf.signal.irfft2d(spectrum, self._size))


class Grey(Parameterization):
    """The pictures of another parameterization, with the mean of red, green and blue for all three."""

    def __init__(self, colored: Parameterization) -> None:
        self._colored = colored
        self.variables, self.projection = colored.variables, colored.projection

    def pictures(self) -> tf.Tensor:
        pictures = self._colored.pictures()
        with scope("grey"):
            return tf.broadcast_to(tf.reduce_mean(pictures, axis=-1, keepdims=True), pictures.shape)

    def alpha(self) -> tf.Tensor | None:
        return self._colored.alpha()


def random_pictures(batch: int, size: tuple[int, int], seed: int | tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns clouds of random colours, [batch, *size, 3] in 0..1: backgrounds for pictures with an opacity."""
    scale = _wave_scale(size)
    spectrum = tf.random.stateless_normal([2, batch, 3, *scale.shape], [seed, step], stddev=0.5)
    return _colored(_waves(scale * spectrum, size))


def _waves(spectrum: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Maps real and imaginary parts, [2, batch, axes, height, width // 2 + 1], to [batch, axes, height, width]."""
    real, imaginary = tf.unstack(spectrum, 2)
    return tf.signal.irfft2d(tf.complex(real, imaginary), size)


def _wave_scale(size: tuple[int, int], decay: float = 1.0) -> tf.Tensor:
    return tf.constant(np.prod(size) ** 0.5 / _frequencies(size) ** decay / 4, tf.float32)


def _frequencies(size: tuple[int, int]) -> np.ndarray:
    """Returns the cycles per pixel of each wave, [height, width // 2 + 1], at least 1 / max(size)."""
    down, across = np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1])
    return np.maximum(np.hypot(down[:, None], across), 1 / max(size))


def _natural_magnitudes(size: tuple[int, int]) -> np.ndarray:
    """Returns [3, height, width // 2 + 1] for pictures with mean grey and the deviations of natural ones."""
    frequencies, (height, width) = _frequencies(size), size
    magnitudes = frequencies ** -np.array(EXPONENTS)[:, None, None]
    magnitudes[:, 0, 0] = 0
    counted = np.where(_both_signs(width), 1, 2)  # the other columns stand for the negative frequencies, too
    power = np.sum(counted * magnitudes**2, axis=(1, 2)) / (height * width) ** 2
    deviations = np.sqrt(np.maximum(power, np.finfo(power.dtype).tiny))  # a single pixel has no waves
    return magnitudes * (np.array(DEVIATIONS) / deviations)[:, None, None]


def _antisymmetric(phases: tf.Tensor, width: int) -> tf.Tensor:
    """Makes the phases of a wave and of its negative frequency opposite, in the columns that have both.

    The picture is real, so that they would weaken each other otherwise. Uniform phases stay uniform.
    """
    opposite = tf.roll(tf.reverse(phases, [-2]), 1, axis=-2)
    return tf.where(_both_signs(width), phases - opposite, phases)


def _both_signs(width: int) -> np.ndarray:
    """Which columns of a half spectrum have positive and negative frequencies: the first, for even widths the last."""
    columns = np.arange(width // 2 + 1)
    return (columns == 0) | (2 * columns == width)


def _colored(axes: tf.Tensor) -> tf.Tensor:
    """Maps values along the colour axes, [batch, 3, height, width], to RGB, [batch, height, width, 3] in 0..1."""
    with scope("decorrelate"):
        return tf.sigmoid(tf.einsum("bkhw,ck->bhwc", axes, COLORS))
