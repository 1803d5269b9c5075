"""Exported networks in TensorFlow.js, whose converter needs an environment with an older TensorFlow.

`bin/test --all` skips these tests unless the converter, Node.js and @tensorflow/tfjs are there, which no extra brings:
docs/reference/saved-models.md says how to install them and run the tests.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.neural_style.one_pass.network import TransformationNetwork, noise_of
from tfgraphs.neural_style.one_pass.stylize import export_network

PROGRAM = Path(__file__).with_name("tensorflow_js.cjs")


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The folder of a network, and that of its TensorFlow.js model."""
    if not shutil.which("tensorflowjs_converter"):
        pytest.skip("the converter of TensorFlow.js is not on the PATH")
    if not shutil.which("node"):
        pytest.skip("Node.js is not on the PATH")
    if subprocess.run(["node", "-e", "require('@tensorflow/tfjs')"], capture_output=True, check=False).returncode:
        pytest.skip("Node.js does not find @tensorflow/tfjs: set NODE_PATH")
    folder = tmp_path_factory.mktemp("models") / "network"
    export_network(folder, TransformationNetwork(channels=(6, 8), blocks=1, seed=3))
    target = folder.with_name("js")
    command = ["tensorflowjs_converter", "--input_format=tf_saved_model", "--signature_name=with_noise", folder, target]
    # With oneDNN, the converter's optimizer makes operations that TensorFlow.js does not have.
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": "0"})
    return folder, target


@pytest.mark.long
@pytest.mark.parametrize("size", [(24, 32), (37, 21)], ids=str)
def test_a_network_paints_pictures_of_any_size(converted, size):
    folder, target = converted
    pictures = np.random.default_rng(0).random((1, *size, 3)).astype(np.float32)
    given = {"image": pictures, "noise": noise_of(tf.constant(size)).numpy()}
    text = json.dumps({name: {"values": data.ravel().tolist(), "shape": data.shape} for name, data in given.items()})
    answer = subprocess.run(["node", PROGRAM, target], input=text, capture_output=True, text=True, check=True)
    painted = json.loads(answer.stdout)
    expected = tf.saved_model.load(str(folder))(pictures).numpy()
    np.testing.assert_allclose(np.reshape(painted["values"], painted["shape"]), expected, atol=1e-4)
