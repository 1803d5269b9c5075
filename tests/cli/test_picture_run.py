"""How runs are told apart."""

import pytest

from tfgraphs.cli import picture_run

ORIGIN = {"command": "deepdream", "flags": {"layer": "fire7"}}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"a photograph")
    return str(path)


def test_the_same_flags_and_pictures_are_the_same_run(photo):
    assert picture_run._fingerprint(ORIGIN, [photo]) == picture_run._fingerprint(dict(ORIGIN), [photo])


def test_other_flags_are_another_run(photo):
    other = {"command": "deepdream", "flags": {"layer": "fire9"}}
    assert picture_run._fingerprint(ORIGIN, [photo]) != picture_run._fingerprint(other, [photo])


def test_another_picture_under_the_same_name_is_another_run(photo, tmp_path):
    before = picture_run._fingerprint(ORIGIN, [photo])
    (tmp_path / "photo.png").write_bytes(b"another photograph")
    assert picture_run._fingerprint(ORIGIN, [photo]) != before
