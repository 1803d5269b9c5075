"""The benchmark of GPUs: its commands are those that people give, with the numbers of steps that they have."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfgraphs import backbones

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = "import gpu, json, pathlib, sys; gpu.vgg16(pathlib.Path(sys.argv[1])); print(json.dumps(gpu.COMMANDS))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vgg16")


@pytest.fixture(scope="module")
def commands(folder):
    """The table of commands; the folder gets random weights of VGG-16."""
    program = [sys.executable, "-c", PROGRAM, folder]
    return json.loads(subprocess.run(program, cwd=CHECKOUT / "benchmarks", capture_output=True, check=True).stdout)


@pytest.mark.parametrize("name", ["painting, 640 x 480", "dream, 1024 x 768", "training in one pass"])
def test_steps_are_the_defaults_of_the_command(commands, name):
    line, flag, steps, _ = commands[name]
    program = [sys.executable, CHECKOUT / "bin" / line.split()[0], "--help"]
    text = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"{flag}: .*?\(default: '(\d+)'\)", text, re.DOTALL)[1] == str(steps)


@pytest.mark.usefixtures("commands")
def test_vgg16_with_random_weights_is_read(folder):
    network = backbones.load("vgg16", weights=str(folder / "vgg16.npz"))
    activation = network(np.full([1, 32, 32, 3], 0.5, np.float32), ["conv5_1"])["conv5_1"]
    assert activation.shape == (1, 2, 2, 512)
    assert 0 < float(np.std(activation)) < np.inf
