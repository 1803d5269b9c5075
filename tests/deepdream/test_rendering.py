"""Objectives, parameterizations, transforms and optimizers in free combinations."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamSettings, Fourier, Maco, Pixels, channel, dream, layer_l2, render
from tfgraphs.deepdream.gradients import mean_abs
from tfgraphs.deepdream.settings import DeadUnitError
from tfgraphs.deepdream.transforms import jitter, random_rotate
from tfgraphs.optimize import OptimizerError

SIZE = (24, 32)
OBJECTIVE = channel("conv2", 3) - 0.1 * layer_l2("conv1")
FORMS = {
    "pixels": lambda: Pixels(np.random.default_rng(0).uniform(0.4, 0.6, size=(2, *SIZE, 3)).astype(np.float32)),
    "fourier": lambda: Fourier(SIZE, 2, seed=1),
    "maco": lambda: Maco(SIZE, 2, seed=1),
}


@pytest.fixture(scope="module")
def backbone():
    def kernel(seed, *shape):
        return np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)

    layers = [
        convolution("conv1_pre_relu", "input", kernel(1, 3, 3, 3, 6), np.zeros(6, np.float32)),
        relu("conv1", "conv1_pre_relu"),
        convolution("conv2", "conv1", kernel(2, 3, 3, 6, 8), np.zeros(8, np.float32)),
        convolution("dead", "conv1", np.zeros((1, 1, 6, 1), np.float32), np.zeros(1, np.float32)),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def value(backbone, pictures):
    return float(OBJECTIVE.value(backbone(tf.constant(pictures), OBJECTIVE.layers)))


@pytest.mark.parametrize(
    ("form", "optimizer"),
    [("pixels", "rmsprop"), ("fourier", "adam"), ("maco", keras.optimizers.Nadam(0.1))],
    ids=["pixels, rmsprop", "fourier, adam", "maco, an optimizer"],
)
def test_every_combination_raises_the_objective(backbone, form, optimizer):
    form = FORMS[form]()
    before = value(backbone, form.pictures())
    *_, last = render(OBJECTIVE, backbone, form, [jitter(2), random_rotate(5)], optimizer, 16, learning_rate=0.05)
    assert last.pictures.shape == (2, *SIZE, 3)
    assert 0 <= last.pictures.min() < last.pictures.max() <= 1
    assert value(backbone, last.pictures) > before + 0.02
    np.testing.assert_array_equal(last.pictures, form.pictures())


def test_a_dream_of_one_octave_is_such_a_combination(backbone):
    photograph = np.random.default_rng(0).uniform(0.3, 0.7, size=(50, 60, 3)).astype(np.float32)
    settings = DreamSettings(steps=4, seed=3, octaves=1, step_size=0.02, jitter=5, chroma=1, blur=0, chroma_blur=0)
    *_, dreamt = dream(photograph, layer_l2("conv2"), backbone, settings)
    run = render(
        layer_l2("conv2"),
        backbone,
        Pixels(photograph[None]),
        [jitter(5)],
        "sgd",
        4,
        learning_rate=0.02,
        gradient_transform=mean_abs,
        seed=3,
    )
    *_, last = run
    np.testing.assert_allclose(last.picture, dreamt.picture, atol=1e-6)


def test_an_interrupted_rendering_goes_on_to_the_same_bytes(backbone, tmp_path):
    def run(**options):
        return render(OBJECTIVE, backbone, FORMS["pixels"](), [jitter(2)], "adam", 16, learning_rate=0.01, **options)

    *_, uninterrupted = run()
    interrupted = run(checkpoint_dir=tmp_path, save_seconds=0)
    assert [progress.step for progress in itertools.islice(interrupted, 1)] == [8]
    interrupted.close()
    *_, last = run(checkpoint_dir=tmp_path)
    assert last.pictures.tobytes() == uninterrupted.pictures.tobytes()


def test_a_dead_unit_is_refused(backbone):
    with pytest.raises(DeadUnitError, match=r"^dead:0 of small does not respond .* or another seed$"):
        next(render(channel("dead", 0), backbone, Fourier(SIZE)))


def test_an_unknown_optimizer_is_refused(backbone):
    with pytest.raises(OptimizerError, match="choose one of"):
        next(render(OBJECTIVE, backbone, Fourier(SIZE), optimizer="hogwild"))
