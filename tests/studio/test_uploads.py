"""Pictures that people bring: kept as they came, refused if they are none."""

import io

import numpy as np
import pytest
from PIL import Image

from tfgraphs.pictures import samples
from tfgraphs.studio import uploads as uploads_module
from tfgraphs.studio.uploads import UploadError


def png(side=6):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side + 2, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def add(uploads, data, length=None):
    return uploads.add(io.BytesIO(data), len(data) if length is None else length)


def test_a_picture_is_kept_byte_by_byte_under_one_key(uploads):
    key = add(uploads, png())
    assert add(uploads, png()) == key != add(uploads, png(7))
    assert uploads.path(key).read_bytes() == png()


@pytest.mark.parametrize("data", [b"", b"no picture", png()[:-40], b"<svg/>"], ids=["empty", "text", "cut", "svg"])
def test_what_is_no_picture_is_refused_and_not_kept(uploads, tmp_path, data):
    with pytest.raises(UploadError, match=r"^the file [^\n]*$"):
        add(uploads, data)
    assert not list((tmp_path / "uploads").iterdir())


def test_too_many_bytes_are_refused_before_they_are_read(uploads, monkeypatch):
    monkeypatch.setattr(uploads_module, "MOST_BYTES", 100)
    with pytest.raises(UploadError, match="at most"):
        uploads.add(None, 101)


def test_a_picture_that_comes_incomplete_is_refused(uploads):
    with pytest.raises(UploadError, match="incomplete"):
        add(uploads, png(), len(png()) + 1)


def test_too_many_pixels_are_refused(uploads):
    file = io.BytesIO()
    Image.new("1", (20_001, 2)).save(file, "PNG")
    with pytest.raises(UploadError, match="too large"):
        add(uploads, file.getvalue())


def test_pictures_that_would_fill_the_memory_are_refused(uploads, monkeypatch, tmp_path):
    monkeypatch.setattr(uploads_module, "MOST_PIXELS", 40)
    with pytest.raises(UploadError, match="has 48 px: at most 40 are taken"):
        add(uploads, png(6))
    assert not list((tmp_path / "uploads").iterdir())


@pytest.mark.parametrize("key", ["../secret", "0" * 16, "", "/etc/passwd", "0123456789abcde/", "sample"])
def test_no_other_file_can_be_reached(uploads, tmp_path, key):
    (tmp_path / "secret").write_bytes(png())
    with pytest.raises(UploadError, match="not here any more"):
        uploads.path(key)


def test_samples_have_names(uploads):
    assert uploads.path("sample:swirls") == samples.resolve("sample:swirls")
