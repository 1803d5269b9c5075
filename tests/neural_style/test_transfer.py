"""Painting: what comes out, seeds, and going on after an interruption."""

import dataclasses
import gc
import itertools
import weakref

import keras
import numpy as np
import pytest

from tfgraphs import backbones
from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.backbones.layers import convolution
from tfgraphs.files.packaged import PackageError
from tfgraphs.graphs import processor
from tfgraphs.neural_style import Painter, Style, StyleError, StyleSettings, paint
from tfgraphs.optimize.optimizers import OptimizerError
from tfgraphs.optimize.reports import GRADIENT_NORM
from tfgraphs.pictures.images import resize

SHALLOW = StyleSettings(content_layer="conv2", style_layers={"conv1": 1.0, "conv2": 1.0}, steps=80, seed=2)


def random_picture(*size, seed=0):
    """Patches of colour, 8 px wide."""
    height, width = size
    patches = np.random.default_rng(seed).random((-(-height // 8), -(-width // 8), 3))
    return patches.repeat(8, axis=0).repeat(8, axis=1)[:height, :width].astype(np.float32)


CONTENT, STYLE = random_picture(48, 150), random_picture(60, 70, seed=1)


@pytest.fixture(scope="module")
def painted(small):
    """All progress of a painting at two scales that nothing interrupted."""
    return list(paint(CONTENT, STYLE, small, SHALLOW))


@pytest.fixture(scope="module")
def squeezenet_painted():
    """All progress of a painting with the defaults and the trained network."""
    try:
        network = backbones.load("squeezenet", pooling="average")
    except PackageError as error:
        pytest.skip(str(error))
    return list(paint(random_picture(64, 56), random_picture(80, 64, seed=1), network, StyleSettings(steps=40)))


def test_painting_with_squeezenet_lowers_the_loss(squeezenet_painted):
    assert squeezenet_painted[-1].loss < 0.7 * squeezenet_painted[0].loss


def test_a_painting_with_squeezenet_is_in_range(squeezenet_painted):
    picture = squeezenet_painted[-1].picture
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_a_painting_has_the_shape_of_the_photograph(squeezenet_painted):
    assert squeezenet_painted[-1].picture.shape == (64, 56, 3)


def test_on_a_gpu_a_painting_is_fetched_less_often(small, monkeypatch, painted):
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))
    *_, last = fetched = list(paint(CONTENT, STYLE, small, SHALLOW))
    assert (len(fetched), len(painted)) == (3, 8)
    np.testing.assert_allclose(last.picture, painted[-1].picture, atol=1e-3)


def test_the_loss_is_the_sum_of_its_terms(painted):
    terms = {name: value for name, value in painted[-1].terms.items() if name != GRADIENT_NORM}
    assert painted[-1].loss == pytest.approx(sum(terms.values()), rel=1e-6)


@pytest.mark.parametrize(("term", "weights"), [("content", ["content"]), ("variation", ["variation", "chroma"])])
def test_a_term_with_weight_zero_is_zero(small, term, weights):
    settings = dataclasses.replace(SHALLOW, steps=1, **{f"{weight}_weight": 0.0 for weight in weights})
    (progress,) = paint(random_picture(32, 32), STYLE, small, settings)
    assert [name for name, value in progress.terms.items() if value == 0] == [term]


def test_the_loss_of_the_paper_has_its_terms_only(small):
    (progress,) = paint(random_picture(32, 32), STYLE, small, dataclasses.replace(SHALLOW, steps=1, loss="paper"))
    assert set(progress.terms) - {GRADIENT_NORM} == {"content", "style/conv1", "style/conv2", "variation"}
    assert progress.terms["variation"] == 0


def test_the_same_seed_gives_the_same_bytes(painted, small):
    *_, last = paint(CONTENT, STYLE, small, SHALLOW)
    assert last.picture.tobytes() == painted[-1].picture.tobytes()


def test_another_seed_gives_another_painting(painted, small):
    *_, last = paint(CONTENT, STYLE, small, dataclasses.replace(SHALLOW, seed=3))
    assert last.picture.tobytes() != painted[-1].picture.tobytes()


def test_the_painting_begins_at_the_coarse_scale(painted):
    assert [progress.picture.shape[:2] for progress in painted] == [(32, 100)] * 6 + [(48, 150)] * 2


def test_a_scale_starts_from_the_enlarged_result_of_the_one_before(small):
    settings = dataclasses.replace(SHALLOW, steps=2, learning_rate=1e-9)
    coarse, fine = paint(CONTENT, STYLE, small, settings)
    np.testing.assert_allclose(fine.picture, np.clip(resize(coarse.picture, (48, 150)), 0, 1), atol=1e-6)


def test_with_hardly_any_weight_but_that_of_content_the_photograph_itself_is_painted(small):
    settings = dataclasses.replace(
        SHALLOW, content_layer="pixels", content_weight=1e4, variation_weight=0.0, steps=200, learning_rate=0.1
    )
    photograph = random_picture(32, 32)
    *_, last = paint(photograph, STYLE, small, settings)
    np.testing.assert_allclose(last.picture, photograph, atol=0.01)


def first_style_term(style, small, style_scale):
    settings = dataclasses.replace(SHALLOW, steps=1, style_scale=style_scale)
    return next(paint(random_picture(64, 64), style, small, settings)).terms["style/conv1"]


def test_style_scale_is_the_longer_side_of_the_painting_relative_to_that_of_the_photograph(small):
    style = random_picture(80, 70, seed=1)
    resized = first_style_term(resize(style, (48, 42)), small, 1.0)
    assert first_style_term(style, small, 0.75) == pytest.approx(resized, rel=1e-5)


def test_a_painting_is_never_enlarged(small):
    style = random_picture(80, 70, seed=1)
    own_size = first_style_term(style, small, 80 / 64)
    assert first_style_term(style, small, 4.0) == pytest.approx(own_size, rel=1e-5)


@pytest.mark.parametrize(("reports", "steps_after"), [(4, [50, 60, 70, 80]), (7, [60, 80])])
def test_an_interrupted_painting_goes_on_to_the_same_bytes(painted, small, tmp_path, reports, steps_after):
    """The seventh report is the first of the second scale."""
    run = paint(CONTENT, STYLE, small, SHALLOW, checkpoint_dir=tmp_path)
    for _ in itertools.islice(run, reports):
        pass
    run.close()
    resumed = list(paint(CONTENT, STYLE, small, SHALLOW, checkpoint_dir=tmp_path))
    assert [progress.step for progress in resumed] == steps_after
    assert resumed[-1].picture.tobytes() == painted[-1].picture.tobytes()


@pytest.mark.parametrize("size", [(32, 32), (40, 100), (300, 64), (32, 900)])
def test_a_painting_of_any_size_and_proportions_serves_as_style(small, size):
    settings = dataclasses.replace(SHALLOW, steps=1)
    (progress,) = paint(random_picture(64, 48), random_picture(*size), small, settings)
    assert progress.picture.shape == (64, 48, 3)


@pytest.mark.parametrize(("content", "style"), [((31, 64), (64, 64)), ((64, 31), (64, 64)), ((64, 64), (64, 31))])
def test_a_picture_that_is_too_small_is_refused_in_one_line_with_its_size(small, content, style):
    height, width = min(content, style, key=min)
    with pytest.raises(StyleError, match=rf"^[^\n]*\b{width} x {height}\b[^\n]*\b32 px[^\n]*$"):
        paint(random_picture(*content), random_picture(*style), small, SHALLOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content_weight", -1.0),
        ("variation_weight", float("nan")),
        ("seed", -1),
        ("steps", 0),
        ("learning_rate", 0.0),
        ("style_scale", -2.0),
        ("style_scale", float("nan")),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line_with_name_and_value(name, value):
    with pytest.raises(StyleError, match=rf"^{name} is {value}\b[^\n]*$"):
        StyleSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "known"),
    [("loss", "normalized, paper"), ("statistic", "covariance, gram, mean_variance, sliced_wasserstein, transport")],
)
def test_an_unknown_choice_is_refused_with_those_there_are(name, known):
    with pytest.raises(StyleError, match=rf"^{name} is 'other': choose one of {known}$"):
        StyleSettings(**{name: "other"})


