"""Builds the documentation as a site into out/docs, which needs no server and nothing from elsewhere.

    bin/docs                 builds it; a warning is an error
    bin/docs --serve         shows it in a browser, as it is now
    bin/docs --notebooks     runs the notebooks again and saves their outputs

Zensical makes the site of a copy of docs/ with the pages that are made from the code.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import math_font
import notebooks
from finished_pages import finish

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_folder, check_folder

SITE = Path(__file__).resolve().parent
DOCS, CHECKOUT = SITE.parent, SITE.parents[1]
COMMANDS = ("words", "word2vec", "deepdream", "visualize", "neural_style", "studio")
NOT_LIBRARY = ("cli", "studio")
MARKER = ".tfgraphs-docs"  # the file by which an earlier site is recognised


def main(arguments: list[str]) -> int:
    """Does what the command line says, and returns the exit code."""
    parser = argparse.ArgumentParser("docs", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--serve", action="store_true")
    choice.add_argument("--notebooks", action="store_true")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "out" / "docs", help="the folder to build")
    options = parser.parse_args(arguments)
    if options.notebooks:
        for path in notebooks.notebooks():
            notebooks.execute(path)
        return 0
    try:
        return show() if options.serve else build(options.output)
    except TfgraphsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2


def show() -> int:
    """Shows the site in a browser until it is interrupted."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        prepare(work)
        with contextlib.suppress(KeyboardInterrupt):
            run_zensical(work, "serve", "--open")
    return 0


def build(output: Path) -> int:
    """Builds the site, and returns the exit code.

    Raises:
        OutputError: the folder holds something else than an earlier site, or cannot be written.
    """
    check_folder(output, MARKER)
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        prepare(work)
        code = run_zensical(work, "build", "--strict")
        if code:
            return code
        finish(work / "site")
        with atomic_folder(output, MARKER) as folder:
            shutil.copytree(work / "site", folder, dirs_exist_ok=True)
            (folder / MARKER).touch()
    print(f"{output / 'index.html'} is the first page")
    return 0


def prepare(work: Path) -> None:
    """Makes what Zensical reads: its settings, and all pages in Markdown."""
    pages = work / "pages"
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("site", "README.zh.md"))
    shutil.copy(SITE / "style.css", pages)
    write(pages / "formulas.css", math_font.style())
    shutil.copy(SITE / "mkdocs.yml", work)
    for path in pages.rglob("*.md"):
        write(path, path.read_text(encoding="utf-8").replace(".ipynb)", ".md)"))
    for path in notebooks.notebooks():
        notebook_page(pages / path.relative_to(DOCS))
    for command in COMMANDS:
        write(pages / "reference" / "flags" / f"{command}.md", flags_page(command))
    for package in packages():
        write(pages / "reference" / "api" / f"{package.name}.md", api_page(package))


def packages() -> Iterator[Path]:
    """The packages of the library, each of which is a page of the API, the front door first."""
    package = CHECKOUT / "tfgraphs"
    yield package
    for path in sorted(package.glob("*/__init__.py")):
        if path.parent.name not in NOT_LIBRARY:
            yield path.parent


def api_page(package: Path) -> str:
    """The page of a package: its modules, each with what is public in it."""
    modules = sorted(package.rglob("*.py") if package.name != "tfgraphs" else package.glob("*.py"))
    names = [".".join(path.relative_to(CHECKOUT).with_suffix("").parts) for path in modules]
    (first, *others) = [name.removesuffix(".__init__") for name in names]
    head = f"# {package.name}\n\n::: {first}\n    options: {{show_root_heading: false, show_root_toc_entry: false}}\n"
    return head + "".join(f"\n::: {name}\n" for name in others if not name.rpartition(".")[2].startswith("_"))


def notebook_page(path: Path) -> None:
    """Writes a notebook with its outputs as a page beside it, and leaves the notebook to be downloaded."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(path)
    for name, data in resources["outputs"].items():
        (path.parent / f"{path.stem}_{name}").write_bytes(data)
        text = text.replace(f"({name})", f"({path.stem}_{name})")
    write(path.with_suffix(".md"), f"{text}\n\n[This page as a notebook]({path.name})\n")


def run_zensical(work: Path, *arguments: str) -> int:
    """Runs it on the pages, and returns its exit code, or 1 if a docstring is not what the signature says."""
    command = [sys.executable, "-m", "zensical", *arguments]
    with subprocess.Popen(command, cwd=work, env=environment(), stderr=subprocess.PIPE, text=True) as running:
        warnings = 0
        for line in running.stderr or ():
            print(line, end="", file=sys.stderr, flush=True)
            warnings += line.startswith("griffe:")
    return running.returncode or int(warnings > 0)


def flags_page(command: str) -> str:
    """The page of a command's flags, made in a process of its own."""
    program = [sys.executable, str(SITE / "flags_page.py"), command]
    return subprocess.run(program, env=environment(), stdout=subprocess.PIPE, text=True, check=True).stdout


def environment() -> dict[str, str]:
    """Of processes that find the extensions of this folder and the package of this checkout."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SITE, CHECKOUT)))}


def write(path: Path, text: str) -> None:
    """Writes a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
