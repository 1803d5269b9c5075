"""Feature visualization: styles, silent and dead units, batches, seeds, settings, and resuming."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs import backbones
from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import convolution, relu
from tfgraphs.deepdream import features
from tfgraphs.deepdream.features import equalize_contrast, visualize_feature
from tfgraphs.deepdream.objectives import channel, channels, diversity, layer_l2, neuron, parse
from tfgraphs.deepdream.parameterizations import Fourier, Maco
from tfgraphs.deepdream.settings import PIXEL_STYLES, STYLES, DeadUnitError, FeatureError, FeatureSettings

SIZE = (40, 48)
DEAD = 5  # channel of "conv1" whose kernel is zero
OBJECTIVE = channel("conv2", 3)
FEW = {"naive": 10, "multiscale": 10, "laplacian": 10, "fourier": 24, "maco": 24}  # steps that do


def random_kernel(side, *channels):
    return np.random.default_rng(side).normal(0, 0.3, (side, side, *channels)).astype(np.float32)


@pytest.fixture(scope="module")
def backbone():
    """The kernels of the first layer are 9 x 9 in blocks of 3 x 3, so that it responds to forms rather than noise."""
    kernel, bias = np.kron(random_kernel(3, 3, 6), np.ones((3, 3, 1, 1), np.float32)) / 9, np.zeros(6, np.float32)
    kernel[..., DEAD], bias[DEAD] = 0, -1
    layers = [
        convolution("conv1_pre_relu", "input", kernel, bias, stride=2),
        relu("conv1", "conv1_pre_relu"),
        convolution("conv2", "conv1", random_kernel(3, 6, 8), np.zeros(8, np.float32)),
        convolution("wide", "input", random_kernel(60, 3, 1), np.zeros(1, np.float32), padding="VALID"),
    ]
    return Backbone("small", layers, lambda pictures: pictures * 2 - 1)


@pytest.fixture(scope="module")
def squeezenet():
    return backbones.load("squeezenet")


def settings_of(style, **given):
    octaves = 2 if style in PIXEL_STYLES and style != "naive" else None
    return FeatureSettings(
        **{"style": style, "size": SIZE, "steps": FEW[style] * (octaves or 1), "octaves": octaves, "seed": 4, **given}
    )


def finished(objective, backbone, settings, **options):
    *_, last = visualize_feature(objective, backbone, settings, **options)
    return last


def value(backbone, objective, pictures):
    return float(objective.value(backbone(tf.constant(pictures), objective.layers)))


@pytest.fixture(scope="module")
def runs(backbone):
    """All progress of an uninterrupted visualization in each style, and the graphs of its steps."""
    found = {}
    for style in STYLES:
        graphs = []
        found[style] = list(visualize_feature(OBJECTIVE, backbone, settings_of(style), on_graph=graphs.append)), graphs
    return found


@pytest.fixture(scope="module")
def seen(runs):
    return {style: progress for style, (progress, _) in runs.items()}


def at_the_start(style):
    """The first picture of a style."""
    if style in PIXEL_STYLES:
        return equalize_contrast(np.random.default_rng(0).uniform(size=(1, *SIZE, 3)).astype(np.float32))
    return (Maco if style == "maco" else Fourier)(SIZE, seed=4).pictures().numpy()


@pytest.mark.parametrize("style", STYLES)
def test_every_style_raises_its_objective(backbone, seen, style):
    before, after = (value(backbone, OBJECTIVE, one) for one in (at_the_start(style), seen[style][-1].pictures))
    assert after > 1.5 * before > 0


@pytest.mark.parametrize("style", ["laplacian", "fourier", "maco"])
def test_a_negative_objective_is_minimised(backbone, style):
    last = finished(-OBJECTIVE, backbone, settings_of(style))
    assert value(backbone, OBJECTIVE, last.pictures) < value(backbone, OBJECTIVE, at_the_start(style)) - 0.05


@pytest.mark.parametrize("style", STYLES)
def test_pictures_have_their_size_and_range(seen, style):
    pictures = seen[style][-1].pictures
    assert pictures.shape == (1, *SIZE, 3)
    assert pictures.dtype == np.float32
    assert 0 <= pictures.min() < 0.5 < pictures.max() <= 1


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_of_progress_is_the_first_of_the_batch(seen, style):
    for progress in seen[style]:
        np.testing.assert_array_equal(progress.picture, progress.pictures[0])


@pytest.mark.parametrize(
    ("style", "steps"),
    [("naive", [5, 10]), ("multiscale", [5, 10, 15, 20]), ("laplacian", [5, 10, 15, 20]), ("fourier", [8, 16, 24])],
)
def test_progress_counts_the_steps_of_all_sizes(seen, style, steps):
    assert [progress.step for progress in seen[style]] == steps
    assert seen[style][-1].done == 1


def test_transforms_of_all_octaves_have_different_steps(backbone, monkeypatch):
    steps = []

    def still(pictures, seed, step):
        tf.numpy_function(lambda number: steps.append(int(number)), [step], [])
        return pictures

    monkeypatch.setattr(features.transforms, "random_roll", still)
    finished(OBJECTIVE, backbone, settings_of("multiscale"))
    assert sorted(set(steps)) == list(range(20))


def test_octaves_too_small_for_the_layer_are_left_out(backbone):
    settings = settings_of("multiscale", size=(90, 120), octaves=4, steps=4)
    stages = [progress.stage for progress in visualize_feature(layer_l2("wide"), backbone, settings)]
    assert stages == ["octave 1 of 2, 86 x 64", "octave 2 of 2, 120 x 90"]


@pytest.mark.parametrize("style", ["multiscale", "fourier"])
def test_the_same_seed_gives_the_same_bytes(backbone, seen, style):
    assert finished(OBJECTIVE, backbone, settings_of(style)).pictures.tobytes() == seen[style][-1].pictures.tobytes()


@pytest.mark.parametrize("style", ["naive", "maco"])
def test_another_seed_gives_other_pictures(backbone, seen, style):
    other = finished(OBJECTIVE, backbone, settings_of(style, seed=5))
    assert not np.allclose(other.pictures, seen[style][-1].pictures, atol=0.01)


@pytest.mark.parametrize(
    ("style", "reports"),
    [
        pytest.param("naive", 1, marks=pytest.mark.long),
        ("laplacian", 3),
        ("fourier", 2),
        pytest.param("maco", 1, marks=pytest.mark.long),
    ],
)
def test_an_interrupted_visualization_goes_on_to_the_same_bytes(backbone, seen, tmp_path, style, reports):
    """The third report of a pixel style is the first of its second octave."""
    run = visualize_feature(OBJECTIVE, backbone, settings_of(style), checkpoint_dir=tmp_path, save_seconds=0)
    for _ in itertools.islice(run, reports):
        pass
    run.close()
    resumed = list(visualize_feature(OBJECTIVE, backbone, settings_of(style), checkpoint_dir=tmp_path))
    assert len(resumed) < len(seen[style])
    assert resumed[-1].pictures.tobytes() == seen[style][-1].pictures.tobytes()


def test_diversity_makes_the_pictures_of_a_batch_differ(backbone):
    alike, different = (
        finished(channel("conv1", 2), backbone, settings_of("fourier", batch=3, diversity=share)).pictures
        for share in (0.0, 5.0)
    )
    difference = diversity("conv1")
    assert value(backbone, difference, different) > value(backbone, difference, alike) + 0.2


def test_each_picture_of_a_batch_may_have_a_channel_of_its_own(backbone):
    pictures = finished(channels("conv2", [1, 7]), backbone, settings_of("naive", batch=2)).pictures
    more = channel("conv2", 1) - channel("conv2", 7)
    assert value(backbone, more, pictures[:1]) > value(backbone, more, pictures[1:]) + 0.1


@pytest.fixture(scope="module")
def alpha(backbone):
    """Opacity of a batch of pictures of a neuron in the middle."""
    settings = settings_of("fourier", steps=32, batch=2, alpha=True, robust=False)
    return finished(neuron("conv2", 3), backbone, settings).alpha


def test_alpha_has_the_size_of_the_pictures(alpha):
    assert alpha.shape == (2, *SIZE)
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_pictures_are_transparent_where_nothing_excites_the_unit(alpha):
    assert np.all(alpha[:, 18:23, 22:27].mean(axis=(1, 2)) > alpha[:, :8].mean(axis=(1, 2)) + 0.2)


@pytest.mark.parametrize("style", STYLES)
def test_pictures_have_no_alpha_by_default(seen, style):
    assert seen[style][-1].alpha is None


@pytest.mark.parametrize(
    ("unit", "style", "steps"),
    [
        pytest.param("fire9:17", "naive", 20, marks=pytest.mark.long),
        pytest.param("fire9:17", "laplacian", 40, marks=pytest.mark.long),
        ("fire9:17", "fourier", 32),
        pytest.param("fire9:17", "maco", 48, marks=pytest.mark.long),
        ("fire5:65", "multiscale", 40),
    ],
)
def test_silent_units_of_squeezenet_get_a_picture_that_excites_them(squeezenet, unit, style, steps):
    """The noise at the start does not excite them."""
    settings = settings_of(style, size=(64, 64), steps=steps, seed=1)
    objective = parse(unit, squeezenet)
    pictures = finished(objective, squeezenet, settings).pictures
    assert value(squeezenet, objective, pictures) > 1
    assert pictures.std() > 0.03


@pytest.mark.parametrize(("style", "layer"), [("naive", "conv1"), ("fourier", "conv1"), ("fourier", "conv1_pre_relu")])
def test_a_dead_unit_is_refused(backbone, style, layer):
    with pytest.raises(DeadUnitError, match=rf"^{layer}:{DEAD} of small .*choose another one, or another seed$"):
        next(visualize_feature(channel(layer, DEAD), backbone, settings_of(style)))


@pytest.mark.parametrize("style", ["naive", "fourier"])
def test_dead_units_of_a_batch_are_reported(backbone, style):
    objective = channels("conv1", [2, DEAD, 1])
    assert next(visualize_feature(objective, backbone, settings_of(style, batch=3))).dead == (1,)


@pytest.mark.parametrize("style", STYLES)
def test_on_graph_is_called_once(runs, style):
    (graph,) = runs[style][1]
    assert any("conv2" in operation.name for operation in graph.get_operations())


@pytest.mark.parametrize(
    ("layer", "message"),
    [("convv2", r"^[^\n]*'convv2'[^\n]*conv2[^\n]*$"), ("wide", r"^[^\n]*40 x 48[^\n]*wide[^\n]*60 px[^\n]*$")],
    ids=["unknown", "too wide for the pictures"],
)
def test_a_layer_that_cannot_be_computed_is_refused_before_the_first_step(backbone, layer, message):
    with pytest.raises(LayerError, match=message):
        visualize_feature(layer_l2(layer), backbone, FeatureSettings(size=SIZE))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"style": "cubist"}, "style is 'cubist': choose one of naive, multiscale, laplacian, fourier, maco"),
        ({"batch": 0}, "batch is 0: it must be a finite number, at least 1"),
        ({"steps": 0}, "steps is 0: it must be a finite number, at least 1"),
        ({"step_size": -0.1}, "step_size is -0.1: it must be a finite number, at least 0"),
        ({"step_size": float("nan")}, "step_size is nan: it must be a finite number, at least 0"),
        ({"octaves": 0}, "octaves is 0: it must be a finite number, at least 1"),
        ({"views": 0}, "views is 0: it must be a finite number, at least 1"),
        ({"decay": -1.0}, "decay is -1.0: it must be a finite number, at least 0"),
        ({"diversity": -0.5, "batch": 2}, "diversity is -0.5: it must be a finite number, at least 0"),
        ({"seed": -1}, "seed is -1: it must be a finite number, at least 0"),
        ({"size": (0, 5)}, "size is (0, 5): give height and width, both at least 1"),
        ({"size": (5,)}, "size is (5,): give height and width, both at least 1"),
        ({"octave_scale": 1.0}, "octave_scale is 1.0: it must be a finite number, more than 1"),
        ({"octave_scale": float("nan")}, "octave_scale is nan: it must be a finite number, more than 1"),
        ({"style": "maco", "alpha": True}, "alpha is for the style fourier, not for maco"),
        ({"diversity": 0.5}, "diversity is between the pictures of a batch: give a batch of at least 2"),
    ],
    ids=lambda given: given.partition(":")[0] if isinstance(given, str) else "",
)
def test_settings_out_of_range_are_refused(given, message):
    with pytest.raises(FeatureError) as refused:
        FeatureSettings(**given)
    assert str(refused.value) == message


def test_settings_override_those_of_the_style():
    of_style = FeatureSettings(style="maco", steps=7, step_size=0.0).of_style
    assert (of_style.steps, of_style.step_size, of_style.views) == (7, 0, STYLES["maco"].views)


def test_equalized_pictures_have_the_same_mean_and_deviation():
    pictures = np.random.default_rng(0).normal([[[[0.2]]], [[[0.7]]]], [[[[0.01]]], [[[0.1]]]], (2, 20, 30, 3))
    shown = equalize_contrast(pictures)
    np.testing.assert_allclose(shown.mean(axis=(1, 2, 3)), 0.5, atol=1e-3)
    np.testing.assert_allclose(shown.std(axis=(1, 2, 3)), 0.1, rtol=0.01)


def test_a_constant_picture_is_equalized_to_grey():
    np.testing.assert_array_equal(equalize_contrast(np.full((1, 4, 5, 3), 0.25)), np.full((1, 4, 5, 3), 0.5))
