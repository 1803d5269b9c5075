import re
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as matrices
from label_boxes import overlapping
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from PIL import Image

from tfgraphs.extras import install_extra
from tfgraphs.vectors.plots.plot import PlotError, check_format, figure, plot, principal_components
from tfgraphs.vectors.word_vectors import WordError, WordVectors

NOWHERE = "\U000f0000"  # a character for private use, which has no meaning and is in no font


@pytest.fixture
def royal() -> WordVectors:
    """Four corners of a square, a word of two parts between them, and one far away in another direction."""
    corners = {"king": (1, 0), "queen": (1, 1), "man": (0, 0), "woman": (0, 1), "New_York": (0.5, 0.5), "apple": (0, 3)}
    return WordVectors(list(corners), np.float32([(*corner, 4) for corner in corners.values()]))


@pytest.fixture
def crowd() -> WordVectors:
    rng = np.random.default_rng(3)
    return WordVectors([f"word{number}" for number in range(1200)], rng.normal(size=(1200, 5)).astype(np.float32))


def drawn(picture: Figure) -> dict[str, Text]:
    """The labels of a picture by what they say."""
    return {text.get_text(): text for text in picture.axes[0].texts if text.get_visible()}


def arrows(picture: Figure) -> list[FancyArrowPatch]:
    return [patch for patch in picture.axes[0].patches if isinstance(patch, FancyArrowPatch)]


def points(picture: Figure) -> np.ndarray:
    return np.asarray(picture.axes[0].collections[-1].get_offsets())


def test_points_are_the_components_of_unit_vectors_to_one_scale(royal):
    units = royal.matrix / np.linalg.norm(royal.matrix, axis=1, keepdims=True)
    found = points(figure(royal, royal.words))
    expected = principal_components(units)
    ratios = (found - found.mean(axis=0))[:, 0] / expected[:, 0]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-5)
    np.testing.assert_allclose(found - found.mean(axis=0), ratios[0] * expected, atol=1e-3)


def test_every_word_has_its_label_beside_its_point(royal):
    picture = figure(royal, ["king", "queen", "New York"], [("man", "woman")])
    labels = drawn(picture)
    assert list(labels) == ["king", "queen", "New York", "man", "woman"]
    for place, label in zip(points(picture), labels.values(), strict=True):
        box = label.get_window_extent().transformed(picture.axes[0].transData.inverted())
        nearest = np.clip(place, box.min, box.max)
        assert 2 < np.linalg.norm(place - nearest) < 12


def test_underscores_are_spaces_and_dollars_are_no_formulas(royal):
    vectors = WordVectors(["New_York", "$x$", "_"], np.eye(3, dtype=np.float32))
    labels = drawn(figure(vectors, vectors.words))
    assert list(labels) == ["New York", "$x$", "_"]
    assert not any(label.get_parse_math() for label in labels.values())


def test_words_are_drawn_once_in_their_first_spelling(royal):
    assert list(drawn(figure(royal, ["KING", "king", "queen"], [("King", "Queen")]))) == ["KING", "queen"]


def test_arrows_go_from_the_first_to_the_second_word(royal):
    picture = figure(royal, ["apple"], [("king", "queen"), ("man", "woman"), ("king", "queen"), ("man", "man")])
    place = dict(zip(drawn(picture), points(picture), strict=True))
    ends = [arrow._posA_posB for arrow in arrows(picture)]
    expected = [(place["king"], place["queen"]), (place["man"], place["woman"])]
    np.testing.assert_allclose(ends, expected)


def test_words_have_a_colour_by_their_part_in_a_pair(royal):
    labels = drawn(figure(royal, ["apple"], [("king", "queen"), ("man", "woman")]))
    colours = {word: label.get_color() for word, label in labels.items()}
    assert colours["king"] == colours["man"]
    assert colours["queen"] == colours["woman"]
    assert len(set(colours.values())) == 3


def test_labels_of_few_words_do_not_overlap(crowd):
    labels = drawn(figure(crowd, crowd.words[:40]))
    assert len(labels) == 40
    assert not overlapping([label.get_window_extent().extents for label in labels.values()])


