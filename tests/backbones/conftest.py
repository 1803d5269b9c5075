"""Networks of Keras with random weights, which ours must agree with."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def randomized():
    """Gives a Keras network weights that hide no mistake, and returns them by "layer/weight"."""

    def randomize(model):
        random, arrays = np.random.default_rng(0), {}
        for layer in model.layers:
            for weight in layer.weights:
                kind, value = weight.path.rpartition("/")[2], np.asarray(weight)
                if kind in ("gamma", "moving_variance"):
                    value = random.uniform(0.5, 1.5, value.shape).astype(np.float32)
                elif kind != "kernel":
                    value = random.normal(0, 0.1, value.shape).astype(np.float32)
                weight.assign(value)
                arrays[f"{layer.name}/{kind}"] = value
        return arrays

    return randomize


@pytest.fixture(scope="session")
def agree():
    """Asserts that two networks have the same activations, to 1e-4 of the largest."""

    def compare(backbone, model, pictures, prepared):
        import keras

        names = [layer.name for layer in model.layers if layer.name in backbone.layers | backbone.aliases]
        theirs = keras.Model(model.input, [model.get_layer(name).output for name in names])(prepared)
        ours = backbone(pictures, names)
        for name, expected in zip(names, theirs, strict=True):
            got, expected = np.squeeze(ours[name].numpy()), np.squeeze(expected.numpy())
            assert got.shape == expected.shape, name
            assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max(), name
        return names

    return compare
