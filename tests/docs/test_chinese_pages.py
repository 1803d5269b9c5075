"""Chinese pages show the commands, programs, outputs and formulas of the English ones, and name the same flags."""

import pytest
from documents import CHECKOUT, DOCS, blocks, sections, without_comments
from finished_pages import finish

PAIRS = [(DOCS / "README.zh.md", CHECKOUT / "README.md")]
PAIRS += [(path, DOCS / path.relative_to(DOCS / "zh")) for path in sorted((DOCS / "zh").rglob("*.md"))]


def shown(text):
    """The fenced blocks of a page, in a form in which comments of programs may be in another language."""
    return [
        (one.language, without_comments(one.text) if one.language == "python" else one.text, one.varies)
        for one in blocks(text)
    ]


@pytest.mark.parametrize(("chinese", "english"), PAIRS, ids=lambda path: str(path.relative_to(CHECKOUT)))
@pytest.mark.parametrize("parts", [shown, sections])
def test_a_chinese_page_has_the_examples_commands_and_formulas_of_the_english_one(chinese, english, parts):
    assert parts(chinese.read_text(encoding="utf-8")) == parts(english.read_text(encoding="utf-8"))


ENGLISH = """# Words

Give `bin/words` the flag `--vectors`, or $x$:

$$
x = 1
$$

```console
$ bin/words --vectors=glove  # here
```

## More

`--oov`, and $$y$$
"""


@pytest.mark.parametrize(
    ("written", "instead", "parts"),
    [
        ("$ bin/words --vectors=glove", "$ bin/words --vectors=own", shown),
        ("```console", "```sh", shown),
        ("```console", '```console title="示例"', shown),
        ("the flag `--vectors`", "`--vector`", sections),
        ("`bin/words` the", "the", sections),
        ("`--oov`", "`--oov` `--oov`", sections),
        ("`--oov`", "", sections),
        ("## More\n\n`--oov`", "`--oov`\n\n## More", sections),
        ("## More", "### More", sections),
        ("x = 1", "x = 2", sections),
        ("$$y$$", "", sections),
        ("or $x$", "or $z$", sections),
    ],
)
def test_another_command_flag_or_formula_is_noticed(written, instead, parts):
    assert written in ENGLISH
    assert parts(ENGLISH.replace(written, instead)) != parts(ENGLISH)


def test_other_words_and_more_of_the_same_symbols_are_not():
    chinese = ENGLISH.replace("Give `bin/words` the flag `--vectors`", "给出 `--vectors`，给 `bin/words`")
    chinese = chinese.replace("or $x$", "或 $x$（$x$）").replace("More", "更多")
    assert (shown(chinese), sections(chinese)) == (shown(ENGLISH), sections(ENGLISH))


def test_the_readmes_are_linked_from_each_other_s_first_line():
    chinese, english = ((path.read_text(encoding="utf-8").splitlines()[0]) for path in PAIRS[0])
    assert "(docs/README.zh.md)" in english
    assert "(../README.md)" in chinese


@pytest.mark.parametrize("name", ["index", "words", "dreams", "paintings", "tensorboard"])
def test_the_lecture_is_there_in_chinese(name):
    assert (DOCS / "zh" / "lecture" / f"{name}.md").is_file()


def test_the_theme_s_words_are_chinese_on_chinese_pages_and_names_of_buttons_stay(tmp_path):
    words = '<html lang="en"><a aria-label="Next: {0}"> Next </a><p>{0}<em>Next</em></p><i>{{"search":"Missing"}}</i>'
    (tmp_path / "assets").mkdir()
    (tmp_path / "zh").mkdir()
    for name, text in ("index.html", "Next"), ("zh/index.html", "按"):
        (tmp_path / name).write_text(words.format(text), encoding="utf-8")
    finish(tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == words.format("Next")
    assert (tmp_path / "zh" / "index.html").read_text(encoding="utf-8") == (
        '<html lang="zh-Hans"><a aria-label="下一页: 按"> 下一页 </a><p>按<em>Next</em></p><i>{"search":"缺少"}</i>'
    )