def test_axes_show_the_share_of_the_variance():
    cross = WordVectors(["a", "b", "c", "d"], np.float32([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]]))
    axes = figure(cross, cross.words).axes[0]
    assert axes.get_xlabel() == "first principal component, 100% of the variance"
    assert axes.get_ylabel() == "second principal component, 0% of the variance"


@pytest.mark.parametrize("matrix", [np.ones((3, 4)), np.zeros((3, 4)), np.float32([[1], [2], [-3]])])
def test_words_that_hardly_differ_are_drawn(matrix):
    vectors = WordVectors(["one", "two", "three"], matrix)
    picture = figure(vectors, vectors.words, [("one", "two")])
    assert len(drawn(picture)) == 3
    assert np.isfinite(points(picture)).all()


def test_some_of_too_many_words_have_no_label(crowd):
    with pytest.warns(UserWarning, match=r"^\d+ of 1,200 words have no label: there is no room$") as caught:
        picture = figure(crowd, crowd.words)
    assert len(points(picture)) == 1200
    labels = drawn(picture)
    assert 20 < len(labels) == 1200 - int(str(caught[0].message).split()[0])
    assert not overlapping([label.get_window_extent().extents for label in labels.values()])


def test_a_very_long_label_is_shortened():
    vectors = WordVectors(["x" * 300, "y"], np.eye(2, dtype=np.float32))
    assert list(drawn(figure(vectors, vectors.words))) == ["x" * 39 + "…", "y"]


# Principal components.


MATRICES = matrices(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.floats(-100, 100))


@given(MATRICES)
def test_components_have_the_variances_of_the_covariance_and_no_correlation(matrix):
    coordinates = principal_components(matrix)
    variances = np.linalg.eigvalsh(np.atleast_2d(np.cov(matrix.T, bias=True)))[::-1]
    expected = np.pad(variances, (0, 2))[:2]
    np.testing.assert_allclose(coordinates.T @ coordinates / len(matrix), np.diag(expected), atol=1e-8)
    np.testing.assert_allclose(coordinates.sum(axis=0), 0, atol=1e-8)


def test_components_are_projections_on_the_eigenvectors_of_the_covariance():
    matrix = np.random.default_rng(0).normal(size=(30, 6)) * [5, 1, 3, 0.5, 2, 0.1]
    _, directions = np.linalg.eigh(np.cov(matrix.T))
    directions = directions[:, ::-1][:, :3]
    directions *= np.sign([column[np.argmax(np.abs(column))] for column in directions.T])
    expected = (matrix - matrix.mean(axis=0)) @ directions
    np.testing.assert_allclose(principal_components(matrix, 3), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        pytest.param([[3, 4]], [[0, 0]], id="one point"),
        pytest.param([[0, 0], [6, 8]], [[-5, 0], [5, 0]], id="two points"),
        pytest.param([[0, 0], [-6, 8]], [[-5, 0], [5, 0]], id="the larger number of the direction is positive"),
        pytest.param([[0, 2], [2, 0]], [[-(2**0.5), 0], [2**0.5, 0]], id="of two as large, the first"),
        pytest.param([[1], [2], [6]], [[-2, 0], [-1, 0], [3, 0]], id="one dimension"),
        pytest.param([[0.1, 0.7]] * 3, [[0, 0]] * 3, id="equal points"),
        pytest.param([[9, 0], [-9, 0], [0, 1], [0, -1]], [[9, 0], [-9, 0], [0, 1], [0, -1]], id="a cross"),
    ],
)
def test_components_by_hand(matrix, expected):
    np.testing.assert_allclose(principal_components(np.array(matrix)), expected, atol=1e-12)


def test_equal_points_have_zero_components():
    """Rounding errors of the mean, enlarged to a picture, would look like words far from each other."""
    row = np.random.default_rng(1).normal(size=50)
    assert not principal_components(np.stack([row] * 7)).any()


# Scripts.


