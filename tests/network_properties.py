"""Properties that all networks have, for the tests of each."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tfgraphs.backbones.backbone import Backbone


def gradient_support(network: Backbone, layer: str, size: tuple[int, int], shift: int = 0) -> tuple[int, int, int, int]:
    """First and last row and column of a random picture on which a position near the layer's centre depends."""
    pictures = tf.Variable(np.random.default_rng(1).random((1, *size, 3), np.float32))
    with tf.GradientTape() as tape:
        activation = network(pictures, [layer])[layer]
        target = tf.reduce_sum(activation[:, activation.shape[1] // 2 + shift, activation.shape[2] // 2 + shift])
    depends = np.any(tape.gradient(target, pictures).numpy() != 0, axis=(0, 3))
    rows, columns = (np.flatnonzero(depends.any(axis=axis)) for axis in (1, 0))
    return rows[0], rows[-1], columns[0], columns[-1]


def assert_field_is_support_of_gradient(network: Backbone, layer: str) -> None:
    """The network should pool averages, whose gradients reach every pixel of a window."""
    view = network.view(layer)
    side = view.receptive_field + 4 * view.stride
    top, bottom, left, right = gradient_support(network, layer, (side, side))
    assert (bottom - top + 1, right - left + 1) == (view.receptive_field, view.receptive_field)


def assert_pictures_do_not_mix(network: Backbone, layer: str, pictures: np.ndarray, tolerance: float = 1e-4) -> None:
    together = network(pictures, [layer])[layer].numpy()
    alone = [network(one[None], [layer])[layer][0] for one in pictures]
    np.testing.assert_allclose(together, alone, atol=tolerance * together.max())


def assert_twins_rectified(network: Backbone, names: Iterable[str], pictures: np.ndarray) -> None:
    """Layers are those before their rectifiers, rectified."""
    twins = {name: f"{name}_pre_relu" for name in names}
    found = network(pictures, [*twins, *twins.values()])
    for name, twin in twins.items():
        np.testing.assert_array_equal(found[name], np.maximum(found[twin], 0), err_msg=name)
