"""Asks word vectors many questions: typed at a prompt, or one a line through a pipe."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tfgraphs.cli.shared.command import UsageError
from tfgraphs.cli.words_questions import QUESTIONS, Options, Question, answer, answer_all
from tfgraphs.errors import TfgraphsError, printable

if TYPE_CHECKING:
    from tfgraphs.vectors import WordVectors

PROMPT = "words> "
_HISTORY_LINES = 1000
_COMPLETIONS = 50
_LONGEST_LINE = 1 << 20  # bytes


def answer_typed_lines(vectors: "WordVectors", options: Options) -> None:
    """Prompts for questions until the input ends. Arrow keys recall earlier lines, Tab completes words."""
    print(f"{len(vectors.words):,} words of {vectors.matrix.shape[1]} dimensions. Ask for king - man + woman, or:")
    for kind, words in QUESTIONS.items():
        print(f"    {kind} {words}")
    with _line_editing(vectors):
        while True:
            try:
                line = input(PROMPT).strip()
                if line in ("exit", "quit"):
                    return
                if line:
                    answered = answer(vectors, Question.from_line(line), options)
                    for word, spelling in answered.read_as.items():
                        print(printable(f"{word} is read as {spelling}"))
                    answered.print("table")
            except TfgraphsError as error:
                print(printable(str(error)))
            except KeyboardInterrupt:  # gives up the line, not the program
                print()
            except EOFError:
                print()
                return


@contextlib.contextmanager
def _line_editing(vectors: "WordVectors") -> Iterator[None]:
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


def answer_piped_lines(vectors: "WordVectors", options: Options) -> None:
    """Answers each line of the standard input with one JSON object a line.

    Lines that arrive together are answered together, which takes little longer than one question. A program that waits
    for each answer before it asks again gets it at once.

    Raises:
        UsageError: at the end, if some questions have no answer. Their objects say why.
    """
    failed = asked = 0
    for lines in _piped_lines():
        results = answer_all(vectors, [Question.from_line(line) for line in lines], options)
        for line, result in zip(lines, results, strict=True):
            error = isinstance(result, TfgraphsError)
            fields = {"error": str(result)} if isinstance(result, TfgraphsError) else result.fields
            print(json.dumps({"query": line.strip(), **fields}, ensure_ascii=False))
            asked, failed = asked + 1, failed + error
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
