"""The losses of neural style against float64 numpy, closed forms and finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.neural_style.statistics import STATISTICS, gram_matrix
from tfgraphs.neural_style.style_loss import FORMS, content_sums, total_variation, weighted_variation
from tfgraphs.pictures.colors import LUMA


def mean_and_deviation(activation, mask=None):
    statistic, random = STATISTICS["mean_variance"], tf.constant(0, tf.int64)
    return statistic.value(statistic.sums(activation, mask, random), random)[0]


def content_loss(activation, target, form="normalized"):
    return FORMS[form][0](content_sums(activation, target))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def numpy_gram(activation):
    """Sum over positions of the outer product of the features there, over the number of positions."""
    _, height, width, _ = activation.shape
    return np.einsum("bhwi,bhwj->bij", activation, activation) / (height * width)


def relative_error(value, target):
    return np.sum((value - target) ** 2) / np.sum(target**2)


def assert_gradient_is_that_of_finite_differences(loss, argument):
    analytic, numeric = tf.test.compute_gradient(loss, [tf.constant(argument)], delta=1e-5)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


def test_the_gram_matrix_is_the_mean_outer_product_of_features():
    activation = normal(2, 5, 7, 4)
    np.testing.assert_allclose(gram_matrix(tf.constant(activation)), numpy_gram(activation), rtol=1e-12)


def test_the_gram_matrix_is_symmetric():
    gram = gram_matrix(tf.constant(normal(1, 5, 7, 4))).numpy()[0]
    np.testing.assert_allclose(gram, gram.T, rtol=1e-12)


def test_the_gram_matrix_of_few_positions_has_no_negative_eigenvalue():
    eigenvalues = np.linalg.eigvalsh(gram_matrix(tf.constant(normal(1, 2, 3, 10)))[0])
    assert eigenvalues.min() > -1e-12


def test_the_gram_matrix_does_not_depend_on_where_things_are():
    activation = normal(1, 6, 4, 3)
    shuffled = np.random.default_rng(1).permutation(activation.reshape(24, 3)).reshape(1, 4, 6, 3)
    np.testing.assert_allclose(gram_matrix(tf.constant(shuffled)), gram_matrix(tf.constant(activation)), rtol=1e-12)


def test_the_content_loss_is_the_squared_error_relative_to_the_target():
    activation, target = normal(1, 4, 5, 3), normal(1, 4, 5, 3, seed=1)
    loss = content_loss(tf.constant(activation), tf.constant(target))
    assert float(loss) == pytest.approx(relative_error(activation, target), rel=1e-9)


@pytest.mark.parametrize(("factor", "loss"), [(1, 0), (0, 1), (3, 4)])
def test_the_content_loss_of_multiples_of_the_target(factor, loss):
    target = normal(1, 4, 5, 3)
    assert float(content_loss(tf.constant(factor * target), tf.constant(target))) == pytest.approx(loss, abs=1e-9)


def test_the_gradient_of_the_content_loss():
    target = tf.constant(normal(1, 3, 4, 2))
    assert_gradient_is_that_of_finite_differences(lambda x: content_loss(x, target), normal(1, 3, 4, 2, seed=1))


ACTIVATION, GRAM = normal(1, 6, 5, 3), numpy_gram(normal(1, 4, 4, 3, seed=2))


def style_error(form, activation, target):
    return FORMS[form][1]([gram_matrix(tf.convert_to_tensor(activation))], [tf.constant(target)])


def test_the_normalized_style_error_is_relative_to_the_gram_matrix_of_the_painting():
    expected = relative_error(numpy_gram(ACTIVATION), GRAM)
    assert float(style_error("normalized", ACTIVATION, GRAM)) == pytest.approx(expected, rel=1e-9)


def test_the_style_error_of_the_paper_is_that_of_sums_over_positions():
    """1 / (4 N^2 M^2) sum (G - G*)^2 of sums G over M = 30 positions, N = 3 channels."""
    features = ACTIVATION.reshape(30, 3)
    expected = np.sum((features.T @ features - 30 * GRAM[0]) ** 2) / (4 * 3**2 * 30**2)
    assert float(style_error("paper", ACTIVATION, GRAM)) == pytest.approx(expected, rel=1e-9)


def test_the_content_error_of_the_paper_is_half_the_squared_error():
    target = normal(1, 6, 5, 3, seed=1)
    found = content_loss(tf.constant(ACTIVATION), tf.constant(target), "paper")
    assert float(found) == pytest.approx(np.sum((ACTIVATION - target) ** 2) / 2, rel=1e-9)


def gradient_of(loss):
    variable = tf.Variable(ACTIVATION)
    with tf.GradientTape() as tape:
        value = loss(variable)
    return tape.gradient(value, variable).numpy().reshape(30, 3)


def test_the_gradient_of_the_content_error_of_the_paper_is_the_difference():
    """F - F*, the lecture's other route."""
    target = normal(1, 6, 5, 3, seed=1)
    gradient = gradient_of(lambda variable: content_loss(variable, tf.constant(target), "paper"))
    np.testing.assert_allclose(gradient, (ACTIVATION - target).reshape(30, 3), rtol=1e-12)


