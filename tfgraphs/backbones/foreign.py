"""Networks that others made: what pictures they were trained on, and what they say when they fail."""

import contextlib
import re
import textwrap
from collections.abc import Callable, Iterator

import tensorflow as tf

from tfgraphs.errors import TfgraphsError, reason

RANGES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "0..1": tf.identity,
    "-1..1": lambda pictures: pictures * 2 - 1,
    "0..255": lambda pictures: pictures * 255,
}
"""Ranges of RGB that a network may have been trained on, and how they are made of 0..1."""

_LONGEST = 160  # characters; TensorFlow and Keras may say pages


def identifier(name: str) -> str:
    """A name as `tf.Module` allows it."""
    return re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII)


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
