import io
import zipfile
from collections.abc import Callable, Iterable

import h5py
import keras
import numpy as np
import pytest
from damaged_files import damaged, error_of, read_harmlessly
from hypothesis import given

from tfgraphs.backbones.readers.weight_files import read_arrays

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype(np.float32)
BIAS = KERNEL[0, 0, 0]


@pytest.fixture(scope="module")
def model():
    """A small network with the names of the releases and weights that are all different."""
    random = np.random.default_rng(1)
    layers = [
        keras.layers.Conv2D(4, 3, name="conv1_conv"),
        keras.layers.BatchNormalization(name="conv1_bn"),
        keras.layers.Activation("relu", name="conv1_relu"),
        keras.layers.Conv2D(4, 1, use_bias=False, name="block2_conv1"),
        keras.layers.DepthwiseConv2D(3, name="conv_dw_1"),
        keras.layers.SeparableConv2D(5, 1, name="block3_sepconv1"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dropout(0.5, name="dropout"),
        keras.layers.Dense(3, name="predictions"),
    ]
    model = keras.Sequential([keras.layers.Input((6, 6, 2)), *layers])
    for variable in model.weights:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


def arrays_of(model: keras.Model) -> dict[str, np.ndarray]:
    return {f"{layer.name}/{weight.name}": weight.numpy() for layer in model.layers for weight in layer.weights}


def check(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("name", ["model.h5", "model.weights.h5", "model.keras"])
def test_what_keras_saves_is_read(tmp_path, model, name):
    save = model.save_weights if name.endswith(".weights.h5") else model.save
    save(tmp_path / name)
    check(read_arrays(tmp_path / name), arrays_of(model))


def test_the_optimizer_of_a_saved_model_is_left_out(tmp_path, model):
    copy = keras.models.clone_model(model)
    copy.compile("adam", "mse")
    copy.optimizer.build(copy.trainable_variables)
    for name in ("model.h5", "model.keras"):
        copy.save(tmp_path / name)
        check(read_arrays(tmp_path / name), arrays_of(copy))


@pytest.mark.parametrize("name", ["model.h5", "model.weights.h5"])
def test_the_layers_of_a_model_in_a_model_keep_their_names(tmp_path, name):
    inner = keras.Sequential([keras.layers.Input((4,)), *(keras.layers.Dense(4, name=f"inner{n}") for n in (1, 2))])
    outer = keras.Sequential([keras.layers.Input((4,)), inner, keras.layers.Dense(2, name="outer")])
    (outer.save_weights if name.endswith(".weights.h5") else outer.save)(tmp_path / name)
    check(read_arrays(tmp_path / name), arrays_of(inner) | {k: v for k, v in arrays_of(outer).items() if "outer/" in k})


Layers = dict[str, dict[str, np.ndarray]]


def weights(layers: Layers, split: int = 0) -> bytes:
    """Layers as Keras 1 and 2 saved them; a list of names is split in parts where it would be too long."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs["keras_version"], root.attrs["backend"] = b"2.0.6", b"tensorflow"
        name_all(root, "layer_names", layers, split)
        for layer, arrays in layers.items():
            group = root.create_group(layer)
            name_all(group, "weight_names", arrays, split)
            for name, array in arrays.items():
                group[name] = array
    return file.getvalue()


def name_all(group: h5py.Group, attribute: str, names: Iterable[str], split: int) -> None:
    encoded = [name.encode() for name in names]
    if not split or not encoded:
        group.attrs[attribute] = encoded
        return
    for number, first in enumerate(range(0, len(encoded), split)):
        group.attrs[f"{attribute}{number}"] = encoded[first : first + split]


def plain(layer: str, word: str) -> str:
    return f"{layer}/{word}:0"


def keras1(layer: str, word: str) -> str:
    old = {"kernel": "W", "bias": "b", "moving_mean": "running_mean", "moving_variance": "running_std"}
    return f"{layer}_{old.get(word, word)}:0"


NAMINGS = {
    "2": plain,
    "2, used again": lambda layer, word: f"{layer}_1/{word}_1:0",
    "2, in a scope": lambda layer, word: f"scope/{layer}/{word}:0",
    "3": lambda layer, word: f"{layer}/{word}",
    "1": keras1,
    "1, numbered": lambda layer, word: keras1(layer, word).replace(":", "_1:"),
}


@pytest.mark.parametrize("split", [0, 2])
@pytest.mark.parametrize("naming", NAMINGS)
def test_the_names_of_all_versions_become_todays(tmp_path, model, naming, split):
    expected = arrays_of(model)
    layers: Layers = {layer.name: {} for layer in model.layers}
    for name, array in expected.items():
        layer, word = name.split("/")
        layers[layer][NAMINGS[naming](layer, word)] = array
    (tmp_path / "f").write_bytes(weights(layers, split))
    check(read_arrays(tmp_path / "f"), expected)


def test_files_made_here_are_such_as_keras_reads(tmp_path, model):
    expected = arrays_of(model)
    copy = keras.models.clone_model(model)
    layers: Layers = {}
    for layer in copy.layers:
        variables = layer.trainable_weights + layer.non_trainable_weights
        layers[layer.name] = {plain(layer.name, v.name): expected[f"{layer.name}/{v.name}"] for v in variables}
    (tmp_path / "weights.h5").write_bytes(weights(layers))
    copy.load_weights(tmp_path / "weights.h5")
    check(arrays_of(copy), expected)


def changed(change: Callable[[h5py.File], object]) -> bytes:
    """A file of one layer, after a change."""
    file = io.BytesIO(weights({"conv1": {"conv1/kernel:0": KERNEL, "conv1/bias:0": BIAS}}))
    with h5py.File(file, "r+") as root:
        change(root)
    return file.getvalue()


def replaced(value: object) -> Callable[[h5py.File], None]:
    def change(root: h5py.File) -> None:
        del root["conv1/conv1/bias:0"]
        root["conv1/conv1/bias:0"] = value

    return change


def set_names(group: str, attribute: str, names: object) -> Callable[[h5py.File], None]:
    return lambda root: root[group].attrs.__setitem__(attribute, names)


WRONG = {
    "layer missing": (set_names("/", "layer_names", [b"conv1", b"conv2"]), "'conv2'"),
    "layer twice": (set_names("/", "layer_names", [b"conv1", b"conv1"]), "twice"),
    "layers that are numbers": (set_names("/", "layer_names", [1, 2]), "is not a text"),
    "no names of arrays": (lambda root: root["conv1"].attrs.__delitem__("weight_names"), "weight_names"),
    "array missing": (set_names("conv1", "weight_names", [b"conv1/gamma:0"]), "conv1/gamma:0"),
    "array twice": (set_names("conv1", "weight_names", [b"conv1/bias:0"] * 2), "two arrays"),
    "path out of the group": (
        set_names("conv1", "weight_names", [b"../conv1/conv1/bias:0"]),
        "'../conv1/conv1/bias:0'",
    ),
    "group for an array": (set_names("conv1", "weight_names", [b"conv1"]), "something else than numbers"),
    "link by name": (replaced(h5py.SoftLink("/conv1/conv1/kernel:0")), "link"),
    "link to another file": (replaced(h5py.ExternalLink("/etc/passwd", "/x")), "elsewhere"),
    "text": (replaced(b"text"), "conv1/bias"),
    "other file": (lambda root: root.attrs.__delitem__("layer_names"), "without weights of Keras"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said(tmp_path, kind):
    change, text = WRONG[kind]
    assert text in error_of(tmp_path / "f", changed(change))


def numbered(layers: dict[str, tuple[str | None, list[np.ndarray]]]) -> bytes:
    """Layers as Keras 3 saves them: kind, name and arrays."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        for kind, (name, arrays) in layers.items():
            group = root.create_group(f"layers/{kind}/vars")
            if name is not None:
                group.attrs["name"] = name
            for number, array in enumerate(arrays):
                group[str(number)] = array
    return file.getvalue()


AMBIGUOUS = {
    "three of a normalization": {"batch_normalization_1": ("bn", [BIAS] * 3)},
    "unknown kind": {"my_conv2d": ("conv", [KERNEL])},
    "too many": {"conv2d": ("conv", [KERNEL] * 3)},
    "no name": {"conv2d": (None, [KERNEL])},
    "one name twice": {"conv2d": ("conv", [KERNEL]), "conv2d_1": ("conv", [KERNEL])},
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_arrays_that_cannot_be_told_apart_are_refused(tmp_path, kind):
    assert error_of(tmp_path / "f", numbered(AMBIGUOUS[kind]))


def test_groups_that_hold_themselves_are_refused(tmp_path):
    file = io.BytesIO(numbered({"conv2d": ("conv", [KERNEL])}))
    with h5py.File(file, "r+") as root:
        root["layers/a"] = root["layers/b"] = root["layers"]
    assert "deep" in error_of(tmp_path / "f", file.getvalue())


def archived(content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", content)
    return file.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_may_be_compressed(tmp_path, method):
    (tmp_path / "f").write_bytes(archived(numbered({"dense": ("fc", [KERNEL[0, 0], BIAS])}), method))
    assert list(read_arrays(tmp_path / "f")) == ["fc/kernel", "fc/bias"]


NAMED = weights({"conv1": {"conv1/kernel:0": KERNEL, "conv1/bias:0": BIAS}, "relu": {}})
NUMBERED = numbered({"conv2d": ("conv1", [KERNEL, BIAS]), "batch_normalization": ("bn1", [BIAS] * 4)})


@pytest.mark.parametrize("content", [NAMED, NUMBERED, archived(NUMBERED)], ids=["named", "numbered", "archive"])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, content, share):
    assert error_of(tmp_path / "f", content[: int(share * len(content))])


@given(content=damaged(NAMED, NUMBERED, archived(NUMBERED)))
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "keras", content)
