"""The style pictures of this project: what they must be as teachers, and how their strokes are drawn."""

import numpy as np
import pytest

from benchmarks.draw_paintings import (
    BRUSHES,
    EVERYWHERE,
    HEIGHT,
    PAINTINGS,
    SUPERSAMPLING,
    WIDTH,
    Shape,
    X,
    Y,
    _colours,
    _directions,
    _paint_coat,
    _paint_stroke,
    _paths,
    _whirl,
    paint,
)
from benchmarks.picture_noise import colour_noise, screen_door
from tfgraphs.pictures import images, samples


def test_every_painting_is_a_sample():
    assert set(PAINTINGS) == set(samples.PAINTINGS)


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_painting_has_clean_colours_and_no_lattice(name):
    """Starry Night has a colour noise of 0.106 at 640 px, the first paintings of this project had 0.16 and 0.35."""
    path = samples.resolve(f"sample:{name}")
    assert images.read_size(path) == (HEIGHT, WIDTH)
    assert path.stat().st_size < 350_000
    assert colour_noise(images.load(path, 640).pixels) < 0.08
    assert screen_door(images.load(path).pixels) < 4


@pytest.mark.long
@pytest.mark.parametrize("name", PAINTINGS)
def test_the_script_draws_the_shipped_paintings(name):
    scene, seed = PAINTINGS[name]
    shipped = images.load(samples.resolve(f"sample:{name}")).pixels
    assert abs(paint(scene(), seed) - shipped).mean() < 0.02  # what JPEG changes


@pytest.mark.parametrize("angle", [0.3, 1.2, 2.5])
def test_directions_are_those_of_the_level_lines(angle):
    """Those of cos(angle) x + sin(angle) y are at a right angle to it."""
    field = _directions(9 * (np.cos(angle) * X + np.sin(angle) * Y))
    np.testing.assert_allclose(
        field, np.broadcast_to(-np.array([np.cos(2 * angle), np.sin(2 * angle)]), field.shape), atol=1e-5
    )


def test_strokes_stay_on_their_level_line():
    phase = 6 * Y + _whirl(0.6, 0.5, 0.2, 2.0)
    shape = Shape(EVERYWHERE, phase, EVERYWHERE, ["#000000", "#ffffff"])
    starts = np.array([[100.0, 200.0], [500.0, 700.0], [600.0, 300.0]])
    paths = list(_paths(shape, _directions(phase), starts, np.full(3, 100.0)))
    for path in paths:
        y, x = path.astype(int).T
        turns = np.exp(1j * phase[y, x])
        assert abs(np.angle(turns / turns[0])).max() < 0.35
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).sum() == pytest.approx(100)
    assert len(paths) == 3


def test_strokes_end_at_the_border_of_their_shape():
    shape = Shape(1.0 * (X < 0.7), 9 * Y, EVERYWHERE, ["#000000", "#ffffff"])
    (path,) = _paths(shape, _directions(shape.phase), np.array([[300.0, 450.0]]), np.array([120.0]))
    (back,) = _paths(shape, _directions(shape.phase), np.array([[300.0, 450.0]]), np.array([-120.0]))
    longest = max(path, back, key=len)
    assert len(longest) == 32
    assert min(path, back, key=len)[:, 1].max() < 0.7 * HEIGHT
    assert min(len(path), len(back)) < 20


def test_a_stroke_covers_its_width_and_no_more():
    canvas = np.zeros((200, 400, 4), np.float32)
    path = np.stack([np.full(9, 100.0), np.linspace(100, 300, 9)], axis=-1)
    _paint_stroke(canvas, path, 40.0, [np.array([0.9, 0.5, 0.1])] * 2, np.random.default_rng(0))
    rows, columns = np.nonzero(canvas[..., 3])
    assert rows.min() >= 100 - 23
    assert rows.max() <= 100 + 23  # where it is pressed
    assert columns.min() >= 100
    assert columns.max() <= 300
    middle = canvas[95:105, 150:200]
    np.testing.assert_allclose(middle[..., :3].mean((0, 1)), [0.9, 0.5, 0.1], atol=0.09)
    assert (middle[..., 3] > 0).all()


def test_a_coat_covers_its_shape_with_its_pigments():
    canvas = np.zeros((HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING, 4), np.float32)
    shape = Shape(1.0 * (X < 0.25), 9 * Y, 0.5 * EVERYWHERE, ["#802010", "#802010"])
    _paint_coat(canvas, shape, _directions(shape.phase), BRUSHES[0], np.random.default_rng(0))
    painted = canvas[..., 3] > 1
    border = round(0.25 * HEIGHT * SUPERSAMPLING)
    assert painted[:, : border // 2].mean() > 0.75
    assert not painted[:, border + SUPERSAMPLING :].any()
    assert canvas[painted][:, :3].mean(0) * 255 == pytest.approx([0x80, 0x20, 0x10], abs=6)


def test_pigments_are_mixed_with_their_neighbours():
    mixed = _colours(["#000000", "#ff0000", "#ffffff"], np.array([-1, 0.25, 0.5, 0.75, 2]))
    np.testing.assert_allclose(mixed, [[0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 0.5, 0.5], [1, 1, 1]])
