"""Each formula of the lecture has its function, its place in TensorBoard's graph, a program, and what that prints."""

import itertools
import re

import pytest
from documents import DOCS, blocks

PARTS = [
    f"{folder}/{part}" for folder in ("lecture", "zh/lecture") for part in ("index", "words", "dreams", "paintings")
]
COMPUTED = re.compile(r"^(?:Computed by|计算它的函数：)\s*\[`[\w.]+`\]\[tfgraphs\.[\w.]+\]", re.MULTILINE)
DRAWN = re.compile(
    r"^(?:In TensorBoard: |在 TensorBoard 中：)(?:`\w|no part of the graph, |不在计算图里，)", re.MULTILINE
)


def sections_with_a_formula(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    starts = [0, *(one.start() for one in re.finditer(r"^#{2,3} ", text, re.MULTILINE)), len(text)]
    sections = [text[begin:end] for begin, end in itertools.pairwise(starts)]
    return [one for one in sections if re.search(r"^\$\$", one, re.MULTILINE)]


@pytest.mark.parametrize("page", PARTS)
def test_each_formula_has_all_that_the_lecture_promises(page):
    sections = sections_with_a_formula(page)
    assert len(sections) >= (1 if page.endswith("index") else 13)
    for section in sections:
        languages = [block.language for block in blocks(section)]
        lacking = {
            "its function": not COMPUTED.search(section),
            "its place in the graph": not DRAWN.search(section),
            "a program": not {"python", "sh"} & set(languages),
            "its output": "text" not in languages,
        }
        assert not [name for name, lacks in lacking.items() if lacks], section.splitlines()[0]
