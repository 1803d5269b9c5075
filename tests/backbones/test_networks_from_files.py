"""Networks from weight files in the formats of their releases, from the bytes to the activations."""

import dataclasses
import hashlib

import keras
import numpy as np
import pytest
from caffe_files import layer_v1, old_blob, piece
from safetensors.numpy import save_file
from torch_files import legacy_file, resnet_arrays, whole, zip_file

from tfgraphs import backbones
from tfgraphs.backbones import loading
from tfgraphs.backbones.networks import alexnet, resnet

RANDOM = np.random.default_rng(0)
ALEXNET = {  # as Caffe has them
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
    "fc6": (8, 9216),  # of few channels, as the file would have 244 MB
    "fc7": (9, 8),
    "fc8": (10, 9),
}


@pytest.fixture(scope="module")
def alexnet_layers():
    """{layer: (kernel, bias)}"""
    return {
        name: (
            RANDOM.standard_normal(shape, np.float32) * np.float32(np.prod(shape[1:]) ** -0.5),
            RANDOM.standard_normal(shape[0], np.float32),
        )
        for name, shape in ALEXNET.items()
    }


def caffemodel(layers):
    """Of 2012 to 2014: layers of the kind V1, blobs with four sides, and layers without weights between."""
    with_weights = [layer_v1(name, old_blob(kernel), old_blob(bias)) for name, (kernel, bias) in layers.items()]
    return piece(1, "AlexNet") + layer_v1("data") + b"".join(with_weights) + layer_v1("prob")


def test_alexnet_is_read_from_its_release(tmp_path, monkeypatch, alexnet_layers):
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 10))
    path = tmp_path / "bvlc_alexnet.caffemodel"
    path.write_bytes(caffemodel(alexnet_layers))
    arrays = {f"{name}/{number}": array for name, pair in alexnet_layers.items() for number, array in enumerate(pair)}
    pictures = RANDOM.uniform(size=(1, 227, 227, 3)).astype(np.float32)
    names = ["conv1", "norm2", "conv4_pre_relu", "pool5", "fc7", "logits"]
    loaded = backbones.load("alexnet", weights=path)
    found, expected = loaded(pictures, names), alexnet.build("alexnet", arrays)(pictures, names)
    assert sum(layer.parameters for layer in loaded.layers.values()) == sum(array.size for array in arrays.values())
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("kind", ["pth", "pth of old", "safetensors"])
def test_resnet_is_read_from_the_formats_of_torchvision(tmp_path, kind):
    arrays, path = resnet_arrays("resnet18"), tmp_path / f"resnet18.{kind.split()[0]}"
    if kind == "safetensors":
        save_file(arrays, path)
    else:
        tensors = {name: whole(array, str(number)) for number, (name, array) in enumerate(arrays.items())}
        path.write_bytes((zip_file if kind == "pth" else legacy_file)(tensors))
    pictures = RANDOM.uniform(size=(2, 60, 49, 3)).astype(np.float32)
    names = ["bn1", "layer2.0.downsample.1", "layer3.1", "conv5_block2_out", "logits", "softmax"]
    found = backbones.load("resnet18", weights=path)(pictures, names)
    expected = resnet.build("resnet18", arrays)(pictures, names)
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_vgg19_with_its_classes_is_the_whole_file_of_keras(tmp_path, monkeypatch, randomized, agree):
    """With layers of few channels behind the convolutions, but through cache, digest and file as they are."""
    picture = keras.Input((224, 224, 3))
    trunk = keras.applications.VGG19(weights=None, include_top=False, input_tensor=picture)
    flat = keras.layers.Flatten(name="flatten")(trunk.output)
    first = keras.layers.Dense(8, "relu", name="fc1")(flat)
    second = keras.layers.Dense(9, "relu", name="fc2")(first)
    model = keras.Model(picture, keras.layers.Dense(10, "softmax", name="predictions")(second))
    randomized(model)
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 10))
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path))
    path = tmp_path / loading.WHOLE["vgg19"].file_name
    write_released(model, path)
    digest = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
    monkeypatch.setitem(loading.WHOLE, "vgg19", dataclasses.replace(loading.WHOLE["vgg19"], digest=digest))
    pictures = RANDOM.uniform(size=(1, 224, 224, 3)).astype(np.float32)
    network = backbones.load("vgg19", classes=True)
    names = agree(network, model, pictures, keras.applications.vgg19.preprocess_input(pictures * 255))
    assert names[-4:] == ["block5_pool", "fc1", "fc2", "predictions"]
    assert len(names) == 16 + 5 + 3
    assert sum(layer.parameters for layer in network.layers.values()) == model.count_params()


def write_released(model, path):
    """Writes weights as those that Keras publishes are written."""
    import h5py
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)
