"""Word vectors as a TensorFlow graph: strings in, vectors out."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgraphs import export
from tfgraphs.vectors.formats import check_words
from tfgraphs.vectors.word_vectors import WordVectors


def export_embedding(folder: str | Path, vectors: WordVectors) -> None:
    """Writes word vectors as a SavedModel: string [batch] -> float32 [batch, dimensions].

    This is TF Hub's interface for text embeddings. The words are part of the model, an unknown one gets zeros.

    Raises:
        FormatError: a word cannot stand in a vocabulary file.
        OutputError: the folder cannot be written.
    """
    check_words(vectors.words, "\r\n")
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = Path(scratch) / "words.txt"
        vocabulary.write_text("".join(f"{word}\n" for word in vectors.words), encoding="utf-8", newline="\n")
        lines = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        table = tf.lookup.StaticHashTable(lines, default_value=len(vectors.words))
        zeros = np.zeros((1, vectors.matrix.shape[1]), np.float32)
        matrix = tf.Variable(np.concatenate([vectors.matrix, zeros], dtype=np.float32), name="embedding")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def embed(words: tf.Tensor) -> tf.Tensor:
            return tf.gather(matrix, table.lookup(words))

        signature = tf.TensorSpec([None], tf.string, name="words")
        export.save(folder, embed, signature, variables=[matrix], tracked=[table, lines])
