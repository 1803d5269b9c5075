"""A picture of words: their vectors in the plane of the two principal components, pairs of words joined by arrows."""

import itertools
import math
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_file
from tfgraphs.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SIZE = (10.0, 7.5)  # inches
PIXELS = 160  # of a PNG, to the inch

# Formats, and what has to be left out of them so that the same picture has the same bytes at any time.
_METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

_FIRST, _SECOND, _SINGLE = "#1b6ca8", "#c0392b", "#34495e"  # points and labels, dark enough to read on white
_ARROW, _LINE, _FRAME, _AXIS = "#8d99a6", "#a5adb5", "#c8ced4", "#5f6b76"
_MARGIN = np.array([26.0, 26.0, 10.0, 10.0])  # left, below, right, above, the first two for the names of the axes

# How bad it is where a label stands. It is left out before it would overlap another one.
_OVERLAPS = (20.0, 40.0, 80.0, 160.0, *6 * (1000.0,))  # turn by turn, so that first all find about their places
_LEFT_OUT, _LEFT_OUT_OF_MANY = 200.0, 30.0
_COVERS_POINT, _NEAR_POINT, _COVERS_ARROW, _COVERS_LINE = 25.0, 2.0, 5.0, 8.0
_GAPS = {2.5: 0.0, 6.0: 2.5, 12.0: 5.0, 20.0: 8.0, 32.0: 12.0, 48.0: 16.0}  # between label and point
_LINE_FROM = 11.0  # such a gap on there is a line from the label to its point
_EDGE = 3.0
_FEW = 150  # words; among more, lines to labels would only add to the crowd

# Fonts to look for characters in, best first; after these, any other.
_FONT = "DejaVu Sans"  # comes with matplotlib
_FONTS = (_FONT, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "Noto Sans")
_LONGEST = 40  # characters of a label


class PlotError(TfgraphsError):
    """A picture cannot be drawn of what was given, or not on this machine."""


def principal_components(matrix: np.ndarray, count: int = 2) -> np.ndarray:
    """Coordinates of points along the directions in which they differ most (Pearson 1901), float64 [n, count].

    The singular value decomposition of the centred points, U S V^T, has the directions in V and the coordinates U S.
    A direction could as well point the other way; here its largest number is positive, the first if there are several.

    Args:
        matrix: of finite numbers, [n, dimensions], neither of them 0.
        count: of directions. Where the points do not differ, coordinates are 0.
    """
    matrix = np.asarray(matrix, np.float64)
    centred = matrix - matrix.mean(axis=0)
    left, scales, directions = np.linalg.svd(centred, full_matrices=False)
    scales[scales <= max(matrix.shape) * np.finfo(np.float64).eps * np.linalg.norm(matrix)] = 0  # rounding errors
    sizes = np.abs(directions)
    largest = np.argmax(sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True), axis=1)
    scales *= np.sign(directions[np.arange(len(directions)), largest])
    coordinates = (left * scales)[:, :count]
    return np.pad(coordinates, ((0, 0), (0, count - coordinates.shape[1])))


def plot(
    vectors: WordVectors,
    words: Sequence[str],
    path: str | Path,
    pairs: Sequence[tuple[str, str]] = (),
    size: tuple[float, float] = SIZE,
) -> None:
    """Draws words and writes the picture; the same input gives the same bytes. See `figure`.

    Args:
        vectors: of the words.
        words: to draw.
        path: of the picture; its suffix says the format: .png, .svg or .pdf.
        pairs: of words to join by arrows; they are drawn even if they are not among the words.
        size: width and height, in inches, 2 or more; a PNG has 160 pixels to the inch.

    Raises:
        WordError: a word is unknown.
        PlotError: see `figure` and `check`.
        OutputError: the file system refuses.
    """
    check(path)
    drawing = figure(vectors, words, pairs, size)
    kind = Path(path).suffix.lower()
    with _style(), atomic_file(path) as temporary:
        drawing.savefig(temporary, format=kind[1:], dpi=PIXELS, metadata=_METADATA[kind])


def check(path: str | Path) -> None:
    """Raises PlotError if matplotlib is not installed or there is no picture format with the suffix of `path`."""
    if Path(path).suffix.lower() not in _METADATA:
        raise PlotError(f"{path} is no name of a picture: it should end in .png, .svg or .pdf")
    with _style():
        pass