def test_the_gradient_of_the_style_error_of_the_paper_is_the_closed_form():
    """4 w F (G - G*) of sums G, with w = 1 / (4 N^2 M^2)."""
    features = ACTIVATION.reshape(30, 3)
    expected = 4 / (4 * 3**2 * 30**2) * features @ (features.T @ features - 30 * GRAM[0])
    gradient = gradient_of(lambda variable: style_error("paper", variable, GRAM))
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def test_the_gradient_of_the_normalized_style_error_is_the_closed_form():
    """4 F (G - G*) / (positions ||G*||^2)."""
    features = ACTIVATION.reshape(30, 3)
    expected = 4 * features @ (features.T @ features / 30 - GRAM[0]) / (30 * np.sum(GRAM**2))
    gradient = gradient_of(lambda variable: style_error("normalized", variable, GRAM))
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def test_the_gradient_of_the_loss_of_the_paper_is_chained_through_a_layer_by_hand():
    """dL/dF = alpha (F - F*) + 4 w F (G - G*), nothing where the rectifier is silent, each back to where it is from."""
    picture, kernel, alpha = normal(1, 6, 5, 3, seed=2), normal(3, 3, 3, 4, seed=3), 1e-3
    target = np.abs(normal(1, 6, 5, 4, seed=4))
    gram = numpy_gram(target)
    convolved, seen = np.zeros([6, 5, 4]), np.pad(picture[0], [[1, 1], [1, 1], [0, 0]])
    for row, column in np.ndindex(3, 3):
        convolved += seen[row : row + 6, column : column + 5] @ kernel[row, column]
    features = np.maximum(convolved, 0).reshape(30, 4)
    style = 4 / (4 * 4**2 * 30**2) * features @ (features.T @ features - 30 * gram[0])
    slope = ((alpha * (features - target.reshape(30, 4)) + style).reshape(6, 5, 4)) * (convolved > 0)
    expected = np.zeros_like(seen)
    for row, column in np.ndindex(3, 3):
        expected[row : row + 6, column : column + 5] += slope @ kernel[row, column].T

    layers = [
        convolution("conv1_pre_relu", "input", kernel.astype(np.float32), np.zeros(4, np.float32)),
        relu("conv1", "conv1_pre_relu"),
    ]
    backbone = Backbone("one", layers, lambda pictures: pictures)

    def loss(shown):
        found = backbone(shown, ["conv1"])["conv1"]
        content = content_loss(found, tf.constant(target, tf.float32), "paper")
        return alpha * content + FORMS["paper"][1]([gram_matrix(found)], [tf.constant(gram, tf.float32)])

    shown = tf.constant(picture, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(shown)
        value = loss(shown)
    np.testing.assert_allclose(tape.gradient(value, shown)[0], expected[1:-1, 1:-1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_error_of_the_painting_itself_is_zero(form):
    assert float(style_error(form, ACTIVATION, numpy_gram(ACTIVATION))) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_of_the_style_error_is_that_of_finite_differences(form):
    assert_gradient_is_that_of_finite_differences(lambda x: style_error(form, x, GRAM), normal(1, 3, 4, 3))


def numpy_moments(features):
    return np.stack([features.mean(axis=0), features.std(axis=0)])


def test_mean_and_deviation_are_those_of_each_channel():
    np.testing.assert_allclose(
        mean_and_deviation(tf.constant(ACTIVATION))[0], numpy_moments(ACTIVATION.reshape(30, 3)), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("statistic", "of_part"),
    [(gram_matrix, lambda part: numpy_gram(part[None])[0]), (mean_and_deviation, lambda part: numpy_moments(part[0]))],
    ids=["gram", "mean_variance"],
)
def test_what_a_mask_leaves_out_does_not_count(statistic, of_part):
    mask = np.zeros((1, 6, 5))
    mask[:, 2, :4] = 1
    found = statistic(tf.constant(ACTIVATION), tf.constant(mask))[0]
    np.testing.assert_allclose(found, of_part(ACTIVATION[:, 2, :4]), rtol=1e-9)


@pytest.mark.parametrize("statistic", [gram_matrix, mean_and_deviation], ids=["gram", "mean_variance"])
def test_how_often_a_mask_counts_a_position_is_how_often_it_stands_there(statistic):
    repeated = np.concatenate([ACTIVATION, ACTIVATION[:, :, :2], ACTIVATION[:, :, :2]], axis=2)
    mask = np.ones((1, 6, 5))
    mask[:, :, :2] = 3
    np.testing.assert_allclose(
        statistic(tf.constant(ACTIVATION), tf.constant(mask)), statistic(tf.constant(repeated), None), rtol=1e-9
    )


@pytest.mark.parametrize("statistic", [gram_matrix, mean_and_deviation], ids=["gram", "mean_variance"])
def test_the_gradient_of_a_masked_statistic(statistic):
    mask = tf.constant(np.random.default_rng(3).random((1, 3, 4)))
    assert_gradient_is_that_of_finite_differences(
        lambda x: tf.reduce_sum(tf.square(statistic(x, mask))), normal(1, 3, 4, 3)
    )


def test_total_variation_is_the_mean_squared_difference_of_neighbours():
    pictures = normal(2, 5, 7, 3)
    expected = np.mean(np.diff(pictures, axis=1) ** 2) + np.mean(np.diff(pictures, axis=2) ** 2)
    assert float(total_variation(tf.constant(pictures))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("picture", "variation"),
    [
        (np.full((4, 5), 0.7), 0),
        (np.arange(4.0)[:, None] * np.ones(5), 1),
        (np.ones(4)[:, None] * np.arange(5.0), 1),
        (np.indices((4, 5)).sum(axis=0) % 2.0, 2),
    ],
    ids=["flat", "slope down", "slope across", "chessboard"],
)
def test_total_variation_of(picture, variation):
    assert float(total_variation(tf.constant(picture[None, ..., None]))) == pytest.approx(variation, abs=1e-12)


def test_the_gradient_of_total_variation():
    assert_gradient_is_that_of_finite_differences(total_variation, normal(1, 3, 4, 2))


@pytest.mark.parametrize(("luma_weight", "chroma_weight"), [(2.0, 0.0), (0.0, 3.0), (2.0, 3.0)])
def test_lightness_and_colour_vary_apart(luma_weight, chroma_weight):
    pictures = normal(1, 6, 7, 3)
    luma = pictures @ np.array(LUMA)
    expected = luma_weight * float(total_variation(tf.constant(luma[..., None])))
    expected += chroma_weight * float(total_variation(tf.constant(pictures - luma[..., None])))
    found = weighted_variation(tf.constant(pictures), luma_weight, chroma_weight)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_errors_of_the_parts_of_a_statistic_are_added():
    one, other, target = normal(1, 3, 3), normal(1, 1, 3, seed=1), [normal(1, 3, 3, seed=2), normal(1, 1, 3, seed=3)]
    parts = [
        ((found - wanted) ** 2).sum() / (wanted**2).sum() for found, wanted in zip((one, other), target, strict=True)
    ]
    error = FORMS["normalized"][1]([tf.constant(one), tf.constant(other)], list(map(tf.constant, target)))
    assert float(error) == pytest.approx(sum(parts), rel=1e-9)
