"""What stands for the pictures while they are optimised.

Each has `variables` for the optimizer, and `pictures()` that they make: float32 [batch, height, width, 3], RGB in 0..1.
Another space to climb in gives another picture, though its peaks are the same: in that of pixels, gradients are mostly
fine noise; in that of frequencies, with colours that are independent of each other, coarse and fine change alike (Olah,
Mordvintsev, Schubert, "Feature Visualization", 2017: "preconditioning").
"""

from typing import Protocol

import numpy as np
import tensorflow as tf

# Three independent colour axes as they mix in pictures of ImageNet: columns are light, red against blue, green against
# both, each as long as it varies there; the longest has the length 1. From lucid (2018), the root of the covariance.
_MIXED = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLORS = (_MIXED / np.linalg.norm(_MIXED, axis=0).max()).astype(np.float32)

# How natural pictures look along the same axes, before the sigmoid: amplitudes fall with f^-EXPONENTS, and values
# deviate by DEVIATIONS. Measured on the colour photographs that scikit-image ships (astronaut, chelsea, coffee,
# rocket, motorcycle_left; of each the squares at both ends of its longer side, reduced to 256 px). RGB, clipped to
# 0.02..0.98, went through the inverses of the sigmoid and of COLORS. The exponents are slopes of log amplitude over
# log f in 15 rings from 3/256 to 0.35 cycles per pixel, under a Hann window, of the mean of all power spectra, each
# divided by its sum; the deviations are geometric means.
EXPONENTS = (1.21, 1.33, 1.21)
DEVIATIONS = (1.73, 1.99, 1.31)


class Parameterization(Protocol):
    """What all have in common."""

    variables: list[tf.Variable]

    def pictures(self) -> tf.Tensor:
        """float32 [batch, height, width, 3] in 0..1."""

    def alpha(self) -> tf.Tensor | None:
        """Their opacity, float32 [batch, height, width, 1] in 0..1; None if they have none."""


class Pixels:
    """The pictures themselves, which may get another size from one assignment to the next."""

    def __init__(self, pictures: np.ndarray) -> None:
        """pictures: float32 [batch, height, width, 3], to start from."""
        self.variables = [tf.Variable(pictures, shape=[pictures.shape[0], None, None, 3], name="pixels")]

    def pictures(self) -> tf.Tensor:
        return self.variables[0].read_value()

    def alpha(self) -> None:
        return None


class Fourier:
    """Pictures as a sum of waves, the amplitudes of which are what is optimised, along independent colour axes.

        picture = sigmoid(COLORS irfft2(scale * spectrum) / 4),    scale = sqrt(height * width) / f^decay

    where f are cycles per pixel, at least one over the longer side: `fft_image` and `to_valid_rgb` of lucid.
    """

    def __init__(
        self,
        size: tuple[int, int],
        batch: int = 1,
        *,
        decay: float = 1.0,
        deviation: float = 0.01,
        alpha: bool = False,
        seed: int = 0,
    ) -> None:
        """Starts from faint noise.

        Args:
            size: height and width in pixels.
            batch: number of pictures.
            decay: how much more coarse waves change than fine ones; larger makes smoother pictures.
            deviation: of the spectrum at the start.
            alpha: whether there is an opacity, one more axis besides the colours.
            seed: of the start.
        """
        self._size = size
        self._scale = _wave_scale(size, decay)
        shape = [2, batch, 3 + alpha, *self._scale.shape]  # real and imaginary parts
        self.variables = [tf.Variable(tf.random.stateless_normal(shape, [seed, 0], stddev=deviation), name="spectrum")]
        self._has_alpha = alpha

    def pictures(self) -> tf.Tensor:
        return _colored(self._axes()[:, :3])

    def alpha(self) -> tf.Tensor | None:
        return tf.sigmoid(self._axes()[:, 3, :, :, None]) if self._has_alpha else None

    def _axes(self) -> tf.Tensor:
        return _waves(self._scale * self.variables[0], self._size)


