"""Dreams: octaves, steps, masks, seeds, settings, and resuming."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import DreamError, DreamSettings, Objective, dream, layer_l2, neuron
from tfgraphs.deepdream.dreamer import Dreamer
from tfgraphs.deepdream.objectives import Term
from tfgraphs.deepdream.settings import NoGradientError
from tfgraphs.optimize.losses import NonFiniteLoss
from tfgraphs.pictures.images import resize

OBJECTIVE = layer_l2("conv2")
SETTINGS = DreamSettings(steps=20, octaves=2, seed=4)
AS_IT_IS = {"chroma": 1.0, "blur": 0.0, "chroma_blur": 0.0}  # the gradient is not smoothed


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
    """Smooth, so that resizing does not leave 0..1."""
    down, across = np.mgrid[:72, :88] / 20
    return np.stack([0.5 + 0.3 * np.sin(down + k * across) for k in range(3)], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def dreamt(photograph, backbone):
    """All progress of an uninterrupted dream."""
    return list(dream(photograph, OBJECTIVE, backbone, SETTINGS))


def test_steps_of_all_octaves_are_counted(dreamt):
    assert [progress.step for progress in dreamt] == [5, 10, 15, 20]


def test_a_dream_of_no_steps_is_the_original_to_the_bit(photograph, backbone):
    settings = DreamSettings(octaves=3, octave_scale=1.2, iterations=1, step_size=0.0)
    *_, last = dream(photograph, OBJECTIVE, backbone, settings)
    assert last.picture.tobytes() == photograph.tobytes()


def test_a_step_moves_the_picture_by_step_size_times_the_gradient_over_its_mean_absolute_value(photograph, backbone):
    """For a = (2x - 1) W the gradient of mean(a^2) is proportional to a W'."""
    settings = DreamSettings(octaves=1, iterations=1, step_size=0.01, jitter=0, **AS_IT_IS)
    *_, last = dream(photograph, layer_l2("pixels"), backbone, settings)
    weights = random_kernel(1, 3, 4)[0, 0].astype(np.float64)
    gradient = (2.0 * photograph - 1) @ weights @ weights.T
    np.testing.assert_allclose(last.picture, photograph + 0.01 * gradient / np.abs(gradient).mean(), atol=1e-6)


def test_the_gains_of_all_octaves_add_up_on_the_original(photograph, backbone):
    """A linear objective has the same gradient everywhere, which no resampling changes."""
    linear = Objective(((1.0, Term("pixels", "pixels", lambda activation: tf.reduce_sum(activation, axis=-1))),))
    settings = DreamSettings(octaves=3, octave_scale=1.2, iterations=2, step_size=0.01, **AS_IT_IS)
    *_, last = dream(photograph, linear, backbone, settings)
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
    *_, last = dream(photograph, OBJECTIVE, backbone, settings)
    assert (last.picture.min(), last.picture.max()) == (0, 1)


def test_the_same_seed_gives_the_same_bytes(dreamt, photograph, backbone):
    *_, last = dream(photograph, OBJECTIVE, backbone, SETTINGS)
    assert last.picture.tobytes() == dreamt[-1].picture.tobytes()


def test_another_seed_gives_another_dream(dreamt, photograph, backbone):
    *_, last = dream(photograph, OBJECTIVE, backbone, DreamSettings(octaves=2, iterations=10, seed=5))
    assert last.picture.tobytes() != dreamt[-1].picture.tobytes()


@pytest.mark.parametrize(("reports", "steps_after"), [(1, [10, 15, 20]), (3, [10, 20])])
def test_an_interrupted_dream_goes_on_to_the_same_bytes(dreamt, photograph, backbone, tmp_path, reports, steps_after):
    """The third report is the first of the second octave."""
    run = dream(photograph, OBJECTIVE, backbone, SETTINGS, checkpoint_dir=tmp_path)
    for _ in itertools.islice(run, reports):
        pass
    run.close()
    resumed = list(dream(photograph, OBJECTIVE, backbone, SETTINGS, checkpoint_dir=tmp_path))
    assert [progress.step for progress in resumed] == steps_after
    assert resumed[-1].picture.tobytes() == dreamt[-1].picture.tobytes()


