"""Losses of pictures in tiles: terms and gradient are those of the whole picture."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.layers import convolution, pooling, relu
from tfgraphs.backbones.tiles import TileError
from tfgraphs.neural_style import Style, StyleError, StyleSettings, paint
from tfgraphs.neural_style.regions import regions
from tfgraphs.neural_style.statistics import position_stride
from tfgraphs.neural_style.targets import Targets

SETTINGS = StyleSettings(content_layer="conv2", style_layers={"conv1": 1.0, "conv3": 0.5}, style_stride=1, seed=2)


@pytest.fixture(scope="module")
def backbone():
    def convolved(name, source, before, after, **options):
        kernel = (
            np.random.default_rng(before).normal(0, (2 / 9 / before) ** 0.5, (3, 3, before, after)).astype(np.float32)
        )
        yield convolution(f"{name}_pre_relu", source, kernel, np.zeros(after, np.float32), **options)
        yield relu(name, f"{name}_pre_relu")

    layers = [
        *convolved("conv1", "input", 3, 6, stride=2),
        pooling("pool1", "conv1", "average", 3, 2),
        *convolved("conv2", "pool1", 6, 8),
        *convolved("conv3", "conv2", 8, 8, stride=2),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


def picture(*size, seed=0):
    return np.random.default_rng(seed).uniform(size=(*size, 3)).astype(np.float32)


def ramp(*size):
    return np.linspace(0, 1, size[1], dtype=np.float32)[None].repeat(size[0], axis=0)


def looker(backbone, content, styles, settings):
    """Of a picture and a step all terms of the loss and its gradient."""
    targets = Targets(content.shape[:2], regions(styles, content.shape[:2]), backbone, settings)
    targets.set_photograph(content, None)

    @tf.function
    def look(shown, step):
        with tf.GradientTape() as tape:
            tape.watch(shown)
            content, style = targets.losses(shown, step, tf.constant(3))
            loss, terms = (content + style)(step)
        return terms, tape.gradient(loss, shown)

    return lambda shown, step=5: look(tf.constant(shown[None]), tf.constant(step, tf.int64))


def looked_at(backbone, content, styles, settings, shown):
    return looker(backbone, content, styles, settings)(shown)


PLAIN = [Style(picture(90, 120))]
PLACED = [
    Style(picture(90, 120), 0.7, where=ramp(130, 140)),
    Style(picture(190, 60), 0.3, where=1 - ramp(130, 140), mask=1 - ramp(190, 60)),
    Style(picture(64, 64), 0.5, where=ramp(130, 140)),
]


@pytest.mark.parametrize(
    ("styles", "changes"),
    [
        (PLAIN, {}),
        (PLAIN, {"style_stride": 2}),
        (PLACED, {"loss": "paper"}),
        (PLACED, {"statistic": "mean_variance"}),
        (PLACED, {"style_stride": 2}),
        (PLAIN, {"statistic": "transport", "style_stride": None}),
        (PLACED, {"statistic": "transport", "style_stride": None}),
        (PLACED, {"statistic": "sliced_wasserstein", "style_stride": None}),
    ],
    ids=[
        "one painting",
        "a part of the positions",
        "three in two places",
        "moments",
        "a part of three in two places",
        "samples",
        "samples of three in two places",
        "distributions",
    ],
)
def test_the_loss_in_tiles_is_that_of_the_whole(backbone, styles, changes):
    content, shown = picture(130, 140), picture(130, 140, seed=1)
    settings = dataclasses.replace(SETTINGS, **changes)
    expected, gradient = looked_at(backbone, content, styles, settings, shown)
    found, assembled = looked_at(backbone, content, styles, dataclasses.replace(settings, tile_size=96), shown)
    assert list(found) == list(expected)
    for name, term in expected.items():
        assert float(found[name]) == pytest.approx(float(term), rel=2e-4)
    np.testing.assert_allclose(assembled, gradient, atol=1e-4 * np.abs(gradient).max())


def test_a_painting_in_tiles_is_the_painting_of_the_whole(backbone):
    content, painting = picture(100, 140), picture(60, 60)
    paintings = []
    for tile_size in (0, 96):
        settings = dataclasses.replace(SETTINGS, steps=4, tile_size=tile_size, learning_rate=0.01)
        *_, last = paint(content, painting, backbone, settings, start=content)
        paintings.append(last.picture)
    np.testing.assert_allclose(paintings[0], paintings[1], atol=2e-3)


def test_tiles_that_are_too_small_are_refused(backbone):
    with pytest.raises(TileError, match="tiles of 30 px are too small"):
        Targets((130, 140), regions(PLAIN, (130, 140)), backbone, dataclasses.replace(SETTINGS, tile_size=30))


def test_a_negative_tile_size_is_refused():
    with pytest.raises(StyleError, match="tile_size is -1"):
        StyleSettings(tile_size=-1)


@pytest.mark.parametrize(
    ("statistic", "share"), [("gram", 0.05), ("mean_variance", 0.05), ("sliced_wasserstein", 0.05), ("transport", 0.2)]
)
def test_a_painting_seen_in_its_own_style_has_no_style_error(backbone, statistic, share):
    """The shifts and what is drawn differ from the targets', so not to the last digit.

    The nearest of other samples is some way off, too.
    """
    content = picture(96, 96)
    settings = dataclasses.replace(SETTINGS, statistic=statistic, style_stride=None)
    own, _ = looked_at(backbone, content, [Style(content)], settings, content)
    other, _ = looked_at(backbone, content, [Style(content)], settings, picture(96, 96, seed=1) ** 3)
    for layer in ("style/conv1", "style/conv3"):
        assert float(own[layer]) < share * float(other[layer])


def test_the_gradient_of_parts_of_the_positions_is_nearly_that_of_all_on_average(backbone):
    """Twelve steps draw each of the four corners; conv1 has more than 4,096 positions, conv3 fewer."""
    content, shown = picture(130, 140), picture(130, 140, seed=1)
    _, whole = looked_at(backbone, content, PLAIN, SETTINGS, shown)
    look = looker(backbone, content, PLAIN, dataclasses.replace(SETTINGS, style_stride=2))
    by_corner, finest = {}, set()
    for step in range(12):
        terms, gradient = look(shown, step)
        by_corner[float(terms["style/conv1"])] = gradient.numpy().ravel()
        finest.add(float(terms["style/conv3"]))
    assert (len(by_corner), len(finest)) == (4, 1)

    def likeness(gradient):
        return np.corrcoef(gradient, whole.numpy().ravel())[0, 1]

    together = likeness(np.mean(list(by_corner.values()), axis=0))
    assert together > 0.95
    assert together > max(map(likeness, by_corner.values()))


@pytest.mark.parametrize(
    ("stride", "positions", "expected"),
    [(None, 1023, 1), (None, 1024, 2), (None, 16384, 3), (None, 65536, 6), (3, 1023, 1), (3, 65536, 3), (1, 65536, 1)],
)
def test_of_many_positions_about_as_many_are_looked_at_in_each_layer(stride, positions, expected):
    assert int(position_stride(stride, positions)) == expected
