"""Draws words in the plane of the two principal components of their vectors, with arrows between pairs of words."""

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.extras import install_extra
from tfgraphs.files.outputs import atomic_file
from tfgraphs.vectors.plots.fonts import choose_fonts, how_to_draw
from tfgraphs.vectors.plots.labels import place_labels
from tfgraphs.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

_PIXELS = 160  # per inch of a PNG
_PAGE = np.array([720.0, 540.0])  # in points of 1/72 inch, as all lengths
_MARGIN = np.array([26.0, 26.0, 10.0, 10.0])  # left, bottom, right, top; with room for the names of the axes
_FRAME = _PAGE - _MARGIN[:2] - _MARGIN[2:]

# Formats, and the metadata to leave out so that the same picture always has the same bytes.
_METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

_FIRST, _SECOND, _SINGLE = "#1b6ca8", "#c0392b", "#34495e"  # first and second words of pairs; all others
_ARROW, _LINE, _BORDER, _AXIS = "#8d99a6", "#a5adb5", "#c8ced4", "#5f6b76"
_LONGEST = 40  # characters of a label


class PlotError(TfgraphsError):
    """The words cannot be drawn, or matplotlib is missing."""


def plot(vectors: WordVectors, words: Sequence[str], path: str | Path, pairs: Sequence[tuple[str, str]] = ()) -> None:
    """Draws words and writes the picture. The same input gives the same bytes.

    Args:
        vectors: of the words.
        words: to draw.
        path: of the picture, .png with 1600 x 1200 pixels, .svg or .pdf.
        pairs: of words to join by arrows. They are drawn even if they are not among the words.

    Raises OutputError if the file cannot be written, and what `figure` and `check_format` raise.
    """
    check_format(path)
    drawing = figure(vectors, words, pairs)
    kind = Path(path).suffix.lower()
    with _style(), atomic_file(path) as temporary:
        drawing.savefig(temporary, format=kind[1:], dpi=_PIXELS, metadata=_METADATA[kind])


def check_format(path: str | Path) -> None:
    """Raises PlotError if the suffix of a path is not that of a known format, or matplotlib is not installed."""
    if Path(path).suffix.lower() not in _METADATA:
        raise PlotError(f"{path} is not the name of a picture: it must end in .png, .svg or .pdf")
    with _style():
        pass


def figure(vectors: WordVectors, words: Sequence[str], pairs: Sequence[tuple[str, str]] = ()) -> "Figure":
    """Draws the picture of `plot` as a matplotlib Figure without a window. Its axes count points of 1/72 inch.

    The vectors are scaled to length 1 first, so that distances follow cosine similarity; lengths mostly reflect how
    frequent words are. Arrows of analogies are as parallel as without scaling (GloVe, 8 pairs each of 14 kinds). Both
    axes have the same scale.

    Words are drawn as they are given, with spaces for underscores. A label stands beside its point, or farther away
    at the end of a thin line. Warnings name labels without room, the last of hundreds, or without a font.

    Raises:
        WordError: a word is unknown.
        PlotError: there are fewer than two different words, a vector is not finite, or matplotlib is missing.
    """
    labels, arrows = _labels(vectors, words, pairs)
    units = _finite_units(vectors, list(labels))
    coordinates = principal_components(units)
    shares = np.sum(coordinates**2, axis=0) / max(np.sum((units - units.mean(axis=0)) ** 2), 1e-30)
    font_size = float(np.clip(17.9 - 1.3 * math.log2(len(labels)), 6, 13))
    radius = 0.28 * font_size
    colours = [_SINGLE] * len(labels)
    for place, colour in ((0, _FIRST), (1, _SECOND)):
        for arrow in arrows:
            colours[arrow[place]] = colour

    with _style():
        drawing, axes = _canvas(shares)
        texts = _texts(axes, list(labels.values()), colours, font_size)
        extents = [text.get_window_extent() for text in texts]
        sizes = 72 / _PIXELS * np.array([(extent.width, extent.height) for extent in extents]) + 2  # with a margin
        points = _fit(coordinates, np.minimum(sizes.max(axis=0), _FRAME / 6) + radius)
        segments = points[np.array(arrows, int).reshape(-1, 2)]
        corners, tips = place_labels(points, sizes, segments, _FRAME, radius)
        shown = np.isfinite(corners).all(axis=1)
        for text, corner, visible in zip(texts, corners, shown, strict=True):
            text.set(position=corner + 1, visible=bool(visible))
        _draw(axes, points, segments, tips, np.where(shown, radius, radius / 2), np.where(shown, colours, _ARROW))
    if hidden := np.count_nonzero(~shown):
        warnings.warn(f"{hidden:,} of {len(shown):,} words have no label: there is no room", stacklevel=2)
    return drawing


