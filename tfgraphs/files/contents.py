"""What a file is that somebody gave for something else, so that an error can say it."""

import re
from pathlib import Path

HEAD = 512  # bytes by which contents are recognised
SAMPLE_BYTES = 1 << 16  # bytes that must be legible

ONNX = "a model of ONNX: give the model that it was made of"
_ENCODINGS = {
    **dict.fromkeys(
        ("GB18030", "BIG5"),
        "的一是不了在有人这這我他个個上们們来來到大地为為子中说說生国國年着就那和要她出也得里裡后後自以会會家可下而过過"
        "天去能对對小多然于於心学學么麼之都好看起发發当當没沒成只如事把还還用第样樣道想作种種开開，。、",
    ),
    **dict.fromkeys(("SHIFT_JIS", "EUC-JP"), "のにはをたがでてとしれさいるもなかっらりこまあ、。"),
    "EUC-KR": "이다는을를의에가고하한은로도지사",
}
"""Encodings of East Asian text, and the characters that are frequent in it."""
_FREQUENT = 0.15  # share of frequent characters in text of any kind, less than half of what is usual

_UNPACK = "unpack it first, and give a file in it"
_TEXTS = (
    (rb"\Z", "empty"),
    (rb"\s*<(!doctype html|html|head|body)", "a web page: its download went wrong"),
    (rb"\s*<(\?xml|svg)", "XML, such as vector graphics"),
    (rb"version https://git-lfs", "a pointer of Git LFS in place of the file: fetch that with git lfs pull"),
    (rb"<<<<<<< ", "a text with the marks of an unfinished merge"),
    (rb"%PDF-|\{\\rtf", "a document"),
)
_BINARIES = (
    (rb"PK(\x03\x04|\x05\x06)", f"a zip archive: {_UNPACK}"),
    (rb".{257}ustar", f"a tar archive: {_UNPACK}"),
    (rb"Rar!|7z\xbc\xaf", f"an archive: {_UNPACK}"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "a packed file: unpack it first"),
    (rb"\x80[\x02-\x05]", "a Python pickle, which could run any program and is not read"),
    (rb"\x93NUMPY", "an array of NumPy"),
    (rb"\x89HDF\r", "an HDF5 file"),
    (rb".{4}TFL3", "a model of TensorFlow Lite: give the Keras model or SavedModel that it was made of"),
    (rb"\x08[\x03-\x1f]\x12[\x01-\x40]\w", ONNX),
    (rb"SQLite|PAR1", "a database"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|RIFF....WEBP|BM|8BPS|.{4}ftyp(hei|mif|avif)", "a picture"),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF....AVI |OggS|fLaC|ID3", "a film or a sound"),
    (rb"\xd0\xcf\x11\xe0", "a document"),
    (rb"\x7fELF|MZ|\xcf\xfa\xed\xfe", "a program"),
    (rb"\xff\xfe|\xfe\xff", "text in UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"),
)


def describe_content(head: bytes) -> str | None:
    """Returns what a file is by its first `HEAD` bytes, such as "a web page: ..."; None if that is not known."""
    return _first_match(_TEXTS, head) or describe_binary(head)


def describe_binary(head: bytes) -> str | None:
    """Returns the same only for what is no text."""
    return None if is_legible(head) else _first_match(_BINARIES, head)


def describe_file(path: str | Path) -> str | None:
    """Returns what a file is, see `describe_content`; None also if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return describe_content(file.read(HEAD))
    except OSError:
        return None


def is_legible(head: bytes) -> bool:
    """Returns whether the beginning of a file is UTF-8 without control characters, but for a few wrong bytes."""
    text = head[:SAMPLE_BYTES].decode("utf-8", errors="replace")  # the last character may be cut off
    return not re.search(r"[\x00-\x08\x0e-\x1f]", text) and text.count("\ufffd") * 20 <= len(text)


def east_asian_encoding(sample: bytes) -> str | None:
    """Returns the encoding of Chinese, Japanese or Korean text that is not in UTF-8, as iconv names it; else None.

    Args:
        sample: the beginning of a text. Its last character may be cut off.
    """
    text = sample.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    if wrong < 8 or 2 * wrong < len(text) - sum(map(str.isascii, text)):
        return None
    shares = {name: _share(sample.decode(name, errors="ignore"), known) for name, known in _ENCODINGS.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > _FREQUENT else None


def _share(text: str, frequent: str) -> float:
    """Returns the share of some characters among those of a text that are not in ASCII."""
    others = [letter for letter in text if not letter.isascii()]
    return sum(letter in frequent for letter in others) / max(len(others), 8)


def _first_match(kinds: tuple[tuple[bytes, str], ...], head: bytes) -> str | None:
    flags = re.DOTALL | re.IGNORECASE
    return next((description for start, description in kinds if re.match(start, head, flags)), None)
