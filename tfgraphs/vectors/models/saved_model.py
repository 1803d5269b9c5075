"""Word vectors from a SavedModel that maps words to vectors, of `tfgraphs.vectors.models.embedding` or from TF Hub."""

import codecs
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import errors_as
from tfgraphs.files import hub
from tfgraphs.vectors.files.blocks import FormatError
from tfgraphs.vectors.word_vectors import WordVectors

_BATCH = 4096  # words for which the model is asked at once
_LOOKED_AT = 1 << 16  # bytes of an asset that tell whether it is text


def load_saved_model(handle: str, limit: int | None = None) -> WordVectors:
    """Asks a SavedModel for the vectors of all words of its own vocabulary.

    The model is called on string [batch] and must return float [batch, dimensions], as TF Hub's text embeddings do.
    Its words are the lines of the one text file among its assets; empty lines are passed over, and of a word that
    stands there twice the first line counts.

    A SavedModel is a program: `files.trust` says what it may do, and it is refused if it could do more.

    Args:
        handle: a folder with a `saved_model.pb`; or "hub:" and what tensorflow_hub resolves, the address of a model,
            which is downloaded once, see `hub.saved_model_folder`, or a folder.
        limit: number of lines of the vocabulary, from the beginning on, that are read. None for all.

    Returns:
        The words in the order of the vocabulary, with a matrix in memory, float32 [words, dimensions].

    Raises:
        FormatError: there is no SavedModel, it cannot be had or loaded, does not say which its words are, or gives
            something else than finite vectors for them.
        TrustError: it could do more than compute.
    """
    folder = hub.saved_model_folder(handle, FormatError)
    words = _read_words(_vocabulary(handle, folder / "assets"), limit)
    if not words:
        raise FormatError(f"{handle} has no words: its vocabulary is empty")
    return WordVectors(words, _ask(handle, _loaded(handle, folder), words))


def _vocabulary(handle: str, assets: Path) -> Path:
    """The one text file among the assets."""
    with errors_as(FormatError, f"the assets of {handle} cannot be read", "look at the rights of its files"):
        files = sorted(path for path in assets.rglob("*") if path.is_file())
        texts = [path for path in files if _is_text(path)]
    if len(texts) == 1:
        return texts[0]
    names = ", ".join(path.relative_to(assets).as_posix() for path in texts or files)
    if texts:
        raise FormatError(f"{handle} does not say which its words are: several of its assets are text ({names})")
    found = f"none of its assets is text ({names})" if files else "it has no assets"
    raise FormatError(f"{handle} does not say which its words are: {found}, a file with one word per line is needed")


def _is_text(path: Path) -> bool:
    """Whether a file begins as UTF-8 without control characters."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    try:  # where a long file is cut, a character may be, too
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _LOOKED_AT)
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1f]", text)


def _read_words(path: Path, limit: int | None) -> list[str]:
    """The words of a vocabulary. TensorFlow does not count carriage returns, so they are left out here, too."""
    with errors_as(FormatError, f"the vocabulary {path} cannot be read", "it must be UTF-8 with one word per line"):
        with path.open(encoding="utf-8", newline="\n") as file:
            lines = (line.replace("\r", "").removesuffix("\n") for line in itertools.islice(file, limit))
            return [word for word in dict.fromkeys(lines) if word]


def _loaded(handle: str, folder: Path) -> Callable[[Any], Any]:
    """The model, which can be called."""
    from tfgraphs.files import saved_models

    model = saved_models.load(folder, handle, FormatError)
    if not callable(model):
        offered = ", ".join(getattr(model, "signatures", {})) or "none"
        raise FormatError(
            f"{handle} cannot be called (it has signatures: {offered}): a text embedding of TF Hub for TensorFlow 2 "
            "is needed"
        )
    return model


def _ask(handle: str, model: Callable[[Any], Any], words: list[str]) -> np.ndarray:
    """The vectors of words, float32 [words, dimensions]."""
    matrix = np.empty((0, 0), np.float32)
    for start in range(0, len(words), _BATCH):
        block = _vectors(handle, model, words[start : start + _BATCH])
        if start == 0:
            matrix = np.empty((len(words), block.shape[1]), np.float32)
        if block.shape[1] != matrix.shape[1]:
            widths = f"{matrix.shape[1]} and {block.shape[1]}"
            raise FormatError(f"{handle} does not map words to vectors: some have {widths} dimensions")
        matrix[start : start + len(block)] = block
    return matrix


def _vectors(handle: str, model: Callable[[Any], Any], words: list[str]) -> np.ndarray:
    """What the model gives for a batch of words, float32 [words, dimensions], all finite."""
    import tensorflow as tf

    advice = "a text embedding of TF Hub is needed"
    with errors_as(FormatError, f"{handle} cannot be called on a batch of words", advice):
        answer = model(tf.constant(words))
    tensor = isinstance(answer, tf.Tensor)
    shape = answer.shape.as_list() if tensor else []
    if not (tensor and answer.dtype.is_floating and len(shape) == 2 and shape[0] == len(words) and shape[1]):
        found = f"{answer.dtype.name} {shape}" if tensor else f"a {type(answer).__name__}"
        expected = f"expected float [{len(words)}, dimensions]"
        raise FormatError(f"{handle} does not map words to vectors: it returns {found}, {expected}")
    vectors = tf.cast(answer, tf.float32).numpy()
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if wrong.size:
        raise FormatError(f"{handle} is damaged: the vector of {words[wrong[0]]!r} is not finite")
    return vectors
