"""What finds the examples of pages, and what compares their outputs."""

import pytest
from documents import CHECKOUT, DOCS, SPECIAL, blocks, examples, typed, without_comments
from same_output import assert_same_lines, close

PAGE = """# Title

```sh
bin/words near king
bin/words near \\
    queen
```

```text
 Word
```

- A list:

    ```python
    print(1)  # 1
    ```

```console
$ ssh elsewhere
```
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr("documents.CHECKOUT", tmp_path)
    (tmp_path / "page.md").write_text(PAGE)
    return examples(tmp_path / "page.md")


def test_commands_and_programs_are_found_with_their_lines_and_outputs(page):
    assert [(one.line, one.language, one.code.split(), one.shown) for one in page] == [
        (4, "sh", ["bin/words", "near", "king"], ""),
        (5, "sh", ["bin/words", "near", "queen"], " Word\n"),
        (16, "python", ["print(1)", "#", "1"], ""),
    ]


def test_a_block_in_a_list_is_without_its_indentation():
    assert [block.text for block in blocks(PAGE) if block.language == "python"] == ["print(1)  # 1\n"]


def test_commands_of_a_terminal_are_found_with_all_their_lines_and_outputs():
    text = """```console
$ echo 'a
$b' |
    cat > file
$ bin/words near \\
    king
 Word
 queen
```
"""
    found = [(one.line, one.code.split(), one.shown) for block in blocks(text) for one in typed(block)]
    assert found == [
        (2, ["echo", "'a", "$b'", "|", "cat", ">", "file"], ""),
        (5, ["bin/words", "near", "\\", "king"], " Word\n queen\n"),
    ]


@pytest.mark.parametrize(
    ("number", "wanted"), [("0.8523", "0.8524"), ("1,792", "1,793"), ("1.51e-5", "1.5e-5"), ("-1.95e+04", "-1.9e+04")]
)
def test_numbers_of_other_processors_are_the_same(number, wanted):
    assert close(number, wanted)


@pytest.mark.parametrize(
    ("number", "wanted"),
    [("0.78", "0.85"), ("12", "13"), ("1.5e-6", "1.5e-5"), ("-0.5", "0.5"), ("1.9e+05", "1.9e+04")],
)
def test_other_numbers_are_not(number, wanted):
    assert not close(number, wanted)


def test_small_numbers_may_differ_more_if_a_slack_says_so():
    assert close("0.0064", "0.0123", slack=0.01)
    assert not close("0.0064", "0.0223", slack=0.01)


@pytest.mark.parametrize("printed", [["queen 0.80"], ["king 0.90"], []])
def test_other_words_numbers_and_fewer_lines_are_not_the_same(printed):
    with pytest.raises(AssertionError):
        assert_same_lines(printed, ["king 0.80"])


def test_programs_are_compared_without_comments():
    assert without_comments("# one\nprint(1)  # two\n") == without_comments("print(1)\n")


def test_all_examples_of_the_readme_are_found():
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert len([one for one in examples(CHECKOUT / "README.md") if one.language == "python"]) == text.count("```python")


def test_examples_that_only_the_readme_s_tests_run_are_in_the_readme():
    special = {one.code for path in DOCS.rglob("*.md") for one in examples(path) if one.code.startswith(SPECIAL)}
    assert special <= {one.code for one in examples(CHECKOUT / "README.md")}
