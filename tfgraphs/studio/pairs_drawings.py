"""Drawings of a model of pairs: its neurons and weights, its vectors in a plane, its tree, its loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfgraphs.studio.svg import colour, drawing, element, letters, line, text, title
from tfgraphs.vectors.plots.labels import place_labels

if TYPE_CHECKING:
    from tfgraphs.word2vec.pairs.losses import HierarchicalSoftmax

_WIDTH, _ROW, _RADIUS = 640, 30, 11
_EXCITED = 1.2  # times the mean probability, from which the edges of an output are shown, as in wevi
_CELL = 34
_PLANE, _MARGIN = (640, 460), 60
_LETTER = 7.2  # width of a letter
_CURVE = (640, 180)


@dataclass(frozen=True)
class State:
    """What is drawn of a model.

    Attributes:
        words: of the vocabulary.
        inputs, outputs: the matrices, [words, D] and [rows, D].
        context: words whose neurons are active.
        targets: words to predict, of the present pair.
        hidden: the hidden vector of the context, [D].
        probabilities: of all words, [words].
        tree: of hierarchical softmax, None for other losses.
    """

    words: Sequence[str]
    inputs: np.ndarray
    outputs: np.ndarray
    context: Sequence[str]
    targets: Sequence[str]
    hidden: np.ndarray
    probabilities: np.ndarray
    tree: "HierarchicalSoftmax | None"

    @property
    def row_names(self) -> list[str]:
        """Names of the rows of the outputs: words, or inner nodes of a tree."""
        if self.tree:
            return [f"node {number}" for number in range(len(self.outputs))]
        return list(self.words)


def network(state: State) -> str:
    """Draws neurons and weights. Inputs can be pointed at and clicked: their elements name the word, `data-word`."""
    rows, units = state.row_names, len(state.hidden)
    height = _ROW * max(len(state.words), len(rows), units) + 50
    lefts = _column(len(state.words), height)
    middles = _column(units, height)
    rights = _column(len(rows), height)
    left, middle, right = 0.24 * _WIDTH, 0.5 * _WIDTH, 0.76 * _WIDTH
    values = _row_values(state)
    lit = values > _EXCITED / len(values) if state.context else np.zeros(len(values), bool)
    edges = []
    for word, y in zip(state.words, lefts, strict=True):
        weights = state.inputs[state.words.index(word)]
        active = word in state.context
        edges += [_edge((left, y), (middle, end), weight, active) for end, weight in zip(middles, weights, strict=True)]
    for row, y in enumerate(rights):
        for unit, start in enumerate(middles):
            edges.append(_edge((middle, start), (right, y), state.outputs[row, unit], bool(lit[row])))
    neurons = [
        *(_input(word, left, y, word in state.context) for word, y in zip(state.words, lefts, strict=True)),
        *(_neuron(middle, y, state.hidden[unit], f"hidden unit {unit}") for unit, y in enumerate(middles)),
    ]
    for name, y, value in zip(rows, rights, values, strict=True):
        neurons.append(_neuron(right, y, value if state.context else 0.0, name))
        shown = f"{name}  {value:.3f}" if state.context else name
        neurons.append(text(shown, right + 18, y + 4.5, class_="target" if name in state.targets else "name"))
        if name in state.targets:
            neurons.append(_arrow(_WIDTH - 4, right + 24 + _LETTER * letters(shown), y))
    heads = [
        text(head, x, 16, text_anchor="middle", class_="head")
        for head, x in (("input", left), ("hidden", middle), ("output", right))
    ]
    return drawing(_WIDTH, height, *sorted(edges), *neurons, *heads, label="the network")


def _row_values(state: State) -> np.ndarray:
    """What the neurons of the outputs say: probabilities of words, or of turning left at inner nodes."""
    if state.tree:
        return 1 / (1 + np.exp(-(state.outputs @ state.hidden)))
    return state.probabilities


def _column(count: int, height: float) -> list[float]:
    """Returns the places of neurons, evenly over the height."""
    step = (height - 50) / count
    return [40 + step * (number + 0.5) for number in range(count)]


def _edge(start: tuple[float, float], end: tuple[float, float], weight: float, active: bool) -> str:
    if not active:
        return line(start, end, class_="edge")
    return line(start, end, stroke=colour(float(weight)), stroke_width=3)


def _input(word: str, x: float, y: float, active: bool) -> str:
    circle = element("circle", cx=x, cy=y, r=_RADIUS, fill=colour(float(active)), class_="neuron")
    name = text(word, x - 18, y + 4.5, text_anchor="end", class_="name")
    arrow = [_arrow(4, x - 24 - _LETTER * letters(word), y)] if active else []
    attributes = {"data-word": word, "tabindex": "0", "role": "button", "aria-pressed": str(active).lower()}
    place = element("rect", x=0, y=y - 12, width=x + _RADIUS, height=24, fill="transparent")  # to point at
    return element("g", place, circle, name, *arrow, class_="input", aria_label=word, **attributes)


def _neuron(x: float, y: float, value: float, name: str) -> str:
    hint = title(f"{name}: {value:.6g}")
    return element("circle", hint, cx=x, cy=y, r=_RADIUS, fill=colour(float(value)), class_="neuron")


def _arrow(start: float, end: float, y: float) -> str:
    """Draws an arrow that points at a word of the present pair."""
    direction = 1 if end > start else -1
    head = f"M{end:.1f},{y} l{-7 * direction},-5 v10 z"
    return element("g", line((start, y), (end - 6 * direction, y)), element("path", d=head), class_="arrow")


def heat_map(state: State, which: str) -> str:
    """Draws a matrix, a row for each word or node, a column for each hidden unit."""
    matrix, names = (state.inputs, list(state.words)) if which == "inputs" else (state.outputs, state.row_names)
    left = _LETTER * max((letters(name) for name in names), default=0) + 16
    cells = []
    for row, (name, vector) in enumerate(zip(names, matrix, strict=True)):
        y = row * _ROW * 0.8
        cells.append(text(name, left - 8, y + 0.55 * _ROW, text_anchor="end", class_="name"))
        for column, value in enumerate(vector):
            hint = title(f"{name}, unit {column}: {value:.10g}")
            place = {"x": left + column * _CELL, "y": y, "width": _CELL, "height": 0.8 * _ROW}
            cells.append(element("rect", hint, fill=colour(float(value)), class_="cell", **place))
    size = left + _CELL * matrix.shape[1], max(1, len(names)) * _ROW * 0.8
    return drawing(*size, *cells, label=f"the matrix of {which}")


def plane(state: State, axes: np.ndarray) -> str:
    """Draws the vectors of all words in the plane of two axes.

    Args:
        state: with the vectors.
        axes: unit vectors, [2, D].
    """
    names = [*state.words, *state.row_names]
    points = np.concatenate([state.inputs, state.outputs]) @ axes.T
    inner = np.array(_PLANE) - 2 * _MARGIN
    scale = np.min(inner / 2 / np.maximum(np.abs(points).max(axis=0, initial=0), 1e-9))
    places = points * scale + np.array(_PLANE) / 2
    sizes = np.array([(_LETTER * letters(name), 14.0) for name in names])
    corners, tips = place_labels(places, sizes, np.zeros((0, 2, 2)), np.array(_PLANE, float), 5.0)
    drawn = []
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        kind = "input-vector" if number < len(state.words) else "output-vector"
        x, y = place[0], _PLANE[1] - place[1]
        hint = title(f"{kind.replace('-', ' ')} of {name}: {points[number, 0]:.6g}, {points[number, 1]:.6g}")
        drawn.append(element("circle", hint, cx=x, cy=y, r=5.0, class_=kind))
        if np.isfinite(tips[number]).all():
            drawn.append(line((x, y), (tips[number, 0], _PLANE[1] - tips[number, 1]), class_=f"{kind} leader"))
        if np.isfinite(corners[number]).all():
            left, low = corners[number]
            drawn.append(text(name, float(left), float(_PLANE[1] - low - 3), class_=kind))
    middle_x, middle_y = _PLANE[0] / 2, _PLANE[1] / 2
    cross = [
        line((0, middle_y), (_PLANE[0], middle_y), class_="axis"),
        line((middle_x, 0), (middle_x, _PLANE[1]), class_="axis"),
    ]
    return drawing(*_PLANE, *cross, *drawn, label="vectors in the plane of two principal components")


def tree(state: State) -> str | None:
    """Draws the tree of hierarchical softmax, with the way to each target lit up; None for other losses."""
    output = state.tree
    if not output or not output.rows:
        return None
    inner = output.rows
    words = [state.words[number] for number in output.order]
    depths, columns = _tree_places(output)
    width = max(_WIDTH, 64 * len(words))
    height = 70.0 * (max(depths.values()) + 1) + 10
    step = width / len(words)
    places = {node: (step * (columns[node] + 0.5), 30 + 70.0 * depth) for node, depth in depths.items()}
    index = {word: number for number, word in enumerate(state.words)}
    lit = set()
    for target in state.targets:
        for node, sign in zip(output.paths[index[target]], output.signs[index[target]], strict=True):
            if sign:
                lit.add((int(node), int(sign)))
    turns = _row_values(state)
    drawn = []
    for node, sides in enumerate(output.tree.children):
        for child, sign in zip(sides, (1, -1), strict=True):
            drawn.append(line(places[node], places[int(child)], class_="way lit" if (node, sign) in lit else "way"))
    for node, (x, y) in places.items():
        if node >= inner:
            word = words[node - inner]
            drawn.append(
                text(word, x, y + 5, text_anchor="middle", class_="target" if word in state.targets else "name")
            )
            chance = f"{state.probabilities[index[word]]:.3f}" if state.context else ""
            drawn.append(text(chance, x, y + 21, text_anchor="middle", class_="small"))
        else:
            value = turns[node] if state.context else 0.5
            hint = title(f"node {node}: left {value:.6g}, right {1 - value:.6g}")
            drawn.append(element("circle", hint, cx=x, cy=y, r=_RADIUS, fill=colour(2 * value - 1), class_="neuron"))
    return drawing(width, height, *drawn, label="the tree")


def _tree_places(output: "HierarchicalSoftmax") -> tuple[dict[int, int], dict[int, float]]:
    """Returns the depth of each node, and its column: leaves side by side, parents between their children."""
    depths, columns, inner = {0: 0}, dict[int, float](), output.rows
    for node, sides in enumerate(output.tree.children):  # parents come before their children
        depths.update({int(child): depths[node] + 1 for child in sides})
    waiting, leaves = [0], []
    while waiting:
        node = waiting.pop()
        if node >= inner:
            leaves.append(node)
        else:
            waiting += [int(output.tree.children[node][1]), int(output.tree.children[node][0])]
    columns.update({leaf: float(place) for place, leaf in enumerate(leaves)})
    for node in reversed(range(inner)):
        one, other = (columns[int(child)] for child in output.tree.children[node])
        columns[node] = (one + other) / 2
    return depths, columns


def curve(losses: Sequence[tuple[int, float]]) -> str:
    """Draws the mean loss of all pairs against the step."""
    width, height = _CURVE
    steps, values = (np.array(one, float) for one in zip(*losses, strict=True))
    low, high = min(0.0, values.min()), max(values.max(), 1e-9)
    xs = 50 + (width - 70) * steps / max(steps[-1], 1)
    ys = height - 24 - (height - 44) * (values - low) / (high - low)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    frame = element("path", d=f"M50,12 V{height - 24} H{width - 20}", class_="axis", fill="none")
    marks = [
        text(f"{high:.2f}", 44, 20, text_anchor="end", class_="small"),
        text(f"{low:.2f}", 44, height - 24, text_anchor="end", class_="small"),
        text(f"{int(steps[-1])} steps", width - 20, height - 8, text_anchor="end", class_="small"),
    ]
    drawn = element("polyline", points=points, class_="curve", fill="none")
    return drawing(width, height, frame, *marks, drawn, label=f"mean loss of all pairs, now {values[-1]:.4f}")
