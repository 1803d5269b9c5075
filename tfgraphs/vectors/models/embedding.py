"""Exports word vectors as a SavedModel: strings in, vectors or the nearest words out."""

import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tensorflow as tf

from tfgraphs.files import export
from tfgraphs.vectors.files.writers import check_words, finite
from tfgraphs.vectors.models.subword_graph import SubwordGraph
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

UnknownWords = Literal["zero", "mean", "hash", "subwords"]
"""What unknown words get, see `export_embedding`."""

_NOTHING = 1e-6  # length below which a sum of unit vectors has no direction, as in `WordVectors.target`
_HASH_BUCKETS = 1000  # random vectors of unknown words
_NO_ANSWER = float("-inf")
_K = tf.TensorSpec([], tf.int32, name="k")


def export_embedding(folder: str | Path, vectors: WordVectors, oov: UnknownWords = "zero") -> None:
    """Writes word vectors as a SavedModel that contains the words.

    The model has TF Hub's interface for text embeddings: called on words, string [batch], it returns their vectors,
    float32 [batch, dimensions]; the signature `serving_default` does the same. Words are looked up exactly as they are
    spelled. More functions are attributes of the model, which must be kept while they are used, and signatures:

        nearest(words: string [n], k: int32 scalar)
            the k words nearest to the sum of the n words
        analogy(positive: string [p], negative: string [m], k: int32 scalar)
            the k words nearest to the sum of the positive words minus the negative ones

        vectors(rows: int32 [batch])
            the vectors of words by their line in `assets/words.txt`, from 0 on, for TensorFlow.js and LiteRT, which
            have no tables of words

    The first two add unit vectors (3CosAdd, Mikolov et al. 2013) and return {"words": string [k], "cosines": float32
    [k]}, best first, ties in the order of the vocabulary, without the words of the question. A sum without direction
    has no answers: words that cancel each other out, no words or, with oov="zero", only unknown words.

    Args:
        folder: to write. An earlier SavedModel is replaced, anything else is not.
        vectors: the words and their vectors.
        oov: vectors of unknown words: "zero"; "mean", the mean of all vectors; "hash", one of a thousand random
            vectors with the median length of the known ones, chosen by a hash of the word; or "subwords", the mean of
            the vectors of its n-grams, as fastText computes it, and zero without n-grams.

    Raises:
        FormatError: a vocabulary file cannot contain a word, or some of the vectors are not finite.
        OutputError: the folder cannot be written.
        ValueError: `oov` is none of the values above, or "subwords" for vectors without n-grams.
    """
    if oov not in get_args(UnknownWords):
        raise ValueError(f"oov is {oov!r}, expected one of {', '.join(get_args(UnknownWords))}")
    if oov == "subwords" and vectors.subwords is None:
        raise ValueError("oov is 'subwords', but these vectors have no n-grams")
    check_words(vectors.words, "\r\n")
    known = finite(vectors.matrix)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.einsum("wd,wd->w", known, known)).all():
            raise FormatError(
                "a vector is too long for the graph, which squares its numbers in float32: scale them all"
            )
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = Path(scratch) / "words.txt"
        vocabulary.write_text("".join(f"{word}\n" for word in vectors.words), encoding="utf-8", newline="\n")
        ngrams = SubwordGraph(vectors.subwords) if oov == "subwords" and vectors.subwords else None
        model = _Embedding(vocabulary, known, _unknown(known, oov), ngrams)
        functions = {"nearest": model.nearest, "analogy": model.analogy, "vectors": model.vectors}
        export.save(folder, model.embed, variables=model.variables, tracked=model.resources, functions=functions)