def test_an_unknown_optimizer_is_refused_in_one_line(small):
    with pytest.raises(OptimizerError, match=r"^optimizer is 'climber'[^\n]*$"):
        Painter(STYLE, small, dataclasses.replace(SHALLOW, optimizer="climber"))


def test_a_network_without_chosen_layers_asks_for_them(small):
    with pytest.raises(StyleError, match="no choice of layers for small"):
        paint(CONTENT, STYLE, small, StyleSettings(content_layer="conv2"))


@pytest.mark.parametrize("setting", [{"content_layer": "fire5"}, {"style_layers": {"conv1": 1.0, "fire5": 1.0}}])
def test_an_unknown_layer_is_refused_before_the_first_step(small, setting):
    with pytest.raises(LayerError, match=r"^[^\n]*'fire5'[^\n]*$"):
        paint(CONTENT, STYLE, small, dataclasses.replace(SHALLOW, **setting))


@pytest.mark.parametrize("weights", [{}, {"conv1": 0.0}, {"conv1": -1.0, "conv2": 2.0}])
def test_style_layers_without_weight_are_refused(weights):
    with pytest.raises(StyleError, match="style_layers"):
        StyleSettings(style_layers=weights)


@pytest.mark.parametrize(("style", "scale"), [((64, 400), 1.0), ((400, 400), 0.05)])
def test_a_long_or_scaled_down_painting_is_not_shrunk_to_nothing(style, scale):
    """SqueezeNet's last layers see nothing in less than 29 px."""
    try:
        network = backbones.load("squeezenet", pooling="average")
    except PackageError as error:
        pytest.skip(str(error))
    (progress,) = paint(
        random_picture(64, 64), random_picture(*style), network, StyleSettings(steps=1, style_scale=scale)
    )
    assert np.isfinite(progress.loss)


