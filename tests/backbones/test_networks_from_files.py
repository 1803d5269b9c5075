"""Networks from weight files in the formats of their releases, from the bytes to the activations."""

import dataclasses
import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from caffe_files import layer_v1, old_blob
from foreign_networks import message
from onnx_files import exported_by_keras, model, tensor
from protocol_messages import piece
from safetensors.numpy import save_file
from torch_files import legacy_file, resnet_arrays, whole, zip_file

from tfgraphs import backbones
from tfgraphs.backbones import loading, preprocessing
from tfgraphs.backbones.looking.classes import classify
from tfgraphs.backbones.networks import alexnet, resnet, vgg
from tfgraphs.backbones.readers.weights import WeightsError

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
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 1000))
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


def written(path, arrays, kind="pth"):
    """A checkpoint of arrays by name."""
    if kind == "safetensors":
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
    elif kind == "onnx":
        path.write_bytes(model(*(tensor(name, array) for name, array in arrays.items())))
    else:
        path.write_bytes(
            zip_file({"net": {name: whole(array, str(n)) for n, (name, array) in enumerate(arrays.items())}})
        )
    return path


def ten_classes():
    arrays = resnet_arrays("resnet18")
    return arrays | {"fc.weight": arrays["fc.weight"][:10], "fc.bias": arrays["fc.bias"][:10]}


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
@pytest.mark.parametrize("prefix", ["module.model.", "encoder_q.", "generator.trunk."])
def test_a_part_of_a_file_with_other_classes_is_a_network(tmp_path, prefix, kind):
    arrays = ten_classes()
    others = {"criterion.weight": np.ones(10, np.float32), "head.0.weight": np.ones((3, 10), np.float32)}
    path = written(tmp_path / "mine", {prefix + name: array for name, array in arrays.items()} | others, kind)
    network = backbones.load("resnet18", weights=path)
    pictures = RANDOM.uniform(size=(1, 60, 49, 3)).astype(np.float32)
    found = network(pictures, ["layer4.1", "softmax"])
    expected = resnet.build("resnet18", arrays)(pictures, ["layer4.1", "softmax"])
    np.testing.assert_array_equal(found["layer4.1"], expected["layer4.1"])
    np.testing.assert_array_equal(found["softmax"], expected["softmax"])
    assert network.view("logits").channels == 10
    assert {guess.name for guess in classify(network, pictures[0], 10)} == {f"class {number}" for number in range(10)}


def test_a_last_layer_of_another_make_leaves_the_layers_before(tmp_path):
    arrays = resnet_arrays("resnet18")
    arrays["fc.0.weight"], arrays["fc.0.bias"] = arrays.pop("fc.weight"), arrays.pop("fc.bias")
    network = backbones.load("resnet18", weights=written(tmp_path / "mine.pth", arrays))
    assert "avgpool" in network
    assert "fc" not in network


def test_a_network_that_was_cut_off_is_known_by_its_numbers(tmp_path):
    """torch.nn.Sequential(*list(network.children())[:-1])"""
    arrays, children = resnet_arrays("resnet18"), ["conv1", "bn1", "", "", "layer1", "layer2", "layer3", "layer4"]
    numbered = {}
    for name, array in arrays.items():
        first, _, rest = name.partition(".")
        if first != "fc":
            numbered[f"{children.index(first)}.{rest}"] = array
    pictures = RANDOM.uniform(size=(1, 40, 40, 3)).astype(np.float32)
    found = backbones.load("resnet18", weights=written(tmp_path / "mine.pth", numbered))(pictures, ["layer4"])["layer4"]
    np.testing.assert_array_equal(found, resnet.build("resnet18", arrays)(pictures, ["layer4"])["layer4"])


def damaged_arrays(change):
    arrays = {f"model.{name}": array for name, array in ten_classes().items()}
    change(arrays)
    return arrays


