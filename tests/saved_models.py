"""What tests of SavedModels share: a small network, writing it as each TensorFlow does, and `saved_model_cli`."""

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfgraphs.errors import TfgraphsError
from tfgraphs.files import hub, saved_models

PICTURES = tf.TensorSpec([None, None, None, 3], name="images")


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


def save_function(folder: Path, call, *specs: tf.TensorSpec, **attributes: object) -> Path:
    """A SavedModel with one function."""
    root = tf.train.Checkpoint(**attributes)
    root.__call__ = tf.function(call, input_signature=specs or [PICTURES], autograph=False)
    tf.saved_model.save(root, str(folder))
    return folder


# Imports TensorFlow once, without using it, and forks a process for each command.
_CLI_SERVER = """
import json, os, sys
import tensorflow, keras
from tensorflow.python.tools import saved_model_cli

for line in sys.stdin:
    arguments, output = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        sys.argv = ["saved_model_cli", *arguments]
        saved_model_cli.main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@functools.cache
def _cli_server() -> subprocess.Popen:
    command = [sys.executable, "-c", _CLI_SERVER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_saved_model_cli(folder: str | Path, signature: str, inputs: str, *more: str | Path) -> str:
    """Runs a signature as a user does with `saved_model_cli`, in a process of its own, and returns what it prints.

    Args:
        folder: of the SavedModel.
        signature: its name.
        inputs: names and values in Python, `words=[b"king"];k=2`.
        more: further arguments, such as `--outdir` and where to.
    """
    named = ["--dir", folder, "--tag_set", "serve", "--signature_def", signature]
    return saved_model_cli("run", *named, "--input_exprs", inputs, *more)


def saved_model_cli(*arguments: str | Path) -> str:
    """Returns what `saved_model_cli` prints."""
    server = _cli_server()
    with tempfile.NamedTemporaryFile() as output:
        server.stdin.write(json.dumps([[str(word) for word in arguments], output.name]) + "\n")
        server.stdin.flush()
        assert server.stdout.readline() == "0\n"
        return Path(output.name).read_text(encoding="utf-8")


def operations(folder: Path, signature: str) -> set[str]:
    """The names of the operations that compute a signature, in called functions, too, or prepare the model for it."""
    (content,) = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
    functions = {function.signature.name: function.node_def for function in content.graph_def.library.function}
    nodes = {node.name: node for node in content.graph_def.node}
    prepared = content.signature_def["__saved_model_init_op"].outputs.values()
    names = [info.name for info in (*content.signature_def[signature].outputs.values(), *prepared)]
    todo, found, seen = [], set[str](), set[str]()
    while names or todo:
        if names:
            name = names.pop().removeprefix("^").partition(":")[0]
            if name not in seen:
                todo.append(nodes[name])
                names += nodes[name].input
            seen.add(name)
            continue
        node = todo.pop()
        found.add(node.op)
        for value in node.attr.values():
            for called in {value.func.name, *(function.name for function in value.list.func)} - found - {""}:
                found.add(called)
                todo += functions[called]
    return found - functions.keys()


class DamagedError(TfgraphsError):
    """What the tests have `load_checked` raise for a damaged model."""


def load_checked(folder: Path):
    """Loads a SavedModel as every door does."""
    return saved_models.load(hub.saved_model_folder(str(folder), DamagedError), str(folder), DamagedError)


def changed(folder: Path, copy: Path, change) -> Path:
    """A copy of a model whose MetaGraph was changed."""
    shutil.copytree(folder, copy)
    content = SavedModel()
    content.ParseFromString((copy / "saved_model.pb").read_bytes())
    change(content.meta_graphs[0])
    (copy / "saved_model.pb").write_bytes(content.SerializeToString())
    return copy