class Maco:
    """Pictures with the spectrum of natural ones, of which only the phases are optimised, along independent colours.

        picture = sigmoid(COLORS irfft2(magnitude * exp(i phase)))

    Without the freedom to make some waves stronger than they are in nature, pictures stay natural where other
    parameterizations fill with repetitions (Fel et al., "Unlocking Feature Visualization for Deeper Networks with
    MAgnitude Constrained Optimization", 2023, arXiv 2306.06805). The magnitudes are a law here instead of the paper's
    mean spectrum of ImageNet: see `EXPONENTS`.
    """

    def __init__(self, size: tuple[int, int], batch: int = 1, *, seed: int = 0) -> None:
        """Starts from random phases.

        Args:
            size: height and width in pixels.
            batch: number of pictures.
            seed: of the start.
        """
        self._size = size
        self.magnitudes = tf.constant(_natural_magnitudes(size), tf.float32)
        shape = [batch, *self.magnitudes.shape]
        phases = tf.random.stateless_uniform(shape, [seed, 0], -np.pi, np.pi)
        self.variables = [tf.Variable(phases, name="phases")]

    def pictures(self) -> tf.Tensor:
        phases = _of_real_pictures(self.variables[0], self._size[1])
        spectrum = tf.complex(self.magnitudes * tf.cos(phases), self.magnitudes * tf.sin(phases))
        return _colored(tf.signal.irfft2d(spectrum, self._size))

    def alpha(self) -> None:
        return None


def random_pictures(
    batch: int, size: tuple[int, int], seed: int | tf.Tensor, step: tf.Tensor, deviation: float = 0.5
) -> tf.Tensor:
    """Clouds of all colours, the same for a seed and step: [batch, *size, 3] in 0..1, what may be behind pictures."""
    scale = _wave_scale(size)
    spectrum = tf.random.stateless_normal([2, batch, 3, *scale.shape], [seed, step], stddev=deviation)
    return _colored(_waves(scale * spectrum, size))


def _waves(spectrum: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """[batch, axes, height, width] of real and imaginary parts, [2, batch, axes, height, width // 2 + 1]."""
    real, imaginary = tf.unstack(spectrum, 2)
    return tf.signal.irfft2d(tf.complex(real, imaginary), size)


def _wave_scale(size: tuple[int, int], decay: float = 1.0) -> tf.Tensor:
    return tf.constant(np.prod(size) ** 0.5 / _frequencies(size) ** decay / 4, tf.float32)


def _frequencies(size: tuple[int, int]) -> np.ndarray:
    """Cycles per pixel of each wave of a real picture, [height, width // 2 + 1]; 0 counts as the lowest after it."""
    down, across = np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1])
    return np.maximum(np.hypot(down[:, None], across), 1 / max(size))


def _natural_magnitudes(size: tuple[int, int]) -> np.ndarray:
    """[3, height, width // 2 + 1] for pictures whose mean is grey and which deviate as natural ones do."""
    frequencies, (height, width) = _frequencies(size), size
    magnitudes = frequencies ** -np.array(EXPONENTS)[:, None, None]
    magnitudes[:, 0, 0] = 0
    counted = np.where(_alone(width), 1, 2)  # all other waves stand for their opposites, too
    power = np.sum(counted * magnitudes**2, axis=(1, 2)) / (height * width) ** 2
    deviations = np.sqrt(np.maximum(power, np.finfo(power.dtype).tiny))  # a single pixel has no waves
    return magnitudes * (np.array(DEVIATIONS) / deviations)[:, None, None]


def _of_real_pictures(phases: tf.Tensor, width: int) -> tf.Tensor:
    """Phases of which waves and their opposites, where a half spectrum has both, have opposite ones.

    Otherwise the two would weaken each other. What was drawn evenly is so still.
    """
    opposite = tf.roll(tf.reverse(phases, [-2]), 1, axis=-2)
    return tf.where(_alone(width), phases - opposite, phases)


def _alone(width: int) -> np.ndarray:
    """Which columns of a half spectrum hold waves and their opposites: the first, and of an even width the last."""
    columns = np.arange(width // 2 + 1)
    return (columns == 0) | (2 * columns == width)


def _colored(axes: tf.Tensor) -> tf.Tensor:
    """Values along independent axes, [batch, 3, height, width], as RGB, [batch, height, width, 3] in 0..1."""
    return tf.sigmoid(tf.einsum("bkhw,ck->bhwc", axes, COLORS))
