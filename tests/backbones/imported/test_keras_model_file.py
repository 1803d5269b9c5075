"""Model files of Keras that are not what they should be are refused, and nothing of a file is executed."""

import json
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from foreign_networks import message

from tfgraphs.backbones import BackboneError
from tfgraphs.backbones.imported.keras_network import load
from tfgraphs.backbones.readers.weights import WeightsError

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
        text = message(WeightsError, load, tmp_path / file)
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)
    assert "holds a layer of the kind Lambda: it is refused" in text
    assert not trace.exists()


class Custom(layers.Layer):
    def call(self, inputs):
        return inputs


def test_a_layer_of_another_module_is_refused(tmp_path):
    keras.Sequential([keras.Input((None, None, 3)), Custom()]).save(tmp_path / "model.keras")
    text = message(WeightsError, load, tmp_path / "model.keras")
    assert re.search(r"holds 'Custom' of the module '.*test_keras_model_file': it is refused", text)


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


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ({"module": "os", "class_name": "function", "config": "system"}, "'system' of the module 'os'"),
        ({"module": "keras.saving", "class_name": "function", "config": "load_model"}, "'load_model' of the module"),
        ({"module": "keras.src.utils.file_utils", "class_name": "TFSMLayer", "config": {}}, "of the kind TFSMLayer"),
        ({"module": "builtins", "class_name": "__lambda__", "config": {"value": "x"}}, "of the kind lambda"),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}, "kind TorchModuleWrapper"),
    ],
)
def test_code_is_found_wherever_it_stands(tmp_path, folder, part, found):
    def change(description):
        description["config"]["layers"][1]["config"]["kernel_initializer"] = [[part]]

    text = message(WeightsError, load, described(tmp_path, folder / "small.keras", change))
    assert found in text


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
    assert "is no Keras model" in message(WeightsError, load, tmp_path / file)


def test_an_archive_of_other_things_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    assert "cannot be loaded" in message(WeightsError, load, tmp_path / "other.keras")


def test_weights_alone_are_no_network(folder):
    assert "holds weights but no network" in message(WeightsError, load, folder / "only.weights.h5")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = small_model()
    bias = model.get_layer("wide").bias
    bias.assign(np.full(bias.shape, np.nan))
    model.save(tmp_path / "model.keras")
    assert re.search("it holds numbers in .*wide/bias", message(WeightsError, load, tmp_path / "model.keras"))


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([keras.Input((7,))], r"\(None, 7\)"),
        ([keras.Input((8, 8, 5))], r"\(None, 8, 8, 5\)"),
        ([keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")], "and"),
    ],
    ids=["vector", "five channels", "two pictures"],
)
def test_a_model_of_something_else_than_a_picture_is_refused(tmp_path, inputs, found):
    outputs = [layers.ReLU(name=f"relu{number}")(tensor) for number, tensor in enumerate(inputs)]
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    assert re.search(f"3 or 1.*: it takes .*{found}", message(BackboneError, load, tmp_path / "model.keras"))


def test_a_missing_file_is_told(tmp_path):
    assert message(BackboneError, load, tmp_path / "none.keras") == f"there is no file {tmp_path / 'none.keras'}"
