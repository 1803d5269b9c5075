"""Runs the examples of the first page, of contributing, of the design and of the page about notebooks."""

import pytest
from documents import check, pages, to_run

pytestmark = pytest.mark.long


@pytest.mark.parametrize("example", to_run(pages(".", "design", "notebooks")))
def test_an_example_of_a_page_runs_and_prints_what_the_page_shows(example, place, forked):
    check(example, place, forked)
