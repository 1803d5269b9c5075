"""Finished word vectors: a list of words, a matrix, and what can be asked of them."""

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.expression import ExpressionError, Term, parse
from tfgraphs.vectors.lexicon import Lexicon, PackedWords
from tfgraphs.vectors.matrix import Int8Matrix, norms_of, stored
from tfgraphs.vectors.search import Best, blocks

if TYPE_CHECKING:
    from tfgraphs.vectors.evaluate import AnalogyResult, PairsResult

METHODS = ("cosadd", "cosmul")
_SPARE = 32  # more words than asked for are found in rounded numbers, to be put in order by exact ones
_NEVER_ZERO = 1e-6  # Levy, Goldberg 2014


class WordError(TfgraphsError):
    """A word is not in the vocabulary."""


@dataclass(frozen=True)
class Neighbour:
    """A word and its cosine similarity to what was asked, -1..1; with `cosmul` its score, not below 0."""

    word: str
    cosine: float


class WordVectors:
    """Words with their vectors.

    Attributes:
        words: the vocabulary, most frequent first.
        matrix: float [words, dimensions], row i is the vector of words[i]; an array or a memory map.
    """

    def __init__(self, words: Sequence[str], matrix: np.ndarray | Int8Matrix, norms: np.ndarray | None = None) -> None:
        """Puts words and vectors together.

        Args:
            words: most frequent first.
            matrix: [words, dimensions].
            norms: lengths of the vectors, float32 [words], if they are known.
        """
        if matrix.ndim != 2 or len(words) != matrix.shape[0]:
            raise ValueError(f"{len(words)} words do not fit a matrix of shape {matrix.shape}")
        self.words = words
        self.matrix = matrix
        self._norms = norms

    @classmethod
    def load(cls, source: str | Path, limit: int | None = None) -> "WordVectors":
        """Loads word vectors of any format, see `tfgraphs.vectors.load`.

        Raises:
            FormatError: the file does not exist, is in no known format, or is damaged.
        """
        from tfgraphs.vectors.files.formats import load

        return load(str(source), limit)

    @cached_property
    def lexicon(self) -> Lexicon | PackedWords:
        """Rows by words."""
        return self.words if isinstance(self.words, PackedWords) else Lexicon(self.words)

    @cached_property
    def norms(self) -> np.ndarray:
        """Lengths of the vectors [words]; 1 for the zero vector, which then is similar to nothing."""
        norms = norms_of(self.matrix) if self._norms is None else np.asarray(self._norms)
        return np.where(norms > 0, norms, np.float32(1))

    @cached_property
    def _stored(self) -> tuple[np.ndarray, np.ndarray]:
        return stored(self.matrix, self.norms)

    def find(self, word: str) -> str:
        """Returns the word as the vocabulary spells it: exactly, else in another case or with `_` for spaces.

        Raises:
            WordError: there is no such spelling; the message offers the closest ones.
        """
        return self.words[self.row(word)]

    def row(self, word: str) -> int:
        """The row of a word as `find` spells it, of several spellings the most frequent. Raises WordError."""
        row = self.lexicon.row(word)
        if row is not None:
            return row
        alike = self.lexicon.alike(word)
        if alike:
            return alike[0]
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
        return np.asarray(self.matrix[self.row(word)], np.float32)

    def similarity(self, word: str, other: str) -> float:
        """Cosine of the angle between two words' vectors, -1..1. Raises WordError."""
        return float(self._unit(word) @ self._unit(other))

    def odd(self, words: Sequence[str]) -> str:
        """The word that does not fit the others: the one farthest from the mean of their unit vectors.

        Raises:
            WordError: a word is unknown, or there are fewer than three.
        """
        if len(words) < 3:
            raise WordError("with fewer than three words none is the odd one")
        units = np.stack([self._unit(word) for word in words])
        return self.find(words[int(np.argmin(units @ units.mean(axis=0)))])

    def nearest(self, words: Iterable[str], count: int = 10, known: int | None = None) -> list[Neighbour]:
        """The words nearest to the sum of some words, best first, these words left out. Raises WordError."""
        return self.combine([Term(word, 1.0) for word in words], count, known=known)

    def query(
        self, expression: str, count: int = 10, method: str = "cosadd", known: int | None = None
    ) -> list[Neighbour]:
        """The words nearest to an expression such as "king - man + woman"; arguments as for `combine`.

        Raises:
            ExpressionError: the expression is not understood.
            WordError: one of its words is unknown.
        """
        return self.combine(parse(expression), count, method, known)

    def analogy(
        self, a: str, b: str, c: str, count: int = 10, method: str = "cosadd", known: int | None = None
    ) -> list[Neighbour]:
        """What is to `c` as `b` is to `a`; arguments as for `combine`. Raises WordError."""
        return self.combine([Term(b, 1.0), Term(a, -1.0), Term(c, 1.0)], count, method, known)

    def combine(
        self, terms: Sequence[Term], count: int = 10, method: str = "cosadd", known: int | None = None
    ) -> list[Neighbour]:
        """The words nearest to a weighted sum of unit vectors, best first.

        The words of the sum are left out. Ties are broken by frequency.

        Args:
            terms: of the sum.
            count: how many words.
            method: "cosadd", the cosine to the sum (3CosAdd, Mikolov et al. 2013); or "cosmul", the product of
                ((1 + cosine) / 2)^weight over the terms, those with a negative weight kept from nothing by 1e-6
                (3CosMul, Levy and Goldberg 2014).
            known: how many words count as answers, from the most frequent on; None for all.

        Raises:
            ExpressionError: the sum is nothing, so that no word is nearer to it than another.
            WordError: a word is unknown.
        """
        return self.combine_many([terms], count, method, known)[0]

    def combine_many(
        self, questions: Sequence[Sequence[Term]], count: int = 10, method: str = "cosadd", known: int | None = None
    ) -> list[list[Neighbour]]:
        """The answers to many questions, which share the passes over the matrix; see `combine`."""
        if method not in METHODS:
            raise ValueError(f"method is {method!r}: choose one of {', '.join(METHODS)}")
        if method == "cosmul":
            return [self._products(terms, count, known) for terms in questions]
        if not questions:
            return []
        asked = [sorted({self.row(term.word) for term in terms}) for terms in questions]
        targets = np.stack([self.target(terms) for terms in questions])
        best = Best.of(len(questions), self._room(count, asked))
        for first, block in blocks(*self._stored, targets, known):
            best.show(first, block)
        return [
            self._named(*answer, count) for answer in zip(best.rows, self._exact(best, targets), asked, strict=True)
        ]

    def evaluate(self, path: str | Path, restrict_vocab: int | None = 300_000) -> "AnalogyResult | PairsResult":
        """Asks the questions of a file: of analogies if it begins like one, else of pairs of words.

        Raises:
            EvaluationError: the file cannot be read, or is of neither kind.
        """
        from tfgraphs.vectors.evaluate import evaluate

        return evaluate(self, path, restrict_vocab=restrict_vocab)

    def target(self, terms: Sequence[Term]) -> np.ndarray:
        """The sum of a question as a vector of length 1."""
        largest = max((abs(term.weight) for term in terms), default=0) or 1
        target = np.sum([term.weight / largest * self._unit(term.word) for term in terms], axis=0, dtype=np.float32)
        length = np.linalg.norm(target)
        if length < 1e-6:
            raise ExpressionError("the words of the question cancel each other out: ask for a sum that is not nothing")
        return np.asarray(target / length)

    def _products(self, terms: Sequence[Term], count: int, known: int | None) -> list[Neighbour]:
        """The answer by 3CosMul."""
        self.target(terms)  # a question of nothing has no answer here either
        largest = max(abs(term.weight) for term in terms)
        weights = np.array([term.weight / largest for term in terms], np.float32)
        units = np.stack([self._unit(term.word) for term in terms])

        def scores(cosines: np.ndarray) -> np.ndarray:
            powers = ((1 + np.clip(cosines, -1, 1)) / 2) ** np.abs(weights)[:, None]
            return powers[weights > 0].prod(axis=0) / (powers[weights < 0].prod(axis=0) + _NEVER_ZERO)

        asked = sorted({self.row(term.word) for term in terms})
        best = Best.of(1, self._room(count, [asked]))
        for first, block in blocks(*self._stored, units, known):
            best.show(first, scores(block)[None])
        rows = best.rows[0]
        exact = scores(units @ self._units(rows).T)
        return self._named(rows, np.where(np.isfinite(best.scores[0]), exact, -np.inf), asked, count)

    def _room(self, count: int, asked: Sequence[Sequence[int]]) -> int:
        """How many words to look for, so that enough are left without those that are asked."""
        return min(len(self.words), max(count, 0) + max(map(len, asked)) + _SPARE)

    def _exact(self, best: Best, targets: np.ndarray) -> np.ndarray:
        """The cosines of what was found, float32 [questions, found], -inf where nothing was."""
        found = np.stack([self._units(rows) @ target for rows, target in zip(best.rows, targets, strict=True)])
        return np.where(np.isfinite(best.scores), found, -np.inf)

    def _named(self, rows: np.ndarray, scores: np.ndarray, asked: Sequence[int], count: int) -> list[Neighbour]:
        """The best `count` rows with their scores, those that were asked left out."""
        kept = np.flatnonzero(np.isfinite(scores) & ~np.isin(rows, asked))
        order = kept[np.lexsort((rows[kept], -scores[kept]))][: max(count, 0)]
        return [Neighbour(self.words[int(rows[place])], float(scores[place])) for place in order]

    def _unit(self, word: str) -> np.ndarray:
        return self._units(np.array([self.row(word)]))[0]

    def _units(self, rows: np.ndarray) -> np.ndarray:
        """Vectors of length 1 (or of nothing), float32 [rows, dimensions]."""
        return np.asarray(self.matrix[rows], np.float32) / self.norms[rows, None]
