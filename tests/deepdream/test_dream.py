"""The dream: octaves, steps, what is kept of the original, seeds, and going on after an interruption."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamError, DreamSettings, Objective, dream, layer_l2
from tfgraphs.deepdream.dream import octave_levels
from tfgraphs.deepdream.objectives import Term

OBJECTIVE = layer_l2("conv2")
SETTINGS = DreamSettings(octaves=2, iterations=10, seed=4)


def random_kernel(side, *channels):
    return np.random.default_rng(side).normal(0, 0.3, (side, side, *channels)).astype(np.float32)


@pytest.fixture(scope="module")
def backbone():
    layers = [
        convolution("conv1_pre_relu", "input", random_kernel(5, 3, 6), np.zeros(6, np.float32), stride=2),
        relu("conv1", "conv1_pre_relu"),
        convolution("conv2", "conv1", random_kernel(3, 6, 8), np.zeros(8, np.float32)),
        convolution("pixels", "input", random_kernel(1, 3, 4), np.zeros(4, np.float32)),
        convolution("wide", "input", random_kernel(90, 3, 1), np.zeros(1, np.float32), padding="VALID"),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


@pytest.fixture(scope="module")
def photograph():
    """Smooth, so that no resampling of it leaves 0..1."""
    down, across = np.mgrid[:72, :88] / 20
    return np.stack([0.5 + 0.3 * np.sin(down + k * across) for k in range(3)], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def dreamt(photograph, backbone):
    """All progress of a dream that nothing interrupted."""
    return list(dream(photograph, backbone, OBJECTIVE, SETTINGS))


@pytest.mark.parametrize(
    ("size", "octaves", "scale", "sizes"),
    [
        ((480, 640), 4, 1.4, [(175, 233), (245, 327), (343, 457), (480, 640)]),
        ((400, 200), 3, 2.0, [(100, 50), (200, 100), (400, 200)]),
        ((400, 200), 4, 2.0, [(100, 50), (200, 100), (400, 200)]),
        ((96, 96), 2, 2.0, [(48, 48), (96, 96)]),
        ((95, 300), 2, 2.0, [(48, 150), (95, 300)]),
        ((94, 300), 2, 2.0, [(94, 300)]),
        ((30, 20), 4, 1.4, [(30, 20)]),
        ((500, 500), 1, 1.4, [(500, 500)]),
    ],
)
def test_octaves_shrink_by_the_scale_until_a_side_is_below_48(size, octaves, scale, sizes):
    levels = octave_levels(size, DreamSettings(octaves=octaves, octave_scale=scale))
    assert [level.size for level in levels] == sizes


def test_every_octave_has_all_iterations(dreamt):
    assert [progress.step for progress in dreamt] == [5, 10, 15, 20]


def test_a_dream_of_no_steps_is_the_original_to_the_bit(photograph, backbone):
    settings = DreamSettings(octaves=3, octave_scale=1.2, iterations=1, step_size=0.0)
    *_, last = dream(photograph, backbone, OBJECTIVE, settings)
    assert last.picture.tobytes() == photograph.tobytes()


def test_a_step_moves_the_picture_by_step_size_times_the_gradient_over_its_mean_absolute_value(photograph, backbone):
    """For a = (2x - 1) W the gradient of mean(a^2) is proportional to a W'."""
    settings = DreamSettings(octaves=1, iterations=1, step_size=0.01, jitter=0)
    *_, last = dream(photograph, backbone, layer_l2("pixels"), settings)
    weights = random_kernel(1, 3, 4)[0, 0].astype(np.float64)
    gradient = (2.0 * photograph - 1) @ weights @ weights.T
    np.testing.assert_allclose(last.picture, photograph + 0.01 * gradient / np.abs(gradient).mean(), atol=1e-6)


