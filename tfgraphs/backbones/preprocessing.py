"""Maps RGB in 0..1 to the ranges of colours that networks were trained on."""

from collections.abc import Iterable

import tensorflow as tf

from tfgraphs.backbones.backbone import BackboneError, Preprocess

RANGES: dict[str, Preprocess] = {
    "0..1": tf.identity,
    "-1..1": lambda pictures: pictures * 2 - 1,
    "0..255": lambda pictures: pictures * 255,
}
"""Conversions of RGB in 0..1 to the range that a network was trained on, by name."""

_MEAN_BGR = (103.939, 116.779, 123.68)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def from_range(expects: str, others: Iterable[str] = ()) -> Preprocess:
    """Returns the conversion to one of `RANGES`, or raises BackboneError, whose text names `others`, too."""
    if expects not in RANGES:
        known = ", ".join([*RANGES, *others])
        raise BackboneError(f"unknown range of pictures {expects!r}: give one of {known}")
    return RANGES[expects]


def grey(convert: Preprocess) -> Preprocess:
    """Returns a conversion to pictures of one channel, the luminance, for a network that takes such in a range."""
    return lambda pictures: convert(tf.image.rgb_to_grayscale(pictures))


def caffe(pictures: tf.Tensor) -> tf.Tensor:
    """BGR in 0..255 minus the mean of ImageNet's pictures, as in Caffe."""
    return tf.reverse(pictures, [-1]) * 255 - tf.constant(_MEAN_BGR)


def standard(pictures: tf.Tensor) -> tf.Tensor:
    """RGB scaled to mean 0 and standard deviation 1 over ImageNet's pictures, as in torchvision."""
    return (pictures - tf.constant(_MEAN)) / tf.constant(_DEVIATION)
