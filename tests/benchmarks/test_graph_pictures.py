"""Pictures of the graphs that the lecture shows."""

import re
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.graph_pictures import PICTURES, PROGRAMS, RUNS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "pictures" / "graphs"
PAGES = ("words", "dreams", "paintings")
LINES = {"lecture": "In TensorBoard: `", "zh/lecture": "在 TensorBoard 中：`"}
REPEATED = (", as above.", "，与上面相同。")


def shown(folder, page):
    """The picture below each line of a page that names scopes, without the folder of pictures; None where none is."""
    lines = (DOCS / folder / f"{page}.md").read_text(encoding="utf-8").splitlines()
    start = re.escape("../" * (folder.count("/") + 1) + "pictures/")
    named = [number for number, line in enumerate(lines) if line.startswith(LINES[folder])]
    below = [lines[number + 2] for number in named if not lines[number].endswith(REPEATED)]
    found = [re.fullmatch(rf"!\[.+\]\({start}(graphs/\w+)\.png\)", line) for line in below]
    return [one and one[1] for one in found]


@pytest.mark.parametrize("folder", LINES)
@pytest.mark.parametrize("page", PAGES)
def test_each_line_that_names_scopes_is_followed_by_a_picture_of_its_own(folder, page):
    names = shown(folder, page)
    assert len(names) > 10
    assert None not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("page", PAGES)
def test_pages_in_both_languages_show_the_same_pictures(page):
    assert shown("zh/lecture", page) == shown("lecture", page)


def test_the_pictures_that_are_drawn_are_those_that_are_shown():
    drawn = {name for name in PICTURES if name.startswith("graphs/")}
    assert drawn == {name for page in PAGES for name in shown("lecture", page)}
    assert drawn == {f"graphs/{path.stem}" for path in FOLDER.iterdir()}


def test_each_picture_is_of_a_run_and_each_run_has_a_picture():
    assert {run for run, *_ in PICTURES.values()} == {*RUNS, *PROGRAMS}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.png")), ids=lambda path: path.stem)
def test_a_picture_is_not_larger_than_a_page(path):
    with Image.open(path) as picture:
        assert picture.width <= 1120
        assert picture.height <= 900


def test_all_pictures_together_are_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 500_000