def figure(
    vectors: WordVectors,
    words: Sequence[str],
    pairs: Sequence[tuple[str, str]] = (),
    size: tuple[float, float] = SIZE,
) -> "Figure":
    """The picture of `plot` as a matplotlib Figure that belongs to no window; its axes count points of 1/72 inch.

    The vectors are brought to length 1 first. Two words are then the nearer, the larger their cosine, which is what
    similarity means everywhere else, while the length of a vector has to do with how frequent a word is. Arrows of
    analogies are as parallel in either case (GloVe, 8 pairs each of 14 kinds). Both axes have the same scale.

    Words are shown as they are given, with spaces for underscores. A label stands beside its point, or farther away
    at the end of a thin line. Among hundreds of words, the later ones have no label where there is no room.

    Raises:
        WordError: a word is unknown.
        PlotError: there are fewer than two different words, a vector is not finite, or matplotlib is missing.

    Warns:
        UserWarning: some labels had no room, or no font has the characters of some words.
    """
    if min(size) < 2:
        raise ValueError(f"size is {size}: a picture needs 2 inches")
    labels, arrows = _labels(vectors, words, pairs)
    units = _units(vectors, labels)
    coordinates = principal_components(units)
    shares = np.sum(coordinates**2, axis=0) / max(np.sum((units - units.mean(axis=0)) ** 2), 1e-30)
    crowd = len(labels) * math.prod(SIZE) / math.prod(size)
    font_size = float(np.clip(17.9 - 1.3 * math.log2(crowd), 6, 13))
    radius = 0.28 * font_size
    colours = [_SINGLE] * len(labels)
    for place, colour in ((0, _FIRST), (1, _SECOND)):
        for arrow in arrows:
            colours[arrow[place]] = colour

    with _style():
        drawing, axes = _canvas(size, shares)
        texts = _texts(axes, list(labels.values()), colours, font_size)
        extents = [text.get_window_extent() for text in texts]
        sizes = 72 / PIXELS * np.array([(extent.width, extent.height) for extent in extents]) + 2  # a distance
        frame = 72 * np.array(size) - _MARGIN[:2] - _MARGIN[2:]
        points = _fitted(coordinates, frame, np.minimum(sizes.max(axis=0), frame / 6) + radius)
        segments = points[np.array(arrows, int).reshape(-1, 2)]
        corners, tips = place_labels(points, sizes, segments, frame, radius)
        shown = np.isfinite(corners).all(axis=1)
        for text, corner, visible in zip(texts, corners, shown, strict=True):
            text.set(position=corner + 1, visible=bool(visible))
        _draw(axes, points, segments, tips, np.where(shown, radius, radius / 2), np.where(shown, colours, _ARROW))
    if not shown.all():
        hidden = len(shown) - shown.sum()
        warnings.warn(f"{hidden:,} of {len(shown):,} words have no label: there is no room", stacklevel=2)
    return drawing


