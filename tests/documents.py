"""Runs what README and the pages of docs/ show, in the order of a page, in a copy of the checkout.

A block ```sh holds commands, one ```python a program, and a block ```text after it the first lines that the last of
them prints. With title="for example" (示例 in Chinese) other computers may print other words and numbers there.
"""

import io
import itertools
import os
import re
import shlex
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from checkout_copies import CHECKOUT, copy_of_checkout
from fasttext_files import model_file
from forked_commands import ForkedCommands
from same_output import assert_same_lines
from torch_files import resnet_arrays, whole, zip_file

DOCS = CHECKOUT / "docs"
FENCED = re.compile(r"^( *)```([\w-]*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPECIAL = ("bin/test", "bin/docs", "bin/studio", "bin/demo", ".venv/bin/pip", ".venv/bin/tensorboard")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, whether it is an example, the text, and the number of its first line."""

    language: str
    varies: bool
    text: str
    line: int


@dataclass(frozen=True)
class Example:
    """A command or a program of a page, and the lines that the page shows as its output."""

    page: str
    line: int
    language: str
    code: str
    shown: str
    varies: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(text: str) -> list[Block]:
    """All fenced blocks, in lists and admonitions, too."""
    return [
        Block(
            one[2],
            bool(re.search('title="(for example|示例)"', one[3])),
            re.sub(rf"^{one[1]}", "", one[4], flags=re.MULTILINE),
            text[: one.start(4)].count("\n") + 1,
        )
        for one in FENCED.finditer(text)
    ]


@dataclass(frozen=True)
class Section:
    """What the text of a section names in no language: the same on pages in English and in Chinese.

    Args:
        level: number of signs before its heading; 0 before the first one.
        code: inline code, and how often each is named: commands, flags, files, names of Python.
        formulas: those on lines of their own, in their order.
        symbols: formulas within sentences, which may repeat them.
    """

    level: int
    code: Counter[str]
    formulas: list[str]
    symbols: set[str]


def sections(text: str) -> list[Section]:
    """The sections of a page without its fenced blocks; each has its heading."""
    return [_section(one) for one in re.split(r"^(?=#+ )", FENCED.sub("", text), flags=re.MULTILINE)]


def _section(text: str) -> Section:
    formulas = re.findall(r"\$\$(.*?)\$\$", text, re.DOTALL)
    prose = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    code = Counter(" ".join(one.split()) for one in re.findall("`([^`]+)`", prose))
    symbols = {" ".join(one.split()) for one in re.findall(r"\$([^$]+)\$", re.sub("`[^`]+`", "", prose))}
    return Section(len(text) - len(text.lstrip("#")), code, formulas, symbols)


def commands(block: Block) -> Iterator[tuple[int, str]]:
    """The commands of a shell's block with their lines; one that ends with a backslash goes on in the next line."""
    line = block.line
    for text in re.sub(r"\\\n", "\\\\\0", block.text).splitlines():
        if text.strip() and not text.startswith("#"):
            yield line, text.replace("\\\0", " ")
        line += 1 + text.count("\0")


def typed(block: Block) -> list[Example]:
    """The commands of a terminal's block, after its prompts, and what they print."""
    found = list[Example]()
    for number, line in enumerate(block.text.splitlines()):
        if line.startswith("$ "):
            found.append(Example("", block.line + number, "console", line.removeprefix("$ "), ""))
        elif _goes_on(found[-1].code):
            found[-1] = replace(found[-1], code=f"{found[-1].code}\n{line}")
        else:
            found[-1] = replace(found[-1], shown=f"{found[-1].shown}{line}\n")
    return found


def _goes_on(command: str) -> bool:
    """Whether a shell would ask for another line."""
    try:
        shlex.split(command)
    except ValueError:  # an open quotation, or a backslash at the end
        return True
    return command.endswith("|")


def examples(path: Path) -> list[Example]:
    """What a page shows to run, in its order."""
    page, found = str(path.relative_to(CHECKOUT)), list[Example]()
    every = blocks(path.read_text(encoding="utf-8"))
    for block, following in itertools.zip_longest(every, every[1:]):
        output = following if following and following.language in ("", "text") else None
        shown, varies = (output.text, output.varies) if output else ("", False)
        if block.language == "python":
            found.append(Example(page, block.line, "python", block.text, shown, varies))
        elif block.language == "sh":
            lines = list(commands(block))
            found += [Example(page, line, "sh", text, "") for line, text in lines[:-1]]
            found += [Example(page, line, "sh", text, shown, varies) for line, text in lines[-1:]]
    return found


def copy_checkout(folder: Path) -> Path:
    """Copies the checkout with the environment that runs the tests, and files that pages speak of."""
    copy_of_checkout(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8") + (CHECKOUT / "LICENSE").read_text()
    (folder / "text.txt").write_text(text * 20, encoding="utf-8")
    (folder / "cc.en.300.bin").write_bytes(model_file(["friend", "likely"], np.ones((52, 3), np.float32)))
    arrays = resnet_arrays("resnet18")
    states = {name: whole(array, str(number)) for number, (name, array) in enumerate(arrays.items())}
    (folder / "resnet18.pth").write_bytes(zip_file(states))
    return folder


def run(place: Path, command: str | list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command as people start it."""
    clean = {name: value for name, value in os.environ.items() if name != "TFGRAPHS_HOME"}
    shell = isinstance(command, str)
    return subprocess.run(command, cwd=place, shell=shell, env=clean | environment, capture_output=True, text=True)


def run_example(example: Example, place: Path, forked: ForkedCommands) -> SimpleNamespace:
    """Runs a command or program in a fork if that does the same."""
    if example.language == "python":
        return forked("-c", example.code, cwd=place)
    if re.search(r"[|<>;&$]", re.sub(r"'[^']*'", "", example.code)) or not example.code.startswith("bin/"):
        return SimpleNamespace(**vars(run(place, example.code)))
    name, *arguments = shlex.split(example.code, comments=True)
    return forked(name.removeprefix("bin/"), *arguments, cwd=place)


def check(example: Example, place: Path, forked: ForkedCommands) -> None:
    """Runs an example; it has to succeed and to print what the page shows."""
    result = run_example(example, place, forked)
    assert result.returncode == 0, result.stderr
    expected = example.shown.rstrip().splitlines()
    printed = result.stdout.rstrip().splitlines()[: len(expected)]
    if example.varies:
        assert len(printed) == len(expected)
    else:
        assert_same_lines(printed, expected)
    for comment in re.findall(r"print\(.*\)  # (.*)", example.code):
        assert comment in result.stdout


def without_comments(program: str) -> list[str]:
    """The tokens of a program but its comments and the ends of lines that belong to them."""
    tokens = tokenize.generate_tokens(io.StringIO(program).readline)
    return [token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]


def pages(*folders: str) -> list[Path]:
    """The pages in some folders of docs/, in their order."""
    return [path for folder in folders for path in sorted((DOCS / folder).glob("*.md")) if path.name != "README.zh.md"]


def to_run(paths: list[Path]) -> list[object]:
    """The examples of pages as parameters of a test, but those that README's tests run in their own way."""
    found = [one for path in paths for one in examples(path)]
    return [pytest.param(one, id=str(one)) for one in found if not one.code.startswith(SPECIAL)]
