"""The losses of neural style against float64 numpy, closed forms and finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.losses import content_loss, gram_matrix, style_loss, total_variation


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


STYLE = {"conv1": normal(1, 6, 5, 3), "fire2": normal(1, 3, 2, 4, seed=1)}
TARGETS = {"conv1": numpy_gram(normal(1, 4, 4, 3, seed=2)), "fire2": numpy_gram(normal(1, 9, 2, 4, seed=3))}


def style_of(activations, weights):
    tensors = {layer: tf.constant(activation) for layer, activation in activations.items()}
    targets = {layer: tf.constant(target) for layer, target in TARGETS.items()}
    return float(style_loss(tensors, targets, weights))


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({"conv1": 1.0}, {"conv1": 1}),
        ({"conv1": 1.0, "fire2": 1.0}, {"conv1": 0.5, "fire2": 0.5}),
        ({"conv1": 3.0, "fire2": 1.0}, {"conv1": 0.75, "fire2": 0.25}),
        ({"conv1": 0.3, "fire2": 0.1}, {"conv1": 0.75, "fire2": 0.25}),
    ],
)
def test_the_style_loss_is_the_weighted_mean_of_relative_errors_of_gram_matrices(weights, shares):
    expected = sum(share * relative_error(numpy_gram(STYLE[layer]), TARGETS[layer]) for layer, share in shares.items())
    assert style_of(STYLE, weights) == pytest.approx(expected, rel=1e-9)


def test_the_style_loss_of_the_painting_itself_is_zero():
    activation = tf.constant(normal(1, 6, 5, 3))
    loss = style_loss({"conv1": activation}, {"conv1": gram_matrix(activation)}, {"conv1": 1.0})
    assert float(loss) == pytest.approx(0, abs=1e-15)


def test_the_gradient_of_the_style_loss_is_the_closed_form():
    """4 F (G - G*) / (positions ||G*||^2)."""
    features, target = STYLE["conv1"].reshape(30, 3), TARGETS["conv1"][0]
    variable = tf.Variable(STYLE["conv1"])
    with tf.GradientTape() as tape:
        loss = style_loss({"conv1": variable}, {"conv1": tf.constant(target[None])}, {"conv1": 1.0})
    expected = 4 * features @ (features.T @ features / 30 - target) / (30 * np.sum(target**2))
    np.testing.assert_allclose(tape.gradient(loss, variable).numpy().reshape(30, 3), expected, rtol=1e-9)


def test_the_gradient_of_the_style_loss_is_that_of_finite_differences():
    target = tf.constant(TARGETS["conv1"])
    assert_gradient_is_that_of_finite_differences(
        lambda x: style_loss({"conv1": x}, {"conv1": target}, {"conv1": 1.0}), normal(1, 3, 4, 3)
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
