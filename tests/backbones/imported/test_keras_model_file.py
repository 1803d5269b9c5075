"""Model files of Keras that are not what they should be are refused, and nothing of a file is executed."""

import importlib
import inspect
import json
import operator
import os
import re
import shutil
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from damaged_files import at_most
from foreign_networks import message

from tfgraphs.backbones import BackboneError
from tfgraphs.backbones.imported import keras_config
from tfgraphs.backbones.loading import load
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import TrustError

layers = keras.layers


def small_model() -> keras.Model:
    return keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, name="wide"), layers.ReLU(name="relu")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    model = small_model()
    model.save(folder / "small.keras")
    model.save(folder / "small.h5")
    model.save_weights(folder / "only.weights.h5")
    return folder


def lambda_model(trace: str) -> keras.Model:
    return keras.Sequential(
        [keras.Input((None, None, 3)), layers.Lambda(lambda x: (open(trace, "w").close(), x)[1], name="code")]
    )


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_a_lambda_is_refused_and_not_executed(tmp_path, file):
    trace = tmp_path / "trace"
    lambda_model(str(trace)).save(tmp_path / file)
    trace.unlink(missing_ok=True)
    keras.config.enable_unsafe_deserialization()
    try:
        text = message(TrustError, load, tmp_path / file)
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)
    assert "is refused: it holds 'Lambda'" in text
    assert not trace.exists()


class Custom(layers.Layer):
    def call(self, inputs):
        return inputs


def test_a_layer_of_another_module_is_refused(tmp_path):
    keras.Sequential([keras.Input((None, None, 3)), Custom()]).save(tmp_path / "model.keras")
    text = message(TrustError, load, tmp_path / "model.keras")
    assert re.search(r"is refused: it holds 'Custom' of the module '.*test_keras_model_file'", text)
    assert text.endswith('model.export("folder") makes a SavedModel, which is read: --backbone=folder')
    keras.Sequential([keras.Input((None, None, 3)), Custom()]).export(tmp_path / "folder", verbose=False)
    assert list(load(tmp_path / "folder").layers) == ["output_0"]


def save(folder: Path, model: keras.Model) -> Path:
    model.save(folder / "model.keras")
    return folder / "model.keras"


def described_hdf5(folder: Path, source: Path, change) -> Path:
    """A model file .h5 whose description is changed."""
    target = Path(shutil.copy(source, folder / "changed.h5"))
    with h5py.File(target, "a") as file:
        description = json.loads(file.attrs["model_config"])
        change(description)
        file.attrs["model_config"] = json.dumps(description)
    return target


def described(folder: Path, source: Path, change) -> Path:
    """A model file whose description is changed."""
    target = folder / "changed.keras"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                description = json.loads(content)
                change(description)
                content = json.dumps(description).encode()
            new.writestr(name, content)
    return target


@pytest.fixture(params=["kernel_initializer", "build_config", "a tensor's history", "deep"])
def place(request):
    """Puts a part into a description, wherever Keras reads some."""

    def put(description, part):
        layer = description["config"]["layers"][1]
        if request.param == "kernel_initializer":
            layer["config"]["kernel_initializer"] = part
        elif request.param == "build_config":
            layer["build_config"] = {"input_shape": part}
        elif request.param == "deep":
            layer["config"]["activation"] = [{"config": [[{"build_config": {"any": part}}]]}]
        else:
            layer["config"]["name"] = {"class_name": "__keras_tensor__", "config": {"keras_history": [part]}}

    return put


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras", "layers.Lambda"),
        ("keras.layers", "Lambda"),
        ("keras.src.layers.core.lambda_layer", "Lambda"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "StringLookup"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.src.utils.file_utils", "TFSMLayer"),
        ("keras.utils", "get_file"),
        ("keras", "saving.load_model"),
        ("keras.src.ops.core", "Map"),
        ("keras.activations", "relu"),
        ("builtins", "__lambda__"),
        ("builtins", "__typespec__"),
        ("os", "system"),
        (None, "Lambda"),
        (["keras"], "Dense"),
        ("keras.layers", ["Dense"]),
    ],
)
def test_other_classes_are_found_wherever_they_stand(tmp_path, folder, place, module, name):
    part = {"module": module, "class_name": name, "config": {}}
    path = described(tmp_path, folder / "small.keras", lambda description: place(description, part))
    place = "" if module is None else f" of the module {module!r}"
    assert f"is refused: it holds {name!r}{place}, " in message(TrustError, load, path)


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("keras.saving", "load_model"), ("keras", "activations.relu"), ("builtins", "eval")],
)
def test_other_functions_are_found_wherever_they_stand(tmp_path, folder, place, module, name):
    part = {"module": module, "class_name": "function", "config": name, "registered_name": "relu"}
    path = described(tmp_path, folder / "small.keras", lambda description: place(description, part))
    assert f"is refused: it holds {name!r} of the module {module!r}" in message(TrustError, load, path)


