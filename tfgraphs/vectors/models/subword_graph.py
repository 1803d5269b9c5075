"""The graph that makes vectors of words from their n-grams; see `tfgraphs.vectors.subwords`, which it agrees with."""

import numpy as np
import tensorflow as tf

from tfgraphs.vectors.subwords import BEGIN, END, END_OF_SENTENCE, FNV_PRIME, FNV_START, Subwords


class SubwordGraph:
    """The n-grams of a fastText model, whose vectors are a variable.

    Attributes:
        matrix: vectors of n-grams, float32 [rows, dimensions].
    """

    def __init__(self, subwords: Subwords) -> None:
        self._minn, self._maxn, self._buckets = subwords.minn, subwords.maxn, subwords.buckets
        self.matrix = tf.Variable(np.asarray(subwords.matrix, np.float32), name="ngrams")
        self._kept = None if subwords.kept is None else tf.constant(subwords.kept, tf.int64)

    def vectors(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the means of the vectors of the n-grams of words, string [batch], float32 [batch, dimensions].

        Words without n-grams get zeros.
        """
        matrix, batch = tf.convert_to_tensor(self.matrix), tf.size(words)
        marked = tf.where(words == END_OF_SENTENCE, "", tf.strings.join([BEGIN, words, END]))
        split = tf.strings.bytes_split(marked)
        text = tf.reshape(tf.io.decode_raw(split.flat_values, tf.int8), [-1])
        begins = tf.concat([tf.bitwise.bitwise_and(tf.bitcast(text, tf.uint8), 0xC0) != 0x80, [True]], axis=0)
        starts = tf.where(begins[:-1])[:, 0]
        numbers = tf.gather(split.value_rowids(), starts)
        ends, first = tf.gather(split.row_limits(), numbers), starts == tf.gather(split.row_starts(), numbers)
        signed = tf.cast(text, tf.uint32)

        def step(
            places: tf.Tensor,
            hashes: tf.Tensor,
            counts: tf.Tensor,
            ends: tf.Tensor,
            first: tf.Tensor,
            numbers: tf.Tensor,
            sums: tf.Tensor,
            totals: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:
            """Makes all n-grams one byte longer, and adds the vectors of those that end there."""
            hashes = tf.bitwise.bitwise_xor(hashes, tf.gather(signed, places)) * FNV_PRIME
            counts += tf.cast(tf.gather(begins, places), tf.int32)
            places += 1
            whole, last = tf.gather(begins, places), places == ends
            kept = whole & (counts >= self._minn) & ~((counts == 1) & (first | last))
            rows, found = self._rows(tf.boolean_mask(hashes, kept), tf.boolean_mask(numbers, kept))
            sums += tf.math.unsorted_segment_sum(tf.gather(matrix, rows), found, batch)
            totals += tf.math.unsorted_segment_sum(tf.ones_like(found, tf.float32), found, batch)
            on = ~last & ~(whole & (counts >= self._maxn))
            places, hashes, counts = (tf.boolean_mask(values, on) for values in (places, hashes, counts))
            ends, first, numbers = (tf.boolean_mask(values, on) for values in (ends, first, numbers))
            return places, hashes, counts, ends, first, numbers, sums, totals

        begun = (starts, tf.fill(tf.shape(starts), tf.constant(FNV_START, tf.uint32)), tf.zeros_like(starts, tf.int32))
        sums, totals = tf.zeros([batch, matrix.shape[1]]), tf.zeros([batch])
        state = (*begun, ends, first, numbers, sums, totals)
        shapes = (*[tf.TensorShape([None])] * 6, sums.shape, totals.shape)
        *_, sums, totals = tf.while_loop(lambda places, *_: tf.size(places) > 0, step, state, shapes)
        return sums / tf.maximum(totals, 1.0)[:, tf.newaxis]

    def _rows(self, hashes: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows of hashes, and the numbers of the words, without hashes that have no row."""
        buckets = tf.cast(hashes, tf.int64) % self._buckets
        if self._kept is None:
            return buckets, numbers
        padded = tf.concat([self._kept, [tf.int64.max]], axis=0)
        rows = tf.searchsorted(self._kept, buckets, out_type=tf.int64)
        found = tf.gather(padded, rows) == buckets
        return tf.boolean_mask(rows, found), tf.boolean_mask(numbers, found)
