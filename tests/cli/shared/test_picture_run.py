"""What goes into runs that make pictures; in forks, as flags of the same name exist in other commands."""

import pytest

NETWORK_FILES = """
import sys
from tfgraphs.cli.shared import picture_run
from absl import flags
flags.FLAGS(sys.argv[:1])
flags.FLAGS.backbone, flags.FLAGS.weights = {backbone!r}, {weights!r}
print(*picture_run.network_files())
"""
COLORS = """
import numpy as np
from tfgraphs.cli.shared import picture_run
from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures.colors import with_colors_of
original, smaller = (np.random.default_rng(0).random((*size, 3), np.float32) for size in ((8, 10), (4, 5)))
(progress,) = picture_run.in_colors_of(original, iter([Progress(1, "octave 1", 0.5, 2.0, picture=original**2)]))
print(np.array_equal(progress.picture, with_colors_of(original**2, original)))
(progress,) = picture_run.in_colors_of(original, iter([Progress(1, "octave 1", 0.5, 2.0, picture=smaller)]))
print(progress.picture.shape == smaller.shape)
"""


def network_files(forked, folder, backbone, weights):
    result = forked("-c", NETWORK_FILES.format(backbone=backbone, weights=weights), cwd=folder)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.mark.parametrize("weights", ["missing.h5", None])
def test_released_networks_are_no_files(forked, tmp_path, weights):
    assert network_files(forked, tmp_path, "squeezenet", weights) == []


def test_files_of_the_network_tell_runs_apart(forked, tmp_path):
    """They are among the sources of a run, whose digest a change of their content changes."""
    network, weights = tmp_path / "model", tmp_path / "weights.h5"
    network.mkdir()
    weights.touch()
    assert network_files(forked, tmp_path, str(network), str(weights)) == [str(network), str(weights)]


def test_pictures_of_a_run_get_the_colours_of_another_of_any_size(forked, tmp_path):
    result = forked("-c", COLORS, cwd=tmp_path)
    assert result.stdout.split() == ["True", "True"], result.stderr