@pytest.mark.parametrize("name", ["layers.Lambda", "Lambda", "TFSMLayer", "load_model"])
def test_classes_without_a_module_are_layers_that_compute(tmp_path, folder, name):
    def change(description):
        description["config"]["layers"][1] = {"class_name": name, "config": {"name": "wide"}}

    path = described_hdf5(tmp_path, folder / "small.h5", change)
    assert f"is refused: it holds {name!r}" in message(TrustError, load, path)


def test_a_registered_name_is_not_looked_up(tmp_path, folder):
    @keras.saving.register_keras_serializable("tests", "Hidden")
    class Hidden(layers.ReLU):
        pass

    def change(description):
        description["config"]["layers"][2]["registered_name"] = "tests>Hidden"

    load(described(tmp_path, folder / "small.keras", change))
    message(TrustError, load, save(tmp_path, keras.Sequential([keras.Input((None, None, 3)), Hidden()])))


def test_activations_may_be_functions(tmp_path, folder):
    def change(description):
        function = {"module": "builtins", "class_name": "function", "config": "tanh", "registered_name": "tanh"}
        description["config"]["layers"][1]["config"]["activation"] = function

    assert list(load(described(tmp_path, folder / "small.keras", change)).layers) == ["wide_pre_relu", "wide", "relu"]


def test_every_class_that_is_admitted_exists():
    for module, name in keras_config.CLASSES:
        if "src" in module:
            assert issubclass(getattr(importlib.import_module(module), name), keras.Operation)
        else:
            assert inspect.isclass(operator.attrgetter(f"{module}.{name}".removeprefix("keras."))(keras))


def test_a_description_that_is_too_deep_is_refused(tmp_path, folder):
    part = []
    for _ in range(200):
        part = [part]
    path = described(tmp_path, folder / "small.keras", lambda description: description["config"].update(more=part))
    assert "parts deep" in message(TrustError, load, path)


def test_losses_and_optimizers_of_any_make_do_not_matter(tmp_path, folder):
    def change(description):
        description["compile_config"] = {"loss": {"module": "mine", "class_name": "Loss", "config": {}}}

    loaded = load(described(tmp_path, folder / "small.keras", change))
    assert list(loaded.layers) == ["wide", "relu"]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("file", ["small.keras", "small.h5"])
def test_a_truncated_file_is_refused(tmp_path, folder, file, share):
    content = (folder / file).read_bytes()
    (tmp_path / file).write_bytes(content[: int(len(content) * share)])
    assert str(tmp_path / file) in message(WeightsError, load, tmp_path / file)


@pytest.mark.parametrize("file", ["small.keras", "small.h5"])
def test_any_other_file_is_refused(tmp_path, file):
    (tmp_path / file).write_text("This is no model.")
    assert f"{tmp_path / file}: it " in message(WeightsError, load, tmp_path / file)


def test_an_archive_of_other_things_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    assert "'model.weights.h5' is missing" in message(WeightsError, load, tmp_path / "other.keras")


def test_weights_alone_are_no_network(folder):
    assert "holds weights but no network" in message(WeightsError, load, folder / "only.weights.h5")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = small_model()
    bias = model.get_layer("wide").bias
    bias.assign(np.full(bias.shape, np.nan))
    model.save(tmp_path / "model.keras")
    assert re.search("it holds numbers in .*wide/bias", message(WeightsError, load, tmp_path / "model.keras"))