@pytest.mark.parametrize(("seconds", "written"), [(0, True), (1000, False)])
def test_checkpoints_are_written_every_save_seconds(photograph, backbone, tmp_path, seconds, written):
    run = dream(photograph, OBJECTIVE, backbone, SETTINGS, checkpoint_dir=tmp_path, save_seconds=seconds)
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
        ("step_size", float("inf")),
        ("octave_scale", float("inf")),
        ("jitter", -1),
        ("jitter", 10_001),
        ("octaves", 101),
        ("seed", -1),
    ],
)
def test_settings_out_of_range_are_refused_with_name_and_value(name, value):
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
        dream(photograph, layer_l2(layer), backbone)


def test_a_dream_with_step_size_zero_keeps_hard_edges(backbone):
    edge = np.zeros((96, 96, 3), np.float32)
    edge[48:] = 1
    *_, last = dream(edge, OBJECTIVE, backbone, DreamSettings(octaves=3, step_size=0, iterations=1))
    np.testing.assert_allclose(last.picture, edge, atol=1e-6)


def test_octaves_too_small_for_a_layer_are_left_out(backbone):
    picture = np.full((128, 128, 3), 0.6, np.float32)
    stages = {progress.stage for progress in dream(picture, layer_l2("wide"), backbone, DreamSettings(iterations=1))}
    assert stages == {"octave 1 of 2, 91 x 91", "octave 2 of 2, 128 x 128"}


def test_many_octaves_raise_no_warning_of_retracing(photograph, backbone, caplog):
    settings = DreamSettings(octaves=9, octave_scale=1.03, iterations=1)
    assert len(list(dream(photograph, OBJECTIVE, backbone, settings))) == 9
    assert "retracing" not in caplog.text


def test_a_mask_is_a_factor_of_the_step(photograph, backbone):
    mask = np.zeros(photograph.shape[:2], np.float32)
    mask[:, 44:] = 1
    mask[:, 80:] = 0.25
    settings = DreamSettings(octaves=1, iterations=1, jitter=0, step_size=0.01)
    *_, free = dream(photograph, OBJECTIVE, backbone, settings)
    *_, masked = dream(photograph, OBJECTIVE, backbone, settings, mask=mask)
    np.testing.assert_array_equal(masked.picture[:, :44], photograph[:, :44])
    np.testing.assert_array_equal(masked.picture[:, 44:80], free.picture[:, 44:80])
    np.testing.assert_allclose(
        (masked.picture - photograph)[:, 80:], 0.25 * (free.picture - photograph)[:, 80:], atol=1e-6
    )


@pytest.mark.parametrize("normalize", ["mean_abs", "laplacian"])
@pytest.mark.parametrize("soft", [0, 9], ids=["hard edge", "soft edge"])
def test_pixels_under_black_of_a_mask_are_the_original_to_the_bit(photograph, backbone, normalize, soft):
    mask = np.zeros(photograph.shape[:2], np.float32)
    mask[:, 40 : 40 + soft] = np.linspace(0, 1, soft, endpoint=False)
    mask[:, 40 + soft :] = 1
    settings = DreamSettings(octaves=4, octave_scale=1.12, normalize=normalize, step_size=0.02, seed=1)
    stages = list(dream(photograph, OBJECTIVE, backbone, settings, mask=mask))
    assert stages[-1].stage.startswith("octave 4 of 4")
    changed = np.abs(stages[-1].picture - photograph)
    assert changed[mask == 0].max() == 0
    assert changed[mask == 1].mean() > 0.05


def test_a_grey_mask_is_a_factor_of_the_gains_of_all_octaves(photograph, backbone):
    """A linear objective has the same gradient everywhere, whatever the octave."""
    linear = Objective(((1.0, Term("pixels", "pixels", lambda activation: tf.reduce_sum(activation, axis=-1))),))
    settings = DreamSettings(octaves=4, octave_scale=1.12, iterations=2, step_size=0.01)
    *_, free = dream(photograph, linear, backbone, settings)
    *_, masked = dream(photograph, linear, backbone, settings, mask=np.full(photograph.shape[:2], 0.25, np.float32))
    np.testing.assert_allclose(masked.picture - photograph, 0.25 * (free.picture - photograph), atol=1e-5)


