"""The subsampled text as training reads it: rows from many places of the text, side by side.

Consecutive words repeat the topic of their text. A step that reads words from many places does not meet the same word
again and again, whose row would overshoot.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from tfgraphs.cluster.group import ALONE, Group
from tfgraphs.word2vec.settings import CorpusError, TrainingSettings
from tfgraphs.word2vec.text.corpus import EncodedCorpus
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END

_BLOCK_WORDS, _BLOCK_STEPS = 409_600, 800  # at most
_READ = 1 << 18  # tokens that are taken from the corpus at a time
_TURN = 1 << 12  # the same where many places are read in turns


def keep_probabilities(counts: np.ndarray, threshold: float) -> np.ndarray:
    """Compute the probability of each word to be kept by subsampling, float64 [words].

    A word that makes up the share f of the text is kept with probability

        P(keep) = min(1, sqrt(t / f) + t / f)

    This is the rule of word2vec.c; the paper (Mikolov et al. 2013, arXiv 1310.4546, section 2.3) has sqrt(t / f) alone.

    Args:
        counts: occurrences of each word, int64 [words].
        threshold: t; 0 keeps everything.
    """
    if threshold == 0:
        return np.ones(len(counts))
    ratio = threshold * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)


def read_in_a_row(tokens: int) -> Iterator[tuple[int, int]]:
    """Yield where the parts of a text begin and end that are read one after the other."""
    yield from ((start, min(start + _READ, tokens)) for start in range(0, tokens, _READ))


def read_in_turns(tokens: int, places: int) -> Iterator[tuple[int, int]]:
    """Yield where the parts of a text begin and end that are read at many places in turns.

    So each row of a block is from another part of the text. A worker that trains on a share of the text sees its topics
    mixed: where it meets one topic for some time, its model diverges before it is merged with those of others.
    """
    own = -(-tokens // places)
    for turn in range(0, own, _TURN):
        for place in range(places):
            start, end = place * own + turn, min(place * own + own, tokens)
            if start < end:
                yield start, min(start + _TURN, end)


class Blocks:
    """All epochs of a text as blocks; the same seed gives the same blocks.

    The current block is in variables, so that the blocks follow one another in one graph. Called with a step of this
    block, it returns word and sentence numbers, int32 [2, places, length + 2 * window].

    Args:
        corpus: the text.
        settings: `subsample`, `epochs`, `window` and `seed` are used here; each epoch drops other words.
        places: rows of a block.
        length: words of a row that one step reads.
        group: workers that train together, each with a text of its own. All take as many steps; one with less text than
            another has no words in the last of them.
        report_steps: at most so many steps between two reports. Default: a twentieth of all.

    Attributes:
        steps: number of steps in all blocks.
        report_steps: number of steps between two reports.
        block_steps: steps of a block, a multiple of `report_steps`; the last block may be shorter. A block is a whole
            epoch unless that is too long, because the words of a topic fill a short piece of text.

    Raises:
        CorpusError: no two words of a sentence are left.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        places: int,
        length: int,
        group: Group = ALONE,
        report_steps: int | None = None,
    ) -> None:
        self._corpus, self._settings, self._seed = corpus, settings, [settings.seed, 1, group.rank]
        self._keep = np.append(keep_probabilities(corpus.vocabulary.counts, settings.subsample), 1).astype(np.float32)
        self._places, self._length = places, length
        self._jumps = group.size > 1
        self._words, found = 0, False
        for words, sentences in self._subsampled():
            self._words += len(words)
            found = found or bool((sentences[1:] == sentences[:-1]).any())
        least, nowhere = group.least(-self._words // (places * length), not found)
        if nowhere:
            raise CorpusError("subsampling leaves no two words of the text side by side: try --subsample=0")
        self.steps = -least
        most = min(max(1, _BLOCK_WORDS // (places * length)), _BLOCK_STEPS, -(-self.steps // settings.epochs))
        self.report_steps = max(1, min(most, report_steps or self.steps // 20))
        self.block_steps = most // self.report_steps * self.report_steps
        self._blocks = iter(self)
        self._reader = ThreadPoolExecutor(1, "text")
        self._next_block = self._reader.submit(self._blocks.__next__)
        self._read = 0  # blocks
        self._share = 0.0  # of the text, before the next block
        self._width = length + 2 * settings.window
        columns = (self.block_steps - 1) * length + self._width
        self._block = tf.Variable(np.full((2, places, columns), -1, np.int32), trainable=False, name="text")
        self._span = tf.Variable(np.zeros(2, np.float32), trainable=False, name="share")

    def feed(self, step: int) -> None:
        """Load the block of a step, if it is not there; after an interruption the blocks before it are skipped.

        The block after it is then read while this one is trained on.
        """
        wanted = step // self.block_steps + 1
        if wanted == self._read:
            return
        while self._read < wanted:
            begin, (text, self._share) = self._share, self._next_block.result()
            self._next_block = self._reader.submit(self._blocks.__next__)  # StopIteration after the last, never asked
            self._read += 1
        self._block.assign(text)
        self._span.assign([begin, self._share])

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        start = tf.cast(step % self.block_steps, tf.int32) * self._length
        return tf.slice(self._block, [0, 0, start], [2, self._places, self._width])

    def share(self, step: tf.Tensor) -> tf.Tensor:
        """Return the share of the text that is read before a step of the current block."""
        within = step % self.block_steps
        steps = tf.minimum(tf.cast(self.block_steps, step.dtype), self.steps - (step - within))
        within = tf.cast(within, tf.float32) / tf.cast(steps, tf.float32)
        return self._span[0] + (self._span[1] - self._span[0]) * within

    def __iter__(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the text that some steps read, and the share of all epochs that is read after it, 0..1.

        The text is int32 [2, places, steps * length + 2 * window]: word and sentence numbers, -1 for no word.
        """
        size = self._places * self._length * self.block_steps
        parts, count, read = [np.empty((2, 0), np.int32)], 0, 0
        missing = -(-self.steps // self.block_steps)  # blocks
        for words_sentences in self._subsampled():
            parts.append(np.stack(words_sentences))
            count += parts[-1].shape[1]
            if count < size:
                continue
            waiting = np.concatenate(parts, axis=1)
            while waiting.shape[1] >= size:
                read, missing = read + size, missing - 1
                yield self._rows(waiting[:, :size]), read / self._words
                waiting = waiting[:, size:]
            parts, count = [waiting], waiting.shape[1]
        waiting = np.concatenate(parts, axis=1)
        for _ in range(missing):
            yield self._rows(waiting), 1.0
            waiting = waiting[:, :0]

    def _subsampled(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the words that are kept and the numbers of their sentences, int32 [words] each."""
        random = np.random.default_rng(self._seed)
        tokens = self._corpus.tokens
        sentence = 0
        for _ in range(self._settings.epochs):
            order = read_in_turns(len(tokens), self._places) if self._jumps else read_in_a_row(len(tokens))
            for start, end in order:
                part = np.array(tokens[start:end])  # a copy: sequential reading of a memory map
                keep = random.random(len(part), dtype=np.float32) < self._keep[part]
                ends = part == SENTENCE_END
                sentences = sentence + np.cumsum(ends, dtype=np.int32)
                sentence = int(sentences[-1]) + self._jumps & 0x3FFFFFFF
                keep &= ~ends
                yield part[keep], sentences[keep]

    def _rows(self, text: np.ndarray) -> np.ndarray:
        """Cut a text of at most a block's size into rows of as few steps as hold it; the block has its full size."""
        places, length, window = self._places, self._length, self._settings.window
        columns = -(-text.shape[1] // (places * length)) * length
        rows = np.full((2, places * columns), -1, np.int32)
        rows[:, : text.shape[1]] = text
        block = np.full((2, places, self.block_steps * length + 2 * window), -1, np.int32)
        block[:, :, window : window + columns] = rows.reshape(2, places, columns)
        return block