@pytest.mark.parametrize("file", ["small.keras", "small.h5"])
def test_weights_far_larger_than_the_file_are_not_made(tmp_path, folder, file):
    def change(description):
        description["config"]["layers"][1]["config"]["filters"] = 10**9

    path = (described if file == "small.keras" else described_hdf5)(tmp_path, folder / file, change)
    with at_most():
        assert "weights are far larger than the file" in message(WeightsError, load, path)


def test_numbers_far_larger_than_the_file_are_not_read(tmp_path):
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})
        zeros = file.create_dataset("model_weights/zeros", (2**28,), "f4", compression="gzip", chunks=(2**20,))
        piece = zlib.compress(bytes(2**22))
        for start in range(0, 2**28, 2**20):
            zeros.id.write_direct_chunk((start,), piece)
    with at_most():
        assert "more numbers than the file can hold" in message(WeightsError, load, tmp_path / "model.h5")


def test_links_to_other_files_are_refused(tmp_path, folder):
    shutil.copy(folder / "small.h5", tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file["model_weights/more"] = h5py.ExternalLink(str(folder / "small.h5"), "model_weights")
    assert "links of a newer kind" in message(WeightsError, load, tmp_path / "model.h5")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_pipes_and_devices_are_refused(tmp_path, suffix):
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        assert "it is a pipe, a device" in message(WeightsError, load, tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_that_does_not_know_what_it_takes_says_so(tmp_path, suffix):
    keras.Sequential([layers.Conv2D(4, 3)]).save(tmp_path / f"model{suffix}")
    assert "call model.build((None, height, width, 3))" in message(BackboneError, load, tmp_path / f"model{suffix}")


def small_numbers(kind: str) -> keras.Model:
    """A model of short numbers: of a policy, or quantized."""
    quantized = kind.startswith("int")
    policy = "float32" if quantized else kind
    model = keras.Sequential([keras.Input((8, 8, 3), dtype="float32")])
    for layer in (layers.Conv2D(64, 3, dtype=policy), layers.BatchNormalization(dtype=policy), layers.Flatten()):
        model.add(layer)
    model.add(layers.Dense(32, dtype=policy, name="last"))
    if quantized:
        model.quantize(kind)
    return model


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "mixed_bfloat16", "float64", "int8", "int4"])
def test_models_of_short_numbers_are_read(tmp_path, kind, suffix):
    model, path = small_numbers(kind), tmp_path / f"model{suffix}"
    model.save(path)
    pictures = np.random.default_rng(0).random((1, 8, 8, 3)).astype(np.float32)
    expected = np.asarray(keras.ops.cast(model(pictures), "float32"))
    np.testing.assert_allclose(load(path)(pictures, ["last"])["last"], expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([keras.Input((7,))], "takes 7 numbers, not pictures of 3 channels"),
        ([keras.Input((8, 9, 2))], "takes 8 x 9 x 2 numbers, not pictures of 3 channels"),
        ([keras.Input((None, None, 4))], "takes any x any x 4 numbers, not pictures of 3 channels"),
        ([keras.Input((3, 8, 9))], 'takes 3 x 8 x 9 numbers, .*whose channels come last; .*="channels_last"'),
        ([keras.Input((8, 8, 3), name="a"), keras.Input((7,), name="b")], "takes 2 inputs: a of 8 x 8 x 3, b of 7;"),
    ],
    ids=["vector", "two channels", "four channels", "channels first", "two pictures"],
)
def test_a_model_of_something_else_than_a_picture_is_refused(tmp_path, inputs, found):
    outputs = [layers.ReLU(name=f"relu{number}")(tensor) for number, tensor in enumerate(inputs)]
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    assert re.search(found, message(BackboneError, load, tmp_path / "model.keras"))


@pytest.mark.parametrize("name", ["small.h5", "small.keras", "small", "SMALL.KERAS"])
@pytest.mark.parametrize("file", ["small.keras", "small.h5"])
def test_a_model_is_known_by_its_content(tmp_path, folder, file, name):
    shutil.copy(folder / file, tmp_path / name)
    assert list(load(tmp_path / name).layers) == ["wide", "relu"]


def test_a_missing_file_is_told(tmp_path):
    assert message(BackboneError, load, tmp_path / "none.keras") == f"there is no file {tmp_path / 'none.keras'}"
