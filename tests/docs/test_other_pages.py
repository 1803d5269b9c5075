"""Runs the examples of the first page, of contributing, of the design and of the page about notebooks."""

import pytest
from documents import CHECKOUT, SPECIAL, check, examples, pages, to_run

pytestmark = pytest.mark.long
EVERYWHERE = pages(".", "design", "notebooks", "how-to", "lecture", "lessons", "reference")


@pytest.mark.parametrize("example", to_run(pages(".", "design", "notebooks")))
def test_an_example_of_a_page_runs_and_prints_what_the_page_shows(example, place, forked):
    check(example, place, forked)


def test_what_these_tests_do_not_run_is_run_by_those_of_the_readme():
    special = {one.code for path in EVERYWHERE for one in examples(path) if one.code.startswith(SPECIAL)}
    assert special <= {one.code for one in examples(CHECKOUT / "README.md")}
