"""What networks were trained on, made of RGB in 0..1."""

import tensorflow as tf

_MEAN_BGR = (103.939, 116.779, 123.68)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def caffe(pictures: tf.Tensor) -> tf.Tensor:
    """BGR in 0..255 less the mean of ImageNet's pictures, as Caffe has it."""
    return tf.reverse(pictures, [-1]) * 255 - tf.constant(_MEAN_BGR)


def standard(pictures: tf.Tensor) -> tf.Tensor:
    """RGB with the mean 0 and deviation 1 of ImageNet's pictures, as torchvision has it."""
    return (pictures - tf.constant(_MEAN)) / tf.constant(_DEVIATION)
