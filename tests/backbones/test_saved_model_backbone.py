"""SavedModels as networks: as TensorFlow computes them, and nothing in them does more than compute."""

import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import BackboneError
from tfgraphs.backbones.backbone import LayerError, View
from tfgraphs.backbones.saved_model import SavedModelNetwork, load
from tfgraphs.backbones.saved_model_file import COMPUTATIONS, STATE, WRITERS
from tfgraphs.backbones.weights import WeightsError
from tfgraphs.errors import TfgraphsError

PICTURES = tf.TensorSpec([None, None, None, 3], name="images")
LAYERS = ["Net/Conv1", "Net/Mixed", "Net/Deep", "default"]


def random_pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape).astype(np.float32)


def random_kernel(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 0.3, shape).astype(np.float32)


KERNELS = {
    "conv1": random_kernel(3, 3, 3, 4),
    "left": random_kernel(1, 1, 4, 5),
    "right": random_kernel(3, 3, 4, 6),
    "deep": random_kernel(3, 3, 11, 7),
}


def compute(pictures: tf.Tensor, kernels: dict[str, tf.Tensor], mean: tf.Tensor | float = 0.5) -> dict[str, tf.Tensor]:
    """A network as those of TensorFlow Hub, with two branches side by side."""
    first = tf.nn.relu(tf.nn.conv2d(pictures - mean, kernels["conv1"], 2, "VALID"))
    left = tf.nn.relu(tf.nn.conv2d(first, kernels["left"], 1, "SAME"))
    right = tf.nn.relu(tf.nn.conv2d(first, kernels["right"], 1, "SAME"))
    mixed = tf.concat([left, right], axis=3)
    pooled = tf.nn.max_pool2d(tf.pad(mixed, [[0, 0], [1, 1], [1, 1], [0, 0]]), 3, 2, "VALID")
    deep = tf.nn.elu(tf.nn.conv2d(pooled, kernels["deep"], 1, "SAME"))
    return {"default": tf.reduce_mean(deep, [1, 2]), "Net/Conv1": first, "Net/Mixed": mixed, "Net/Deep": deep}


