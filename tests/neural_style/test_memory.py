"""Many paintings and trainings in one process take no more memory than a few."""

import numpy as np
import pytest
from PIL import Image

from tests.allocated_memory import FORGOTTEN, check_flat, growth
from tfgraphs.neural_style import StyleSettings, paint
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.settings import NetworkSettings
from tfgraphs.neural_style.one_pass.stylize import StyleModel, export_network
from tfgraphs.neural_style.one_pass.training import train
from tfgraphs.pictures.photographs import Photographs

SIZES = [(48, 56), (64, 52), (50, 70)]
SETTINGS = StyleSettings(steps=2, content_layer="conv2", style_layers={"conv1": 1.0, "conv2": 1.0})


def noise(*size):
    return np.random.default_rng(0).random((*size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs") / "one.png"
    Image.fromarray((noise(48, 56) * 255).astype(np.uint8)).save(path)
    return Photographs([path], side=32)


def run(kind, size, backbone, photographs):
    if kind == "painting":
        return paint(noise(*size), noise(40, 40), backbone, SETTINGS)
    network = TransformationNetwork(channels=(6, 8), blocks=1)
    return train(network, noise(*size), photographs, backbone, SETTINGS, NetworkSettings(steps=2, style_size=48))


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [("painting", 1), *(pytest.param(kind, 2, marks=pytest.mark.long) for kind in ("painting", "network"))],
)
def test_memory_is_flat_after_the_first_runs_of_each_size(small, photographs, kind, rounds):
    def run_all():
        for size in SIZES * rounds:
            assert [*run(kind, size, small, photographs)]

    assert growth(run_all) / (rounds * len(SIZES)) < FORGOTTEN


@pytest.mark.long
def test_memory_is_flat_over_three_hundred_paintings(small, photographs):
    check_flat(lambda size: [*run("painting", size, small, photographs)], SIZES)


@pytest.mark.long
def test_memory_is_flat_over_three_hundred_paintings_in_one_pass(tmp_path):
    export_network(tmp_path / "model", TransformationNetwork(channels=(6, 8), blocks=1))
    model = StyleModel(str(tmp_path / "model"))
    check_flat(lambda size: model(noise(*size), None), [*SIZES, (90, 41), (33, 120)])