def _labels(
    vectors: WordVectors, words: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """Returns labels by the words of the vocabulary, and the indices of the words that arrows join."""
    labels: dict[str, str] = {}
    for word in itertools.chain(words, *pairs):
        label = " ".join(word.replace("_", " ").split()) or word
        label = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
        labels.setdefault(vectors.spelling(word), label)
    if len(labels) < 2:
        raise PlotError(f"a picture needs two different words or more, not {len(labels)}")
    numbers = {word: number for number, word in enumerate(labels)}
    arrows = [(numbers[vectors.spelling(first)], numbers[vectors.spelling(second)]) for first, second in pairs]
    return labels, [arrow for arrow in dict.fromkeys(arrows) if arrow[0] != arrow[1]]


def _finite_units(vectors: WordVectors, words: Sequence[str]) -> np.ndarray:
    """Returns unit vectors, or zeros, float64 [words, dimensions]."""
    matrix = np.stack([vectors.vector(word) for word in words]).astype(np.float64)
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise PlotError(f"the vector of {words[int(finite.argmin())]!r} is not finite")
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1)


def _fit(coordinates: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Centers coordinates [points, 2] in the frame and scales them until they fill it except for a margin."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    extent = np.maximum(high - low, 1e-30)
    scale = np.min((_FRAME - 2 * margin) / extent) if (high > low).any() else 0.0
    return _FRAME / 2 + (coordinates - (low + high) / 2) * scale


def principal_components(matrix: np.ndarray, count: int = 2) -> np.ndarray:
    """Projects points on the directions of largest variance, float64 [points, count]; see `principal_directions`.

    Projections are 0 on directions without variance.
    """
    directions = principal_directions(matrix, count)
    matrix = np.asarray(matrix, np.float64)
    return (matrix - matrix.mean(axis=0)) @ directions.T


def principal_directions(matrix: np.ndarray, count: int = 2) -> np.ndarray:
    """Finds the directions of largest variance of points (Pearson 1901), unit vectors, float64 [count, dimensions].

    With the singular value decomposition of the centered points, U S V^T, they are V. The sign of each is chosen so
    that its largest component is positive, the first one of several. Directions without variance are 0.

    Args:
        matrix: finite numbers, [points, dimensions], neither of them 0.
        count: number of directions.
    """
    matrix = np.asarray(matrix, np.float64)
    _, scales, directions = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    sizes = np.abs(directions)
    largest = np.argmax(sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True), axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    signs[scales <= max(matrix.shape) * np.finfo(np.float64).eps * np.linalg.norm(matrix)] = 0  # rounding errors
    directions = (directions * signs[:, np.newaxis])[:count]
    return np.pad(directions, ((0, count - len(directions)), (0, 0)))


@contextmanager
def _style() -> Iterator[None]:
    """Uses matplotlib's default settings, without warnings about fonts. Raises PlotError if it is missing."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise PlotError(f"matplotlib is not installed: {install_extra('plot')}") from error
    with style.context(["default", {"svg.hashsalt": "tfgraphs"}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def _canvas(shares: np.ndarray) -> tuple["Figure", "Axes"]:
    """Returns an empty page with a frame, whose axes count points of 1/72 inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(tuple(_PAGE / 72), dpi=_PIXELS, facecolor="white")
    FigureCanvasAgg(drawing)
    axes = drawing.add_axes((*(_MARGIN[:2] / _PAGE), *(_FRAME / _PAGE)))
    axes.set(xlim=(0, _FRAME[0]), ylim=(0, _FRAME[1]), xticks=[], yticks=[])
    axes.spines[:].set_color(_BORDER)
    axes.set_xlabel(f"first principal component, {shares[0]:.0%} of the variance", color=_AXIS, labelpad=7)
    axes.set_ylabel(f"second principal component, {shares[1]:.0%} of the variance", color=_AXIS, labelpad=7)
    return drawing, axes


def _texts(axes: "Axes", labels: Sequence[str], colours: Sequence[str], font_size: float) -> list["Text"]:
    """Adds the labels, all at the same place."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.2, foreground="white")]
    fonts, missing = choose_fonts(labels)
    if missing:
        words = [label for label in labels if missing & set(label)]
        more = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
        text = f"no font on this machine can show {', '.join(words[:5])}{more}: {how_to_draw(missing)}"
        warnings.warn(text, stacklevel=3)
    style: dict[str, Any] = {"fontfamily": fonts, "fontsize": font_size, "parse_math": False, "path_effects": halo}
    return [
        axes.text(0, 0, label, color=colour, ha="left", va="bottom", zorder=4, **style)
        for label, colour in zip(labels, colours, strict=True)
    ]


def _draw(
    axes: "Axes", points: np.ndarray, segments: np.ndarray, tips: np.ndarray, radii: np.ndarray, colours: np.ndarray
) -> None:
    """Draws lines to labels, then arrows, then points."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrowPatch

    lines = np.stack([points, tips], axis=1)[np.isfinite(tips).all(axis=1)]
    axes.add_collection(LineCollection(list(lines), colors=_LINE, linewidths=0.6, zorder=1), autolim=False)
    gap = radii.max() + 1.5
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 3 * radii.max(), "linewidth": 1.1, "color": _ARROW}
    for start, end in segments:
        if np.linalg.norm(end - start) > 2 * gap:  # otherwise there is no room for an arrow
            axes.add_patch(FancyArrowPatch(start, end, shrinkA=gap, shrinkB=gap, zorder=2, **style))
    axes.scatter(points[:, 0], points[:, 1], s=(2 * radii) ** 2, c=list(colours), linewidths=0, zorder=3)