def test_a_mask_of_another_size_is_refused(photograph, backbone):
    with pytest.raises(DreamError, match="give them one size"):
        dream(photograph, OBJECTIVE, backbone, SETTINGS, mask=np.ones((3, 3), np.float32))


@pytest.mark.parametrize(
    ("normalize", "measure"),
    [("mean_abs", lambda change: np.abs(change).mean()), ("std", np.std)],
)
def test_a_step_is_as_long_as_its_normalization_measures(photograph, backbone, normalize, measure):
    settings = DreamSettings(octaves=1, iterations=1, step_size=1e-3, normalize=normalize)
    *_, last = dream(photograph, OBJECTIVE, backbone, settings)
    assert measure(last.picture - photograph) == pytest.approx(1e-3, rel=0.01)


def test_all_octaves_share_one_graph(photograph, backbone):
    traced = []

    def counted(activation):
        traced.append(1)
        return tf.reduce_mean(activation, axis=-1)

    objective = Objective(((1.0, Term("counted", "conv2", counted)),))
    list(dream(photograph, objective, backbone, DreamSettings(octaves=3, octave_scale=1.1, iterations=2)))
    assert len(traced) == 1


def test_terms_and_gradient_norms_are_reported(photograph, backbone):
    objective = layer_l2("conv2") - 0.5 * layer_l2("conv1")
    *_, last = dream(photograph, objective, backbone, DreamSettings(octaves=1, iterations=2))
    assert {"objective", "conv1", "conv2", "gradient norm"} == set(last.terms)
    assert last.terms["objective"] == pytest.approx(last.terms["conv1"] + last.terms["conv2"], rel=1e-5)
    assert last.terms["gradient norm"] > 0


def test_an_octave_starts_from_the_sharp_original(photograph, backbone):
    """With steps too short to change anything, its first objective is that of the resized original."""
    sharp = np.where(np.indices((96, 120)).sum(axis=0)[..., None] % 2, photograph.max(), photograph.min())
    sharp = np.repeat(sharp, 3, axis=-1).astype(np.float32)
    settings = DreamSettings(octaves=2, octave_scale=2.0, iterations=1, step_size=1e-9, jitter=0)
    first, second = (progress.terms["objective"] for progress in dream(sharp, OBJECTIVE, backbone, settings))
    for looked, picture in ((first, resize(sharp, (48, 60))), (second, sharp)):
        expected = float(OBJECTIVE.value(backbone(tf.constant(picture[None]), OBJECTIVE.layers)))
        assert looked == pytest.approx(expected, rel=1e-5)
    assert second > 2 * first  # an enlarged octave would have lost the pattern


def test_a_neuron_keeps_its_place_in_the_picture_through_all_octaves(backbone):
    grey = np.random.default_rng(0).normal(0.5, 0.05, (120, 160, 3)).clip(0, 1).astype(np.float32)
    settings = DreamSettings(octaves=3, octave_scale=1.4, iterations=5, jitter=0, step_size=0.002, **AS_IT_IS)
    for progress in dream(grey, neuron("conv1_pre_relu", 3, 15, 60), backbone, settings):
        if progress.picture.shape[0] < 120:
            changed = np.abs(progress.picture - resize(grey, progress.picture.shape[:2])).sum(axis=-1)
            middle = [(changed.sum(axis=1 - axis) * np.arange(changed.shape[axis])).sum() for axis in (0, 1)]
            share = np.array(middle) / changed.sum() / changed.shape
            np.testing.assert_allclose(share, [31 / 120, 121 / 160], atol=0.03)