def test_lbfgs_lowers_the_loss_more_than_adam_in_as_many_steps(small):
    losses = {}
    for optimizer in ("adam", "lbfgs"):
        settings = dataclasses.replace(SHALLOW, optimizer=optimizer, steps=40)
        *_, last = paint(random_picture(32, 32), STYLE, small, settings)
        losses[optimizer] = last.loss
    assert losses["lbfgs"] < losses["adam"]


def test_a_painting_by_lbfgs_is_the_same_bytes_again_after_an_interruption_too(small, tmp_path):
    settings, photograph = dataclasses.replace(SHALLOW, optimizer="LBFGS", steps=60), random_picture(40, 56)
    whole = [*paint(photograph, STYLE, small, settings)][-1].picture
    run = paint(photograph, STYLE, small, settings, checkpoint_dir=tmp_path)
    next(run)
    run.close()
    resumed = [*paint(photograph, STYLE, small, settings, checkpoint_dir=tmp_path)][-1].picture
    assert resumed.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    "optimizer",
    ["adam", "RMSprop", "nadam", "lion", keras.optimizers.Adam(0.02, beta_1=0.8)],
    ids=lambda optimizer: optimizer if isinstance(optimizer, str) else "object",
)
def test_optimizers_of_keras_lower_the_loss(small, optimizer):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer)
    first, *_, last = (one.loss for one in paint(random_picture(64, 64), STYLE, small, settings))
    assert last < first


def test_an_optimizer_object_serves_all_scales_and_each_anew(small):
    settings = dataclasses.replace(SHALLOW, optimizer=keras.optimizers.SGD(0.0), steps=2)
    for _ in range(2):
        coarse, fine = paint(CONTENT, STYLE, small, settings)
        np.testing.assert_allclose(fine.picture, np.clip(resize(coarse.picture, (48, 150)), 0, 1), atol=1e-6)


def test_the_published_loss_is_lowered_too(small):
    settings = dataclasses.replace(SHALLOW, loss="paper")
    first, *_, last = (one.loss for one in paint(random_picture(64, 64), STYLE, small, settings))
    assert last < 0.5 * first


def test_a_picture_to_begin_with_takes_the_place_of_noise(small):
    settings = dataclasses.replace(SHALLOW, steps=1, learning_rate=1e-9)
    start = random_picture(64, 64, seed=5)
    (progress,) = paint(random_picture(64, 64), STYLE, small, settings, start=start)
    np.testing.assert_allclose(progress.picture, start, atol=1e-6)


def test_a_painting_with_two_styles_of_which_one_has_no_share_is_that_with_the_other(small, painted):
    nothing = Style(random_picture(50, 50, seed=8), weight=1e-12)
    *_, last = paint(CONTENT, [Style(STYLE), nothing], small, SHALLOW)
    np.testing.assert_allclose(last.picture, painted[-1].picture, atol=0.02)


def grey(value, *size):
    return np.full((*size, 3), value, np.float32)


def test_masks_separate_what_is_painted_where():
    """Where one painting is black and the other white, the picture becomes black here and white there."""
    network = Backbone(
        "pixels",
        [
            convolution("pixels", "input", np.eye(3, dtype=np.float32)[None, None], np.zeros(3, np.float32)),
            convolution("more", "pixels", np.eye(3, dtype=np.float32)[None, None], np.ones(3, np.float32)),
        ],
        lambda pictures: pictures,
    )
    left = np.zeros((48, 64), np.float32)
    left[:, :32] = 1
    styles = [Style(grey(0.1, 40, 40), where=left), Style(grey(0.9, 40, 40), where=1 - left)]
    settings = StyleSettings(
        content_layer="pixels",
        style_layers={"more": 1.0},
        statistic="mean_variance",
        content_weight=0.0,
        variation_weight=0.0,
        chroma_weight=0.0,
        palette_weight=0.0,
        steps=150,
    )
    *_, last = paint(grey(0.5, 48, 64), styles, network, settings)
    assert last.picture[:, :28].mean() == pytest.approx(0.1, abs=0.03)
    assert last.picture[:, 36:].mean() == pytest.approx(0.9, abs=0.03)


