"""Many questions to the same word vectors: typed at a prompt, or one a line through a pipe."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgraphs.cli.shared import command
from tfgraphs.cli.words_questions import QUESTIONS, Options, ask, check, neighbours, split
from tfgraphs.errors import TfgraphsError

if TYPE_CHECKING:
    from tfgraphs.vectors import WordVectors

PROMPT = "words> "
_LONGEST_LINE = 1 << 20  # bytes
_KEPT = 1000  # lines of the history
_OFFERED = 50  # words for completion


def prompt(vectors: "WordVectors", options: Options, history: Path) -> None:
    """Asks for questions until the input ends; arrow keys bring back earlier ones, Tab completes words.

    Args:
        vectors: to ask.
        options: of the answers.
        history: file of earlier lines.
    """
    print(f"{len(vectors.words):,} words of {vectors.matrix.shape[1]} dimensions. Ask for king - man + woman, or:")
    for action, words in QUESTIONS.items():
        print(f"    {action} {words}")
    with _editing(vectors, history):
        while True:
            try:
                line = input(PROMPT).strip()
                if line in ("exit", "quit"):
                    return
                if line:
                    answer = ask(vectors, *split(line), options)
                    for word, spelling in answer.read_as.items():
                        print(f"{word} is read as {spelling}")
                    answer.show("table")
            except TfgraphsError as error:
                print(error)
            except KeyboardInterrupt:  # gives up the line, not the program
                print()
            except EOFError:
                print()
                return


@contextlib.contextmanager
def _editing(vectors: "WordVectors", history: Path) -> Iterator[None]:
    """Line editing with history and completion, where Python has it."""
    try:
        import readline
    except ImportError:
        yield
        return

    def complete(start: str, state: int) -> str | None:
        offers = [
            *(name for name in QUESTIONS if name.startswith(start)),
            *vectors.lexicon.completions(start, _OFFERED),
        ]
        return offers[state] if start and state < len(offers) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" ()*\"'")
    readline.parse_and_bind("tab: complete")
    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        readline.set_history_length(_KEPT)
        with contextlib.suppress(OSError):  # a history that cannot be kept is no reason to fail
            history.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(history)


def answer_lines(vectors: "WordVectors", options: Options) -> None:
    """Answers one question a line of the standard input with one JSON object a line.

    What has come in is answered together, which takes little more time than one question; a program that waits for each
    answer before it asks on gets it at once.

    Raises:
        UsageError: at the end, if some questions had no answer; their objects say why.
    """
    failed = asked = 0
    for lines in _lines():
        for answer in _answers(vectors, lines, options):
            print(json.dumps(answer, ensure_ascii=False))
            asked, failed = asked + 1, failed + ("error" in answer)
        sys.stdout.flush()
    if failed:
        raise command.UsageError(f"{failed:,} of {asked:,} questions have no answer: see their 'error'")


def _lines() -> Iterator[list[str]]:
    """Whole lines of the standard input, as they come in, without empty ones."""
    rest = b""
    while more := os.read(sys.stdin.fileno(), 1 << 16):
        *lines, rest = (rest + more).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise command.UsageError("a line of the input has no end")
        yield [line.decode(errors="replace") for line in lines if line.strip()]
    yield [rest.decode(errors="replace")] if rest.strip() else []


def _answers(vectors: "WordVectors", lines: list[str], options: Options) -> list[dict[str, Any]]:
    """The answers to some lines: expressions and analogies by the same method together, all else one by one."""
    from tfgraphs.expression import Term, parse

    answers: list[dict[str, Any]] = [{"query": line.strip()} for line in lines]
    together: list[tuple[int, list[Term]]] = []
    for place, line in enumerate(lines):
        action, words = split(line)
        try:
            check(action, words)
            if action == "calc":
                terms = parse(words[0])
            elif action == "near":
                terms = [Term(word, 1.0) for word in words]
            elif action == "analogy":
                terms = [Term(words[1], 1.0), Term(words[0], -1.0), Term(words[2], 1.0)]
            else:
                answers[place] |= ask(vectors, action, words, options).fields
                continue
            vectors.target(terms)
            together.append((place, terms))
        except TfgraphsError as error:
            answers[place]["error"] = str(error)
    found = vectors.combine_many([terms for _, terms in together], options.topn, options.method, options.restrict_vocab)
    for (place, terms), best in zip(together, found, strict=True):
        words = [term.word for term in terms]
        answers[place] |= neighbours(vectors, words, best, options.method).fields
    return answers
