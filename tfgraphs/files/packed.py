"""Files that may be packed by gzip, bzip2, xz or Zstandard, which their first bytes tell, whatever their names."""

import bz2
import contextlib
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.extras import install_extra
from tfgraphs.files.trust import check_regular_file

PIECE = 1 << 20
_MOST = 1 << 28
_ZSTANDARD_PIECE = 1 << 13  # packed bytes: a few of them can expand to very much
_ZSTANDARD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")
_COMPRESSIONS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], Any]], ...] = (
    (re.compile(rb"\x1f\x8b\x08"), lambda file: gzip.GzipFile(fileobj=file)),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.BZ2File),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMAFile),
)


class ExtraMissingError(Exception):
    """Zstandard needs one more package. The text says how to install it."""


def unpacked(file: BinaryIO, piece: int = PIECE) -> Iterator[bytes]:
    """Yields the unpacked content of an open file or pipe from its beginning, some bytes at a time.

    Args:
        file: as `open(path, "rb")` returns it. It is never moved back.
        piece: bytes of a piece; those of Zstandard may be longer, the last of each format is shorter.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError, ExtraMissingError: see `unpacking_errors`.
    """
    start = _start(file)
    if _ZSTANDARD.match(start):
        yield from _unpacked_zstandard(file, piece)
        return
    stream = next((unpack(file) for magic, unpack in _COMPRESSIONS if magic.match(start)), file)
    while content := stream.read(piece):
        yield content


def is_packed(file: BinaryIO) -> bool:
    """Returns whether `unpacked` would unpack the content of an open file. It is not moved."""
    return any(magic.match(_start(file)) for magic in (_ZSTANDARD, *(magic for magic, _ in _COMPRESSIONS)))


def _start(file: BinaryIO) -> bytes:
    return file.peek(16)[:16]  # type: ignore[attr-defined]


def _unpacked_zstandard(file: BinaryIO, piece: int) -> Iterator[bytes]:
    """Unpacks all frames of a file; unlike the zstandard package's own reader, notices frames that are cut short."""
    try:
        import zstandard
    except ImportError as error:
        raise ExtraMissingError(f"one more package is needed: {install_extra('zst')}") from error
    frame, packed, text = None, b"", bytearray()
    try:
        while packed := packed or file.read(_ZSTANDARD_PIECE):
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            text += frame.decompress(packed)
            packed = frame.unused_data
            frame = None if frame.eof else frame
            if len(text) >= piece:
                yield bytes(text)
                text.clear()
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from error
    if frame:
        raise EOFError("compressed file ended before the end of its last frame")
    if text:
        yield bytes(text)


@contextlib.contextmanager
def unpacking_errors(path: str | Path, kind: type[TfgraphsError]) -> Iterator[None]:
    """Turns all errors of `unpacked` into one of `kind` that names the file."""
    try:
        yield
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ExtraMissingError) as error:
        if isinstance(error, ExtraMissingError) or (isinstance(error, OSError) and error.errno is not None):
            raise kind(f"cannot read {path}: {reason(error)}") from error
        raise kind(f"cannot read {path}: the file is damaged or cut short ({reason(error)})") from error


def read_bytes(path: str | Path, kind: type[TfgraphsError], most: int = _MOST) -> bytes:
    """Reads a whole file or pipe, packed or not; args and errors as of `read_text`."""
    content = bytearray()
    with unpacking_errors(path, kind), open(path, "rb") as file:
        for piece in unpacked(file):
            content += piece
            if len(content) > most:
                raise kind(f"cannot read {path}: it has more than {most:,} bytes")
    return bytes(content)


def read_text(path: str | Path, kind: type[TfgraphsError], most: int = _MOST) -> str:
    """Reads a whole file of text in UTF-8, packed or not, without the mark that some editors put before it.

    Args:
        path: of a regular file.
        kind: class of the errors.
        most: bytes of text; more are refused.

    Raises:
        TfgraphsError: of `kind`: the file cannot be read, is damaged, too long, or not in UTF-8.
    """
    check_regular_file(path, kind)
    content = read_bytes(path, kind, most)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise kind(f"{path} is not a text in UTF-8") from error
