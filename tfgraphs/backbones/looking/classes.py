"""What a network takes a picture for: its classes, by name and probability.

The thousand classes of ImageNet's challenge (ILSVRC 2012) are synsets of WordNet in the order of their numbers, which
`imagenet_classes.txt` lists with the first word of each; almost every network gives them in this order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.pictures.images import resize

_BACKGROUND = "background"
_LAST = ("softmax", "predictions")


@dataclass(frozen=True)
class Guess:
    """A class that a picture may belong to.

    Attributes:
        number: of the class, from 0.
        name: of the class; "class 17" if nobody has told its name.
        probability: as the network sees it, 0..1.
    """

    number: int
    name: str
    probability: float


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The names of ImageNet's thousand classes, in the order of the challenge."""
    lines = (Path(__file__).parent / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.partition(" ")[2] for line in lines)


def classify(backbone: Backbone, pixels: np.ndarray, count: int = 5) -> list[Guess]:
    """The likeliest classes of a picture, the best first.

    Args:
        backbone: a network with a layer that tells classes, see `class_layer`.
        pixels: [height, width, 3], RGB in 0..1. Networks see things in the sizes that they were trained on: a shorter
            side of about 256 pixels does for most. A network for pictures of one size is shown the middle in that size.
        count: how many classes.

    Raises:
        LayerError: the network tells no classes, or the picture is too small for it.
    """
    layer = class_layer(backbone)
    size = backbone.size_of(layer)
    shown = pixels if size is None else middle(pixels, size)
    found = backbone(tf.constant(shown[None], tf.float32), [layer])[layer]
    probabilities = _probabilities(found.numpy().astype(np.float64))
    names = backbone.classes or class_names(len(probabilities))
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [Guess(int(number), _name(names, number), float(probabilities[number])) for number in best]


def middle(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of a picture in another size: as much of it as has the proportions of `size`."""
    height, width = pixels.shape[:2]
    part = min(height / size[0], width / size[1])
    sides = [max(1, round(part * side)) for side in size]
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    return resize(pixels[top : top + sides[0], left : left + sides[1]], size).clip(0, 1)


def class_layer(backbone: Backbone) -> str:
    """The layer of a network that tells classes: "softmax" or "predictions", or its last one, or its last softmax.

    Raises:
        LayerError: it has none.
    """
    for name in _LAST:
        if name in backbone.layers or name in backbone.aliases:
            return name
    last = next(reversed(backbone.layers.values()))
    if last.kind == "softmax" or class_names(last.channels or 0):
        return last.name
    for layer in reversed(backbone.layers.values()):
        if layer.kind == "softmax":
            return layer.name
    raise LayerError(
        f"{backbone.name} tells no classes: its last layer {last.name} is no softmax, and a feature vector rather "
        f"than the {len(imagenet_classes()):,} classes of ImageNet; give weights of the whole network"
    )


def class_names(count: int) -> Sequence[str]:
    """The names of so many classes: ImageNet's, or these with a class for none of them before; else no names."""
    known = imagenet_classes()
    return {len(known): known, len(known) + 1: (_BACKGROUND, *known)}.get(count, ())


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else f"class {number}"


def _probabilities(found: np.ndarray) -> np.ndarray:
    """[1, classes] or [1, height, width, classes], probabilities or logits, to the probabilities of the classes."""
    mean = found.reshape(-1, found.shape[-1]).mean(axis=0)
    if mean.min() >= 0 and abs(mean.sum() - 1) < 1e-3:
        return mean
    powers = np.exp(mean - mean.max())
    return powers / powers.sum()
