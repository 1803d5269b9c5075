"""Networks of Keras with random weights, which ours must agree with."""

import numpy as np
import pytest

from tfgraphs.backbones import load
from tfgraphs.files.packaged import PackageError


def dequantized(path):
    """Real weights that were rounded to whole numbers, {"conv1/w": kernel, "conv1/b": bias, ...} as they are used."""
    stored, arrays = np.load(path), {}
    for key in stored.files:
        layer, _, part = key.rpartition("/")
        if part != "frac":
            arrays[key] = stored[key] * np.float32(2.0) ** -stored[f"{layer}/frac"][int(part == "b")]
    return arrays


@pytest.fixture(scope="session")
def squeezenet():
    """The trained network."""
    try:
        return load("squeezenet")
    except PackageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def real_alexnet(shared_weights):
    """The real convolutions of an AlexNet as Caffe would have them, in BGR; the file has them for RGB."""
    stored = dequantized(shared_weights / "alexnet_conv_int8.npz")
    arrays = {key.replace("/w", "/0").replace("/b", "/1"): value for key, value in stored.items()}
    return arrays | {"conv1/0": arrays["conv1/0"][:, ::-1]}


@pytest.fixture(scope="session")
def real_resnet50(shared_weights):
    """A real network in torchvision's layout, its batch normalization folded."""
    stored = dequantized(shared_weights / "resnet50_int8.npz")
    arrays = {key.replace("/w", ".weight").replace("/b", ".bias"): value for key, value in stored.items()}
    return arrays | {"fc.weight": arrays["fc.weight"].reshape(1000, 2048)}


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