def test_multiples_of_report_every_are_reported(photograph, backbone):
    dreamer = Dreamer(OBJECTIVE, backbone, DreamSettings(octaves=2, octave_scale=1.2, iterations=7))
    steps = {progress.step for progress in dreamer.dream(photograph, report_every=4)}
    assert {4, 8, 12, 14} <= steps
    dreamer = Dreamer(OBJECTIVE, backbone, DreamSettings(octaves=1, iterations=10))
    assert [progress.step for progress in dreamer.dream(photograph, report_every=20)] == [5, 10]


def test_random_shifts_depend_on_the_steps_before(photograph, backbone):
    dreamer = Dreamer(OBJECTIVE, backbone, DreamSettings(octaves=1, iterations=2))
    first, again, second = (list(dreamer.dream(photograph, steps_before=steps))[-1].picture for steps in (0, 0, 2))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("step_size", [1.01, 1e38])
def test_step_sizes_above_one_are_refused(step_size):
    with pytest.raises(DreamError, match=r"^step_size is .* on the scale 0\.\.1: with mean_abs it is at most 1$"):
        DreamSettings(step_size=step_size)
    if step_size < 2:
        DreamSettings(step_size=step_size, normalize="none")


def test_a_picture_that_is_not_finite_after_the_last_step_is_an_error(photograph, backbone, monkeypatch):
    dreamer = Dreamer(OBJECTIVE, backbone, DreamSettings(octaves=1, iterations=5))
    dreamer._mask.assign([[[[np.nan]]]])
    monkeypatch.setattr(dreamer._mask, "assign", lambda _: None)
    with pytest.raises(NonFiniteLoss, match=r"no longer finite"):
        list(dreamer.dream(photograph))


@pytest.mark.parametrize(
    ("objective", "advice"),
    [
        (
            neuron("conv1", 0),
            r"^conv1:0:middle of small does not .*: try conv1_pre_relu, before the rectifier$",
        ),
        (0.0 * layer_l2("conv2"), r"conv2 of small does not respond to this picture.*: choose another objective$"),
    ],
    ids=["silent", "nothing asked"],
)
def test_an_objective_without_gradient_is_an_error_at_the_end(objective, backbone, advice):
    """The picture minimises the channel everywhere except at borders, on which the neuron does not depend."""
    lowering = random_kernel(5, 3, 6)[..., 0].sum(axis=(0, 1)) < 0
    picture = np.tile(lowering.astype(np.float32), (64, 64, 1))
    run = dream(picture, objective, backbone, DreamSettings(octaves=1, iterations=2))
    assert next(run).picture.tobytes() == picture.tobytes()
    with pytest.raises(NoGradientError, match=advice):
        next(run)


def test_a_black_mask_is_not_an_error(photograph, backbone):
    mask = np.zeros(photograph.shape[:2], np.float32)
    *_, last = dream(photograph, OBJECTIVE, backbone, DreamSettings(octaves=1, iterations=1), mask=mask)
    assert last.picture.tobytes() == photograph.tobytes()


def test_an_objective_may_be_text(photograph, backbone):
    settings = DreamSettings(steps=2, octaves=1)
    *_, named = dream(photograph, "conv2 - 0.5*conv1", backbone, settings)
    *_, made = dream(photograph, layer_l2("conv2") - 0.5 * layer_l2("conv1"), backbone, settings)
    assert named.picture.tobytes() == made.picture.tobytes()


def test_a_dream_with_adam_raises_its_objective_and_can_be_interrupted(photograph, backbone, tmp_path):
    """The slots of Adam have the size of an octave; the third report is the first of the second octave."""
    settings = DreamSettings(steps=20, optimizer="adam", octaves=2)
    *_, dreamt = dream(photograph, OBJECTIVE, backbone, settings)
    run = dream(photograph, OBJECTIVE, backbone, settings, checkpoint_dir=tmp_path)
    for _ in itertools.islice(run, 3):
        pass
    run.close()
    *_, resumed = dream(photograph, OBJECTIVE, backbone, settings, checkpoint_dir=tmp_path)
    assert resumed.picture.tobytes() == dreamt.picture.tobytes()
    before, after = (
        float(OBJECTIVE.value(backbone(tf.constant(picture[None]), OBJECTIVE.layers)))
        for picture in (photograph, dreamt.picture)
    )
    assert after > 1.1 * before
