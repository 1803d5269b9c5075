"""The loss of feature visualizations: views, opacity, diversity, dead units."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream.feature_loss import FeatureLoss
from tfgraphs.deepdream.objectives import channel, channels, diversity, layer_l2
from tfgraphs.deepdream.parameterizations import Fourier, Pixels, random_pictures
from tfgraphs.deepdream.transforms import compose, noise

SIZE = (8, 10)
STILL = compose([])
DEAD = 2  # channel of "conv" whose kernel is zero
OBJECTIVE = channel("conv_pre_relu", 1)
STEP = tf.constant(5, tf.int64)


@pytest.fixture(scope="module")
def backbone():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype(np.float32)
    kernel[..., DEAD] = 0
    layers = [
        convolution("conv_pre_relu", "input", kernel, np.full(4, 0.1, np.float32)),
        relu("conv", "conv_pre_relu"),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def pictures(batch=2):
    return np.random.default_rng(1).uniform(size=(batch, *SIZE, 3)).astype(np.float32)


def value(backbone, objective, seen):
    return float(objective.value(backbone(tf.constant(seen), objective.layers)))


def loss_of(feature_loss, form, step=STEP):
    """The loss and its terms as numbers."""
    loss, terms = feature_loss(form.pictures(), step, form.alpha())
    return float(loss), {name: float(term) for name, term in terms.items()}


def test_the_loss_is_minus_the_objective(backbone):
    loss, terms = loss_of(FeatureLoss(OBJECTIVE, backbone, STILL), Pixels(pictures()))
    assert -loss == terms["objective"] == pytest.approx(value(backbone, OBJECTIVE, pictures()), rel=1e-5)


def test_several_terms_are_reported_by_name(backbone):
    objective = layer_l2("conv") - 0.5 * channel("conv", 0)
    _, terms = loss_of(FeatureLoss(objective, backbone, STILL), Pixels(pictures()))
    assert set(terms) == {"objective", "conv", "conv:0"}
    assert terms["objective"] == pytest.approx(terms["conv"] + terms["conv:0"], rel=1e-5)


def test_the_objective_is_the_mean_over_views(backbone):
    """Each view adds another number to all pictures."""
    drawn = []

    def brighter(seen, seed, step):
        drawn.append(float(tf.random.stateless_uniform([], [seed, step], maxval=0.3)))
        return seen + drawn[-1]

    loss, _ = loss_of(FeatureLoss(OBJECTIVE, backbone, brighter, views=3), Pixels(pictures()))
    assert len(set(drawn)) == 3
    expected = np.mean([value(backbone, OBJECTIVE, pictures() + np.float32(amount)) for amount in drawn])
    assert -loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("varied", ["seed", "step"])
def test_transforms_depend_on(backbone, varied):
    losses = set()
    for number in range(4):
        numbers = {"seed": 0, "step": 0, varied: number}
        feature_loss = FeatureLoss(OBJECTIVE, backbone, noise(0.1), seed=numbers["seed"])
        losses.add(loss_of(feature_loss, Pixels(pictures()), tf.constant(numbers["step"], tf.int64))[0])
    assert len(losses) == 4


def transparent():
    return Fourier(SIZE, 2, deviation=1.0, alpha=True, seed=2)


def test_transparent_pictures_are_blended_with_random_backgrounds(backbone):
    form = transparent()
    alpha = form.alpha().numpy()
    seen = alpha * form.pictures() + (1 - alpha) * random_pictures(2, SIZE, 7, STEP)
    _, terms = loss_of(FeatureLoss(OBJECTIVE, backbone, STILL, seed=7), form)
    assert terms["objective"] == pytest.approx(value(backbone, OBJECTIVE, seen), rel=1e-4)


def roughness(alpha):
    """Mean square of the difference from means over 5 x 5 pixels, fewer at the border."""
    height, width = alpha.shape[1:3]
    blurred = np.empty_like(alpha)
    for row in range(height):
        for column in range(width):
            window = alpha[:, max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
            blurred[:, row, column] = window.mean(axis=(1, 2))
    return np.mean(np.square(alpha - blurred))


@pytest.mark.parametrize("weight", [1.0, -1.0], ids=["raised", "lowered"])
def test_opacity_and_its_roughness_are_penalised(backbone, weight):
    form = transparent()
    loss, terms = loss_of(FeatureLoss(weight * OBJECTIVE, backbone, STILL), form)
    alpha, objective = form.alpha().numpy(), terms["objective"]
    opaque = alpha.mean()
    expected = -((1 - opaque) * objective - abs(objective) * (opaque + 10 * roughness(alpha)))
    assert loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("layer", ["conv", "conv_pre_relu"])
def test_diversity_is_that_of_the_rectified_layer(backbone, layer):
    loss, terms = loss_of(FeatureLoss(channel(layer, 1), backbone, STILL, diversity_weight=0.5), Pixels(pictures(3)))
    assert terms["diversity"] == pytest.approx(value(backbone, diversity("conv"), pictures(3)), rel=1e-4)
    objective = terms["objective"]
    assert loss == pytest.approx(-objective - 0.5 * abs(objective) * terms["diversity"], rel=1e-4)


def test_largest_gradients_are_those_of_each_picture(backbone):
    seen = tf.constant(pictures())
    with tf.GradientTape() as tape:
        tape.watch(seen)
        wanted = OBJECTIVE.value(backbone(seen, OBJECTIVE.layers))
    expected = np.abs(tape.gradient(wanted, seen)).max(axis=(1, 2, 3))
    np.testing.assert_allclose(FeatureLoss(OBJECTIVE, backbone, STILL).largest_gradients(seen), expected, rtol=1e-4)


@pytest.mark.parametrize("layer", ["conv", "conv_pre_relu"])
def test_the_gradient_of_a_dead_unit_is_zero(backbone, layer):
    influence = FeatureLoss(channels(layer, [1, DEAD]), backbone, STILL).largest_gradients(tf.constant(pictures()))
    assert influence[0] > 0
    assert influence[1] == 0
