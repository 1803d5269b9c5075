import io

import h5py
import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.contents import HEAD, describe_binary, describe_content, describe_file, east_asian_encoding


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


WRITTEN = {
    "GB18030": "国王和王后住在一座古老的宫殿里，他们有一个儿子。",
    "BIG5": "國王和王后住在一座古老的宮殿裡，他們有一個兒子。",
    "SHIFT_JIS": "王様とお妃様は古いお城に住んでいました。とても大きなお城です。",
    "EUC-JP": "王様とお妃様は古いお城に住んでいました。とても大きなお城です。",
    "EUC-KR": "왕과 왕비는 오래된 궁전에 살고 있었다. 우리 가족은 모두 여섯 명이다.",
}


@pytest.mark.parametrize("encoding", WRITTEN)
def test_an_east_asian_encoding_is_named(encoding):
    encoded = WRITTEN[encoding].encode(encoding)
    assert east_asian_encoding(encoded) == east_asian_encoding(encoded[:41]) == encoding


@pytest.mark.parametrize("encoding", [*WRITTEN, "ASCII"])
def test_utf8_is_no_other_encoding_even_if_it_is_cut_off_or_has_some_wrong_bytes(encoding):
    text = WRITTEN.get(encoding, "plain words").encode()
    assert east_asian_encoding(text[:-1]) is None
    assert east_asian_encoding(5 * text + 9 * b"\xff") is None


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "koi8-r", "cp1252"])
def test_european_encodings_are_not_taken_for_east_asian_ones(encoding):
    text = 30 * "Größe über schöne Häuser, café très élégant. Король и королева жили в старом дворце, он любил её."
    assert east_asian_encoding(text.encode(encoding, "ignore")) is None
