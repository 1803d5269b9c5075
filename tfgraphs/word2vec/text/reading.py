"""Reading text files, plain or packed, and the standard input, as blocks of whole lines."""

import contextlib
import glob
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tfgraphs.errors import reason
from tfgraphs.files.contents import HEAD, describe_binary, east_asian_encoding
from tfgraphs.files.packed import PIECE as _PIECE
from tfgraphs.files.packed import is_packed, unpacked, unpacking_errors
from tfgraphs.word2vec.settings import CorpusError

STDIN = Path("-")  # as a source; a file of this name is ./-
BLOCK = 4 << 20  # bytes of text that are read, and handed to another process, at a time
LONGEST_LINE = 1 << 16  # bytes, about 10,000 English words; longer lines are broken
_SAMPLE = 1 << 16
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
RESULTS = frozenset({"training.json", "corpus.json"})  # files that mark folders of results, which are no text
_SPACES = (b" ", b"\t", b"\r", b"\v", b"\f")


def find_files(sources: Sequence[str]) -> list[Path]:
    """Return the files that are meant by paths of files, paths of folders and globs, in the order of `sources`.

    Folders are searched recursively in alphabetical order. Names that begin with a dot are skipped, and so are folders
    of training results and files that came before. A name that exists is not a glob. "-" is the standard input.

    Raises:
        CorpusError: there is nothing at a path, no file in a folder or for a glob, or all files are empty.
    """
    files: dict[str, Path] = {}
    for path in (path for source in sources for path in _files_of_source(source)):
        files.setdefault(str(path) if path == STDIN else os.path.realpath(path), path)
    found = list(files.values())
    if not found:
        raise CorpusError("no text is given: name files, folders or globs")
    if STDIN not in found and not any(map(_size, found)):
        raise CorpusError(f"{found[0]} is empty" if len(found) == 1 else f"all {len(found)} files are empty")
    return found


def _files_of_source(source: str) -> list[Path]:
    if not source or "\0" in source:
        raise CorpusError(f"{source!r} is not a file name")
    if source == str(STDIN):
        return [STDIN]
    if os.path.isfile(source):
        return [Path(source)]
    if os.path.isdir(source):
        return _files_in(source)
    if os.path.exists(source):
        raise CorpusError(f"{source} is neither a file nor a folder: name it as the standard input, - < {source}")
    if not glob.has_magic(source):
        raise CorpusError(f"cannot read {source}: no such file or folder")
    matches = sorted(glob.glob(source, recursive=True))
    files = [Path(match) for match in matches if os.path.isfile(match)]
    if not files:
        raise CorpusError(f"no file matches {source}")
    return files


def _files_in(folder: str) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise CorpusError(f"cannot read {error.filename}: {reason(error)}") from error

    files = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        if parent != folder and not RESULTS.isdisjoint(names):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        files += [path for path in paths if path.is_file()]
    if not files:
        raise CorpusError(f"there is no file in the folder {folder}")
    return files


class TextPart(NamedTuple):
    """A file, or the lines of a plain one that begin at some of its bytes.

    Attributes:
        path: of the file.
        start: the first of these bytes.
        end: the one after the last of them; None is the end of the file.
    """

    path: Path
    start: int = 0
    end: int | None = None


def split_text(files: Sequence[Path], size: int) -> Iterator[list[TextPart]]:
    """Yield parts of a text of about `size` bytes each: some small files, a packed one, or lines of a large plain one.

    Raises:
        CorpusError: a file cannot be read.
    """
    group, total = list[TextPart](), 0
    for path in files:
        length = _size(path)
        with unpacking_errors(named(path), CorpusError), path.open("rb") as file:
            cuts = [0] if is_packed(file) else [*range(0, max(1, length), size)]
        for start, end in itertools.pairwise([*cuts, None]):
            part = TextPart(path, start or 0, end)
            group, total = [*group, part], total + (end or length) - part.start
            if total >= size:
                yield group
                group, total = [], 0
    if group:
        yield group