def test_masks_separate_the_palettes(small):
    """One painting is dark, the other light; their style has hardly any weight beside their colours."""
    left = np.zeros((64, 96), np.float32)
    left[:, :48] = 1
    noise = random_picture(64, 64)
    styles = [Style(0.3 * noise, where=left), Style(1 - 0.3 * noise, where=1 - left)]
    settings = dataclasses.replace(SHALLOW, content_weight=0.0, palette_weight=100.0, steps=100, learning_rate=0.05)
    *_, last = paint(random_picture(64, 96, seed=1), styles, small, settings)
    assert last.picture[:, :44].mean() == pytest.approx(0.15, abs=0.05)
    assert last.picture[:, 52:].mean() == pytest.approx(0.85, abs=0.05)


def test_a_mask_of_a_painting_says_what_of_it_counts(small):
    style = random_picture(40, 80, seed=3)
    mask = np.zeros((40, 80), np.float32)
    mask[:, :40] = 1
    other = style.copy()
    other[:, 48:] = 0.5
    settings = dataclasses.replace(SHALLOW, steps=1)

    def loss(pixels, mask=None):
        return next(paint(random_picture(80, 80), [Style(pixels, mask=mask)], small, settings)).loss

    assert loss(style, mask) == pytest.approx(loss(other, mask), rel=1e-6)
    assert loss(style) != pytest.approx(loss(other), rel=1e-3)


def test_a_picture_painted_like_itself_from_itself_stays_itself(small):
    picture = random_picture(64, 64)
    settings = dataclasses.replace(SHALLOW, variation_weight=0.0, chroma_weight=0.0, learning_rate=1e-3)
    *_, last = paint(picture, picture, small, settings, start=picture)
    assert np.abs(last.picture - picture).mean() < 0.01  # of up to 0.04 that 80 steps could go


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        ([], "at least one painting"),
        ([Style(STYLE, weight=0.0)], "weight of a painting is 0.0"),
        ([Style(STYLE, weight=float("nan"))], "weight of a painting is nan"),
        ([Style(STYLE, mask=np.ones((3, 4), np.float32))], "a mask has 4 x 3 px and its painting 70 x 60 px"),
        ([Style(STYLE, where=np.ones((3, 4), np.float32))], "a mask has 4 x 3 px and its photograph 150 x 48 px"),
        ([Style(STYLE, mask=np.zeros((60, 70), np.float32))], "a mask of the painting is black"),
    ],
    ids=["none", "no weight", "nan", "mask", "where", "black"],
)
def test_paintings_that_make_no_sense_are_refused_in_one_line(small, styles, message):
    with pytest.raises(StyleError, match=rf"^[^\n]*{message}[^\n]*$"):
        paint(CONTENT, styles, small, SHALLOW)


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "lbfgs"])
def test_a_painter_paints_each_photograph_as_if_it_were_the_first(small, optimizer):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer, steps=20)
    first = random_picture(40, 56)
    photographs = [first, first[::-1].copy(), first[:, :48].copy()]
    alone = [[*paint(photograph, STYLE, small, settings)][-1].picture for photograph in photographs]
    painter = Painter(STYLE, small, settings)
    for number in (0, 1, 2, 0):
        *_, last = painter.paint(photographs[number])
        assert last.picture.tobytes() == alone[number].tobytes()


def test_graphs_of_a_size_are_made_once(small):
    painter, graphs = Painter(STYLE, small, dataclasses.replace(SHALLOW, steps=2)), []
    for content in (CONTENT, CONTENT[::-1].copy()):
        list(painter.paint(content, on_graph=graphs.append))
    assert graphs[0] is graphs[1]


def test_graphs_of_another_size_and_of_a_scale_that_is_done_are_freed(small):
    """Each takes tens of megabytes, with its variables as many pictures of its size."""
    graphs = []
    painter = Painter(STYLE, small, dataclasses.replace(SHALLOW, steps=2))
    for content in (CONTENT, CONTENT[:-8], CONTENT[:-8]):
        list(painter.paint(content, on_graph=lambda graph: graphs.append(weakref.ref(graph))))
    gc.collect()
    assert graphs[0]() is None
    assert graphs[1]() is graphs[2]() is not None
    del painter
    gc.collect()
    assert graphs[1]() is None