@pytest.mark.parametrize(
    ("network", "change", "text"),
    [
        ("resnet18", lambda arrays: arrays.pop("model.bn1.bias"), "model.bn1.bias is missing: these are not"),
        (
            "resnet18",
            lambda arrays: arrays.update({"model.conv1.weight": arrays["model.conv1.weight"][:, :1]}),
            "model.conv1.weight takes pictures of 1 channel, but resnet18 those of 3 (RGB); repeat it three times",
        ),
        ("resnet50", lambda arrays: None, "model.layer1.0.downsample.0.weight is missing: these are not"),
        (
            "resnet34",
            lambda arrays: arrays.pop("model.layer1.0.conv1.weight"),
            "it holds 101 arrays, model.conv1.weight, ",
        ),
        ("vgg16", lambda arrays: None, "it holds 102 arrays, model.conv1.weight, "),
        ("alexnet", lambda arrays: None, "it holds 102 arrays, model.conv1.weight, "),
        (
            "alexnet",
            lambda arrays: arrays.update({"model.features.0.weight": np.ones(3, np.float32)}),
            "it holds torchvision's AlexNet",
        ),
    ],
    ids=["missing", "grey", "deeper", "shallower", "vgg", "alexnet", "other alexnet"],
)
def test_messages_have_the_names_of_the_file(tmp_path, network, change, text):
    path = written(tmp_path / "mine.pth", damaged_arrays(change))
    told = message(WeightsError, backbones.load, network, weights=path)
    assert told.startswith(f"{path}: ")
    assert text in told


def torch_vgg(normalized, classifier=(0, 3, 6), depths=(2, 2, 3, 3, 3)):
    """torchvision's arrays of a VGG with ten classes, and what they compute, one operation after the other."""
    arrays, number, before, steps = {}, 0, 3, []
    for depth, channels in zip(depths, (64, 128, 256, 512, 512), strict=True):
        for _ in range(depth):
            kernel = RANDOM.standard_normal((channels, before, 3, 3), np.float32) * np.float32((2 / 9 / before) ** 0.5)
            arrays[f"features.{number}.weight"] = kernel
            arrays[f"features.{number}.bias"] = RANDOM.standard_normal(channels, np.float32) / 10
            if normalized:
                for part in ("weight", "running_var"):
                    arrays[f"features.{number + 1}.{part}"] = RANDOM.uniform(0.5, 1.5, channels).astype(np.float32)
                for part in ("bias", "running_mean"):
                    arrays[f"features.{number + 1}.{part}"] = RANDOM.standard_normal(channels, np.float32) / 10
            steps.append(number)
            number, before = number + 2 + normalized, channels
        steps.append("pool")
        number += 1
    for place, shape in zip(classifier, ((8, 512 * 49), (9, 8), (10, 9)), strict=True):
        arrays[f"classifier.{place}.weight"] = RANDOM.standard_normal(shape, np.float32) * np.float32(shape[1] ** -0.5)
        arrays[f"classifier.{place}.bias"] = RANDOM.standard_normal(shape[0], np.float32)

    def compute(x):
        for step in steps:
            if step == "pool":
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
                continue
            kernel, bias = (arrays[f"features.{step}.{part}"] for part in ("weight", "bias"))
            x = tf.nn.conv2d(x, kernel.transpose(2, 3, 1, 0), 1, "SAME") + bias
            if normalized:
                parts = ("running_mean", "running_var", "bias", "weight")
                x = tf.nn.batch_normalization(x, *(arrays[f"features.{step + 1}.{part}"] for part in parts), 1e-5)
            x = tf.nn.relu(x)
        x = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [1, -1])
        for place in classifier:
            x = x @ arrays[f"classifier.{place}.weight"].T + arrays[f"classifier.{place}.bias"]
            x = x if place == 6 else tf.nn.relu(x)
        return x

    return arrays, compute


