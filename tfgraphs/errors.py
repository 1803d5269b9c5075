"""Errors that a user can correct, and texts of the errors of libraries."""

import contextlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|data:")  # a single letter is a drive
_LONGEST = 160  # characters; TensorFlow and Keras may write pages


class TfgraphsError(Exception):
    """Something is wrong with the input or the request, not with the program.

    The text is one line that says what is wrong and what to do. Commands print it and exit with code 2.
    """


def reason(error: BaseException) -> str:
    """Returns the text of an error in a few words: "no space left on device", "is a directory"."""
    strerror, text = getattr(error, "strerror", None), str(error)
    if re.fullmatch(r"\d+ requested and \d+ written", text):  # NumPy, which does not tell the system's reason
        return "no space left on device"
    return strerror.lower() if strerror else text or type(error).__name__


def summary(error: BaseException) -> str:
    """Returns the beginning of `reason`, without the names of graph nodes that TensorFlow puts before it."""
    return textwrap.shorten(re.sub(r"^(\{\{.*?\}\}\s*)+", "", reason(error)), _LONGEST, placeholder=" ...")


@contextlib.contextmanager
def errors_as(kind: type[TfgraphsError], problem: str, advice: str) -> Iterator[None]:
    """Turns every error of the block into one of `kind`, for readers of files whose errors cannot be foreseen."""
    try:
        yield
    except TfgraphsError:
        raise
    except Exception as error:
        raise kind(f"{problem} ({summary(error)}): {advice}") from error


def address_of(path: str | Path) -> str:
    """Returns the address that a path is, such as https://example.com/cat.jpg or s3://cats/cat.jpg; else nothing."""
    return re.sub(r":/(?!/)", "://", str(path), count=1) if _ADDRESS.match(str(path)) else ""  # Path merges slashes


def not_found(path: str | Path) -> str:
    """Returns the text for a file or folder that is not there. Addresses are not fetched."""
    if address := address_of(path):
        return f"{address} is an address, from which nothing is fetched: download it, and give the file"
    return f"{path} does not exist"


def printable(text: str) -> str:
    """Escapes characters that a terminal would obey or cannot print, such as ESC; names of files may contain them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
