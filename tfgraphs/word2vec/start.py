"""Where a training starts from, if not from nothing: the words and vectors of an earlier training, or of any others.

    start = load_start("vectors")
    model = Word2Vec(corpus.vocabulary, settings, start)

Words of the text that have vectors begin with them; all others begin as usual. If the vectors are those of a training
that has predicted words, its output vectors are taken, too. All other vectors have none, and neither has hierarchical
softmax, whose tree is another one with every text: outputs then begin at zero, as usual, and are learnt within the
first part of the text.

These words belong to the text however rare they are in it: they have been frequent before, see `prepare`. Those that
the text lacks are not part of the training. They keep their vectors, and stand among the results.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tfgraphs.errors import errors_as
from tfgraphs.files.packed import read_text
from tfgraphs.vectors import WordVectors, load
from tfgraphs.vectors.search import Int8Matrix
from tfgraphs.vectors.word_vectors import FormatError
from tfgraphs.word2vec.results import ABOUT, INPUTS, OUTPUTS, VOCABULARY
from tfgraphs.word2vec.settings import CorpusError
from tfgraphs.word2vec.text.vocabulary import Vocabulary

_MOST = 1 << 30  # bytes of words with their counts


@dataclass(frozen=True)
class Start:
    """Words and vectors from which a training starts.

    Attributes:
        words: distinct words.
        inputs: their vectors, float [words, dimensions].
        outputs: their output vectors, float [words, dimensions], or None.
        counts: how often they occurred in the text of the earlier training, int64 [words], or None.
    """

    words: list[str]
    inputs: np.ndarray | Int8Matrix
    outputs: np.ndarray | None = None
    counts: np.ndarray | None = None

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self.inputs.shape[1]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def common(self, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the words that a vocabulary shares with this start: there, and here, int64 [common].

        Raises:
            CorpusError: there are none.
        """
        pairs = [(number, self._rows[word]) for number, word in enumerate(vocabulary.words) if word in self._rows]
        if not pairs:
            words = f"{vocabulary.words[0]!r}, and the others begin with {self.words[0]!r}"
            raise CorpusError(f"no word of the text is among those to start from: the text's most frequent is {words}")
        numbers, rows = np.array(pairs, np.int64).T
        return numbers, rows

    def put_into(self, vocabulary: Vocabulary, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Replace the rows of words in common by theirs; of outputs, if these are words and there are vectors for them.

        Returns:
            Whether each word of the vocabulary is one of them, bool [words].

        Raises:
            CorpusError: no words are in common, or their vectors are not finite.
        """
        numbers, rows = self.common(vocabulary)
        inputs[numbers] = self.inputs[rows]
        if self.outputs is not None and len(outputs) == len(vocabulary.words):
            outputs[numbers] = self.outputs[rows]
        if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
            raise CorpusError("some of the vectors to start from are not finite numbers")
        known = np.zeros(len(vocabulary.words), bool)
        known[numbers] = True
        return known

    def add_rest(
        self, vocabulary: Vocabulary, inputs: np.ndarray, outputs: np.ndarray
    ) -> tuple[Vocabulary, np.ndarray, np.ndarray]:
        """Add the words that the vocabulary lacks to the results of a training, with the vectors that they have.

        If there are counts, those of both texts are added up, and the most frequent words come first. If not, the added
        words have the count 0, and come last.

        Args:
            vocabulary: of the training.
            inputs: its word vectors, [words, dimensions].
            outputs: its output vectors; those of inner nodes stay as they are.
        """
        numbers, rows = self.common(vocabulary)
        rest = np.setdiff1d(np.arange(len(self.words)), rows)
        words = [*vocabulary.words, *(self.words[row] for row in rest)]
        counts = np.append(vocabulary.counts, np.zeros(len(rest), np.int64))
        order = np.arange(len(words))
        if self.counts is not None:
            counts[numbers] += self.counts[rows]
            counts[len(vocabulary.words) :] = self.counts[rest]
            order = np.argsort(-counts, kind="stable")
        added = np.zeros_like(self.inputs[rest]) if self.outputs is None else self.outputs[rest]
        if len(outputs) == len(vocabulary.words):
            outputs = np.concatenate([outputs, added.astype(outputs.dtype)])[order]
        inputs = np.concatenate([inputs, self.inputs[rest].astype(inputs.dtype)])[order]
        return Vocabulary([words[place] for place in order], counts[order]), inputs, outputs


def load_start(source: str | Path | WordVectors) -> Start:
    """Load words and vectors from which a training can start.

    Args:
        source: the folder of an earlier training, word vectors, or anything else that `vectors.load` reads.

    Raises:
        FormatError: there are no vectors at the source, or they are damaged.
    """
    if not isinstance(source, WordVectors):
        folder = Path(source)
        if all((folder / name).is_file() for name in (ABOUT, INPUTS, OUTPUTS, VOCABULARY)):
            with errors_as(FormatError, f"the training in {folder} is damaged", "start from another one"):
                return _read_training(folder)
        source = load(source)
    return Start(list(source.words), source.matrix)


def _read_training(folder: Path) -> Start:
    text = read_text(folder / VOCABULARY, FormatError, _MOST)
    words, counts = zip(*(line.split("\t") for line in text.removesuffix("\n").split("\n")), strict=True)
    inputs, outputs = (np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in (INPUTS, OUTPUTS))
    if inputs.dtype.kind != "f" or outputs.dtype.kind != "f" or inputs.ndim != 2 or len(set(words)) != len(inputs):
        raise ValueError("the vectors are not those of the words")
    outputs = outputs if outputs.shape == inputs.shape else None  # inner nodes of a tree are fewer than words
    return Start(list(words), inputs, outputs, np.fromiter(map(int, counts), np.int64))
