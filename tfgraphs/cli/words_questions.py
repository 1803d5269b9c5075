"""Questions to word vectors: parsed and answered here for the command line, the prompt and the pipe."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfgraphs.cli.shared.answers import Answer
from tfgraphs.cli.shared.command import UsageError
from tfgraphs.errors import TfgraphsError
from tfgraphs.expression import Term, parse

if TYPE_CHECKING:
    from tfgraphs.vectors import Neighbour, WordVectors

QUESTIONS = {
    "near": "WORD...",
    "calc": "EXPRESSION",
    "analogy": "A B C",
    "similarity": "A B",
    "odd": "WORD WORD WORD...",
}
"""What to write after each kind of question."""

_FEWEST = {"near": 1, "calc": 1, "analogy": 3, "similarity": 2, "odd": 3}
_MOST = {"analogy": 3, "similarity": 2}


@dataclass(frozen=True)
class Options:
    """How questions are answered.

    Attributes:
        topn: number of words.
        method: of calc and analogy, "cosadd" or "cosmul"; see `WordVectors.combine`.
        restrict_vocab: number of words, from the most frequent on, that may be answers. None for all.
    """

    topn: int = 10
    method: str = "cosadd"
    restrict_vocab: int | None = None


@dataclass(frozen=True)
class Question:
    """A question of one of the kinds in QUESTIONS.

    Attributes:
        kind: of question.
        words: that follow it; those of an expression are joined by spaces.
    """

    kind: str
    words: Sequence[str]

    @classmethod
    def from_line(cls, line: str) -> "Question":
        """Parses a typed line. A line that does not begin with a kind of question is an expression."""
        line = line.strip()
        kind, _, rest = line.partition(" ")
        if kind not in QUESTIONS:
            return cls("calc", [line])
        if kind == "calc":
            return cls("calc", [rest])
        try:
            return cls(kind, shlex.split(rest))
        except ValueError:  # an apostrophe without another one, as in rock'n
            return cls(kind, rest.split())

    def check(self) -> None:
        """Raises UsageError if there are too few words or too many."""
        if not _FEWEST[self.kind] <= len(self.words) <= _MOST.get(self.kind, len(self.words)):
            raise UsageError(f"usage: {self.kind} {QUESTIONS[self.kind]}")

    def terms(self) -> list[Term]:
        """Returns the sum of words whose neighbours are asked for."""
        from tfgraphs.vectors.word_vectors import analogy_terms

        if self.kind == "calc":
            return parse(" ".join(self.words))
        if self.kind == "analogy":
            return analogy_terms(*self.words)
        return [Term(word, 1.0) for word in self.words]


def answer(vectors: "WordVectors", question: Question, options: Options) -> Answer:
    """Answers one question.

    Raises:
        TfgraphsError: the question cannot be parsed, or a word is unknown.
    """
    result = answer_all(vectors, [question], options)[0]
    if isinstance(result, TfgraphsError):
        raise result
    return result


def answer_all(vectors: "WordVectors", questions: Sequence[Question], options: Options) -> list[Answer | TfgraphsError]:
    """Answers questions, those for neighbours in shared passes over the matrix.

    Returns:
        For each question the answer, or the error that explains why there is none.
    """
    results: dict[int, Answer | TfgraphsError] = {}
    sums: dict[str, dict[int, list[Term]]] = {}  # terms by number of the question, by method
    for number, question in enumerate(questions):
        try:
            question.check()
            words = question.words
            if question.kind == "similarity":
                cosine = vectors.similarity(*words)
                row = (" ".join(words), f"{cosine:.4f}")
                results[number] = _answer(vectors, words, ("Words", "Cosine"), [row], {"cosine": cosine})
            elif question.kind == "odd":
                odd = vectors.odd(words)
                results[number] = _answer(vectors, words, ("The odd one",), [(odd,)], {"word": odd})
            else:
                terms = question.terms()
                vectors.target(terms)
                method = "cosadd" if question.kind == "near" else options.method
                sums.setdefault(method, {})[number] = terms
        except TfgraphsError as error:
            results[number] = error
    for method, asked in sums.items():
        found = vectors.combine_many(list(asked.values()), options.topn, method, options.restrict_vocab)
        for (number, terms), neighbours in zip(asked.items(), found, strict=True):
            results[number] = _neighbours(vectors, terms, neighbours, method)
    return [results[number] for number in range(len(questions))]


def _neighbours(
    vectors: "WordVectors", terms: Sequence[Term], neighbours: "Sequence[Neighbour]", method: str
) -> Answer:
    head, name = ("Cosine distance", "cosine") if method == "cosadd" else ("3CosMul", "score")
    rows = [(neighbour.word, f"{neighbour.cosine:.4f}") for neighbour in neighbours]
    listed = [{"word": neighbour.word, name: neighbour.cosine} for neighbour in neighbours]
    return _answer(vectors, [term.word for term in terms], ("Word", head), rows, {"answer": listed})


def _answer(
    vectors: "WordVectors",
    words: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    fields: dict[str, Any],
) -> Answer:
    read_as = {word: spelling for word in words if (spelling := vectors.spelling(word)) != word}
    return Answer(columns, rows, fields | ({"read_as": read_as} if read_as else {}), read_as)
