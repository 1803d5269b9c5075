"""Classifies pictures: classes by name and probability.

The thousand classes of ImageNet's challenge (ILSVRC 2012) are synsets of WordNet in the order of their numbers, listed
with the first word of each in `imagenet_classes.txt`. Almost every network has this order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone, LayerError
from tfgraphs.pictures.images import fit, middle, resize

_SHORTER_SIDE = 256  # px of pictures to classify, as networks saw them in their training


@dataclass(frozen=True)
class Guess:
    """A class that a picture may belong to.

    Attributes:
        number: of the class, from 0.
        name: of the class; "class 17" if its name is unknown.
        probability: 0..1.
    """

    number: int
    name: str
    probability: float


@cache
def imagenet_classes() -> tuple[str, ...]:
    """Reads the names of ImageNet's thousand classes, in the order of the challenge."""
    lines = (Path(__file__).parent / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.partition(" ")[2] for line in lines)


def classify(backbone: Backbone, pixels: np.ndarray, count: int = 5) -> list[Guess]:
    """Returns the most probable classes of a picture, the best first.

    Args:
        backbone: a network with a class layer, see `class_layer`.
        pixels: [height, width, 3], RGB in 0..1. Networks recognize things at the sizes that they were trained on, see
            `as_in_training`. A network for pictures of one size gets the middle, resized.
        count: number of classes.

    Raises:
        LayerError: the network has no class layer, or the picture is too small for it.
    """
    layer = class_layer(backbone)
    size = backbone.size_of(layer)
    shown = pixels if size is None else middle(pixels, size)
    found = backbone(tf.constant(shown[None], tf.float32), [layer])[layer]
    probabilities = _probabilities(found.numpy().astype(np.float64))
    names = dict(enumerate(backbone.classes or class_names(len(probabilities))))
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [Guess(int(one), names.get(one, f"class {one}"), float(probabilities[one])) for one in best]


def as_in_training(pixels: np.ndarray) -> np.ndarray:
    """Resizes a picture to a shorter side of 256 pixels, at which most networks classify best."""
    longest = round(_SHORTER_SIDE * max(pixels.shape[:2]) / min(pixels.shape[:2]))
    return resize(pixels, fit((pixels.shape[0], pixels.shape[1]), longest, True))


def class_layer(backbone: Backbone) -> str:
    """Finds the class layer of a network: "softmax" or "predictions", or its last layer, or its last softmax.

    Raises:
        LayerError: there is none.
    """
    for name in ("softmax", "predictions"):
        if name in backbone:
            return name
    last = next(reversed(backbone.layers.values()))
    if last.kind == "softmax" or class_names(last.channels or 0):
        return last.name
    for layer in reversed(backbone.layers.values()):
        if layer.kind == "softmax":
            return layer.name
    raise LayerError(
        f"{backbone.name} has no class layer: its last layer {last.name} is no softmax and has {last.channels} "
        f"channels, not the {len(imagenet_classes()):,} classes of ImageNet; give weights of the whole network"
    )


def class_names(count: int) -> Sequence[str]:
    """Returns names for a number of classes: ImageNet's, or these after a background class, or none."""
    known = imagenet_classes()
    return {len(known): known, len(known) + 1: ("background", *known)}.get(count, ())


def _probabilities(found: np.ndarray) -> np.ndarray:
    """Converts probabilities or logits, [1, classes] or [1, height, width, classes], to probabilities [classes]."""
    mean = found.reshape(-1, found.shape[-1]).mean(axis=0)
    if mean.min() >= 0 and abs(mean.sum() - 1) < 1e-3:
        return mean
    powers = np.exp(mean - mean.max())
    return powers / powers.sum()
