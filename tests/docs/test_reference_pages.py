"""The pages that are made of the code: flags, and docstrings with parameters that share a text."""

import os
import re
import subprocess
import sys

import pytest
from docstrings import in_markdown
from documents import CHECKOUT, DOCS
from flags_page import escaped
from make_site import COMMANDS


def output_of(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    program = [sys.executable, *arguments]
    return subprocess.run(program, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command_has_the_flags_of_its_help(command):
    page = output_of(str(DOCS / "site" / "flags_page.py"), command)
    shown = {name.removeprefix("[no]") for name in re.findall(r"^\| `--([\[\]\w]+)", page, re.MULTILINE)}
    text = output_of("-m", f"tfgraphs.cli.{command}", "--help")
    listed = re.findall(r"^  (?:-\w,)?--(?:\[no\])?(\w+):", text, re.MULTILINE)
    assert shown == set(listed)
    assert len(listed) > 5


def test_signs_of_markdown_in_a_help_are_texts():
    assert escaped("a|b <c> d_e") == r"a\|b \<c\> d\_e"


def test_each_parameter_has_the_text_of_its_group():
    text = "Does it.\n\nArgs:\n    x, y: places,\n        in pixels.\n    z: one."
    assert in_markdown(text) == (
        "Does it.\n\nArgs:\n    x: places,\n        in pixels.\n    y: places,\n        in pixels.\n    z: one."
    )


def test_columns_of_a_docstring_stay_columns():
    assert in_markdown("Words.\n\na    one\nb    two\n\nText.") == "Words.\n\n    a    one\n    b    two\n\nText."


@pytest.mark.parametrize("text", ["Of x, y: nothing.", "Code:\n\n    a    b", "Returns:\n    One, two and three."])
def test_other_lines_stay(text):
    assert in_markdown(text) == text


def test_the_menu_has_every_page():
    menu = (DOCS / "site" / "mkdocs.yml").read_text(encoding="utf-8")
    written = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.name != "README.zh.md"}
    assert {page for page in written if f" {page}\n" not in menu} == set()
