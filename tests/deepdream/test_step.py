"""The step of a dream against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution
from tfgraphs.deepdream.objectives import layer_l2
from tfgraphs.deepdream.settings import DreamSettings
from tfgraphs.deepdream.step import DreamStep

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(3, 4)).astype(np.float32)
PICTURE = RANDOM.uniform(size=(1, 5, 6, 3)).astype(np.float32)
MEASURES = {"mean_abs": lambda gradient: np.abs(gradient).mean(), "std": np.std, "none": lambda gradient: 1}


@pytest.mark.parametrize("jitter", [0, 3])
@pytest.mark.parametrize("chroma", [0, 0.5, 1])
@pytest.mark.parametrize("normalize", MEASURES)
@pytest.mark.parametrize("step_size", [0.01, 0.9])
def test_a_step_is_its_formula(normalize, chroma, jitter, step_size):
    """For a = (2 x - 1) W the gradient of mean(a^2) / 2 is 2 a W' / size; it is the same at each position."""
    layers = [convolution("asked", "input", WEIGHTS[None, None], np.zeros(4, np.float32))]
    backbone = Backbone("small", layers, lambda pictures: pictures * 2 - 1)
    settings = DreamSettings(normalize=normalize, jitter=jitter, seed=1, chroma=chroma, blur=0, chroma_blur=0)
    step = DreamStep(layer_l2("asked"), backbone, settings)
    activation = (2 * PICTURE - 1) @ WEIGHTS
    gradient = 2 * activation @ WEIGHTS.T / activation.size
    lightness = gradient.mean(axis=-1, keepdims=True)
    gradient = lightness + chroma * (gradient - lightness)
    expected = np.clip(PICTURE + step_size * gradient / MEASURES[normalize](gradient), 0, 1)
    found = step(tf.constant(PICTURE), tf.constant(7, tf.int64), tf.constant(step_size), tf.constant([5, 6]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
