"""Questions to word vectors: one on the command line, or many, typed at a prompt or one a line through a pipe."""

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgraphs.cli.shared.answers import Answer, as_json
from tfgraphs.cli.shared.command import UsageError
from tfgraphs.errors import TfgraphsError, printable
from tfgraphs.expression import Term, parse
from tfgraphs.vectors import WordVectors
from tfgraphs.vectors.neighbours import SCORES

QUESTIONS = {
    "near": "WORD...",
    "calc": "EXPRESSION",
    "analogy": "A B C",
    "similarity": "A B",
    "odd": "WORD WORD WORD...",
}
"""What to write after each kind of question."""

_HISTORY_LINES = 1000
_COMPLETIONS = 50
_LONGEST_LINE = 1 << 20  # bytes


@dataclass(frozen=True)
class Question:
    """A question of one of the kinds in QUESTIONS, and the words that follow it."""

    kind: str
    words: Sequence[str]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "Question":
        """Reads the command line. Words without a kind of question are an expression or, without signs, `near`."""
        kind, *words = arguments
        if kind in QUESTIONS:
            return cls(kind, words)
        signs = r"(^|\s)[-−+]|[-−+](\s|$)|[()*]" if words else r"[-−+()*]"  # among several words, well-known is one
        return cls("calc" if any(re.search(signs, argument) for argument in arguments) else "near", arguments)

    @classmethod
    def from_line(cls, line: str) -> "Question":
        """Parses a typed line, as `from_arguments` does; an expression has quotes of its own."""
        line = line.strip()
        kind, _, rest = line.partition(" ")
        if kind == "calc":
            return cls("calc", [rest])
        try:
            arguments = shlex.split(line)
        except ValueError:  # an apostrophe without another one, as in rock'n
            arguments = line.split()
        question = cls.from_arguments(arguments or [""])
        return cls("calc", [line]) if question.kind == "calc" or line == kind not in QUESTIONS else question

    def check(self) -> None:
        """Raises UsageError if there are too few words or too many."""
        usage = QUESTIONS[self.kind]
        fewest = len(usage.split())
        if len(self.words) < fewest or (len(self.words) > fewest and self.kind in ("analogy", "similarity")):
            raise UsageError(f"usage: {self.kind} {usage}")

    def terms(self, vectors: WordVectors) -> list[Term]:
        """Returns the sum of words whose neighbours are asked for; for an analogy b - a + c."""
        if self.kind == "calc":
            return parse(" ".join(self.words), known=vectors.knows)
        if self.kind == "analogy":
            a, b, c = self.words
            return [Term(b, 1.0), Term(a, -1.0), Term(c, 1.0)]
        return [Term(word, 1.0) for word in self.words]


def answer(vectors: WordVectors, question: Question, **options: Any) -> Answer:
    """Answers one question. Raises TfgraphsError if it cannot be parsed, or a word is unknown."""
    result = answer_all(vectors, [question], **options)[0]
    if isinstance(result, TfgraphsError):
        raise result
    return result