class Network(tf.Module):
    """As the modules of TensorFlow Hub for TensorFlow 2."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = {name: tf.Variable(value) for name, value in KERNELS.items()}
        self.mean = tf.Variable(0.5)

    @tf.function
    def __call__(self, images: tf.Tensor, training: bool = False, return_endpoints: bool = False):
        if training:
            self.mean.assign(tf.reduce_mean(images))
        found = compute(images, self.kernels, self.mean)
        return found if return_endpoints else found["default"]

    @tf.function(input_signature=[PICTURES])
    def endpoints(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return self(images, return_endpoints=True)


def save_root(folder: Path, signatures: bool = False) -> None:
    network = Network()
    for training in (True, False):
        for endpoints in (True, False):
            network.__call__.get_concrete_function(PICTURES, training=training, return_endpoints=endpoints)
    tf.saved_model.save(network, str(folder), {"image_feature_vector": network.endpoints} if signatures else None)


def save_first(folder: Path, resources: bool, tags: tuple[tuple[str, ...], ...] = (("serve",),)) -> None:
    """Writes what TensorFlow 1 did; with the tags of its modules and their description, as such a module."""
    builder = tf.compat.v1.saved_model.Builder(str(folder))
    for number, named in enumerate(tags):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            pictures = tf.compat.v1.placeholder(tf.float32, PICTURES.shape, "images")
            with tf.compat.v1.variable_scope("net", use_resource=resources):
                kernels = {name: tf.compat.v1.get_variable(name, initializer=KERNELS[name]) for name in KERNELS}
            found = compute(pictures, kernels, 0.7 if "train" in named else 0.5)
            session.run(tf.compat.v1.global_variables_initializer())
            define = tf.compat.v1.saved_model.predict_signature_def
            signatures = {
                "default": define({"images": pictures}, {"default": found["default"]}),
                "image_feature_vector": define({"images": pictures}, found),
            }
            if number:
                builder.add_meta_graph(list(named), signatures)
            else:
                builder.add_meta_graph_and_variables(session, list(named), signatures)
    builder.save()


def save_hub_module(folder: Path) -> None:
    save_first(folder, False, tags=((), ("train",)))
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")


SAVERS = {
    "signature": lambda folder: save_root(folder, signatures=True),
    "root": save_root,
    "first": lambda folder: save_first(folder, resources=False),
    "first_with_resources": lambda folder: save_first(folder, resources=True),
    "hub_module": save_hub_module,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    for name, save in SAVERS.items():
        save(folder / name)
    return folder


@pytest.fixture(scope="module")
def networks(folder) -> dict[str, SavedModelNetwork]:
    return {name: load(folder / name) for name in SAVERS}


@pytest.fixture(scope="module")
def network(networks) -> SavedModelNetwork:
    return networks["signature"]


def message(kind: type[TfgraphsError], call, *arguments, **options) -> str:
    """The one line of an error."""
    with pytest.raises(kind) as raised:
        call(*arguments, **options)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", SAVERS)
def test_activations_are_those_of_the_model(networks, name):
    network = networks[name]
    assert set(LAYERS) <= set(network.layers)
    for shape in [(2, 11, 8, 3), (1, 24, 24, 3)]:
        pictures = random_pictures(*shape)
        expected = compute(pictures, KERNELS)
        found = network(pictures, LAYERS)
        for layer in LAYERS:
            np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["root", "hub_module"])
def test_handles_of_tensorflow_hub_are_resolved(folder, networks, name):
    network = load(f"hub:{folder / name}")
    pictures = random_pictures(1, 11, 8, 3)
    np.testing.assert_array_equal(
        network(pictures, ["default"])["default"], networks[name](pictures, ["default"])["default"]
    )


def test_layers_are_told_from_the_shallowest_on(network):
    assert {name: (layer.kind, layer.parameters) for name, layer in network.layers.items()} == {
        "Net/Conv1_pre_relu": ("convolution", KERNELS["conv1"].size),
        "Net/Conv1": ("relu", 0),
        "Net/Mixed_pre_relu": ("concatenation", KERNELS["left"].size + KERNELS["right"].size),
        "Net/Mixed": ("concatenation", 0),
        "Net/Deep_pre_relu": ("convolution", KERNELS["deep"].size),
        "Net/Deep": ("elu", 0),
        "default": ("global average", 0),
    }
    assert network.name == "signature"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("Net/Conv1", View(channels=4, stride=2, receptive_field=3, smallest=3)),
        ("Net/Mixed", View(channels=11, stride=2, receptive_field=7, smallest=3)),
        ("Net/Deep", View(channels=7, stride=4, receptive_field=19, smallest=3)),
        ("default", View(channels=7, stride=4, receptive_field=0, smallest=3)),
    ],
)
def test_views_follow_the_graph(network, layer, expected):
    assert network.view(layer) == expected
    smallest = random_pictures(1, expected.smallest, expected.smallest, 3)
    assert 0 not in network(smallest, [layer])[layer].shape


@pytest.mark.parametrize("layer", ["Net/Conv1", "Net/Mixed"])
def test_rectified_layers_are_their_twins_rectified(network, layer):
    found = network(random_pictures(2, 11, 8, 3), [layer, f"{layer}_pre_relu"])
    assert (found[f"{layer}_pre_relu"].numpy() < 0).any()
    np.testing.assert_array_equal(found[layer], np.maximum(found[f"{layer}_pre_relu"], 0))


@pytest.mark.parametrize(
    ("asked", "convolutions"),
    [(["Net/Conv1"], 1), (["Net/Mixed"], 3), (["Net/Conv1", "Net/Mixed"], 3), (["default"], 4), (LAYERS, 4)],
)
@pytest.mark.parametrize("name", SAVERS)
def test_only_what_is_asked_is_computed_and_once(networks, name, asked, convolutions):
    traced = tf.function(lambda pictures: networks[name](pictures, asked), autograph=False)
    graph = traced.get_concrete_function(tf.TensorSpec([1, 24, 24, 3])).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert sum(node.op == "Conv2D" for node in nodes) == convolutions


@pytest.mark.parametrize("layer", ["default", "Net/Mixed_pre_relu"])
def test_gradients_are_those_of_the_model(network, layer):
    pictures = tf.constant(random_pictures(2, 24, 25, 3))
    gradients = []
    for call in (lambda given: network(given, [layer])[layer], lambda given: direct(given)[layer]):
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            value = tf.reduce_sum(call(pictures) ** 2)
        gradients.append(tape.gradient(value, pictures))
    assert np.any(gradients[1] != 0)
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


def direct(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
    found = compute(pictures, KERNELS)
    first = found["Net/Conv1"]
    branches = [tf.nn.conv2d(first, KERNELS[name], 1, "SAME") for name in ("left", "right")]
    return found | {"Net/Mixed_pre_relu": tf.concat(branches, axis=3)}


def test_gradients_go_through_a_traced_loss(network):
    @tf.function
    def gradient(pictures: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            value = tf.reduce_sum(network(pictures, ["Net/Deep"])["Net/Deep"])
        return tape.gradient(value, pictures)

    assert np.any(gradient(tf.constant(random_pictures(1, 24, 25, 3))) != 0)


def test_pictures_of_a_batch_do_not_mix(network):
    pictures = random_pictures(3, 13, 16, 3)
    together = network(pictures, ["Net/Deep"])["Net/Deep"]
    alone = [network(pictures[i : i + 1], ["Net/Deep"])["Net/Deep"][0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_sizes_may_be_unknown_when_traced(network):
    traced = tf.function(lambda pictures: network(pictures, ["default"])["default"], input_signature=[PICTURES])
    pictures = random_pictures(2, 13, 16, 3)
    np.testing.assert_allclose(traced(pictures), network(pictures, ["default"])["default"], rtol=1e-5)


def test_names_may_be_of_any_kind(network):
    pictures = random_pictures(1, 13, 16, 3)
    assert network(pictures, []) == {}
    assert set(network(pictures, "default")) == {"default"}
    assert set(network(pictures, iter(["default", "default", "Net/Conv1"]))) == {"default", "Net/Conv1"}


def test_too_small_a_picture_is_refused(network):
    text = message(LayerError, network, random_pictures(1, 9, 2, 3), ["default"])
    assert text == "a picture of 9 x 2 px is too small for layer default of signature: give at least 3 px a side"


def test_unknown_layer_is_refused_with_the_nearest_names(network):
    text = message(LayerError, network, random_pictures(1, 9, 9, 3), ["Mixed"])
    assert text.startswith("signature has no layer 'Mixed'; the nearest names are Net/Mixed")


def test_the_range_of_rgb_may_be_another(folder):
    pictures = random_pictures(1, 13, 16, 3)
    network = load(folder / "signature", expects="-1..1")
    expected = compute(pictures * 2 - 1, KERNELS)["default"]
    np.testing.assert_allclose(network(pictures, ["default"])["default"], expected, rtol=1e-5)
    assert "one of 0..1, -1..1, 0..255, not '0..2'" in message(
        BackboneError, load, folder / "signature", expects="0..2"
    )


# --- which function is called


@pytest.mark.parametrize(
    ("name", "signature", "layers"),
    [
        ("first", "default", {"default"}),
        ("first", "image_feature_vector", set(LAYERS)),
        ("signature", "__call__", set(LAYERS)),
    ],
)
def test_a_signature_may_be_asked_for(folder, name, signature, layers):
    network = load(folder / name, signature=signature)
    assert {layer for layer in network.layers if not layer.endswith("_pre_relu")} == layers


def test_an_unknown_signature_is_refused_with_what_there_is(folder):
    text = message(BackboneError, load, folder / "first", signature="image")
    assert "has no function 'image' of one batch of float pictures to named activations, but " in text
    assert "default of float32 (None, None, None, 3) to default" in text
    assert f"image_feature_vector of float32 (None, None, None, 3) to {', '.join(sorted(LAYERS))}" in text


def save_function(folder: Path, call, *specs: tf.TensorSpec, **attributes: object) -> Path:
    """A SavedModel with one function."""
    root = tf.train.Checkpoint(**attributes)
    root.__call__ = tf.function(call, input_signature=specs or [PICTURES], autograph=False)
    tf.saved_model.save(root, str(folder))
    return folder


@pytest.mark.parametrize(
    ("call", "specs"),
    [
        (lambda images: {"class": tf.argmax(images, axis=-1)}, [PICTURES]),
        (lambda images: {"sum": tf.reduce_sum(images)}, [PICTURES]),
        (lambda words: {"length": tf.cast(tf.shape(words)[:1], tf.float32)}, [tf.TensorSpec([None, 3])]),
        (lambda images: {"a": tf.cast(images, tf.float32)}, [tf.TensorSpec([None, None, None, 3], tf.uint8)]),
        (lambda images, factor: {"a": images * factor}, [PICTURES, tf.TensorSpec([])]),
        (lambda images: {"a": images}, [tf.TensorSpec([None, 3, None, None])]),
    ],
    ids=["integers", "one number", "vectors", "bytes", "two inputs", "channels first"],
)
def test_a_function_of_something_else_is_refused(tmp_path, call, specs):
    text = message(BackboneError, load, save_function(tmp_path, call, *specs))
    assert re.search(
        "has no function of one batch of float pictures to named activations, but serving_default of", text
    )


def test_a_model_of_keras_is_a_network(tmp_path):
    picture = keras.Input((None, None, 3), name="picture")
    outputs = {"edges": keras.layers.Conv2D(4, 3, activation="relu")(picture)}
    model = keras.Model(picture, outputs)
    model.export(tmp_path, verbose=False)
    pictures = random_pictures(2, 9, 8, 3)
    found = load(tmp_path)(pictures, ["edges"])["edges"]
    np.testing.assert_allclose(found, model(pictures)["edges"], rtol=1e-5, atol=1e-6)


def test_a_model_for_one_size_takes_no_other(tmp_path):
    matrix = random_kernel(24, 2)
    call = lambda images: {"out": tf.reshape(images, [-1, 24]) @ matrix}  # noqa: E731
    network = load(save_function(tmp_path / "sized", call, tf.TensorSpec([None, 2, 4, 3])))
    assert network(random_pictures(5, 2, 4, 3), ["out"])["out"].shape == (5, 2)
    text = message(LayerError, network, random_pictures(1, 4, 8, 3), ["out"])
    assert text == "sized takes pictures of 2 x 4 px only, and not of 4 x 8 px"


def test_a_picture_that_does_not_fit_is_told_in_one_line(tmp_path):
    matrix = random_kernel(24, 2)
    network = load(save_function(tmp_path, lambda images: {"out": tf.reshape(images, [-1, 24]) @ matrix}))
    assert " does not compute out for pictures of 5 x 7 px: " in message(
        LayerError, network, random_pictures(1, 5, 7, 3), ["out"]
    )


# --- what is let in


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
    prefix = str(folder / "root" / "variables" / "variables")
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
    return Path(shutil.copytree(folder / "signature", tmp_path / "copied"))


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


def test_a_model_for_training_only_is_refused(tmp_path):
    save_first(tmp_path / "model", False, tags=(("train",),))
    assert "should have one graph that is not for training; it has: none" in message(
        WeightsError, load, tmp_path / "model"
    )
