"""Where the site goes: into a folder of its own, in which an earlier site is replaced and nothing else."""

import make_site
import pytest


@pytest.fixture
def built(monkeypatch):
    """Builds a site of one page with a certain text into a folder, and returns the exit code."""

    def build(folder, text):
        def write_page(work, *arguments):
            (work / "site" / "assets").mkdir(parents=True)
            (work / "site" / f"{text}.html").write_text(text)
            return 0

        monkeypatch.setattr(make_site, "prepare", lambda work: None)
        monkeypatch.setattr(make_site, "run_zensical", write_page)
        return make_site.main([f"--output={folder}"])

    return build


def test_a_site_replaces_an_earlier_one(built, tmp_path):
    folder = tmp_path / "new" / "site"
    assert [built(folder, "old"), built(folder, "young")] == [0, 0]
    assert [path.name for path in folder.glob("*.html")] == ["young.html"]


def test_another_folder_is_refused_in_one_line_and_stays(built, tmp_path, capsys):
    (tmp_path / "page.md").write_text("a source")
    assert built(tmp_path, "site") == 2
    assert capsys.readouterr().err == (
        f"docs: {tmp_path} exists and is not an earlier result (it has no {make_site.MARKER}): choose another folder\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_the_sources_are_no_earlier_site():
    assert not (make_site.DOCS / make_site.MARKER).exists()


def test_a_failure_leaves_the_earlier_site(built, tmp_path, monkeypatch):
    folder = tmp_path / "site"
    built(folder, "old")
    monkeypatch.setattr(make_site.shutil, "copytree", lambda *_, **__: (tmp_path / "missing").read_text())
    assert built(folder, "young") == 2
    assert [path.name for path in folder.glob("*.html")] == ["old.html"]
