"""Finished word vectors: a list of words, a matrix, and what can be asked of them."""

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.vectors.expression import ExpressionError, Term, parse


class WordError(TfgraphsError):
    """A word is not in the vocabulary."""


@dataclass(frozen=True)
class Neighbour:
    """A word and its cosine similarity to what was asked, -1..1."""

    word: str
    cosine: float


class WordVectors:
    """Words with their vectors.

    Attributes:
        words: the vocabulary, most frequent first.
        matrix: float [words, dimensions], row i is the vector of words[i]; an array or a memory map.
    """

    def __init__(self, words: Sequence[str], matrix: np.ndarray) -> None:
        if matrix.ndim != 2 or len(words) != matrix.shape[0]:
            raise ValueError(f"{len(words)} words do not fit a matrix of shape {matrix.shape}")
        self.words = words
        self.matrix = matrix

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each word; of a word that occurs twice, the first row."""
        return {word: row for row, word in reversed(list(enumerate(self.words)))}

    @cached_property
    def norms(self) -> np.ndarray:
        """Lengths of the vectors [words]; 1 for the zero vector, which then is similar to nothing."""
        matrix = np.asarray(self.matrix, np.float32)
        norms = np.sqrt(np.einsum("wd,wd->w", matrix, matrix))
        return np.where(norms > 0, norms, 1)

    def find(self, word: str) -> str:
        """Returns the word as the vocabulary spells it: exactly, else in another case or with `_` for spaces.

        Raises:
            WordError: there is no such spelling; the message offers the closest ones.
        """
        joined = word.replace(" ", "_")
        spellings = (word, joined, joined.lower(), joined.capitalize(), joined.title(), joined.upper())
        for spelling in spellings:
            if spelling in self.index:
                return spelling
        nearby = self._common_words(word)
        close = difflib.get_close_matches(word.lower(), nearby, n=3, cutoff=0.6)
        offer = f"did you mean {', '.join(nearby[key] for key in close)}?" if close else "nothing is spelt like it"
        raise WordError(f"{word!r} is not among the {len(self.words):,} words; {offer}")

    def _common_words(self, word: str) -> dict[str, str]:
        """Words of about the same length by their lower case, for spelling advice in a fraction of a second."""
        nearby = (known for known in self.words if abs(len(known) - len(word)) <= 2)
        return {known.lower(): known for known in reversed(list(itertools.islice(nearby, 50_000)))}

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word, float32 [dimensions]. Raises WordError."""
        return np.asarray(self.matrix[self.index[self.find(word)]], np.float32)

    def similarity(self, word: str, other: str) -> float:
        """Cosine of the angle between two words' vectors, -1..1. Raises WordError."""
        return float(self._unit(word) @ self._unit(other))

    def nearest(self, words: Iterable[str], count: int = 10) -> list[Neighbour]:
        """The words nearest to the sum of some words, best first, these words left out. Raises WordError."""
        return self.combine([Term(word, 1.0) for word in words], count)

    def query(self, expression: str, count: int = 10) -> list[Neighbour]:
        """The words nearest to an expression such as "king - man + woman".

        Raises:
            ExpressionError: the expression is not understood.
            WordError: one of its words is unknown.
        """
        return self.combine(parse(expression), count)

    def combine(self, terms: Sequence[Term], count: int = 10) -> list[Neighbour]:
        """The words nearest to a weighted sum of unit vectors (3CosAdd, Mikolov et al. 2013), best first.

        The words of the sum are left out. Ties are broken by frequency.

        Raises:
            ExpressionError: the sum is nothing, so that no word is nearer to it than another.
            WordError: a word is unknown.
        """
        largest = max((abs(term.weight) for term in terms), default=0) or 1
        target = np.sum([term.weight / largest * self._unit(term.word) for term in terms], axis=0, dtype=np.float32)
        length = np.linalg.norm(target)
        if length < 1e-6:
            raise ExpressionError("the words of the question cancel each other out: ask for a sum that is not nothing")
        cosines = self.matrix @ (target / length) / self.norms
        cosines[[self.index[self.find(term.word)] for term in terms]] = -np.inf
        count = min(count, len(self.words) - len({self.find(term.word) for term in terms}))
        best = np.argsort(-cosines, kind="stable")[:count]
        return [Neighbour(self.words[row], float(cosines[row])) for row in best]

    def _unit(self, word: str) -> np.ndarray:
        row = self.index[self.find(word)]
        return np.asarray(self.matrix[row], np.float32) / self.norms[row]