def read_blocks(
    files: Sequence[Path | TextPart],
    size: int = BLOCK,
    on_progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Iterator[bytes]:
    """Yield blocks of whole lines of at least `size` bytes (the last may be shorter), each ending with a line feed.

    Files are unpacked if their first bytes are those of gzip, bzip2, xz or Zstandard. Lines of `LONGEST_LINE` bytes or
    more are broken at a space, or between two characters if there is none; the place depends on the line alone, not on
    the blocks. A block can hold many small files, whose lines stay separate. Takes the memory of one block and a few
    MB.

    Args:
        files: paths to read, or parts of files.
        size: minimum size of a block in bytes.
        on_progress: called with what is read and the share of all (packed) bytes that is read, 0..1; the length of the
            standard input is not known.

    Raises:
        CorpusError: a file cannot be read, is damaged or cut short, or is no text.
    """
    parts = [part if isinstance(part, TextPart) else TextPart(part) for part in files]
    total, before = sum(_size(part.path) for part in parts), 0
    buffer = bytearray()
    for part in parts:
        path = part.path
        for piece, position in _pieces(part):
            if path == STDIN:
                on_progress(f"reading the standard input, {position >> 20:,} MB", 0.0)
            else:
                on_progress("reading the text", min(1, (before + position) / max(1, total)))
            buffer += piece
            whole = _break_long_lines(buffer)
            if whole >= size:
                yield bytes(buffer[:whole])
                del buffer[:whole]
        if buffer and not buffer.endswith(b"\n"):
            buffer += b"\n"
        before += _size(path)
    if buffer:
        yield bytes(buffer)


def _break_long_lines(text: bytearray) -> int:
    """Break long lines, and return where the last, perhaps unfinished line begins."""
    start = 0
    while len(text) - start >= LONGEST_LINE:
        end = text.rfind(b"\n", start, start + LONGEST_LINE)
        start = (end if end >= 0 else _break_line(text, start)) + 1
    return max(start, text.rfind(b"\n", start) + 1)


def _break_line(text: bytearray, start: int) -> int:
    """Break the line that begins at `start`, and return the position of the new line feed."""
    end = start + LONGEST_LINE
    place = max(text.rfind(space, start, end) for space in _SPACES)
    if place > start:
        text[place] = ord("\n")
        return place
    place = end - 1
    while text[place] & 0xC0 == 0x80 and place > end - 4:  # inside a character of UTF-8
        place -= 1
    text[place:place] = b"\n"
    return place


def named(path: Path) -> str:
    """Return what messages call a source."""
    return "the standard input" if path == STDIN else str(path)


def _size(path: Path) -> int:
    if path == STDIN:
        return 0
    try:
        return path.stat().st_size
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {reason(error)}") from error


def _pieces(part: TextPart) -> Iterator[tuple[bytes, int]]:
    """Yield the unpacked content of a part in pieces of about a megabyte, and the position in the file itself.

    The position in the standard input is that in the unpacked content.
    """
    path, read = part.path, 0
    name = named(path)
    with unpacking_errors(name, CorpusError), _open(path) as file:
        content = unpacked(file, _PIECE) if part.start == 0 and part.end is None else _lines(file, part)
        for number, piece in enumerate(content):
            _refuse_other_formats(name, piece, number == 0 and part.start == 0)
            piece = piece if number or part.start else piece.removeprefix(b"\xef\xbb\xbf")
            read += len(piece)
            yield piece, read if path == STDIN else file.tell()


def _lines(file: BinaryIO, part: TextPart) -> Iterator[bytes]:
    """Yield the lines of an open file that begin in a part, in pieces."""
    if part.start:
        file.seek(part.start - 1)
        for _ in _to_line_end(file):  # of a line that begins before
            pass
    while part.end is None or file.tell() < part.end:
        piece = file.read(_PIECE if part.end is None else min(_PIECE, part.end - file.tell()))
        if not piece:
            return
        yield piece
        if file.tell() == part.end and not piece.endswith(b"\n"):
            yield from _to_line_end(file)


def _to_line_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a line, in pieces, as it may be longer than memory."""
    while piece := file.readline(_PIECE):
        yield piece
        if piece.endswith(b"\n"):
            return


def _open(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(sys.stdin.buffer) if path == STDIN else path.open("rb")


def _refuse_other_formats(name: str, piece: bytes, is_start: bool) -> None:
    """Refuse common files that are almost text, data with many control characters, and other encodings.

    Text has hardly any control characters.
    """
    if is_start and (content := describe_binary(piece[:HEAD])):
        raise CorpusError(f"{name} is {content}")
    sample = piece[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(3, len(sample) / 100):
        raise CorpusError(f"{name} is not a text: it has {controls:,} control characters in {len(sample):,} bytes")
    if is_start and (encoding := east_asian_encoding(sample)):
        raise CorpusError(
            f"{name} is not in UTF-8, it seems to be in {encoding}: convert it first (iconv -f {encoding} -t UTF-8)"
        )