def _unknown(known: np.ndarray, oov: UnknownWords) -> np.ndarray:
    """Returns the vectors of unknown words, float32 [number, dimensions]."""
    dimensions = known.shape[1]
    if oov in ("zero", "subwords"):
        return np.zeros((1, dimensions), np.float32)
    if oov == "mean":
        return known.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    directions = np.random.default_rng(0).normal(size=(_HASH_BUCKETS, dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (directions * np.median(np.linalg.norm(known, axis=1))).astype(np.float32)


def _words(name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], tf.string, name=name)


class _Embedding:
    """The graph: a table from words to rows, a table from rows to words, and one matrix.

    The words are the lines of the file `vocabulary`, which the SavedModel copies, and their vectors `known`, float32
    [words, dimensions]. A hash of other words chooses one of the vectors `unknown`, float32 [number, dimensions], if
    they are not made of `ngrams`.
    """

    def __init__(
        self, vocabulary: Path, known: np.ndarray, unknown: np.ndarray, ngrams: SubwordGraph | None = None
    ) -> None:
        line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        numbers = tf.lookup.TextFileInitializer(str(vocabulary), tf.string, line, tf.int64, number)
        lines = tf.lookup.TextFileInitializer(str(vocabulary), tf.int64, number, tf.string, line)
        self.rows = tf.lookup.StaticVocabularyTable(numbers, num_oov_buckets=len(unknown))
        self.words = tf.lookup.StaticHashTable(lines, default_value="")
        self.resources = [self.rows, numbers, self.words, lines]
        self.matrix = tf.Variable(np.concatenate([known, unknown]), name="embedding")
        self.ngrams = ngrams
        self.variables = [self.matrix, *([ngrams.matrix] if ngrams else [])]
        self.unknown_rows = tf.range(len(known), len(known) + len(unknown))

    @tf.function(input_signature=[_words("words")])
    def embed(self, words: tf.Tensor) -> tf.Tensor:
        # Gathering from the variable itself would make TensorFlow copy it on every read.
        rows = self.rows.lookup(words)
        vectors = tf.gather(tf.convert_to_tensor(self.matrix), rows)
        if self.ngrams is None:
            return vectors
        places = tf.where(rows >= tf.cast(self.unknown_rows[0], rows.dtype))
        return tf.tensor_scatter_nd_update(vectors, places, self.ngrams.vectors(tf.gather_nd(words, places)))

    @tf.function(input_signature=[_words("words"), _K])
    def nearest(self, words: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.analogy(words, tf.constant([], tf.string), k)

    @tf.function(input_signature=[_words("positive"), _words("negative"), _K])
    def analogy(self, positive: tf.Tensor, negative: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        target = self._sum(positive) - self._sum(negative)
        asked = tf.cast(self.rows.lookup(tf.concat([positive, negative], axis=0)), tf.int32)
        excluded = tf.concat([asked, self.unknown_rows], axis=0)
        k = tf.where(tf.norm(target) >= _NOTHING, k, 0)
        rows, cosines = nearest_rows(target, tf.convert_to_tensor(self.matrix), excluded, k)
        return {"words": self.words.lookup(tf.cast(rows, tf.int64)), "cosines": cosines}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="rows")])
    def vectors(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.convert_to_tensor(self.matrix), rows)

    def _sum(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the unit vectors of words, float32 [dimensions]."""
        return tf.reduce_sum(units(self.embed(words)), axis=0)


def nearest_rows(query: tf.Tensor, matrix: tf.Tensor, excluded: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns up to k rows of a matrix [rows, dimensions] with the highest cosine similarity to a query [dimensions].

    The rows, int32, and their cosines, float32, are sorted, the upper row first of equal ones. The rows `excluded`,
    int32, are no answers.
    """
    cosines = cosine_similarity(query, matrix)
    no_answer = tf.fill([tf.size(excluded)], _NO_ANSWER)
    cosines = tf.tensor_scatter_nd_update(cosines, excluded[:, tf.newaxis], no_answer)
    answers = tf.math.count_nonzero(cosines > _NO_ANSWER, dtype=tf.int32)
    best = tf.math.top_k(cosines, tf.clip_by_value(k, 0, answers))
    return best.indices, best.values


def cosine_similarity(query: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Returns cos(q, m) = q · m / (|q| |m|) for a query and each row, float32 [rows]; 0 for the zero vector."""
    return tf.linalg.matvec(matrix, units(query)) / norms(matrix)


def units(vectors: tf.Tensor) -> tf.Tensor:
    """Scales vectors to length 1, float32 [..., dimensions]; zero vectors stay zero."""
    return vectors / norms(vectors)[..., tf.newaxis]


def norms(vectors: tf.Tensor) -> tf.Tensor:
    """Returns the lengths of vectors, float32 [...]; 1 for the zero vector."""
    lengths = tf.math.reduce_euclidean_norm(vectors, axis=-1)  # unlike tf.norm, it does not square the matrix in memory
    return tf.where(lengths > 0, lengths, 1.0)
