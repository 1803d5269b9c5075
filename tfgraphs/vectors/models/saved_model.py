"""Loads word vectors from a SavedModel that maps words to vectors, exported here or from TF Hub."""

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfgraphs.errors import errors_as
from tfgraphs.files import hub
from tfgraphs.files.contents import SAMPLE_BYTES, is_legible
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

_BATCH = 4096  # words per call of the model


def load_saved_model(handle: str, limit: int | None = None) -> WordVectors:
    """Calls a SavedModel on all words of its vocabulary.

    The model is called on string [batch] and must return float [batch, dimensions], as TF Hub's text embeddings do.
    Its words are the lines of the only text file among its assets, without empty and repeated lines.

    A SavedModel is a program. `tfgraphs.files.trust` defines what it may do; models that could do more are refused.

    Args:
        handle: a folder with a `saved_model.pb`, or "hub:" and a handle of TF Hub, see `hub.saved_model_folder`.
        limit: maximal number of lines of the vocabulary, from the beginning on. None for all.

    Raises:
        FormatError: the model cannot be had, has no clear vocabulary, or does not return vectors. Words whose vectors
            are not finite are left out, with a warning.
        TrustError: the model could do more than compute.
    """
    folder = hub.saved_model_folder(handle, FormatError)
    words = _read_words(_find_vocabulary(handle, folder / "assets"), limit)
    if not words:
        raise FormatError(f"{handle} has no words: its vocabulary is empty")
    from tfgraphs.files import saved_models

    model = saved_models.load(folder, handle, FormatError)
    if not callable(model):
        offered = ", ".join(getattr(model, "signatures", {})) or "none"
        advice = "a text embedding of TF Hub for TensorFlow 2 is needed"
        raise FormatError(f"{handle} cannot be called (it has signatures: {offered}): {advice}")
    batches = [_call(handle, model, words[start : start + _BATCH]) for start in range(0, len(words), _BATCH)]
    widths = list(dict.fromkeys(batch.shape[1] for batch in batches))
    if len(widths) > 1:
        raise FormatError(f"{handle} does not map words to vectors: some have {widths[0]} and {widths[1]} dimensions")
    matrix = np.concatenate(batches)
    finite = np.flatnonzero(np.isfinite(matrix).all(axis=1))
    if not len(finite):
        raise FormatError(f"{handle} is damaged: none of its vectors is finite")
    if len(finite) < len(words):
        wrong = len(words) - len(finite)
        warnings.warn(
            f"{handle}: words that are left out because their vectors are not finite: {wrong:,}", stacklevel=2
        )
        words, matrix = [words[row] for row in finite], matrix[finite]
    return WordVectors(words, matrix)


def _find_vocabulary(handle: str, assets: Path) -> Path:
    with errors_as(FormatError, f"the assets of {handle} cannot be read", "check the permissions of its files"):
        files = sorted(path for path in assets.rglob("*") if path.is_file())
        texts = [path for path in files if is_legible(np.fromfile(path, np.uint8, SAMPLE_BYTES).tobytes())]
    if len(texts) == 1:
        return texts[0]
    names = ", ".join(path.relative_to(assets).as_posix() for path in texts or files)
    found = f"several assets are text ({names})" if texts else f"no asset is text ({names})" if files else "no assets"
    raise FormatError(f"{handle} has no clear vocabulary: {found}; one text file with a word per line is needed")


def _read_words(path: Path, limit: int | None) -> list[str]:
    """Returns the words of a vocabulary, without carriage returns, which TensorFlow drops, too."""
    with errors_as(FormatError, f"the vocabulary {path} cannot be read", "it must be UTF-8 with one word per line"):
        with path.open(encoding="utf-8", newline="\n") as file:
            lines = (line.replace("\r", "").removesuffix("\n") for line in itertools.islice(file, limit))
            return [word for word in dict.fromkeys(lines) if word]


def _call(handle: str, model: Callable[[Any], Any], words: list[str]) -> np.ndarray:
    """Returns the vectors of a batch of words, float32 [words, dimensions]."""
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
    return tf.cast(answer, tf.float32).numpy()
