"""The site as bin/docs builds it: without a warning, and as somebody without a network sees it."""

import os
import re
import subprocess
import sys

import chromium
import pytest
from documents import CHECKOUT, DOCS

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site") / "docs"
    program = [sys.executable, str(DOCS / "site" / "make_site.py"), f"--output={folder}"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    built = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as opened:
        yield opened


def test_each_page_is_there(site):
    written = [path for path in DOCS.rglob("*.md") if path.name != "README.zh.md"] + list(DOCS.rglob("*.ipynb"))
    missing = [path for path in written if not (site / path.relative_to(DOCS)).with_suffix(".html").is_file()]
    assert missing == []


def test_no_formula_is_left_as_text(site):
    for path in site.glob("**/lecture/*.html"):
        text = re.sub(r"<(pre|code|math)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "$" not in re.sub(r"<script.*?</script>|<[^>]*>", "", text, flags=re.DOTALL), path


def test_chinese_pages_say_that_they_are_chinese(site):
    assert {
        re.search(r'<html lang="([\w-]+)"', path.read_text(encoding="utf-8"))[1] for path in site.glob("zh/**/*.html")
    } == {"zh-Hans"}


@pytest.mark.parametrize(
    "start", ["index.html", "lecture/words.html", "reference/api/word2vec.html", "zh/lecture/words.html"]
)
def test_a_page_opens_from_its_file_and_asks_nothing_of_other_machines(site, browser, start):
    page = browser.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / start).as_uri())
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert errors == []
    page.close()


@pytest.mark.parametrize("question", ["negative sampling", "负采样"])
def test_the_search_works_without_a_server(site, browser, question):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto((site / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.locator("input[aria-label=Search]").fill(question)
    page.locator("a mark").filter(has_text=re.compile(question.split()[0], re.IGNORECASE)).first.wait_for()
    page.close()