def place_labels(
    points: np.ndarray, sizes: np.ndarray, segments: np.ndarray, frame: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Finds a place for each label beside its point, where it covers no other label and, if possible, nothing else.

    Every label has the same places around its point to choose from (Christensen, Marks, Shieber 1995). In turns each
    takes the best one, as the others stand, until none moves any more. All lengths are in one unit, 1/72 inch.

    Args:
        points: [n, 2].
        sizes: width and height of the labels, [n, 2].
        segments: start and end of lines that should not be covered, [m, 2, 2].
        frame: width and height of the page, whose lower left corner is at (0, 0).
        radius: of the points.

    Returns:
        Lower left corners of the labels, [n, 2], NaN where there was no room, and where lines from the points to their
        labels end, [n, 2], NaN where there is no need of a line.
    """
    few = len(points) <= _FEW
    gaps = list(_GAPS)[: len(_GAPS) if few else 2]
    low, tips, cost = _candidates(points, sizes, radius, gaps)
    cost = cost + _OVERLAPS[-1] * ((low < _EDGE) | (low + sizes[:, None] > frame - _EDGE)).any(axis=-1)
    reach = max(gaps) + radius + sizes
    near = []  # labels that could come in touch with each label
    for label, point in enumerate(points):
        close = _both(np.abs(points - point) < reach + reach[label])
        close[label] = False
        near.append(np.flatnonzero(close))
        others = points[close & (np.linalg.norm(points - point, axis=1) > radius / 2)]
        cost[label] += _covering(low[label], low[label] + sizes[label], point, tips[label], others, segments, radius)

    # The last place is that of a label that is left out: it is nowhere.
    low, tips = (np.pad(array, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan) for array in (low, tips))
    cost = np.pad(cost, ((0, 0), (0, 1)), constant_values=_LEFT_OUT if few else _LEFT_OUT_OF_MANY)
    high = low + sizes[:, None]
    chosen = np.full(len(points), -1)
    waiting = np.zeros(len(points), bool)
    for overlap, before in zip(_OVERLAPS, (0.0, *_OVERLAPS), strict=False):
        waiting |= overlap > before
        for label in np.flatnonzero(waiting)[::-1]:  # the last words give way
            waiting[label] = False
            others = near[label]
            theirs = (others, chosen[others])
            below, above = low[label][:, None], high[label][:, None]
            overlaps = _both((below < high[theirs]) & (low[theirs] < above))
            costs = cost[label] + overlap * overlaps.sum(axis=1)
            if few:
                crossed = _inside(below, above, points[others], tips[theirs]) > 0
                crosses = _inside(low[theirs], high[theirs], points[label], tips[label][:, None]) > 0
                costs += _COVERS_LINE * (crossed.sum(axis=1) + crosses.sum(axis=1))
            place = np.argmin(costs) - len(costs)
            if place != chosen[label]:
                chosen[label] = place
                waiting[others] = True
    everyone = np.arange(len(points))
    return low[everyone, chosen], tips[everyone, chosen]


def _candidates(
    points: np.ndarray, sizes: np.ndarray, radius: float, gaps: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of labels, their lower left corners and ends of lines [n, places, 2], with what is against them [places].

    The places are all around the point at each of some distances; to the right of it is best.
    """
    steps = np.linspace(-1, 1, 5)
    around = np.array([(x, y) for x, y in itertools.product(steps, steps) if max(abs(x), abs(y)) == 1])
    liking = 0.3 * (around[:, 0] < 0) + 0.1 * np.abs(around[:, 1]) + 0.2 * (around[:, 1] < 0)
    liking += 0.3 * (around != 0).all(axis=1)
    corners, costs = [], []
    for gap in gaps:
        away = (radius + gap) * around / np.linalg.norm(around, axis=1, keepdims=True)
        corners.append(away + sizes[:, None] / 2 * (around - 1))
        costs.append(_GAPS[gap] + liking)
    low = points[:, None] + np.concatenate(corners, axis=1)
    tips = np.clip(points[:, None], low, low + sizes[:, None])
    tips[:, np.repeat(gaps, len(around)) < _LINE_FROM] = np.nan
    return low, tips, np.concatenate(costs)


def _covering(
    low: np.ndarray,
    high: np.ndarray,
    point: np.ndarray,
    tips: np.ndarray,
    others: np.ndarray,
    segments: np.ndarray,
    radius: float,
) -> np.ndarray:
    """How bad it is what each place of a label covers of other points and of arrows, [places]."""
    gap = np.linalg.norm(others - np.clip(others, low[:, None], high[:, None]), axis=-1)
    cost = _COVERS_POINT * (gap < radius).sum(axis=1) + _NEAR_POINT * (gap < 2.2 * radius).sum(axis=1)
    length = _inside(low[:, None], high[:, None], segments[:, 0], segments[:, 1])
    cost += (_COVERS_ARROW * (length > 0) * (1 + np.minimum(length / (high - low)[:1, 1], 2))).sum(axis=1)
    around = (others - radius - 1, others + radius + 1)
    return cost + _COVERS_LINE * (_inside(*around, point, tips[:, None]) > 0).sum(axis=1)


def _inside(low: np.ndarray, high: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Length of the part of a line that is inside a box (Liang, Barsky 1984), [...]; 0 if either is NaN."""
    way = end - start
    way = np.where(way == 0, 1e-9, way)
    one, two = (low - start) / way, (high - start) / way
    enter, leave = np.minimum(one, two), np.maximum(one, two)
    enter, leave = np.maximum(enter[..., 0], enter[..., 1]), np.minimum(leave[..., 0], leave[..., 1])
    share = np.maximum(np.minimum(leave, 1) - np.maximum(enter, 0), 0)
    return np.nan_to_num(share * np.hypot(way[..., 0], way[..., 1]))


def _both(pairs: np.ndarray) -> np.ndarray:
    """Whether something holds of width and height, [...]; `all` would be slow over an axis of two."""
    return pairs[..., 0] & pairs[..., 1]


def _labels(
    vectors: WordVectors, words: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """Labels by the words of the vocabulary that are drawn, and the places of joined words among them."""
    labels: dict[str, str] = {}
    for word in itertools.chain(words, *pairs):
        label = " ".join(word.replace("_", " ").split()) or word
        label = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
        labels.setdefault(vectors.spelling(word), label)
    if len(labels) < 2:
        raise PlotError(f"a picture needs at least two different words, there {'are none' if not labels else 'is one'}")
    places = {word: place for place, word in enumerate(labels)}
    joined = [(places[vectors.spelling(first)], places[vectors.spelling(second)]) for first, second in pairs]
    return labels, [pair for pair in dict.fromkeys(joined) if pair[0] != pair[1]]


def _units(vectors: WordVectors, words: Iterable[str]) -> np.ndarray:
    """Vectors of length 1, or 0, float64 [words, dimensions]."""
    rows = {word: vectors.vector(word).astype(np.float64) for word in words}
    for word, row in rows.items():
        if not np.isfinite(row).all():
            raise PlotError(f"the vector of {word!r} has numbers that are not finite")
    matrix = np.stack(list(rows.values()))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1)


def _fitted(coordinates: np.ndarray, frame: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Coordinates moved into the middle of a frame and enlarged until they fill it but for a margin, [n, 2]."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    extent = np.maximum(high - low, 1e-30)
    scale = np.min((frame - 2 * margin) / extent) if (high > low).any() else 0.0
    return frame / 2 + (coordinates - (low + high) / 2) * scale


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib as it is without anybody's settings, and silent about fonts. Raises PlotError if it is missing."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise PlotError("matplotlib is not installed: pip install 'tfgraphs[plot]' brings it") from error
    with style.context(["default", {"svg.hashsalt": "tfgraphs"}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def _canvas(size: tuple[float, float], shares: np.ndarray) -> tuple["Figure", "Axes"]:
    """An empty page with a frame, whose axes count points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(size, dpi=PIXELS, facecolor="white")
    FigureCanvasAgg(drawing)
    page = 72 * np.array(size)
    frame = page - _MARGIN[:2] - _MARGIN[2:]
    axes = drawing.add_axes((*(_MARGIN[:2] / page), *(frame / page)))
    axes.set(xlim=(0, frame[0]), ylim=(0, frame[1]), xticks=[], yticks=[])
    axes.spines[:].set_color(_FRAME)
    axes.set_xlabel(f"first principal component, {shares[0]:.0%} of the variance", color=_AXIS, labelpad=7)
    axes.set_ylabel(f"second principal component, {shares[1]:.0%} of the variance", color=_AXIS, labelpad=7)
    return drawing, axes


def _texts(axes: "Axes", labels: Sequence[str], colours: Sequence[str], font_size: float) -> list["Text"]:
    """The labels, not yet in their places."""
    from matplotlib.patheffects import withStroke

    fonts = _fonts(labels)
    halo = [withStroke(linewidth=2.2, foreground="white")]
    style: dict[str, Any] = {"fontfamily": fonts, "fontsize": font_size, "parse_math": False, "path_effects": halo}
    return [
        axes.text(0, 0, label, color=colour, ha="left", va="bottom", zorder=4, **style)
        for label, colour in zip(labels, colours, strict=True)
    ]


def _draw(
    axes: "Axes", points: np.ndarray, segments: np.ndarray, tips: np.ndarray, radii: np.ndarray, colours: np.ndarray
) -> None:
    """Draws lines to labels, arrows and points, the later ones on top."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrowPatch

    lines = np.stack([points, tips], axis=1)[np.isfinite(tips).all(axis=1)]
    axes.add_collection(LineCollection(list(lines), colors=_LINE, linewidths=0.6, zorder=1), autolim=False)
    gap = radii.max() + 1.5
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 3 * radii.max(), "linewidth": 1.1, "color": _ARROW}
    for start, end in segments:
        if np.linalg.norm(end - start) > 2 * gap:  # else there would be nothing between the points
            axes.add_patch(FancyArrowPatch(start, end, shrinkA=gap, shrinkB=gap, zorder=2, **style))
    axes.scatter(points[:, 0], points[:, 1], s=(2 * radii) ** 2, c=list(colours), linewidths=0, zorder=3)


def _fonts(labels: Sequence[str]) -> list[str]:
    """Names of the fonts that have the characters of labels, so far as any font on this machine has them."""
    from matplotlib import font_manager, get_data_path

    def rank(name: str) -> tuple[int, bool, str]:
        return _FONTS.index(name) if name in _FONTS else len(_FONTS), "Sans" not in name, name

    own = get_data_path()  # where matplotlib keeps fonts for formulas, whose characters are not what they seem
    faces = {
        face.name: face.fname
        for face in font_manager.fontManager.ttflist
        if face.style == "normal" and (face.name == _FONT or not face.fname.startswith(own))
    }
    missing = {letter for label in labels for letter in label if unicodedata.category(letter) not in ("Cc", "Cf")}
    names = []
    for name in sorted(faces, key=rank):
        if not missing:
            break
        with suppress(OSError, RuntimeError):  # fonts that are gone or damaged
            font = font_manager.get_font(faces[name])
            found = {letter for letter in missing if font.get_char_index(ord(letter))}
            missing -= found
            names += [name] * bool(found)
    if missing:
        words = [label for label in labels if missing & set(label)]
        more = f" and {len(words) - 5:,} more" if len(words) > 5 else ""
        warnings.warn(f"no font here can show {', '.join(words[:5])}{more}; the Noto fonts can most", stacklevel=4)
    return names or [_FONT]
