"""How runs are told apart."""

import pytest

from tfgraphs.cli.shared import run_state

ORIGIN = {"command": "deepdream", "flags": {"layer": "fire7"}}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"a photograph")
    return path


def test_the_same_flags_and_pictures_are_the_same_run(photo):
    assert run_state.fingerprint(ORIGIN, [photo]) == run_state.fingerprint(dict(ORIGIN), [photo])


def test_other_flags_are_another_run(photo):
    other = {"command": "deepdream", "flags": {"layer": "fire9"}}
    assert run_state.fingerprint(ORIGIN, [photo]) != run_state.fingerprint(other, [photo])


def test_another_picture_under_the_same_name_is_another_run(photo, tmp_path):
    before = run_state.fingerprint(ORIGIN, [photo])
    (tmp_path / "photo.png").write_bytes(b"another photograph")
    assert run_state.fingerprint(ORIGIN, [photo]) != before


def test_another_file_in_a_folder_is_another_run(photo, tmp_path):
    """As of a network that is a SavedModel."""
    (tmp_path / "model" / "variables").mkdir(parents=True)
    before = run_state.fingerprint(ORIGIN, [tmp_path / "model"])
    photo.rename(tmp_path / "model" / "variables" / "weights")
    assert run_state.fingerprint(ORIGIN, [tmp_path / "model"]) != before
