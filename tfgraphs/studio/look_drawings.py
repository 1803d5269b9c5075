"""A drawing of a network: its layers from the picture to the classes, branches below each other.

The width of a block shows its channels, the height how finely it resolves the picture.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfgraphs.studio.svg import drawing, element, text

if TYPE_CHECKING:
    from tfgraphs.backbones import Backbone
    from tfgraphs.backbones.layers import Layer

_STEP = 41  # px from one column to the next
_LEFT, _TOP, _GAP = 34, 44, 12
_WAY = 4  # height of a line that passes a column
_LETTER = 6.8  # width of a letter
INPUT = "input"


@dataclass(frozen=True)
class Block:
    """What is drawn as one: a layer, or a convolution with its rectifier.

    Attributes:
        name: of the last of its layers, which is chosen with it.
        layers: all of its layers.
        inputs: blocks that it reads, or "input".
        kind: "convolution", "pooling", "joined" or "other", its colour.
        channels, stride: of the last layer; a stride of 0 is one value for the whole picture.
        about: all that is known of it, in a line.
    """

    name: str
    layers: tuple[str, ...]
    inputs: tuple[str, ...]
    kind: str
    channels: int
    stride: int
    about: str


def blocks(backbone: "Backbone") -> list[Block]:
    """Returns the blocks of a network; a layer before a rectifier is in the block of the rectifier."""
    homes = _homes(backbone)
    found = []
    for name in backbone.layers:
        if homes[name] != name:
            continue
        members = [other for other in backbone.layers.values() if homes[other.name] == name]
        sources = [source for member in members for source in member.inputs]
        inputs = dict.fromkeys(homes.get(source, source) for source in sources)
        inputs.pop(name, None)
        view, first = backbone.view(name), members[0]
        found.append(
            Block(
                name=name,
                layers=tuple(member.name for member in members),
                inputs=tuple(inputs),
                kind=_colour_of(first),
                channels=view.channels,
                stride=view.stride if view.receptive_field else 0,
                about=_about(backbone, name, members),
            )
        )
    return found


def _homes(backbone: "Backbone") -> Mapping[str, str]:
    """Maps each layer to the last one of its block."""
    from tfgraphs.backbones.layers import PRE_RELU

    readers = Counter(source for layer in backbone.layers.values() for source in layer.inputs)
    homes = {}
    for name, layer in backbone.layers.items():
        homes[name] = name
        if layer.kind == "relu" and len(layer.inputs) == 1 and readers[layer.inputs[0]] == 1:
            homes[layer.inputs[0]] = name
    for name in backbone.layers:
        if name.endswith(PRE_RELU) and name.removesuffix(PRE_RELU) in backbone.layers:
            homes[name] = name.removesuffix(PRE_RELU)
    homes.pop(INPUT, None)
    return homes


def _colour_of(layer: "Layer") -> str:
    if layer.kind in ("convolution", "connected"):
        return "convolution"
    if layer.kind.endswith("pooling") or layer.kind == "global average":
        return "pooling"
    return "joined" if len(layer.inputs) > 1 else "other"


def _about(backbone: "Backbone", name: str, members: "Sequence[Layer]") -> str:
    first, view = members[0], backbone.view(name)
    side = f"{first.kernel} x {first.kernel}" if first.kernel else "all positions"
    weights = sum(member.parameters for member in members)
    parts = [
        f"{name}: {' and '.join(dict.fromkeys(member.kind for member in members))}",
        f"{view.channels:,} channels",
        *([f"kernel {side}, stride {first.stride}"] if first.kernel != 1 or first.parameters else []),
        f"receptive field of {f'{view.receptive_field} px' if view.receptive_field else 'the whole picture'}",
        *([f"{weights:,} parameters"] if weights else []),
    ]
    return ", ".join(parts)


@dataclass(frozen=True)
class _Node:
    """A block, or a way past a column, in the drawing: its column, its place in it from the middle, its height."""

    block: Block | None
    column: int
    middle: float
    height: float
    width: float


def network(found: Sequence[Block], name: str) -> str:
    """Draws blocks, which come after those that they read. Each can be chosen: its element names it, `data-layer`.

    Args:
        found: the blocks of a network.
        name: of the network.
    """
    nodes, chains = _place(found)
    top = min(node.middle - node.height / 2 for node in nodes.values())
    height = max(node.middle + node.height / 2 for node in nodes.values()) - top + _TOP + 24
    shift = _TOP - top
    width = _LEFT + _STEP * (1 + max(node.column for node in nodes.values())) + 24
    ways = [_way([nodes[key] for key in chain], shift) for chain in chains]
    drawn = [_draw(node, shift) for node in nodes.values() if node.block]
    bands = _bands(found, nodes, shift)
    labels = _labels(found, nodes, width)
    picture = nodes[INPUT]
    source = element(
        "rect", x=_x(picture) - 7, y=shift - picture.height / 2, width=14, height=picture.height, class_="source", rx=2
    )
    caption = text("picture", 4, shift + picture.height / 2 + 14, class_="small")
    label = f"the layers of {name}, from the picture to the last one"
    return drawing(width, max(height, 150), *bands, *ways, source, caption, *drawn, *labels, label=label)


def _place(found: Sequence[Block]) -> tuple[dict[str, _Node], list[list[str]]]:
    """Places blocks in columns, and ways through the columns that they pass: nodes by key, and their chains."""
    columns = {INPUT: 0}
    for block in found:
        columns[block.name] = 1 + max((columns[source] for source in block.inputs), default=0)
    members: dict[int, dict[str, tuple[Block | None, list[str]]]] = {}
    chains = []
    for block in found:
        chain_ends = []
        for source in block.inputs:
            chain = [source]
            for column in range(columns[source] + 1, columns[block.name]):
                key = f"{source} {block.name} {column}"
                members.setdefault(column, {})[key] = None, [chain[-1]]
                chain.append(key)
            chain_ends.append(chain[-1])
            chains.append([*chain, block.name])
        members.setdefault(columns[block.name], {})[block.name] = block, chain_ends
    nodes = {INPUT: _Node(None, 0, 0.0, _height(1), 14.0)}
    for column in sorted(members):
        # Close to what they read: the sort is stable, branches stay in the order of the network.
        order = sorted(members[column].items(), key=lambda one: _mean(nodes[source].middle for source in one[1][1]))
        heights = [_WAY if drawn is None else _height(drawn.stride) for _, (drawn, _) in order]
        upper = -(sum(heights) + _GAP * (len(order) - 1)) / 2
        for (key, (drawn, _)), height in zip(order, heights, strict=True):
            width = min(30.0, 5 + 2.2 * math.log2(max(2, drawn.channels))) if drawn else 0.0
            nodes[key] = _Node(drawn, column, upper + height / 2, height, width)
            upper += height + _GAP
    return nodes, chains


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _height(stride: int) -> float:
    return max(20.0, 112 - 17 * math.log2(stride)) if stride else 14.0


def _x(node: _Node) -> float:
    return _LEFT + _STEP * node.column - 8.0


def _way(chain: Sequence[_Node], shift: float) -> str:
    """Draws the way from a block to one that reads it."""
    path = f"M{_x(chain[0]) + chain[0].width / 2:.1f},{chain[0].middle + shift:.1f}"
    for one, other in itertools.pairwise(chain):
        start, end = _x(one) + one.width / 2, _x(other) - other.width / 2
        middle = (start + end) / 2
        from_y, to_y = one.middle + shift, other.middle + shift
        path += f" C{middle:.1f},{from_y:.1f} {middle:.1f},{to_y:.1f} {end:.1f},{to_y:.1f}"
    return element("path", d=path, class_="flow", fill="none")


def _draw(node: _Node, shift: float) -> str:
    block = node.block
    assert block is not None
    size = {"width": node.width, "height": node.height, "rx": 3}
    shape = element("rect", x=_x(node) - node.width / 2, y=node.middle + shift - node.height / 2, class_="body", **size)
    target = element(  # narrow blocks are easier to hit
        "rect",
        x=_x(node) - 15,
        y=node.middle + shift - node.height / 2,
        width=30,
        height=node.height,
        class_="target-area",
    )
    attributes = {
        "data-layer": block.name,
        "data-layers": " ".join(block.layers),
        "tabindex": "-1",
        "role": "button",
        "aria-pressed": "false",
    }
    return element("g", target, shape, class_=f"layer {block.kind}", aria_label=block.about, **attributes)


def _module(name: str, names: set[str]) -> str:
    """Returns the module of a block, such as fire2 of fire2_expand1x1 and block1 of block1_add, or its own name."""
    parts = name.split("_")
    prefixes = ("_".join(parts[:count]) for count in range(1, len(parts)))
    return next((prefix for prefix in prefixes if prefix in names or f"{prefix}_out" in names), name)


def _bands(found: Sequence[Block], nodes: Mapping[str, _Node], shift: float) -> list[str]:
    """Draws what lies behind the blocks of a module."""
    names = {block.name for block in found}
    modules: dict[str, list[_Node]] = {}
    for block in found:
        modules.setdefault(_module(block.name, names), []).append(nodes[block.name])
    bands = []
    for members in modules.values():
        if len(members) > 1:
            left, right = (end(_x(node) for node in members) for end in (min, max))
            upper = min(node.middle - node.height / 2 for node in members) + shift
            lower = max(node.middle + node.height / 2 for node in members) + shift
            place = {"x": left - 19, "y": upper - 8, "width": right - left + 38, "height": lower - upper + 16}
            bands.append(element("rect", class_="module", rx=8, **place))
    return bands


def _labels(found: Sequence[Block], nodes: Mapping[str, _Node], width: float) -> list[str]:
    """Writes the names of modules, and of blocks outside of them, in two lines, where there is room."""
    names = {block.name for block in found}
    places: dict[str, list[float]] = {}
    for block in found:
        places.setdefault(_module(block.name, names), []).append(_x(nodes[block.name]))
    ends, labels = [0.0, 0.0], []
    for name, xs in sorted(places.items(), key=lambda one: sum(one[1]) / len(one[1])):
        middle, half = (min(xs) + max(xs)) / 2, _LETTER * len(name) / 2
        for line, end in enumerate(ends):
            if middle - half > end and middle + half < width:
                labels.append(text(name, middle, 30.0 - 15 * line, text_anchor="middle", class_="small"))
                ends[line] = middle + half + 4
                break
    return labels
