"""Word vectors in memory: a list of words, a matrix, and the queries that they answer."""

import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.expression import ExpressionError, Term, parse
from tfgraphs.monitor import html
from tfgraphs.vectors.lexicon import Lexicon, PackedWords
from tfgraphs.vectors.neighbours import Neighbour, Neighbours
from tfgraphs.vectors.search import Int8Matrix, TopRows, cos_mul, cosine_blocks, row_norms, search_arrays, unit_rows
from tfgraphs.vectors.subwords import Subwords

_CANDIDATES = 50_000  # frequent words among which similar ones are found in a fraction of a second
_SHOWN = (6, 6)  # words and numbers of each in the table of notebooks
_SPARE = 32  # candidates beyond `count`: search ranks rounded numbers, exact ones decide


class FormatError(TfgraphsError):
    """A file does not hold word vectors, or is damaged."""


class WordError(TfgraphsError):
    """A word is not in the vocabulary."""


class WordVectors:
    """Words with their vectors.

    A word of a query may differ from the vocabulary in case, and may have spaces for underscores. Other words have the
    mean of the vectors of their n-grams, if there are n-grams.

    Attributes:
        words: the vocabulary, most frequent first.
        matrix: float [words, dimensions]; row i is the vector of words[i]. An array, a memory map or an `Int8Matrix`.
        subwords: the n-grams of a fastText model, or None.
    """

    def __init__(
        self,
        words: Sequence[str],
        matrix: np.ndarray | Int8Matrix,
        norms: np.ndarray | None = None,
        subwords: Subwords | None = None,
    ) -> None:
        """Combines words and vectors, whose lengths `norms`, float32 [words], are computed when needed if not given.

        Raises ValueError if the number of words is not the number of rows.
        """
        if matrix.ndim != 2 or len(words) != matrix.shape[0]:
            raise ValueError(f"{len(words)} words do not fit a matrix of shape {matrix.shape}")
        self.words = words
        self.matrix = matrix
        self.subwords = subwords
        self._norms = norms

    def __repr__(self) -> str:
        return f"<WordVectors: {self._size}>"

    def _repr_html_(self) -> str:
        """Returns the first words with the first numbers of their vectors, as a table for notebooks."""
        more_words, more_numbers = (size > most for size, most in zip(self.matrix.shape, _SHOWN, strict=True))
        first = np.asarray(self.matrix[: _SHOWN[0]], np.float32)[:, : _SHOWN[1]]
        end = ["…"] if more_numbers else []
        rows = [[self.words[row], *(f"{number:.3f}" for number in vector), *end] for row, vector in enumerate(first)]
        if more_words:
            rows.append(["…"] * len(rows[0]))
        return html.table(["Word", *map(str, range(first.shape[1])), *end], rows, self._size)

    @property
    def _size(self) -> str:
        kind = "int8" if isinstance(self.matrix, Int8Matrix) else self.matrix.dtype
        return f"{len(self.words):,} words, {self.matrix.shape[1]} dimensions, {kind}"

    @cached_property
    def lexicon(self) -> Lexicon | PackedWords:
        """Rows by words."""
        return self.words if isinstance(self.words, PackedWords) else Lexicon(self.words)

    @cached_property
    def norms(self) -> np.ndarray:
        """Lengths of the vectors, [words]; 1 for the zero vector, whose cosine with every vector then is 0."""
        norms = row_norms(self.matrix) if self._norms is None else np.asarray(self._norms)
        return np.where(norms > 0, norms, np.float32(1))

    @cached_property
    def _search_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return search_arrays(self.matrix, self.norms)

    def spelling(self, word: str) -> str:
        """Returns the word as the vocabulary spells it; one outside it with n-grams as it is. Raises WordError."""
        row = self.find(word)
        if row is None:
            self.vector(word)
        return word if row is None else self.words[row]

    def find(self, word: str) -> int | None:
        """Returns the row of a word: of its exact spelling, or else of the most frequent variant; None if unknown."""
        row = self.lexicon.row(word)
        return row if row is not None else next(iter(self.lexicon.variants(word)), None)

    def knows(self, word: str) -> bool:
        """Returns whether a word, or another spelling of it, is in the vocabulary."""
        return self.find(word) is not None

    def row(self, word: str) -> int:
        """Returns the row that `find` finds. Raises WordError."""
        row = self.find(word)
        if row is None:
            raise self._unknown(word)
        return row

    def _unknown(self, word: str) -> WordError:
        similar = (known for known in self.words if abs(len(known) - len(word)) <= 2)
        candidates = {known.lower(): known for known in reversed(list(itertools.islice(similar, _CANDIDATES)))}
        close = difflib.get_close_matches(word.lower(), candidates, n=3, cutoff=0.6)
        advice = f"did you mean {', '.join(candidates[key] for key in close)}?" if close else "no word is similar"
        if re.search(r"\w[-−+]\w", word) and not any(re.search("[-−+]", key) for key in close):
            advice += "; a sum of other words needs spaces around + and -"
        return WordError(f"{word!r} is not among the {len(self.words):,} words; {advice}")

    def vector(self, word: str) -> np.ndarray:
        """Returns the vector of a word, float32 [dimensions]. Raises WordError."""
        row = self.find(word)
        if row is not None:
            return np.asarray(self.matrix[row], np.float32)
        vector = self.subwords.vector(word) if self.subwords else None
        if vector is None:
            raise self._unknown(word)
        return vector

    def units(self, rows: np.ndarray | slice) -> np.ndarray:
        """Returns rows of the matrix scaled to length 1, float32 [rows, dimensions]; zero vectors stay zero."""
        return unit_rows(np.asarray(self.matrix[rows], np.float32), self.norms[rows])

    def similarity(self, word: str, other: str) -> float:
        """Returns the cosine similarity of two words, -1..1.

        Raises WordError, or ExpressionError if the vector of one is zero.
        """
        first, second = _directions([word, other], self._word_units([word, other]))
        return float(first @ second)

    def odd(self, words: Sequence[str]) -> str:
        """Returns the word farthest from the mean of the unit vectors.

        Raises WordError, also for fewer than three words, or ExpressionError if the vector of one is zero.
        """
        if len(words) < 3:
            raise WordError(f"{len(words)} words have no odd one out: give three or more")
        units = _directions(words, self._word_units(words))
        return self.spelling(words[int(np.argmin(units @ units.mean(axis=0)))])

    def nearest(self, words: Iterable[str], count: int = 10, restrict_vocab: int | None = None) -> Neighbours:
        """Returns the words nearest to a sum of words, best first, without these words. Raises WordError."""
        return self.combine([[Term(word, 1.0) for word in words]], count, restrict_vocab=restrict_vocab)[0]

    def query(
        self, expression: str, count: int = 10, method: str = "cosadd", restrict_vocab: int | None = None
    ) -> Neighbours:
        """Returns the words nearest to an expression such as "king - man + woman"; see `combine`.

        Raises ExpressionError also if the expression cannot be parsed.
        """
        return self.combine([parse(expression, known=self.knows)], count, method, restrict_vocab)[0]

    def combine(
        self, sums: Sequence[Sequence[Term]], count: int = 10, method: str = "cosadd", restrict_vocab: int | None = None
    ) -> list[Neighbours]:
        """Returns the words nearest to each of some weighted sums of unit vectors, best first.

        Words of the sum are left out. Ties are broken by frequency. Sums share the passes over the matrix.

        Args:
            sums: each a sequence of terms.
            count: maximal number of words.
            method: "cosadd" for the cosine similarity to the sum (3CosAdd, Mikolov et al. 2013), or "cosmul" for the
                product of cosines (3CosMul, Levy and Goldberg 2014; see `tfgraphs.vectors.search.cos_mul`).
            restrict_vocab: number of words, from the most frequent on, that may be answers. None for all.

        Raises:
            ExpressionError: the words cancel each other out, or their vectors are zero.
            WordError: a word is unknown.
        """
        if method not in ("cosadd", "cosmul"):
            raise ValueError(f"method is {method!r}, expected one of cosadd, cosmul")
        if method == "cosmul":
            return [self._cos_mul(terms, count, restrict_vocab) for terms in sums]
        return self._cos_add(sums, count, restrict_vocab) if sums else []

    def target(self, terms: Sequence[Term]) -> np.ndarray:
        """Returns the direction of a weighted sum of unit vectors, a unit vector, float32 [dimensions].

        Raises WordError, or ExpressionError if the words cancel each other out.
        """
        units = self._word_units([term.word for term in terms])
        target = (units * _weights(terms)[:, None]).sum(axis=0)
        length = np.linalg.norm(target)
        if length < 1e-6:
            _directions([term.word for term in terms], units)
            raise ExpressionError("the words cancel each other out: ask for a sum that is not zero")
        return np.asarray(target / length)

    def _cos_add(self, sums: Sequence[Sequence[Term]], count: int, restrict_vocab: int | None) -> list[Neighbours]:
        targets = np.stack([self.target(terms) for terms in sums])
        top = TopRows(len(sums), self._candidates(count, sums))
        for first, cosines in cosine_blocks(*self._search_arrays, targets, restrict_vocab):
            top.update(first, cosines)
        answers = []
        for query, (terms, target) in enumerate(zip(sums, targets, strict=True)):
            rows = top.best_rows(query)
            answers.append(self._neighbours(rows, self.units(rows) @ target, terms, count))
        return answers

    def _cos_mul(self, terms: Sequence[Term], count: int, restrict_vocab: int | None) -> Neighbours:
        self.target(terms)  # refuses sums of nothing
        units, weights = self._word_units([term.word for term in terms]), _weights(terms)
        top = TopRows(1, self._candidates(count, [terms]))
        for first, cosines in cosine_blocks(*self._search_arrays, units, restrict_vocab):
            top.update(first, cos_mul(cosines, weights)[None])
        rows = top.best_rows(0)
        return self._neighbours(rows, cos_mul(units @ self.units(rows).T, weights), terms, count, "cosmul")

    def _candidates(self, count: int, sums: Sequence[Sequence[Term]]) -> int:
        """Returns how many rows to search for, so that `count` are left without the words of the query."""
        return min(len(self.words), max(count, 0) + max(map(len, sums)) + _SPARE)

    def _neighbours(
        self, rows: np.ndarray, scores: np.ndarray, terms: Sequence[Term], count: int, method: str = "cosadd"
    ) -> Neighbours:
        """Returns the best `count` rows with their scores, without the words of the query."""
        asked = [row for term in terms if (row := self.find(term.word)) is not None]
        kept = np.flatnonzero(np.isfinite(scores) & ~np.isin(rows, asked))
        order = kept[np.lexsort((rows[kept], -scores[kept]))][: max(count, 0)]
        return Neighbours((Neighbour(self.words[int(rows[place])], float(scores[place])) for place in order), method)

    def _word_units(self, words: Sequence[str]) -> np.ndarray:
        """Returns the vectors of words scaled to length 1, float32 [words, dimensions]; zero vectors stay zero."""
        rows = [self.find(word) for word in words]
        units = self.units(np.array([row or 0 for row in rows], int))
        for number, word in enumerate(words):
            if rows[number] is None:
                vector = self.vector(word)[None]
                units[number] = unit_rows(vector, np.maximum(row_norms(vector), np.finfo(np.float32).tiny))[0]
        return units


def _directions(words: Sequence[str], units: np.ndarray) -> np.ndarray:
    """Returns the unit vectors of words; raises ExpressionError if one is zero."""
    for word, unit in zip(words, units, strict=True):
        if not unit.any():
            raise ExpressionError(f"{word!r} has no direction: all numbers of its vector are 0")
    return units


def _weights(terms: Sequence[Term]) -> np.ndarray:
    """Returns the weights scaled to 1 at most, float32 [terms], so that their size does not matter."""
    largest = max((abs(term.weight) for term in terms), default=0) or 1
    return np.array([term.weight / largest for term in terms], np.float32)