@pytest.mark.parametrize("kind", ["plain", "normalized", "caffe", "caffe by digest"])
def test_vgg_is_read_from_checkpoints_of_pytorch(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 1000))
    arrays, compute = torch_vgg(kind == "normalized", (1, 4, 6) if kind == "caffe" else (0, 3, 6))
    path = written(tmp_path / ("vgg16-00b39a1b.pth" if "digest" in kind else "vgg16.pth"), arrays)
    pictures = RANDOM.uniform(size=(1, 224, 224, 3)).astype(np.float32)
    prepare = preprocessing.caffe if "caffe" in kind else preprocessing.standard
    network = backbones.load("vgg16", weights=path)
    expected = compute(prepare(pictures)).numpy()
    np.testing.assert_allclose(network(pictures, ["logits"])["logits"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("kind", ["PyTorch", "Keras 2", "Keras 3"])
@pytest.mark.parametrize(("name", "depths"), vgg.DEPTHS.items())
def test_vgg_is_read_from_models_of_onnx(tmp_path, monkeypatch, name, depths, kind):
    """Fully connected layers of Keras take positions, then channels; those of PyTorch take channels, then positions."""
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 1000))
    arrays, compute = torch_vgg(False, depths=depths)
    stored, numbers = {}, sorted({int(key.split(".")[1]) for key in arrays if key.startswith("features")})
    layers = [f"block{block}_conv{n}" for block, depth in enumerate(depths, 1) for n in range(1, depth + 1)]
    for layer, theirs in zip(layers, (f"features.{number}" for number in numbers), strict=True):
        stored |= exported_by_keras(layer, arrays[f"{theirs}.weight"], arrays[f"{theirs}.bias"], kind == "Keras 3")
    for layer, place in (("fc1", 0), ("fc2", 3), ("predictions", 6)):
        matrix = arrays[f"classifier.{place}.weight"]
        if place == 0:
            matrix = matrix.reshape(8, 512, 49).transpose(0, 2, 1).reshape(8, -1)
        stored |= exported_by_keras(layer, matrix.T, arrays[f"classifier.{place}.bias"], kind == "Keras 3")
    path = written(tmp_path / "vgg.onnx", arrays if kind == "PyTorch" else stored, "onnx")
    pictures = RANDOM.uniform(size=(1, 224, 224, 3)).astype(np.float32)
    prepare = preprocessing.standard if kind == "PyTorch" else preprocessing.caffe
    expected = compute(prepare(pictures)).numpy()
    found = backbones.load(name, weights=path)(pictures, ["logits"])["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_features_of_a_vgg_alone_are_a_network(tmp_path):
    arrays, _ = torch_vgg(False)
    features = {name.removeprefix("features."): array for name, array in arrays.items() if name.startswith("features")}
    pictures = RANDOM.uniform(size=(1, 40, 40, 3)).astype(np.float32)
    network = backbones.load("vgg16", weights=written(tmp_path / "features.pth", features))
    assert "fc6" not in network
    named = {f"features.{name}": array for name, array in features.items()}
    expected = backbones.load("vgg16", weights=written(tmp_path / "named.pth", named))
    np.testing.assert_array_equal(network(pictures, ["pool5"])["pool5"], expected(pictures, ["pool5"])["pool5"])


def test_vgg19_with_its_classes_is_the_whole_file_of_keras(tmp_path, monkeypatch, randomized, agree):
    """With layers of few channels behind the convolutions, but through cache, digest and file as they are."""
    picture = keras.Input((224, 224, 3))
    trunk = keras.applications.VGG19(weights=None, include_top=False, input_tensor=picture)
    flat = keras.layers.Flatten(name="flatten")(trunk.output)
    first = keras.layers.Dense(8, "relu", name="fc1")(flat)
    second = keras.layers.Dense(9, "relu", name="fc2")(first)
    model = keras.Model(picture, keras.layers.Dense(10, "softmax", name="predictions")(second))
    randomized(model)
    monkeypatch.setattr("tfgraphs.backbones.layers.FULLY_CONNECTED", (8, 9, 1000))
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
