"""Nothing in a SavedModel does more than compute, and what is damaged is refused."""

import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from foreign_networks import message
from saved_models import PICTURES, DamagedError, changed, load_checked, random_kernel, save_first, save_function
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfgraphs.backbones.imported import saved_model
from tfgraphs.files.trust import OPERATIONS, PURE, TrustError
from tfgraphs.neural_style.one_pass.stylize import StyleModel
from tfgraphs.vectors.models.saved_model import load_saved_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A SavedModel as it should be."""
    mean, kernel = tf.Variable(0.5), tf.Variable(random_kernel(3, 3, 3, 4))

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"out": tf.nn.conv2d(images - mean, kernel, 1, "SAME")}

    return save_function(tmp_path_factory.mktemp("saved"), call, mean=mean, kernel=kernel)


def test_all_operations_that_are_let_in_exist():
    assert [name for name in OPERATIONS if not hasattr(tf.raw_ops, name)] == []


def test_no_operation_is_let_in_that_reaches_out_of_the_graph():
    reaching = "(?<!d)File|PyFunc|Socket|Dataset|Iterator|Queue|Summary|Print|Debug|Rpc|Send|Recv|Remote|Custom|Restore"
    assert {name for name in OPERATIONS if re.search(reaching, name)} == {
        "InitializeTableFromTextFile",
        "InitializeTableFromTextFileV2",
    }
    assert [name for name in PURE if re.search(f"{reaching}|Assign|Initialize|Import|Insert", name)] == []


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
    text = message(TrustError, load_checked, save_function(tmp_path, call))
    assert re.search(rf"is refused: its node '.*' is the operation '{operation}'", text)


def test_a_function_that_is_not_called_is_looked_at_too(tmp_path):
    root = tf.train.Checkpoint()
    root.__call__ = tf.function(lambda images: {"out": images}, input_signature=[PICTURES])
    root.other = tf.function(reads_file, input_signature=[PICTURES])
    tf.saved_model.save(root, str(tmp_path))
    assert "'ReadFile'" in message(TrustError, load_checked, tmp_path)


def test_a_graph_of_tensorflow_1_is_looked_at_too(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        pictures = tf.compat.v1.placeholder(tf.float32, PICTURES.shape)
        tf.io.read_file("/etc/hostname")
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "model"), {"images": pictures}, {"out": -pictures})
    assert "'ReadFile'" in message(TrustError, load_checked, tmp_path / "model")


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
    assert "'WriteFile'" in message(TrustError, load_checked, tmp_path / "model")
    assert not trace.exists()
    tf.saved_model.load(str(tmp_path / "model"))
    assert trace.exists()


def test_a_checkpoint_that_would_be_written_while_loading_is_not(tmp_path):
    def write() -> None:
        tf.raw_ops.SaveV2(prefix=str(tmp_path / "trace"), tensor_names=["a"], shape_and_slices=[""], tensors=[[1.0]])

    save_loaded(tmp_path / "model", write)
    for trace in tmp_path.glob("trace*"):
        trace.unlink()
    assert "reads or writes checkpoints" in message(TrustError, load_checked, tmp_path / "model")
    assert list(tmp_path.glob("trace*")) == []
    tf.saved_model.load(str(tmp_path / "model"))
    assert list(tmp_path.glob("trace*")) != []


DOORS = {
    "--backbone": (saved_model.load, PICTURES),
    "words --vectors": (load_saved_model, tf.TensorSpec([None], tf.string)),
    "neural_style --model": (StyleModel, PICTURES),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_what_reads_files(tmp_path, door):
    open_door, spec = DOORS[door]
    (tmp_path / "words.txt").write_text("a\nb\n")

    def call(given: tf.Tensor) -> tf.Tensor:
        return tf.zeros([tf.size(given), 3]) + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)

    folder = save_function(tmp_path / "model", call, spec, assets=[tf.saved_model.Asset(str(tmp_path / "words.txt"))])
    assert "the operation 'ReadFile'" in message(TrustError, open_door, str(folder))


# --- checkpoints of others


def restored(prefix: str | tf.Tensor) -> tf.Tensor:
    name = "mean/.ATTRIBUTES/VARIABLE_VALUE"
    (mean,) = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[tf.float32])
    return tf.ensure_shape(mean, [])


def test_a_function_that_reads_a_checkpoint_is_refused(tmp_path, folder):
    prefix = str(folder / "variables" / "variables")
    path = save_function(tmp_path, lambda images: {"out": images + restored(prefix)})
    assert "reads or writes checkpoints" in message(TrustError, load_checked, path)


def test_a_function_that_another_calls_and_that_reads_a_checkpoint_is_refused(tmp_path, folder):
    read = tf.function(lambda: restored(str(folder / "variables" / "variables")))
    path = save_function(tmp_path, lambda images: {"out": images + read()})
    assert "reads or writes checkpoints" in message(TrustError, load_checked, path)


def save_first_restoring(folder: Path, own: bool, prefix: str) -> Path:
    """A model of TensorFlow 1 that reads a checkpoint when it is called: that of its saver, or another."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        pictures = v1.placeholder(tf.float32, PICTURES.shape)
        mean = v1.get_variable("mean", initializer=0.25)
        saver = v1.train.Saver()
        name = graph.get_tensor_by_name(saver.saver_def.filename_tensor_name) if own else tf.constant(prefix)
        (read,) = tf.raw_ops.RestoreV2(prefix=name, tensor_names=["mean"], shape_and_slices=[""], dtypes=[tf.float32])
        out = pictures * 0 + tf.ensure_shape(read, []) + mean
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        define = v1.saved_model.predict_signature_def
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": define({"images": pictures}, {"out": out})}, saver=saver
        )
        builder.save()
    return folder