def answer_all(
    vectors: WordVectors, questions: Sequence[Question], method: str = "cosadd", **options: Any
) -> list[Answer | TfgraphsError]:
    """Answers questions, or explains why not, those for neighbours in shared passes over the matrix.

    The options are those of `WordVectors.combine`; `method` is for sums, not for `near`.
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
                fields = {"cosine": cosine, **_read_as(vectors, words)}
                results[number] = Answer(("Words", "Cosine"), [row], fields)
            elif question.kind == "odd":
                odd = vectors.odd(words)
                results[number] = Answer(("The odd one",), [(odd,)], {"word": odd, **_read_as(vectors, words)})
            else:
                terms = question.terms(vectors)
                vectors.target(terms)
                sums.setdefault("cosadd" if question.kind == "near" else method, {})[number] = terms
        except TfgraphsError as error:
            results[number] = error
    for method, asked in sums.items():
        found = vectors.combine(list(asked.values()), method=method, **options)
        name = "cosine" if method == "cosadd" else "score"
        for (number, terms), neighbours in zip(asked.items(), found, strict=True):
            rows = [(neighbour.word, f"{neighbour.cosine:.4f}") for neighbour in neighbours]
            listed = [{"word": neighbour.word, name: neighbour.cosine} for neighbour in neighbours]
            fields = {"answer": listed, **_read_as(vectors, [term.word for term in terms])}
            results[number] = Answer(("Word", SCORES[method]), rows, fields)
    return [results[number] for number in range(len(questions))]


def _read_as(vectors: WordVectors, words: Sequence[str]) -> dict[str, Any]:
    """Returns the fields of an answer that tell which words were read in another spelling, or made of n-grams."""
    read_as = {word: spelling for word in words if (spelling := vectors.spelling(word)) != word}
    made = [word for word in words if not vectors.knows(word)]
    return ({"read_as": read_as} if read_as else {}) | ({"from_ngrams": made} if made else {})


def answer_typed_lines(vectors: WordVectors, format: str = "table", **options: Any) -> None:
    """Prompts for questions until the input ends. Arrow keys recall earlier lines, Tab completes words."""
    print(f"{len(vectors.words):,} words of {vectors.matrix.shape[1]} dimensions. Ask for king - man + woman, or:")
    for kind, words in QUESTIONS.items():
        print(f"    {kind} {words}")
    with _line_editing(vectors):
        while True:
            try:
                line = input("words> ").strip()
                if line in ("exit", "quit"):
                    return
                if line:
                    answer(vectors, Question.from_line(line), **options).print(format)
            except TfgraphsError as error:
                print(printable(str(error)))
            except KeyboardInterrupt:  # gives up the line, not the program
                print()
            except EOFError:
                print()
                return


@contextlib.contextmanager
def _line_editing(vectors: WordVectors) -> Iterator[None]:
    """Edits lines with history and completion, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return

    def complete(start: str, state: int) -> str | None:
        kinds = [kind for kind in QUESTIONS if kind.startswith(start)]
        completions = [*kinds, *vectors.lexicon.completions(start, _COMPLETIONS)] if start else []
        return completions[state] if state < len(completions) else None

    history = Path("~/.local/state/tfgraphs/words_history").expanduser()
    readline.set_completer(complete)
    readline.set_completer_delims(" ()*\"'")
    readline.parse_and_bind("tab: complete")
    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        readline.set_history_length(_HISTORY_LINES)
        with contextlib.suppress(OSError):  # a history that cannot be written is no reason to fail
            history.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(history)


def answer_piped_lines(vectors: WordVectors, **options: Any) -> None:
    """Answers each line of the standard input with one JSON object a line.

    Lines that arrive together are answered together, which takes little longer than one question. A program that waits
    for each answer before it asks again gets it at once. Raises UsageError at the end if some have no answer.
    """
    failed = asked = 0
    for lines in _piped_lines():
        results = answer_all(vectors, [Question.from_line(line) for line in lines], **options)
        for line, result in zip(lines, results, strict=True):
            fields = {"error": str(result)} if isinstance(result, TfgraphsError) else result.fields
            print(as_json({"query": line.strip(), **fields}))
            asked, failed = asked + 1, failed + ("error" in fields)
        sys.stdout.flush()
    if failed:
        raise UsageError(f"{failed:,} of {asked:,} questions have no answer: see their 'error'")


def _piped_lines() -> Iterator[list[str]]:
    """Yields the lines of the standard input as they arrive, without empty ones."""
    rest = b""
    while more := os.read(sys.stdin.fileno(), 1 << 16):
        *lines, rest = (rest + more).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise UsageError("a line of the input is longer than a megabyte")
        yield [line.decode(errors="replace") for line in lines if line.strip()]
    yield [rest.decode(errors="replace")] if rest.strip() else []
