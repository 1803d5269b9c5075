import io

import h5py
import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.contents import HEAD, describe_binary, describe_content, describe_file


def picture(kind):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind)
    return file.getvalue()


def array():
    file = io.BytesIO()
    np.save(file, np.arange(9.0))
    return file.getvalue()


def tables():
    file = io.BytesIO()
    with h5py.File(file, "w") as store:
        store["a"] = np.arange(9.0)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "vector graphics"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "a pointer of Git LFS"),
        (b"<<<<<<< HEAD\nking 1 2\n", "unfinished merge"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a document"),
        (b"PK\x03\x04\x14\x00", "a zip archive"),
        (b"name".ljust(257, b"\0") + b"ustar", "a tar archive"),
        (b"\x1f\x8b\x08\x00", "a packed file"),
        (b"\x80\x04\x95\x05", "a Python pickle"),
        (array(), "an array of NumPy"),
        (tables(), "an HDF5 file"),
        *((picture(kind), "a picture") for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a film"),
        (b"\x1c\0\0\0TFL3\x14\0\x20\0", "TensorFlow Lite"),
        (b"\x08\x08\x12\x07pytorch\x1a\x032.1", "a model of ONNX"),
        (b"\x7fELF\x02\x01\x01\0", "a program"),
        ("king 1 2\n".encode("utf-16"), "UTF-16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_contents_of_other_kinds_are_named(content, words):
    assert words in describe_content(content[:HEAD])


@pytest.mark.parametrize("start", [b"MZ", b"ID3", b"BM", b"OggS", b"SQLite", b"BZh", b"fLaC", b"GIF8"])
def test_a_text_may_begin_with_the_letters_of_another_kind(start):
    assert describe_content(start + b" 0.25 -0.5\nking 1 2\n") is None


def test_a_page_of_html_is_a_text():
    assert describe_binary(b"<html>the king and the queen</html>") is None


def test_a_file_that_cannot_be_read_is_not_described(tmp_path):
    assert describe_file(tmp_path) is None
    assert describe_file(tmp_path / "missing") is None
