"""Evaluates word vectors: by analogies, and by people's judgements of how similar words are.

Counts and coefficients are those of gensim's `evaluate_word_analogies` and `evaluate_word_pairs`, which follow
compute-accuracy.c of word2vec. Options have gensim's names and defaults. There are three differences. A line that is
not a question is an error here and skipped there. The best answer is searched among all words here and among the five
best there, which differs if these are all spellings of the question's words. And of equally good answers the most
frequent word is taken here, any word there.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.packed import read_bytes
from tfgraphs.vectors.word_vectors import WordVectors

_LONGEST_LINE = 10_000  # bytes
_QUESTIONS, _WORDS = 512, 4096  # compared at once: 8 MB of cosines


class EvaluationError(TfgraphsError):
    """A file does not contain questions about words."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers of questions that count, and that are skipped because a word is unknown."""

    total: int
    skipped: int

    @property
    def unknown(self) -> int:
        """The same as `skipped`, by gensim's other name."""
        return self.skipped

    @property
    def coverage(self) -> float:
        """Share of questions whose words are all known, 0..1; 0 without questions."""
        questions = self.total + self.skipped
        return 1 - self.skipped / questions if questions else 0.0


@dataclass(frozen=True)
class AnalogySection(Counts):
    """A section of analogies: its name, and the number of correct answers."""

    name: str
    correct: int

    @property
    def accuracy(self) -> float | None:
        """Share of correct answers among the questions that count, 0..1; None if none counts."""
        return self.correct / self.total if self.total else None


@dataclass(frozen=True)
class AnalogyResult:
    """Counts of a file of analogies: of its sections, and overall under the name "total"."""

    sections: tuple[AnalogySection, ...]
    overall: AnalogySection


@dataclass(frozen=True)
class PairsResult(Counts):
    """Agreement of word vectors with people's judgements of pairs of words.

    The correlations of cosines and judgements, and of their ranks, are in -1..1. They are None if fewer than two pairs
    count, or if all their cosines or all their judgements are equal.
    """

    pearson: float | None
    spearman: float | None


def analogies(
    vectors: WordVectors,
    path: str | Path,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
) -> AnalogyResult:
    """Answers "a is to b as c is to ?" and counts the correct answers.

    The answer is the word nearest to b - a + c, of unit vectors, without the words of the question (3CosAdd, Mikolov et
    al. 2013).

    Args:
        vectors: words and their vectors, most frequent first.
        path: of a UTF-8 file like questions-words.txt: sections that begin with ": name", then four words on each line,
            separated by spaces, tabs or commas. Lines before the first section, or all, are the section "questions".
        restrict_vocab: number of words, from the most frequent on, that are known and may be answers. None for all.
        case_insensitive: whether words that differ only in case count as the same. The most frequent of them provides
            the vector in questions; each of them is a correct answer.

    Raises:
        EvaluationError: the file cannot be read, or is not like that.
    """
    sections = read_analogies(Path(path))
    asked = [question for _, questions in sections for question in questions]
    questions, leaders = _look_up(vectors, asked, restrict_vocab, case_insensitive)
    known = questions.min(axis=1) >= 0
    correct = np.zeros(len(known), bool)
    correct[known] = _answers(vectors, leaders, questions[known]) == questions[known, 3]
    ends = np.cumsum([len(questions) for _, questions in sections])[:-1]
    outcomes = zip(sections, np.split(correct, ends), np.split(known, ends), strict=True)
    return AnalogyResult(
        sections=tuple(_section(name, right, sure) for (name, _), right, sure in outcomes),
        overall=_section("total", correct, known),
    )


def word_pairs(
    vectors: WordVectors,
    path: str | Path,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
) -> PairsResult:
    """Correlates the cosine similarity of pairs of words with people's judgements.

    Args:
        vectors, restrict_vocab, case_insensitive: as for `analogies`.
        path: of a UTF-8 file like wordsim353.tsv: two words and a number on each line, separated by tabs, commas,
            semicolons or spaces. Lines that begin with "#" are comments, and the first line may name the columns.

    Raises:
        EvaluationError: the file cannot be read, or is not like that.
    """
    pairs, judgements = _read_pairs(Path(path))
    rows, _ = _look_up(vectors, pairs, restrict_vocab, case_insensitive)
    known = rows.min(axis=1) >= 0
    left, right = rows[known].T
    cosines = np.einsum("pd,pd->p", vectors.units(left), vectors.units(right)).astype(np.float64)
    judgements = judgements[known]
    return PairsResult(
        pearson=_pearson(cosines, judgements),
        spearman=_pearson(_ranks(cosines), _ranks(judgements)),
        total=len(cosines),
        skipped=len(known) - len(cosines),
    )


def evaluate(
    vectors: WordVectors, path: str | Path, *, restrict_vocab: int | None = 300_000, case_insensitive: bool = True
) -> AnalogyResult | PairsResult:
    """Evaluates a file of either kind: by `analogies` if it begins with a section or four words, or by `word_pairs`."""
    line = next((line for _, line in _lines(Path(path)) if not line.startswith("#")), "")
    words = _fields(line, 4)
    function = analogies if line.startswith(":") or (words and _number(words[3]) is None) else word_pairs
    return function(vectors, path, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive)