def test_the_gains_of_all_octaves_add_up_on_the_original(photograph, backbone):
    """A linear objective has the same gradient everywhere, which no resampling changes."""
    linear = Objective(((1.0, Term("pixels", "pixels", lambda activation: tf.reduce_sum(activation, axis=-1))),))
    settings = DreamSettings(octaves=3, octave_scale=1.2, iterations=2, step_size=0.01)
    *_, last = dream(photograph, backbone, linear, settings)
    gradient = random_kernel(1, 3, 4)[0, 0].sum(axis=-1)
    gain = 3 * 2 * 0.01 * gradient / np.abs(gradient).mean()
    np.testing.assert_allclose(last.picture, photograph + gain, atol=1e-5)


def test_a_dream_raises_its_objective(dreamt, photograph, backbone):
    before, after = (
        float(OBJECTIVE.value(backbone(tf.constant(picture[None]), OBJECTIVE.layers)))
        for picture in (photograph, dreamt[-1].picture)
    )
    assert after > 1.1 * before


def test_the_reported_objective_rises_within_an_octave(dreamt):
    assert dreamt[0].terms["objective"] < dreamt[1].terms["objective"]


def test_a_dream_has_the_shape_of_its_picture(dreamt, photograph):
    assert dreamt[-1].picture.shape == photograph.shape


def test_a_dream_stays_in_range_however_large_its_steps(photograph, backbone):
    settings = DreamSettings(octaves=2, iterations=2, step_size=0.5)
    *_, last = dream(photograph, backbone, OBJECTIVE, settings)
    assert (last.picture.min(), last.picture.max()) == (0, 1)


def test_the_same_seed_gives_the_same_bytes(dreamt, photograph, backbone):
    *_, last = dream(photograph, backbone, OBJECTIVE, SETTINGS)
    assert last.picture.tobytes() == dreamt[-1].picture.tobytes()


def test_another_seed_gives_another_dream(dreamt, photograph, backbone):
    *_, last = dream(photograph, backbone, OBJECTIVE, DreamSettings(octaves=2, iterations=10, seed=5))
    assert last.picture.tobytes() != dreamt[-1].picture.tobytes()


@pytest.mark.parametrize(("reports", "steps_after"), [(1, [10, 15, 20]), (3, [10, 20])])
def test_an_interrupted_dream_goes_on_to_the_same_bytes(dreamt, photograph, backbone, tmp_path, reports, steps_after):
    """The third report is the first of the second octave."""
    run = dream(photograph, backbone, OBJECTIVE, SETTINGS, checkpoint_dir=tmp_path)
    for _ in itertools.islice(run, reports):
        pass
    run.close()
    resumed = list(dream(photograph, backbone, OBJECTIVE, SETTINGS, checkpoint_dir=tmp_path))
    assert [progress.step for progress in resumed] == steps_after
    assert resumed[-1].picture.tobytes() == dreamt[-1].picture.tobytes()


@pytest.mark.parametrize(("seconds", "written"), [(0, True), (1000, False)])
def test_a_dream_is_kept_on_its_way_as_often_as_asked(photograph, backbone, tmp_path, seconds, written):
    run = dream(photograph, backbone, OBJECTIVE, SETTINGS, checkpoint_dir=tmp_path, save_seconds=seconds)
    next(run)
    next(run)
    assert any(tmp_path.rglob("*.index")) == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("octaves", 0),
        ("octave_scale", 1.0),
        ("octave_scale", 0.5),
        ("octave_scale", float("nan")),
        ("iterations", 0),
        ("step_size", -0.1),
        ("step_size", float("nan")),
        ("jitter", -1),
        ("seed", -1),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line_with_name_and_value(name, value):
    with pytest.raises(DreamError, match=rf"^{name} is {value}\b[^\n]*$"):
        DreamSettings(**{name: value})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("convv2", r"^[^\n]*'convv2'[^\n]*conv2[^\n]*$"),
        ("wide", r"^[^\n]*72 x 88[^\n]*wide[^\n]*90 px[^\n]*$"),
    ],
    ids=["unknown", "too wide for the picture"],
)
def test_a_layer_that_cannot_be_computed_is_refused_before_the_first_step(photograph, backbone, layer, message):
    with pytest.raises(LayerError, match=message):
        dream(photograph, backbone, layer_l2(layer))


