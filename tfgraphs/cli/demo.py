"""The demo: runs the commands on sample pictures and writes one page with the results.

    python -m tfgraphs.cli.demo --output=out/demo

It runs in a checkout; bin/demo installs what the commands need, then calls this module. It writes words.txt,
dream.png, style.png, logs/ for TensorBoard, and index.html, which contains all its pictures.
"""

import shlex
import subprocess
import sys
import time
from pathlib import Path

from absl import flags

from tfgraphs.cli.demo_page import Part, write_page
from tfgraphs.cli.shared import command
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_file
from tfgraphs.pictures import samples

OUTPUT = flags.DEFINE_string("output", "out/demo", "Folder for the results.")

QUESTIONS = [
    "near Einstein",
    "near France",
    "near guitar",
    "near volcano",
    "near computer",
    "calc 'king - man + woman'",
    "calc 'paris - france + italy'",
    "calc 'walking - walk + swim'",
]
DREAM, STYLE = "dream", "style"
SECONDS = {"words": 10, DREAM: 25, STYLE: 90}  # on two cores, for the first estimate of the time left


class DemoError(TfgraphsError):
    """One of the commands failed."""


def main(arguments: list[str]) -> None:
    command.no_arguments(arguments)
    output = Path(OUTPUT.value)
    clock = _Clock()
    answers, lines, seconds = _words(clock, output)
    words = Part("Words that can be added", lines, seconds, answers=answers)
    line = (
        f"deepdream --input=sample:cat --size=640 --upsample --iterations=15 --output={output}/dream.png "
        f"--logdir={output}/logs/dream"
    )
    seconds = _run(clock, DREAM, line)
    inputs = {"the photograph": samples.resolve("sample:cat")}
    dream = Part("A network that dreams", [line], seconds, inputs, output / "dream.png")
    line = (
        f"neural_style --content=sample:coffee --style=sample:swirls --output={output}/style.png "
        f"--logdir={output}/logs/style"
    )
    seconds = _run(clock, STYLE, line)
    inputs = {"the photograph": samples.resolve("sample:coffee"), "the painting": samples.resolve("sample:swirls")}
    style = Part("A photograph, painted", [line], seconds, inputs, output / "style.png")
    write_page(output / "index.html", [words, dream, style], logs=f"tensorboard --logdir={output}/logs")
    print(f"the results are on one page: {output}/index.html")


class _Clock:
    """Estimates the time left from the duration of the finished parts, relative to what was expected."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._done: list[str] = []

    def announce(self, part: str) -> None:
        expected = sum(SECONDS[done] for done in self._done)
        pace = (time.monotonic() - self._started) / expected if expected else 1.0
        left = pace * sum(seconds for name, seconds in SECONDS.items() if name not in self._done)
        number = len(self._done) + 1
        print(f"[{number} of {len(SECONDS)}] {part}; about {left:.0f} s left in all", file=sys.stderr, flush=True)
        self._done.append(part)


def _words(clock: _Clock, output: Path) -> tuple[dict[str, list[tuple[str, float]]], list[str], float]:
    """Asks all questions; writes the answers to words.txt and returns them with the commands and the time."""
    clock.announce("words")
    started = time.monotonic()
    lines = [f"words --vectors=glove {question}" for question in QUESTIONS]
    texts = [_call(line) for line in lines]
    seconds = time.monotonic() - started
    with atomic_file(output / "words.txt") as temporary:
        shown = [f"$ bin/{line}\n\n{text}\n" for line, text in zip(lines, texts, strict=True)]
        temporary.write_text("\n".join(shown), encoding="utf-8")
    answers = {question: _rows(text) for question, text in zip(QUESTIONS, texts, strict=True)}
    return answers, lines, seconds


def _rows(table: str) -> list[tuple[str, float]]:
    """The rows of a printed table of words and cosines."""
    pairs = (line.rsplit(maxsplit=1) for line in table.splitlines()[2:] if line.strip())
    return [(word.strip(), float(cosine)) for word, cosine in pairs]


def _run(clock: _Clock, part: str, line: str) -> float:
    clock.announce(part)
    started = time.monotonic()
    _call(line)
    return time.monotonic() - started


def _call(line: str) -> str:
    """Runs a command and returns its output; its progress goes to the terminal."""
    name, *arguments = shlex.split(line)
    result = subprocess.run([sys.executable, f"bin/{name}", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode == command.INTERRUPTED:
        raise KeyboardInterrupt
    if result.returncode:
        raise DemoError(f"this command failed with exit code {result.returncode}: {line}")
    return result.stdout


def run() -> None:
    command.run("demo", main, __doc__, [__name__])


if __name__ == "__main__":
    run()
