"""Nothing in a SavedModel does more than compute, and what is damaged is refused."""

import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from foreign_networks import message
from saved_models import PICTURES, random_kernel, save_first, save_function

from tfgraphs.backbones import BackboneError
from tfgraphs.backbones.imported.saved_model import load
from tfgraphs.backbones.imported.saved_model_file import COMPUTATIONS, STATE, WRITERS
from tfgraphs.backbones.readers.weights import WeightsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A SavedModel as it should be."""
    mean, kernel = tf.Variable(0.5), tf.Variable(random_kernel(3, 3, 3, 4))

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"out": tf.nn.conv2d(images - mean, kernel, 1, "SAME")}

    return save_function(tmp_path_factory.mktemp("saved"), call, mean=mean, kernel=kernel)


def test_all_operations_that_are_let_in_exist():
    assert [name for name in COMPUTATIONS | STATE | WRITERS if not hasattr(tf.raw_ops, name)] == []


def test_no_operation_is_let_in_that_reaches_out_of_the_graph():
    reaching = "(?<!d)File|PyFunc|Socket|Dataset|Iterator|Queue|Summary|Print|Debug|Rpc|Send|Recv|Remote|Table|Custom"
    assert [name for name in COMPUTATIONS | STATE if re.search(reaching, name)] == []


def reads_file(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"out": images + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)}


def writes_file(images: tf.Tensor) -> dict[str, tf.Tensor]:
    tf.io.write_file("/tmp/never-written-by-a-test", "text")
    return {"out": images}


def finds_files(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"out": images + tf.cast(tf.size(tf.io.matching_files("/*")), tf.float32)}


def calls_python(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"out": tf.ensure_shape(tf.py_function(lambda given: given, [images], tf.float32), images.shape)}


def calls_numpy(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"out": tf.ensure_shape(tf.numpy_function(lambda given: given, [images], tf.float32), images.shape)}


def prints(images: tf.Tensor) -> dict[str, tf.Tensor]:
    tf.raw_ops.PrintV2(input="text", output_stream="file:///tmp/never-written-by-a-test")
    return {"out": images}


def reads_in_a_branch(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"out": tf.cond(tf.reduce_sum(images) > 0, lambda: images, lambda: reads_file(images)["out"])}


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (reads_file, "ReadFile"),
        (writes_file, "WriteFile"),
        (finds_files, "MatchingFiles"),
        (calls_python, "EagerPyFunc"),
        (calls_numpy, "PyFunc"),
        (prints, "PrintV2"),
        (reads_in_a_branch, "ReadFile"),
    ],
)
def test_an_operation_that_reaches_out_of_the_graph_is_refused(tmp_path, call, operation):
    text = message(WeightsError, load, save_function(tmp_path, call))
    assert re.search(rf"is refused: its node '.*' is the operation '{operation}'", text)


def test_a_function_that_is_not_called_is_looked_at_too(tmp_path):
    root = tf.train.Checkpoint()
    root.__call__ = tf.function(lambda images: {"out": images}, input_signature=[PICTURES])
    root.other = tf.function(reads_file, input_signature=[PICTURES])
    tf.saved_model.save(root, str(tmp_path))
    assert "'ReadFile'" in message(WeightsError, load, tmp_path)


def test_a_graph_of_tensorflow_1_is_looked_at_too(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        pictures = tf.compat.v1.placeholder(tf.float32, PICTURES.shape)
        tf.io.read_file("/etc/hostname")
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "model"), {"images": pictures}, {"out": -pictures})
    assert "'ReadFile'" in message(WeightsError, load, tmp_path / "model")


class Loaded(tf.saved_model.experimental.TrackableResource):
    """Something that runs an operation when it is loaded."""

    def __init__(self, run) -> None:
        super().__init__()
        self._run = run

    def _create_resource(self) -> tf.Tensor:
        return tf.constant(1.0)

    def _initialize(self) -> tf.Tensor:
        self._run()
        return tf.constant(1.0)


def save_loaded(folder: Path, run) -> None:
    root = tf.train.Checkpoint()
    root.__call__ = tf.function(lambda images: {"out": images}, input_signature=[PICTURES])
    root.resource = Loaded(tf.function(run))
    tf.saved_model.save(root, str(folder))


def test_a_file_that_would_be_written_while_loading_is_not(tmp_path):
    trace = tmp_path / "trace"

    def write() -> None:
        tf.io.write_file(str(trace), "text")

    save_loaded(tmp_path / "model", write)
    trace.unlink(missing_ok=True)
    assert "'WriteFile'" in message(WeightsError, load, tmp_path / "model")
    assert not trace.exists()
    tf.saved_model.load(str(tmp_path / "model"))
    assert trace.exists()


def test_a_checkpoint_that_would_be_written_while_loading_is_not(tmp_path):
    def write() -> None:
        tf.raw_ops.SaveV2(prefix=str(tmp_path / "trace"), tensor_names=["a"], shape_and_slices=[""], tensors=[[1.0]])

    save_loaded(tmp_path / "model", write)
    for trace in tmp_path.glob("trace*"):
        trace.unlink()
    assert set(load(tmp_path / "model").layers) == {"out"}
    assert list(tmp_path.glob("trace*")) == []
    tf.saved_model.load(str(tmp_path / "model"))
    assert list(tmp_path.glob("trace*")) != []


def test_a_function_that_reads_a_checkpoint_is_refused(tmp_path, folder):
    prefix = str(folder / "variables" / "variables")
    name = "mean/.ATTRIBUTES/VARIABLE_VALUE"

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        (mean,) = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[tf.float32])
        return {"out": images + tf.ensure_shape(mean, [])}

    assert "the operation 'RestoreV2'" in message(WeightsError, load, save_function(tmp_path, call))


def test_a_function_that_changes_variables_is_refused(tmp_path):
    count = tf.Variable(0.0)
    path = save_function(tmp_path, lambda images: {"out": images + count.assign_add(1.0)}, count=count)
    assert "the operation 'AssignAddVariableOp'" in message(WeightsError, load, path)


# --- files that are not what they should be


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """A SavedModel that a test may damage."""
    return Path(shutil.copytree(folder, tmp_path / "copied"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize(
    "file", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_truncated_file_is_refused(copied, file, share):
    content = (copied / file).read_bytes()
    (copied / file).write_bytes(content[: int(len(content) * share)])
    assert str(copied) in message(WeightsError, load, copied)


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_garbage_is_refused(copied, file):
    (copied / file).write_bytes(b"This is no model." * 10)
    assert str(copied) in message(WeightsError, load, copied)


def test_missing_variables_are_told(copied):
    shutil.rmtree(copied / "variables")
    assert "cannot be loaded" in message(WeightsError, load, copied)


@pytest.mark.parametrize("handle", ["{}", "hub:{}"])
def test_a_folder_of_something_else_is_refused(tmp_path, handle):
    assert re.search("no SavedModel|cannot be had", message(BackboneError, load, handle.format(tmp_path)))


def test_a_handle_that_leads_nowhere_is_refused(tmp_path):
    assert "cannot be had" in message(BackboneError, load, f"hub:{tmp_path / 'none'}")


def test_without_a_network_a_model_put_into_the_folder_that_is_named_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    address = "http://127.0.0.1:9/model/1"
    folder = Path(message(BackboneError, load, f"hub:{address}").rpartition("put it there as ")[2])
    assert folder.parent == tmp_path / "cache"
    save_first(folder, False, tags=(("serve",),))
    assert load(f"hub:{address}").layers


def test_a_model_for_training_only_is_refused(tmp_path):
    save_first(tmp_path / "model", False, tags=(("train",),))
    assert "should have one graph that is not for training; it has: none" in message(
        WeightsError, load, tmp_path / "model"
    )
