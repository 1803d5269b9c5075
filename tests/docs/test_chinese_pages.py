"""Chinese pages show the commands, programs and outputs of the English ones."""

import pytest
from documents import CHECKOUT, DOCS, examples, without_comments
from finished_pages import finish

PAIRS = [(DOCS / "README.zh.md", CHECKOUT / "README.md")]
PAIRS += [(path, DOCS / path.relative_to(DOCS / "zh")) for path in sorted((DOCS / "zh").rglob("*.md"))]


def shown(path):
    """What a page shows to run, in a form in which comments may be in another language."""
    return [
        (without_comments(one.code) if one.language == "python" else one.code, one.shown, one.varies)
        for one in examples(path)
    ]


@pytest.mark.parametrize(("chinese", "english"), PAIRS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_chinese_page_has_the_examples_of_the_english_one(chinese, english):
    assert shown(chinese) == shown(english)


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
