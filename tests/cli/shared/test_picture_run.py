"""What goes into runs that make pictures."""

import numpy as np
import pytest
from absl.testing import flagsaver

from tfgraphs.cli.shared import picture_run
from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures.colors import with_colors_of

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("backbone", "weights"), [("squeezenet", "missing.h5"), ("squeezenet", None)])
def test_released_networks_are_no_files(tmp_path, monkeypatch, backbone, weights):
    monkeypatch.chdir(tmp_path)
    with flagsaver.flagsaver(backbone=backbone, weights=weights):
        assert picture_run.network_files() == []


def test_files_of_the_network_tell_runs_apart(tmp_path):
    """They are among the sources of a run, whose digest a change of their content changes."""
    network, weights = tmp_path / "model", tmp_path / "weights.h5"
    network.mkdir()
    weights.touch()
    with flagsaver.flagsaver(backbone=str(network), weights=str(weights)):
        assert picture_run.network_files() == [network, weights]


def test_pictures_of_a_run_get_the_colours_of_another_of_any_size():
    original, smaller = (RANDOM.random((*size, 3), np.float32) for size in ((8, 10), (4, 5)))
    (progress,) = picture_run.in_colors_of(original, iter([Progress(1, "octave 1", 0.5, 2.0, picture=original**2)]))
    np.testing.assert_array_equal(progress.picture, with_colors_of(original**2, original))
    (progress,) = picture_run.in_colors_of(original, iter([Progress(1, "octave 1", 0.5, 2.0, picture=smaller)]))
    assert progress.picture.shape == smaller.shape
