"""The one family of errors that a person can mend."""

import contextlib
import re
import textwrap
from collections.abc import Iterator

_LONGEST = 160  # characters; TensorFlow and Keras may say pages


class TfgraphsError(Exception):
    """Something is wrong with what was asked for or given, not with the program.

    The text is one line that says what is wrong and what to do. The commands print it and leave with exit code 2.
    """


def reason(error: BaseException) -> str:
    """What an error says, in a few words: "no space left on device", "is a directory"."""
    strerror = getattr(error, "strerror", None)
    return strerror.lower() if strerror else str(error) or type(error).__name__


def said(error: BaseException) -> str:
    """The beginning of what an error says, without the names of graph nodes that TensorFlow puts before it."""
    return textwrap.shorten(re.sub(r"^(\{\{.*?\}\}\s*)+", "", reason(error)), _LONGEST, placeholder=" ...")


@contextlib.contextmanager
def explained(kind: type[TfgraphsError], what: str, advice: str) -> Iterator[None]:
    """Turns any error of the block into one of `kind`: what a file of others raises cannot be foreseen."""
    try:
        yield
    except TfgraphsError:
        raise
    except Exception as error:
        raise kind(f"{what} ({said(error)}): {advice}") from error
