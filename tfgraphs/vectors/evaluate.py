"""How good word vectors are: analogies they answer, and whether they agree with people about which words are alike.

The counts and coefficients are those of gensim's `evaluate_word_analogies` and `evaluate_word_pairs`, which follow
compute-accuracy.c of word2vec; the options have gensim's names and defaults. There are three departures. A line that is
no question is an error here and passed over there. The best answer is looked for among all words here and among the
five best there, which differs if these are all spellings of the question's words. And among equally good answers the
more frequent word is taken here, any there.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError, reason
from tfgraphs.vectors.word_vectors import WordVectors

_LONGEST_LINE = 10_000  # bytes
_QUESTIONS, _WORDS = 512, 4096  # that are compared at once: 8 MB of cosines


class EvaluationError(TfgraphsError):
    """A file does not hold questions about words."""


@dataclass(frozen=True)
class AnalogySection:
    """What came out of one section of a file of analogies.

    Attributes:
        name: what the file calls it.
        correct: questions that were answered correctly.
        total: questions that count.
        skipped: questions that do not count, because one of their words is unknown.
        unknown: questions with an unknown word, whether they are skipped or count as wrong.
    """

    name: str
    correct: int
    total: int
    skipped: int
    unknown: int

    @property
    def accuracy(self) -> float | None:
        """Share of correct answers among the questions that count, 0..1; None if none counts."""
        return self.correct / self.total if self.total else None

    @property
    def coverage(self) -> float:
        """Share of the section's questions whose words are all known, 0..1; 0 if it has no questions."""
        return _coverage(self.unknown, self.total + self.skipped)


@dataclass(frozen=True)
class AnalogyResult:
    """What came out of a file of analogies.

    Attributes:
        sections: the sections in the file's order.
        overall: all of them together, by the name "total".
    """

    sections: tuple[AnalogySection, ...]
    overall: AnalogySection

    @property
    def accuracy(self) -> float | None:
        """Share of correct answers among all questions that count, 0..1; None if none counts."""
        return self.overall.accuracy

    @property
    def coverage(self) -> float:
        """Share of all questions whose words are all known, 0..1."""
        return self.overall.coverage


@dataclass(frozen=True)
class PairsResult:
    """How word vectors agree with people's judgement of pairs of words.

    Attributes:
        pearson: correlation of cosines and judgements, -1..1; None if there is none, because fewer than two pairs
            count or all their cosines or all their judgements are equal.
        spearman: the same of their ranks; equal values have the mean of their ranks.
        total: pairs that count.
        skipped: pairs that do not count, because one of their words is unknown.
        unknown: pairs with an unknown word, whether they are skipped or count as unlike.
    """

    pearson: float | None
    spearman: float | None
    total: int
    skipped: int
    unknown: int

    @property
    def coverage(self) -> float:
        """Share of the file's pairs whose words are both known, 0..1."""
        return _coverage(self.unknown, self.total + self.skipped)


