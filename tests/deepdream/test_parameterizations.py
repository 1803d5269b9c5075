"""Parameterizations: pixels, spectra, phases."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.deepdream.parameterizations import (
    COLORS,
    DEVIATIONS,
    EXPONENTS,
    Fourier,
    Maco,
    Pixels,
    random_pictures,
)

SIZES = [(1, 1), (1, 6), (7, 1), (8, 12), (9, 12), (8, 13), (9, 13)]
STEP = tf.constant(4, tf.int64)

MADE = {
    "fourier": lambda seed: Fourier((9, 12), 2, deviation=1.0, seed=seed).pictures(),
    "fourier with alpha": lambda seed: Fourier((9, 12), 2, deviation=1.0, alpha=True, seed=seed).pictures(),
    "fourier with blurred colours": lambda seed: Fourier((9, 12), 2, chroma_blur=1.0, alpha=True, seed=seed).pictures(),
    "alpha": lambda seed: Fourier((9, 12), 2, deviation=1.0, alpha=True, seed=seed).alpha(),
    "maco": lambda seed: Maco((9, 12), 2, seed=seed).pictures(),
    "random pictures": lambda seed: random_pictures(2, (9, 12), seed, STEP),
}


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def cycles(size):
    """Frequencies of the waves of a half spectrum."""
    return np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1]))


def colored(spectrum, size):
    """Pictures of spectra of the colour axes, [batch, 3, height, width // 2 + 1]."""
    axes = np.fft.irfft2(spectrum, size)
    return sigmoid(np.moveaxis(axes, 1, -1) @ COLORS.T)


def axes_of(pictures):
    """Values along the colour axes, [batch, 3, height, width], by the inverse of the sigmoid and of COLORS."""
    pictures = pictures.numpy().astype(np.float64)
    logits = np.log(pictures / (1 - pictures))
    return np.moveaxis(logits @ np.linalg.inv(COLORS.astype(np.float64)).T, -1, 1)


@pytest.mark.parametrize("name", MADE)
def test_all_values_are_from_zero_to_one(name):
    values = MADE[name](0).numpy()
    assert values.min() >= 0
    assert values.max() <= 1


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_gives_the_same_bytes(name):
    assert MADE[name](7).numpy().tobytes() == MADE[name](7).numpy().tobytes()


@pytest.mark.parametrize("name", MADE)
def test_another_seed_gives_other_pictures(name):
    assert not np.array_equal(MADE[name](7), MADE[name](8))


@pytest.mark.parametrize("name", MADE)
def test_pictures_of_a_batch_differ(name):
    first, second = MADE[name](0).numpy()
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("form", [Fourier, Maco])
def test_pictures_of_all_sizes_have_three_colours(form, size):
    pictures = form(size, 2).pictures().numpy()
    assert pictures.dtype == np.float32
    assert pictures.shape == (2, *size, 3)
    assert np.isfinite(pictures).all()


@pytest.mark.parametrize(
    "form",
    [Pixels(np.zeros((1, 2, 3, 3), np.float32)), Fourier((4, 5)), Maco((4, 5))],
    ids=["pixels", "fourier", "maco"],
)
def test_pictures_have_no_opacity_by_default(form):
    assert form.alpha() is None


def test_pixels_are_the_pictures_to_the_bit():
    pictures = np.random.default_rng(0).uniform(size=(2, 5, 6, 3)).astype(np.float32)
    assert Pixels(pictures).pictures().numpy().tobytes() == pictures.tobytes()


def test_colours_are_three_axes_of_which_the_longest_has_length_one():
    assert np.linalg.norm(COLORS, axis=0).max() == pytest.approx(1)
    assert np.linalg.matrix_rank(COLORS) == 3


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("decay", [0, 0.8, 2])
def test_fourier_pictures_are_sums_of_waves(size, decay):
    form = Fourier(size, 2, decay=decay, deviation=1.0, seed=1)
    real, imaginary = form.variables[0].numpy()
    scale = np.sqrt(size[0] * size[1]) / np.maximum(cycles(size), 1 / max(size)) ** decay / 4
    np.testing.assert_allclose(form.pictures(), colored(scale * (real + 1j * imaginary), size), atol=1e-5)


def test_a_larger_decay_makes_smoother_pictures():
    def roughness(decay):
        axes = axes_of(Fourier((32, 32), decay=decay, seed=1).pictures())
        return np.diff(axes, axis=-1).std() / axes.std()

    assert roughness(0.5) > 1.2 * roughness(1) > 1.2 * 1.2 * roughness(1.5)


def test_fourier_pictures_start_almost_grey():
    pictures = Fourier((64, 64), 2).pictures().numpy()
    assert np.abs(pictures - 0.5).max() < 0.1
    assert pictures.std() > 0


@pytest.mark.parametrize("size", [(16, 20), (15, 21)], ids=str)
def test_blurred_colours_are_those_of_sharp_ones_under_a_gaussian(size):
    """The transform of a Gaussian of deviation s is exp(-2 (pi s f)^2); lightness stays as it is."""
    sharp, blurred = (axes_of(Fourier(size, 2, deviation=0.1, chroma_blur=blur).pictures()) for blur in (0, 1.5))
    spectrum = np.fft.rfft2(sharp)
    frequencies = np.maximum(cycles(size), 1 / max(size))
    spectrum[:, 1:] *= np.exp(-2 * (np.pi * 1.5 * frequencies) ** 2)
    np.testing.assert_allclose(blurred, np.fft.irfft2(spectrum, size), atol=1e-4)


@pytest.mark.parametrize("size", [(8, 12), (9, 13)], ids=str)
def test_alpha_is_one_more_axis_of_waves(size):
    form = Fourier(size, 2, deviation=1.0, alpha=True, seed=1)
    real, imaginary = form.variables[0].numpy()[:, :, 3]
    scale = np.sqrt(size[0] * size[1]) / np.maximum(cycles(size), 1 / max(size)) / 4
    expected = sigmoid(np.fft.irfft2(scale * (real + 1j * imaginary), size))
    np.testing.assert_allclose(form.alpha(), expected[..., None], atol=1e-5)


def test_alpha_does_not_color_the_pictures():
    form = Fourier((8, 12), deviation=1.0, alpha=True, seed=1)
    before = form.pictures().numpy()
    spectrum = form.variables[0].numpy()
    spectrum[:, :, 3] = 0
    form.variables[0].assign(spectrum)
    np.testing.assert_array_equal(form.pictures(), before)


def random_phases(form, seed):
    phases = np.random.default_rng(seed).uniform(-np.pi, np.pi, form.variables[0].shape)
    form.variables[0].assign(phases.astype(np.float32))
    return form


@pytest.mark.parametrize("size", SIZES[3:], ids=str)
@pytest.mark.parametrize("seed", [None, 1, 2], ids=["at the start", "changed", "changed again"])
def test_magnitudes_do_not_depend_on_phases(size, seed):
    form = Maco(size, 2)
    if seed is not None:
        random_phases(form, seed)
    found = np.abs(np.fft.rfft2(axes_of(form.pictures())))
    np.testing.assert_allclose(found, np.broadcast_to(form.magnitudes, found.shape), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", SIZES[3:], ids=str)
def test_waves_have_the_phases_of_the_variable(size):
    form = random_phases(Maco(size, 2), 1)
    waves = slice(1, (size[1] + 1) // 2)  # the others have their opposites beside them
    found = np.angle(np.fft.rfft2(axes_of(form.pictures()))[..., waves])
    wrong = np.angle(np.exp(1j * (found - form.variables[0].numpy()[..., waves])))
    np.testing.assert_allclose(wrong, 0, atol=5e-3)


def opposed(phases, width):
    """Phases minus those of the negative frequencies, in the columns that have both."""
    phases = phases.astype(np.float64)
    for column in {0, width // 2} if width % 2 == 0 else {0}:
        one = phases[..., column].copy()
        for row in range(one.shape[-1]):
            phases[..., row, column] = one[..., row] - one[..., -row % one.shape[-1]]
    return phases


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_maco_pictures_are_sums_of_waves_of_natural_magnitudes(size):
    form = random_phases(Maco(size, 2), 3)
    spectrum = form.magnitudes.numpy() * np.exp(1j * opposed(form.variables[0].numpy(), size[1]))
    np.testing.assert_allclose(form.pictures(), colored(spectrum, size), atol=1e-5)


@pytest.mark.parametrize("size", SIZES[3:], ids=str)
def test_natural_magnitudes_fall_with_frequency(size):
    """By the exponent of their axis, except for the mean."""
    magnitudes, frequencies = Maco(size).magnitudes.numpy(), cycles(size)
    for axis, exponent in enumerate(EXPONENTS):
        laws = magnitudes[axis].ravel()[1:] * frequencies.ravel()[1:] ** exponent
        np.testing.assert_allclose(laws, laws[0], rtol=1e-5)


@pytest.mark.parametrize("size", SIZES[3:], ids=str)
def test_maco_pictures_deviate_from_grey_as_natural_ones_do(size):
    axes = axes_of(Maco(size).pictures())[0]
    np.testing.assert_allclose(axes.mean(axis=(1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(axes.std(axis=(1, 2)), DEVIATIONS, rtol=1e-3)


@pytest.mark.parametrize("form", [Fourier((9, 12)), Maco((9, 12))], ids=["fourier", "maco"])
def test_every_variable_has_a_finite_gradient(form):
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(form.pictures() * tf.random.stateless_normal([1, 9, 12, 3], [0, 0]))
    gradient = tape.gradient(value, form.variables[0]).numpy()
    assert np.isfinite(gradient).all()
    assert np.count_nonzero(gradient) > 0.8 * gradient.size


def test_random_pictures_depend_on_the_step():
    first, second = (random_pictures(1, (9, 12), 0, tf.constant(step, tf.int64)) for step in (0, 1))
    assert not np.array_equal(first, second)


def test_random_pictures_are_coarse_and_of_all_colours():
    pictures = random_pictures(8, (48, 48), 0, STEP).numpy()
    assert np.diff(pictures, axis=2).std() < pictures.std()  # of noise it would be 1.4 times as much
    np.testing.assert_allclose(pictures.mean(axis=(0, 1, 2)), 0.5, atol=0.15)
    assert np.abs(pictures[..., 0] - pictures[..., 2]).max() > 0.1
