"""What the tests of readers of weights share: files with a few bytes wrong, and that reading them does no harm."""

import contextlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.readers.weights import WeightsError

MOST = 80 * 2**20  # bytes: what a small file may inflate to, and a little


@contextlib.contextmanager
def at_most(size: int = MOST) -> Iterator[None]:
    """Asserts that the block takes no more memory, in bytes."""
    tracemalloc.start()
    try:
        yield
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken <= size


@st.composite
def damaged(draw: st.DrawFn, *contents: bytes) -> bytes:
    """One of some files, with a few bytes replaced, put in or cut out, or without its end."""
    content = bytearray(draw(st.sampled_from(contents)))
    if draw(st.integers(0, 5)) == 0:
        return bytes(content[: draw(st.integers(0, len(content)))])
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        piece = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f"])))
        content[start : start + draw(st.sampled_from([len(piece), 0, 1, 4]))] = piece
    return bytes(content)


def read_harmlessly(path: Path, content: bytes) -> None:
    """Reads a file of such content: numbers come out, or an error as it should be, and little memory is taken."""
    path.write_bytes(content)
    arrays: dict[str, np.ndarray] = {}
    text = str(path)
    with at_most():
        try:
            arrays = read_arrays(path)
        except WeightsError as error:
            text = str(error)
    check_line(path, text)
    assert all(isinstance(name, str) for name in arrays)
    assert {array.dtype.kind for array in arrays.values()} <= set("biuf")


def check_line(path: Path, text: str) -> None:
    """Asserts that what an error says is one line that names the file."""
    assert "\n" not in text
    assert str(path) in text


def error_of(path: Path, content: bytes | None = None) -> str:
    """What the error says, behind the name of the file, when it, or one of such content, is read."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_arrays(path)
    check_line(path, str(caught.value))
    return str(caught.value).removeprefix(f"{path}: ")