def test_words_in_scripts_of_the_fonts_are_drawn_without_warning():
    vectors = WordVectors(["Москва", "Αθήνα", "naïve"], np.eye(3, dtype=np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(drawn(figure(vectors, vectors.words))) == vectors.words


def test_one_line_names_the_words_that_no_font_can_show(tmp_path):
    words = [*(f"{NOWHERE}{number}" for number in range(7)), "plain"]
    vectors = WordVectors(words, np.eye(8, dtype=np.float32))
    line = f"no font on this machine can show {', '.join(words[:5])} and 2 more: install the Noto fonts"
    with pytest.warns(UserWarning, match=f"^{line}$") as caught:
        plot(vectors, words, tmp_path / "words.png")
    assert len(caught) == 1


def test_a_font_with_the_missing_character_is_chosen(tmp_path, monkeypatch):
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (700, 700)):
        (pen.lineTo if corner != (0, 0) else pen.moveTo)(corner)
    pen.closePath()
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "triangle"])
    font.setupCharacterMap({ord(NOWHERE): "triangle"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "triangle": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (700, 0), "triangle": (700, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Triangles", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "triangles.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    font_manager.fontManager.addfont(tmp_path / "triangles.ttf")

    vectors = WordVectors([NOWHERE, "word"], np.eye(2, dtype=np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot(vectors, vectors.words, tmp_path / "words.png")
        labels = drawn(figure(vectors, vectors.words))
    assert labels["word"].get_fontfamily() == ["DejaVu Sans", "Triangles"]


# Files.


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_same_words_give_the_same_bytes_later(royal, tmp_path, monkeypatch, suffix, start):
    first, second = tmp_path / f"first{suffix}", tmp_path / "folder" / f"second{suffix}"
    plot(royal, royal.words, first, [("king", "queen")])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "pepper"}):
        plot(royal, royal.words, second, [("king", "queen")])
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(start)


def test_a_png_has_two_million_pixels(royal, tmp_path):
    plot(royal, royal.words, tmp_path / "words.png")
    assert Image.open(tmp_path / "words.png").size == (1600, 1200)


def test_settings_of_matplotlib_are_as_before(royal, tmp_path):
    before = dict(matplotlib.rcParams)
    plot(royal, royal.words, tmp_path / "words.png")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["words.xyz", "words", "words.jpg", ".png"])
def test_other_suffixes_are_refused_before_anything_is_drawn(royal, tmp_path, name):
    with pytest.raises(
        PlotError, match=re.escape(f"{name} is not the name of a picture: it must end in .png, .svg or .pdf")
    ):
        plot(royal, ["unknown word"], tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "pairs", "message"),
    [
        ([], [], "a picture needs two different words or more, not 0"),
        (["king"], [], "a picture needs two different words or more, not 1"),
        (["king", "King"], [("KING", "king")], "a picture needs two different words or more, not 1"),
    ],
)
def test_too_few_words_are_refused(royal, tmp_path, words, pairs, message):
    with pytest.raises(PlotError, match=f"^{message}$"):
        plot(royal, words, tmp_path / "words.png", pairs)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("words", "pairs"), [(["king", "qeen"], []), (["king"], [("queen", "qeen")])])
def test_unknown_words_are_refused(royal, words, pairs):
    with pytest.raises(WordError, match="'qeen' is not among the 6 words; did you mean queen"):
        figure(royal, words, pairs)


def test_vectors_that_are_not_finite_are_refused():
    vectors = WordVectors(["fine", "bad"], np.float32([[1, 2], [np.nan, 1]]))
    with pytest.raises(PlotError, match="the vector of 'bad' is not finite"):
        figure(vectors, vectors.words)


def test_without_matplotlib_the_extra_is_named(royal, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    line = re.escape(f"matplotlib is not installed: {install_extra('plot')}")
    for attempt in (
        lambda: check_format(Path("words.png")),
        lambda: plot(royal, royal.words, tmp_path / "words.png"),
        lambda: figure(royal, royal.words),
    ):
        with pytest.raises(PlotError, match=f"^{line}$"):
            attempt()