def analogies(
    vectors: WordVectors,
    path: str | Path,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> AnalogyResult:
    """Asks "a is to b as c is to ?" and counts the right answers.

    The answer is the word nearest to b - a + c by cosine, of unit vectors, that is none of the question's own (3CosAdd,
    Mikolov et al. 2013).

    Args:
        vectors: the words and their vectors, most frequent first.
        path: a UTF-8 file like questions-words.txt: sections that begin with ": name", then four words on each line.
        restrict_vocab: number of words, from the most frequent on, that are known: that may be asked and answered.
            None for all.
        case_insensitive: whether words count as the same that differ in case only. The first of them, the most
            frequent, lends the others its vector in questions; each of them is a right answer.
        dummy4unknown: whether questions with an unknown word count as wrong. Otherwise they are skipped.

    Raises:
        EvaluationError: the file cannot be read or is not like that.
    """
    lexicon = _Lexicon(vectors, restrict_vocab, case_insensitive)
    sections = read_analogies(Path(path))
    questions = lexicon.rows([question for _, asked in sections for question in asked])
    known = questions.min(axis=1) >= 0
    correct = np.zeros(len(known), bool)
    correct[known] = _answers(vectors, lexicon.leaders, questions[known]) == questions[known, 3]
    ends = np.cumsum([len(asked) for _, asked in sections])[:-1]
    outcomes = zip(sections, np.split(correct, ends), np.split(known, ends), strict=True)
    return AnalogyResult(
        sections=tuple(_section(name, right, sure, dummy4unknown) for (name, _), right, sure in outcomes),
        overall=_section("total", correct, known, dummy4unknown),
    )


def word_pairs(
    vectors: WordVectors,
    path: str | Path,
    *,
    delimiter: str | None = "\t",
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> PairsResult:
    """Correlates the cosines of pairs of words with people's judgement of how alike they are.

    Args:
        vectors: the words and their vectors, most frequent first.
        path: a UTF-8 file like wordsim353.tsv: two words and a number on each line, except those that begin with "#".
        delimiter: what stands between them; None for any white space.
        restrict_vocab: number of words, from the most frequent on, that are known. None for all.
        case_insensitive: whether words count as the same that differ in case only, with the vector of the most
            frequent of them.
        dummy4unknown: whether pairs with an unknown word count as pairs with cosine 0. Otherwise they are skipped.

    Raises:
        EvaluationError: the file cannot be read or is not like that.
    """
    lexicon = _Lexicon(vectors, restrict_vocab, case_insensitive)
    pairs, judgements = _read_pairs(Path(path), delimiter)
    rows = lexicon.rows(pairs)
    known = rows.min(axis=1) >= 0
    cosines = np.zeros(len(known))
    left, right = rows[known].T
    cosines[known] = np.einsum("pd,pd->p", vectors.units(left), vectors.units(right))
    counted = known | dummy4unknown
    cosines, judgements = cosines[counted], judgements[counted]
    return PairsResult(
        pearson=_pearson(cosines, judgements),
        spearman=_pearson(_ranks(cosines), _ranks(judgements)),
        total=len(cosines),
        skipped=len(known) - len(cosines),
        unknown=int((~known).sum()),
    )


def evaluate(
    vectors: WordVectors, path: str | Path, *, restrict_vocab: int | None = 300_000, case_insensitive: bool = True
) -> AnalogyResult | PairsResult:
    """Asks the questions of a file: `analogies` if it begins with a section, else `word_pairs`.

    Raises:
        EvaluationError: the file cannot be read, or is of neither kind.
    """
    _, line = next(_lines(Path(path)), (0, ""))
    asks = analogies if line.startswith(":") else word_pairs
    return asks(vectors, path, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive)


class _Lexicon:
    """The words that are known, and which of them count as the same.

    Attributes:
        leaders: int [words], for each known word the row of the first that counts as the same.
    """

    def __init__(self, vectors: WordVectors, restrict_vocab: int | None, case_insensitive: bool) -> None:
        self._spelling = str.upper if case_insensitive else str
        self._rows: dict[str, int] = {}
        known = vectors.words[:restrict_vocab]
        leaders = [self._rows.setdefault(self._spelling(word), row) for row, word in enumerate(known)]
        self.leaders = np.array(leaders, np.int64)

    def rows(self, questions: list[list[str]]) -> np.ndarray:
        """Rows of the words of some questions, int [questions, words]; -1 for unknown words."""
        return np.array([[self._rows.get(self._spelling(word), -1) for word in question] for question in questions])


def _answers(vectors: WordVectors, leaders: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """The answers to "a is to b as c is to ?".

    Args:
        vectors: the words and their vectors.
        leaders: int [words], for each known word the row of the first that counts as the same.
        questions: int [questions, 3 or more], rows of a, b and c, all of them leaders.

    Returns:
        The rows of the answers' leaders, int [questions]; -1 if the question's own words are all that are known.
    """
    a, b, c = (vectors.units(rows) for rows in questions.T[:3])
    targets = b - a + c
    best = np.full(len(questions), -np.inf, np.float32)
    answers = np.full(len(questions), -1)
    for first in range(0, len(leaders), _WORDS):
        words = leaders[first : first + _WORDS]
        units = vectors.units(slice(first, first + len(words)))
        for start in range(0, len(questions), _QUESTIONS):
            batch = slice(start, start + _QUESTIONS)
            found, cosines = _best_others(targets[batch] @ units.T, words, questions[batch, :3])
            better = cosines > best[batch]
            best[batch][better] = cosines[better]
            answers[batch][better] = words[found[better]]
    return answers


def _best_others(cosines: np.ndarray, words: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of some words for each question, the question's own left out.

    Args:
        cosines: float [questions, words], of which those that are left out become -inf.
        words: int [words], their leaders.
        asked: int [questions, 3], leaders of the questions' words.

    Returns:
        The columns of the best words and their cosines, [questions]; -inf where all words are the question's own.
    """
    found = cosines.argmax(axis=1)
    own = np.arange(len(cosines))
    while (own := own[(words[found[own], None] == asked[own]).any(axis=1)]).size:
        cosines[own, found[own]] = -np.inf
        found[own] = cosines[own].argmax(axis=1)
        own = own[cosines[own, found[own]] > -np.inf]
    return found, cosines[np.arange(len(cosines)), found]


def _section(name: str, correct: np.ndarray, known: np.ndarray, dummy4unknown: bool) -> AnalogySection:
    """Counts outcomes, bool [questions]."""
    unknown = int((~known).sum())
    skipped = 0 if dummy4unknown else unknown
    return AnalogySection(name, int(correct.sum()), len(known) - skipped, skipped, unknown)


def _coverage(unknown: int, questions: int) -> float:
    return 1 - unknown / questions if questions else 0.0


def _pearson(left: np.ndarray, right: np.ndarray) -> float | None:
    """Pearson's correlation of two samples, -1..1; None if one of them does not vary."""
    if len(left) < 2 or left.min() == left.max() or right.min() == right.max():
        return None
    left, right = (sample / np.abs(sample).max() for sample in (left, right))  # so that no square overflows
    left, right = left - left.mean(), right - right.mean()
    return float(np.clip(left @ right / math.sqrt(left @ left) / math.sqrt(right @ right), -1, 1))


def _ranks(sample: np.ndarray) -> np.ndarray:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, places, counts = np.unique(sample, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def read_analogies(path: Path) -> list[tuple[str, list[list[str]]]]:
    """The sections of a file, each with its name and its questions of four words."""
    sections: list[tuple[str, list[list[str]]]] = []
    for number, line in _lines(path):
        words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif len(words) != 4:
            raise EvaluationError(f"{path} is no file of analogies: line {number} does not hold four words")
        elif not sections:
            raise EvaluationError(f"{path} is no file of analogies: line {number} stands before the first ': section'")
        else:
            sections[-1][1].append(words)
    if not any(questions for _, questions in sections):
        raise EvaluationError(f"{path} is no file of analogies: it holds no question")
    return sections


def _read_pairs(path: Path, delimiter: str | None) -> tuple[list[list[str]], np.ndarray]:
    """Pairs of words, and how alike people find them, float64 [pairs]."""
    pairs, judgements = [], []
    for number, line in _lines(path):
        if line.startswith("#"):
            continue
        try:
            word, other, judgement = line.split(delimiter)
            judgements.append(_finite(judgement))
        except ValueError:
            problem = f"line {number} does not hold two words and a number, with {delimiter or 'space'!r} between them"
            raise EvaluationError(f"{path} is no file of word pairs: {problem}") from None
        pairs.append([word, other])
    if not pairs:
        raise EvaluationError(f"{path} is no file of word pairs: it holds no pair")
    return pairs, np.array(judgements)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, without their ends, numbered from 1."""
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
            for number, line in enumerate(lines, start=1):
                if len(line) == _LONGEST_LINE:
                    raise EvaluationError(f"{path} is no text file of words: line {number} is too long")
                text = line.decode().rstrip("\r\n")
                if text.strip():
                    yield number, text
    except OSError as error:
        raise EvaluationError(f"cannot read {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is no text file of words: line {number} is not UTF-8") from error
