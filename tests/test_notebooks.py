"""The notebooks of the documentation: as they are saved, and that they run and display the same again."""

import contextlib
import copy
import os
import re
import signal

import nbformat
import notebooks
import pytest
from notebook_outputs import kinds, picture_sizes, streams, texts
from same_output import assert_same_lines

NAMES = ("dream", "paint", "words")
LARGEST = 600_000  # bytes of all together
SLACK = 0.02  # of terms of a loss after many steps, some of which are small


def read(name):
    return nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(notebook, skipped=False):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if (notebooks.SKIPPED in cell.metadata.get("tags", [])) == skipped]


@pytest.fixture(params=NAMES)
def saved(request):
    return read(request.param)


def test_these_are_all_notebooks():
    assert [path.stem for path in notebooks.notebooks()] == list(NAMES)


def test_a_saved_notebook_is_valid(saved):
    nbformat.validate(saved)
    assert all(cell.id for cell in saved.cells)


def test_the_kernel_is_that_of_any_environment(saved):
    assert saved.metadata == notebooks._METADATA


def test_a_saved_notebook_was_run_from_its_first_cell_to_its_last(saved):
    cells = code_cells(saved)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_cells_that_are_not_run_start_tensorboard_and_have_no_outputs(saved):
    (cell,) = code_cells(saved, skipped=True)
    assert "%tensorboard --logdir out/logs" in cell.source
    assert cell.outputs == []


def test_no_output_is_an_error_or_a_warning(saved):
    for cell in code_cells(saved):
        assert streams(cell) <= {"stdout"}
        assert all(output["output_type"] != "error" for output in cell.outputs)


def test_nothing_saved_names_a_folder_of_this_machine(saved):
    text = re.sub(r"[\w+/=]{200,}", "", nbformat.writes(saved))  # pictures
    assert not re.search(r"(?<![\w.:/<])/(?:home|root|tmp|usr|opt|Users)\b", text)


def test_saved_pictures_are_not_large():
    assert sum(path.stat().st_size for path in notebooks.notebooks()) < LARGEST


def test_a_saved_notebook_shows_what_it_is_about(saved):
    """A watched run, tables, pictures and formulas."""
    watched = [text for cell in code_cells(saved) for text in texts(cell) if re.match(r"[\w ]+: done in TIME", text)]
    assert len(watched) == 1
    assert any("table" in elements for cell in code_cells(saved) for _, _, elements in kinds(cell))
    assert sum(len(picture_sizes(cell)) for cell in code_cells(saved)) >= 1
    assert any("$$" in cell.source for cell in saved.cells)


def test_normalizing_a_saved_notebook_changes_nothing_but_pictures(saved):
    before = copy.deepcopy(saved)
    notebooks.normalize(saved)
    assert [picture_sizes(cell) for cell in saved.cells] == [picture_sizes(cell) for cell in before.cells]
    assert [texts(cell) for cell in saved.cells] == [texts(cell) for cell in before.cells]
    assert saved.metadata == before.metadata


@pytest.fixture(scope="module", params=NAMES)
def rerun(request, tmp_path_factory):
    """The cells of a notebook that was run again, each with the saved one."""
    saved, folder = read(request.param), tmp_path_factory.mktemp(request.param)
    empty = copy.deepcopy(saved)
    for cell in code_cells(empty):
        cell.outputs, cell.execution_count = [], None
    found = notebooks.run(empty, folder)
    notebooks.normalize(found)
    return list(zip(code_cells(found), code_cells(saved), strict=True))


@pytest.mark.long
def test_a_run_again_displays_the_same_kinds_of_things(rerun):
    assert [kinds(found) for found, _ in rerun] == [kinds(saved) for _, saved in rerun]


@pytest.mark.long
def test_a_run_again_displays_the_same_texts(rerun):
    for found, saved in rerun:
        for text, expected in zip(texts(found), texts(saved), strict=True):
            assert_same_lines(text.splitlines(), expected.splitlines(), SLACK)


@pytest.mark.long
def test_a_run_again_displays_pictures_of_the_same_sizes(rerun):
    assert [picture_sizes(found) for found, _ in rerun] == [picture_sizes(saved) for _, saved in rerun]


@pytest.mark.long
def test_a_run_again_writes_nothing_to_stderr(rerun):
    assert all("stderr" not in streams(found) for found, _ in rerun)


@pytest.mark.long
def test_the_cell_of_tensorboard_opens_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where servers note their process ids, by which they are ended
    (cell,) = code_cells(read("dream"), skipped=True)
    cell.metadata = nbformat.from_dict({})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=read("dream").metadata)
    try:
        notebooks.run(notebook, tmp_path)
    finally:
        for info in (tmp_path / ".tensorboard-info").glob("pid-*.info"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(info.stem.removeprefix("pid-")), signal.SIGTERM)
    assert any("<iframe" in output.get("data", {}).get("text/html", "") for output in cell.outputs)