def test_a_dream_without_steps_keeps_the_hardest_edges(backbone):
    edge = np.zeros((96, 96, 3), np.float32)
    edge[48:] = 1
    *_, last = dream(edge, backbone, OBJECTIVE, DreamSettings(octaves=3, step_size=0, iterations=1))
    np.testing.assert_allclose(last.picture, edge, atol=1e-6)


def test_octaves_that_a_layer_cannot_see_are_left_out(backbone):
    picture = np.full((128, 128, 3), 0.5, np.float32)
    stages = {progress.stage for progress in dream(picture, backbone, layer_l2("wide"), DreamSettings(iterations=1))}
    assert stages == {"octave 1 of 2, 91 x 91", "octave 2 of 2, 128 x 128"}


def test_many_octaves_raise_no_warning_of_retracing(photograph, backbone, caplog):
    settings = DreamSettings(octaves=9, octave_scale=1.03, iterations=1)
    assert len(list(dream(photograph, backbone, OBJECTIVE, settings))) == 9
    assert "retracing" not in caplog.text


def test_a_mask_keeps_what_is_black_and_weakens_what_is_grey(photograph, backbone):
    mask = np.zeros(photograph.shape[:2], np.float32)
    mask[:, 44:] = 1
    mask[:, 80:] = 0.25
    settings = DreamSettings(octaves=1, iterations=1, jitter=0, step_size=0.01)
    *_, free = dream(photograph, backbone, OBJECTIVE, settings)
    *_, masked = dream(photograph, backbone, OBJECTIVE, settings, mask=mask)
    np.testing.assert_array_equal(masked.picture[:, :44], photograph[:, :44])
    np.testing.assert_array_equal(masked.picture[:, 44:80], free.picture[:, 44:80])
    np.testing.assert_allclose(
        (masked.picture - photograph)[:, 80:], 0.25 * (free.picture - photograph)[:, 80:], atol=1e-6
    )


def test_a_mask_holds_at_all_octaves(photograph, backbone):
    mask = np.zeros(photograph.shape[:2], np.float32)
    mask[:, 60:] = 1
    *_, masked = dream(photograph, backbone, OBJECTIVE, DreamSettings(octaves=2, octave_scale=1.2, seed=1), mask=mask)
    assert np.abs(masked.picture - photograph)[:, :50].max() < 1e-3
    assert np.abs(masked.picture - photograph)[:, 65:].max() > 0.01


def test_a_mask_of_another_size_is_refused(photograph, backbone):
    with pytest.raises(DreamError, match="give them one size"):
        dream(photograph, backbone, OBJECTIVE, SETTINGS, mask=np.ones((3, 3), np.float32))


@pytest.mark.parametrize(
    ("normalize", "measure"),
    [("mean_abs", lambda change: np.abs(change).mean()), ("std", np.std)],
)
def test_a_step_is_as_long_as_its_normalization_measures(photograph, backbone, normalize, measure):
    settings = DreamSettings(octaves=1, iterations=1, step_size=1e-3, normalize=normalize)
    *_, last = dream(photograph, backbone, OBJECTIVE, settings)
    assert measure(last.picture - photograph) == pytest.approx(1e-3, rel=0.01)


def test_all_octaves_share_one_graph(photograph, backbone):
    traced = []

    def counted(activation):
        traced.append(1)
        return tf.reduce_mean(activation, axis=-1)

    objective = Objective(((1.0, Term("counted", "conv2", counted)),))
    list(dream(photograph, backbone, objective, DreamSettings(octaves=3, octave_scale=1.1, iterations=2)))
    assert len(traced) == 1


def test_terms_and_gradient_norms_are_reported(photograph, backbone):
    objective = layer_l2("conv2") - 0.5 * layer_l2("conv1")
    *_, last = dream(photograph, backbone, objective, DreamSettings(octaves=1, iterations=2))
    assert {"objective", "conv1", "conv2", "gradient norm"} == set(last.terms)
    assert last.terms["objective"] == pytest.approx(last.terms["conv1"] + last.terms["conv2"], rel=1e-5)
    assert last.terms["gradient norm"] > 0
