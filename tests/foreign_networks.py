"""What the tests of networks from files of others share: pictures and weights at random, the line of an error."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.errors import TfgraphsError


def random_pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape).astype(np.float32)


def randomize(model: keras.Model) -> keras.Model:
    """Gives a model weights that hide no mistake."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "variance")):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif not weight.path.endswith("kernel"):
            weight.assign(random.normal(0, 0.1, weight.shape))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def convolutions(graph: tf.Graph) -> list[str]:
    """The names of the operations that convolve in a graph without gradients, as they are or as transposes."""
    kinds = ("Conv2D", "Conv2DBackpropInput")
    return [operation.name for operation in graph.get_operations() if operation.type in kinds]


def message(kind: type[TfgraphsError], call, *arguments, **options) -> str:
    """The one line of an error."""
    with pytest.raises(kind) as raised:
        call(*arguments, **options)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    return str(raised.value)
