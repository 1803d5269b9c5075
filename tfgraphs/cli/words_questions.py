"""Questions to word vectors as somebody types them, and their answers as a table, as tab-separated lines or as JSON."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfgraphs.cli.shared import command

if TYPE_CHECKING:
    from tfgraphs.vectors import Neighbour, WordVectors

FORMATS = ("table", "tsv", "json")
QUESTIONS = {
    "near": "WORD...",
    "calc": "EXPRESSION",
    "analogy": "A B C",
    "similarity": "A B",
    "odd": "WORD WORD WORD...",
}
_FEWEST = {"near": 1, "calc": 1, "analogy": 3, "similarity": 2, "odd": 3}
_MOST = {"analogy": 3, "similarity": 2}


@dataclass(frozen=True)
class Options:
    """How questions are answered: how many words, by which method, and out of how many known ones (None for all)."""

    topn: int = 10
    method: str = "cosadd"
    restrict_vocab: int | None = None


@dataclass(frozen=True)
class Answer:
    """What is shown for a question.

    Attributes:
        columns: the heads of a table.
        rows: of it.
        fields: the same for JSON.
        read_as: words that were found in another spelling, with that.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    fields: dict[str, Any]
    read_as: dict[str, str]

    def show(self, form: str) -> None:
        """Prints it in one of FORMATS."""
        if form == "json":
            print(json.dumps(self.fields, ensure_ascii=False))
        elif form == "tsv":
            for row in self.rows:
                print("\t".join(cell.replace("\t", " ") for cell in row))
        else:
            command.print_table(self.columns, self.rows)


def check(action: str, words: Sequence[str]) -> None:
    """Raises UsageError if a question has too few words or too many."""
    if not _FEWEST[action] <= len(words) <= _MOST.get(action, len(words)):
        raise command.UsageError(f"usage: {action} {QUESTIONS[action]}")


def ask(vectors: "WordVectors", action: str, words: Sequence[str], options: Options) -> Answer:
    """Asks one question.

    Raises:
        TfgraphsError: it is not understood, or a word is unknown.
    """
    check(action, words)
    if action == "similarity":
        cosine = vectors.similarity(*words)
        return _answer(vectors, words, ("Words", "Cosine"), [(" ".join(words), f"{cosine:.4f}")], {"cosine": cosine})
    if action == "odd":
        odd = vectors.odd(words)
        return _answer(vectors, words, ("The odd one",), [(odd,)], {"word": odd})
    rest: tuple[Any, ...] = (options.topn, options.method, options.restrict_vocab)
    if action == "near":
        found = vectors.nearest(words, options.topn, options.restrict_vocab)
    elif action == "analogy":
        found = vectors.analogy(words[0], words[1], words[2], *rest)
    else:
        from tfgraphs.expression import parse

        terms = parse(" ".join(words))
        found, words = vectors.combine(terms, *rest), [term.word for term in terms]
    return neighbours(vectors, words, found, options.method if action != "near" else "cosadd")


def neighbours(vectors: "WordVectors", words: Sequence[str], found: "list[Neighbour]", method: str) -> Answer:
    """The answer to a question for words."""
    head = "Cosine distance" if method == "cosadd" else "3CosMul"
    rows = [(neighbour.word, f"{neighbour.cosine:.4f}") for neighbour in found]
    listed = [
        {"word": neighbour.word, "cosine" if method == "cosadd" else "score": neighbour.cosine} for neighbour in found
    ]
    return _answer(vectors, words, ("Word", head), rows, {"answer": listed})


def _answer(
    vectors: "WordVectors",
    words: Sequence[str],
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    fields: dict[str, Any],
) -> Answer:
    read_as = {word: vectors.spelling(word) for word in words if vectors.spelling(word) != word}
    return Answer(columns, rows, {**fields, **({"read_as": read_as} if read_as else {})}, read_as)


def split(line: str) -> tuple[str, list[str]]:
    """A typed line as a question: its kind, `calc` if it does not begin with one, and its words."""
    action, _, rest = line.strip().partition(" ")
    if action == "calc" or action not in QUESTIONS:
        return "calc", [rest if action == "calc" else line.strip()]
    try:
        return action, shlex.split(rest)
    except ValueError:
        return action, rest.split()  # an apostrophe that opens nothing, as in rock'n'roll