def _look_up(
    vectors: WordVectors, questions: list[list[str]], restrict_vocab: int | None, case_insensitive: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the words of questions, int [questions, words], and the leader of each known word, [words].

    A leader is the row of the first word that counts as the same. Unknown words have row -1.
    """
    spelling = str.upper if case_insensitive else str
    rows: dict[str, int] = {}
    leaders = [rows.setdefault(spelling(word), row) for row, word in enumerate(vectors.words[:restrict_vocab])]
    found = [[rows.get(spelling(word), -1) for word in question] for question in questions]
    return np.array(found), np.array(leaders, np.int64)


def _answers(vectors: WordVectors, leaders: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Returns the leaders of the answers to a, b, c, int [questions]; -1 if only the question's own words are known.

    The questions are rows of leaders, int [questions, 3 or more].
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
            columns, cosines = _best_others(targets[batch] @ units.T, words, questions[batch, :3])
            better = cosines > best[batch]
            best[batch][better] = cosines[better]
            answers[batch][better] = words[columns[better]]
    return answers


def _best_others(cosines: np.ndarray, words: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the columns of the best words that are not `asked`, and their cosines, [questions]; -inf if all are.

    Leaders stand for words: `words` [words], `asked` [questions, 3]. In `cosines` those of asked words become -inf.
    """
    columns = cosines.argmax(axis=1)
    repeated = np.arange(len(cosines))
    while (repeated := repeated[(words[columns[repeated], None] == asked[repeated]).any(axis=1)]).size:
        cosines[repeated, columns[repeated]] = -np.inf
        columns[repeated] = cosines[repeated].argmax(axis=1)
        repeated = repeated[cosines[repeated, columns[repeated]] > -np.inf]
    return columns, cosines[np.arange(len(cosines)), columns]


def _section(name: str, correct: np.ndarray, known: np.ndarray) -> AnalogySection:
    total = int(known.sum())
    return AnalogySection(name, int(correct.sum()), total=total, skipped=len(known) - total)


def _pearson(left: np.ndarray, right: np.ndarray) -> float | None:
    """Returns Pearson's correlation of two samples, -1..1; None if one of them does not vary."""
    if len(left) < 2 or left.min() == left.max() or right.min() == right.max():
        return None
    left, right = (sample / np.abs(sample).max() for sample in (left, right))  # so that no square overflows
    left, right = left - left.mean(), right - right.mean()
    return float(np.clip(left @ right / math.sqrt(left @ left) / math.sqrt(right @ right), -1, 1))


def _ranks(sample: np.ndarray) -> np.ndarray:
    """Returns ranks from 1 on; equal values share their mean rank."""
    _, places, counts = np.unique(sample, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def read_analogies(path: Path) -> list[tuple[str, list[list[str]]]]:
    """Returns the sections of a file: their names and their questions of four words."""
    sections: list[tuple[str, list[list[str]]]] = []
    for number, line in _lines(path):
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
            continue
        words = _fields(line, 4)
        if not words:
            raise EvaluationError(f"{path} is not a file of analogies: line {number} does not have four words")
        if not sections:
            sections.append(("questions", []))
        sections[-1][1].append(words)
    if not any(questions for _, questions in sections):
        raise EvaluationError(f"{path} is not a file of analogies: it has no questions")
    return sections


def _read_pairs(path: Path) -> tuple[list[list[str]], np.ndarray]:
    """Returns pairs of words, and their judgements, float64 [pairs]."""
    pairs, judgements, headings = list[list[str]](), list[float](), list[int]()
    for number, line in _lines(path):
        if line.startswith("#"):
            continue
        words = _fields(line, 3)
        judgement = _number(words[2]) if words else math.nan
        if judgement is None and not pairs and not headings:  # the first line names the columns
            headings.append(number)
            continue
        if judgement is None or not math.isfinite(judgement):
            raise EvaluationError(_not_pairs(path, number))
        pairs.append(words[:2])
        judgements.append(judgement)
    if headings and not pairs:
        raise EvaluationError(_not_pairs(path, headings[0]))
    if not pairs:
        raise EvaluationError(f"{path} is not a file of word pairs: it has no pairs")
    return pairs, np.array(judgements)


def _not_pairs(path: Path, line: int) -> str:
    separators = "separated by tabs, commas, semicolons or spaces"
    return f"{path} is not a file of word pairs: line {line} is not two words and a number, {separators}"


def _fields(line: str, count: int) -> list[str]:
    """Splits a line at tabs, commas, semicolons or spaces, whichever make so many fields; none if none does."""
    for separator in ("\t", ",", ";", None):
        fields = [field.strip(' "') for field in line.split(separator)]
        if len(fields) == count and all(fields):
            return fields
    return []


def _number(text: str) -> float | None:
    """Returns a number, which may have a decimal comma; None if the text is none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a file, plain or packed, that are not blank, numbered from 1."""
    for number, line in enumerate(read_bytes(path, EvaluationError).split(b"\n"), start=1):
        if len(line) >= _LONGEST_LINE:
            raise EvaluationError(f"{path} is not a text file of words: line {number} is too long")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise EvaluationError(f"{path} is not a text file of words: line {number} is not UTF-8") from error
        if text.strip():
            yield number, text