@pytest.mark.parametrize("prefix", ["/etc/hostname", "gs://bucket/model"])
def test_a_graph_of_tensorflow_1_that_reads_another_checkpoint_is_refused(tmp_path, prefix):
    text = message(TrustError, load_checked, save_first_restoring(tmp_path / "model", False, prefix))
    assert "reads a checkpoint of its own choice" in text


def test_a_graph_of_tensorflow_1_reads_its_own_checkpoint_whatever_its_saver_names(tmp_path):
    path = save_first_restoring(tmp_path / "model", True, "")
    model = load_checked(path)
    out = model.signatures["serving_default"](images=tf.zeros([1, 2, 2, 3]))["out"]
    assert out.numpy().max() == 0.5


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
    assert str(copied) in message(DamagedError, load_checked, copied)


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_garbage_is_refused(copied, file):
    (copied / file).write_bytes(b"This is no model." * 10)
    assert str(copied) in message(DamagedError, load_checked, copied)


def test_missing_variables_are_told(copied):
    shutil.rmtree(copied / "variables")
    assert "cannot be loaded" in message(DamagedError, load_checked, copied)


def test_a_model_for_training_only_is_refused(tmp_path):
    save_first(tmp_path / "model", False, tags=(("train",),))
    assert "should have one graph that is not for training; it has: none" in message(
        DamagedError, load_checked, tmp_path / "model"
    )


def test_a_graph_beside_that_is_not_loaded_may_do_anything(folder, tmp_path):
    def change(graph) -> None:
        graph.graph_def.node.add(name="read", op="ReadFile")

    other, content = changed(folder, tmp_path / "copy", change), SavedModel()
    content.ParseFromString((other / "saved_model.pb").read_bytes())
    content.meta_graphs[0].meta_info_def.tags[:] = ["train"]
    whole = SavedModel()
    whole.ParseFromString((folder / "saved_model.pb").read_bytes())
    whole.meta_graphs.append(content.meta_graphs[0])
    (other / "saved_model.pb").write_bytes(whole.SerializeToString())
    assert callable(load_checked(other))
