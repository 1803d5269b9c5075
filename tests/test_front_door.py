"""`import tfgraphs`: cheap, documented, one call for each technique with arguments that mean the same everywhere."""

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

import tfgraphs
from tfgraphs.pictures.picture_array import PictureArray

SHARED = ["steps", "backbone", "optimizer", "seed", "tile_size", "on_progress"]
CALLS = ["dream", "paint", "train_style_network", "visualize_feature"]


def imported_by(program):
    """The modules that a program has imported at its end."""
    lines = subprocess.check_output([sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"], text=True)
    return set(lines.split())


def test_importing_the_package_imports_neither_numpy_nor_tensorflow():
    assert not {"numpy", "tensorflow", "keras"} & imported_by("import tfgraphs")


def test_word_vectors_and_pictures_need_no_tensorflow():
    assert "tensorflow" not in imported_by("import tfgraphs; tfgraphs.load_word_vectors, tfgraphs.load_picture")


def test_tensorflow_starts_without_its_banners():
    program = [sys.executable, "-c", "import tfgraphs; tfgraphs.minimize"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    assert subprocess.run(program, env=environment, capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize("name", tfgraphs.__all__)
def test_a_name_is_there_and_documented(name):
    assert inspect.getdoc(getattr(tfgraphs, name))
    assert name in dir(tfgraphs)
    assert name in tfgraphs.__doc__ or name in ("TfgraphsError", "WordVectors")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'nonsense'"):
        tfgraphs.nonsense  # noqa: B018


@pytest.mark.parametrize("name", CALLS)
def test_shared_arguments_stand_in_the_same_order(name):
    arguments = [argument for argument in inspect.signature(getattr(tfgraphs, name)).parameters if argument in SHARED]
    assert arguments == [argument for argument in SHARED if argument in arguments]


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).uniform(0, 1, (60, 80, 3)).astype(np.float32)


def test_a_dream_has_the_size_of_its_picture_and_reports_progress(photograph):
    seen = []
    dreamt = tfgraphs.dream(photograph, "fire2", steps=2, on_progress=seen.append)
    assert dreamt.shape == photograph.shape
    assert isinstance(dreamt, PictureArray)
    assert not np.array_equal(dreamt, photograph)
    assert seen[-1].done == 1


def test_a_painting_blends_several_styles(photograph):
    painted = tfgraphs.paint(photograph, [photograph[::-1], "sample:embers"], steps=2)
    assert painted.shape == photograph.shape
    assert isinstance(painted, PictureArray)
    assert 0 <= painted.min() <= painted.max() <= 1


def test_a_feature_is_a_square_picture():
    feature = tfgraphs.visualize_feature("fire2:3", size=64, steps=2)
    assert feature.shape == (64, 64, 3)
    assert isinstance(feature, PictureArray)


def test_a_picture_is_reduced_saved_and_read_again(photograph, tmp_path):
    tfgraphs.save_picture(tmp_path / "photograph.png", photograph)
    again = tfgraphs.load_picture(tmp_path / "photograph.png", size=40)
    assert again.shape == (30, 40, 3)


def test_a_wrong_objective_is_one_error_of_tfgraphs(photograph):
    with pytest.raises(tfgraphs.TfgraphsError, match="fire2"):
        tfgraphs.dream(photograph, "fier2")
