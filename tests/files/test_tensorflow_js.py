"""Exported models in TensorFlow.js, whose converter needs an environment with an older TensorFlow.

The programs are searched for the operations that the table of docs/reference/saved-models.md names. `bin/test --all`
skips what needs the converter, Node.js and @tensorflow/tfjs, which no extra brings: that page says how to install them
and run the tests.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from exported_models import SIGNATURES
from saved_models import operations
from where_signatures_work import verdicts

from tfgraphs.neural_style.one_pass.network import noise_of

PROGRAM = Path(__file__).with_name("tensorflow_js.cjs")
VERDICTS = verdicts("TensorFlow.js")
# Operations that TensorFlow.js has, as far as `with_noise` needs them; converting it below shows that it has.
OPERATIONS = {
    *("AddV2", "Const", "Conv2D", "DepthToSpace", "Einsum", "Identity", "Mean", "MirrorPad", "Mul", "NoOp", "Pack"),
    *("Placeholder", "Relu", "Reshape", "Rsqrt", "Shape", "Sigmoid", "SquaredDifference", "StopGradient"),
    *("StridedSlice", "Sub", "Unpack"),
}
# Variables and calls of functions, of which the converter makes constants and plain operations.
CONVERTED = {"ReadVariableOp", "StatefulPartitionedCall", "VarHandleOp"}


@pytest.fixture(scope="module")
def needed():
    """Skips a test without the converter, Node.js and the package."""
    if not shutil.which("tensorflowjs_converter"):
        pytest.skip("the converter of TensorFlow.js is not on the PATH")
    if not shutil.which("node"):
        pytest.skip("Node.js is not on the PATH")
    if subprocess.run(["node", "-e", "require('@tensorflow/tfjs')"], capture_output=True, check=False).returncode:
        pytest.skip("Node.js does not find @tensorflow/tfjs: set NODE_PATH")


def convert(folder, signature, target):
    command = ["tensorflowjs_converter", "--input_format=tf_saved_model", f"--signature_name={signature}"]
    # With oneDNN, the converter's optimizer makes operations that TensorFlow.js does not have.
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "0"}
    return subprocess.run([*command, folder, target], capture_output=True, text=True, env=environment, check=False)


def execute(target, given):
    """Runs a converted model with arrays by the names of its inputs."""
    text = json.dumps({name: {"values": data.ravel().tolist(), "shape": data.shape} for name, data in given.items()})
    return subprocess.run(["node", PROGRAM, target], input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verdict", VERDICTS, ids=str)
def test_a_signature_has_the_operations_that_the_page_says(exported, verdict):
    found = operations(exported(verdict.model), verdict.signature)
    if verdict.works:
        assert found <= OPERATIONS | CONVERTED
    else:
        assert verdict.lacks in found - OPERATIONS


@pytest.fixture(scope="module")
def converted(needed, exported, tmp_path_factory):
    """The folder of a network, and that of its TensorFlow.js model."""
    target = tmp_path_factory.mktemp("js")
    result = convert(exported("network"), "with_noise", target)
    assert result.returncode == 0, result.stderr
    return exported("network"), target


@pytest.mark.long
@pytest.mark.parametrize("size", [(24, 32), (37, 21)], ids=str)
def test_a_network_paints_pictures_of_any_size(converted, size):
    folder, target = converted
    pictures = np.random.default_rng(0).random((1, *size, 3)).astype(np.float32)
    answer = execute(target, {"image": pictures, "noise": noise_of(tf.constant(size)).numpy()})
    assert answer.returncode == 0, answer.stderr
    painted = json.loads(answer.stdout)
    expected = tf.saved_model.load(str(folder))(pictures).numpy()
    np.testing.assert_allclose(np.reshape(painted["values"], painted["shape"]), expected, atol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("verdict", [one for one in VERDICTS if not one.works], ids=str)
def test_tensorflow_js_lacks_what_the_page_says(needed, exported, tmp_path, verdict):
    result = convert(exported(verdict.model), verdict.signature, tmp_path)
    if verdict.signature in ("nearest", "analogy"):  # their tables are converted, and then not filled
        assert result.returncode == 0, result.stderr
        words = {name: np.array(["king"]) for name in SIGNATURES["words"][verdict.signature][0] if name != "k"}
        result = execute(tmp_path, {**words, "k": np.array(2)})
        assert f"Unknown op '{verdict.lacks}'" in result.stderr
    elif verdict.model == "words":  # the converter itself fails at their tables
        assert "_get_resource_ids_maps" in result.stderr
    else:
        assert "Unsupported Ops in the model" in result.stderr
        assert verdict.lacks in result.stderr
    assert result.returncode == 1
