"""The bundle for machines without a network: what it packs runs without this checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# Stands in for pip, which would fetch half a gigabyte: "installs" a module, and noise that fills more than one piece.
FAKE_PYTHON = f"""#!/bin/sh
case "$*" in
    *" pip wheel "*) ;;
    *" pip install "*)
        for argument; do case $argument in --target=*) target=${{argument#*=}} ;; esac; done
        mkdir -p "$target" && echo "ANSWER = 42" > "$target/probe.py"
        head -c 61000000 /dev/urandom > "$target/noise" ;;
    *) exec {sys.executable} "$@" ;;
esac
"""


def run(*command, cwd, **environment):
    environment = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `bundle`, made by the script, and the stand-in for Python that it was made with."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "fakes").mkdir()
    (folder / "fakes" / "python3").write_text(FAKE_PYTHON)
    (folder / "fakes" / "python3").chmod(0o755)
    made = run(CHECKOUT / "benchmarks" / "bundle.sh", "bundle", cwd=folder, PATH=f"{folder}/fakes:{os.environ['PATH']}")
    assert made.returncode == 0, made.stderr
    assert "2 pieces" in made.stdout
    return folder


def test_pieces_are_small_enough_to_carry(folder):
    assert {path.stat().st_size <= 60_000_000 for path in (folder / "bundle").glob("piece-*")} == {True}


def test_the_project_and_its_packages_run_without_this_checkout(folder):
    code = (
        "import os, probe, tfgraphs; print(probe.ANSWER, tfgraphs.__file__, os.path.exists('benchmarks/word2vec.py'))"
    )
    ran = run("sh", "bundle/run.sh", "there", "-c", code, cwd=folder, PYTHON=sys.executable)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["42", str(folder / "there" / "project" / "tfgraphs" / "__init__.py"), "True"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["sh", "bundle/run.sh", "here"], "usage"),
        (["sh", "bundle/run.sh", "here", "-c", "pass"], "say which one is with PYTHON="),
        (["sh", "damaged/run.sh", "elsewhere", "-c", "pass"], "a piece is missing or damaged"),
        ([CHECKOUT / "benchmarks" / "bundle.sh"], "usage"),
        ([CHECKOUT / "benchmarks" / "bundle.sh", "bundle"], "bundle exists"),
        ([CHECKOUT / "benchmarks" / "bundle.sh", "other", "--cpu"], "usage"),
    ],
    ids=["no command", "other Python", "damaged", "no folder", "folder exists", "unknown flag"],
)
def test_refusals_are_one_line(folder, command, message):
    damaged = folder / "damaged"
    if not damaged.exists():
        damaged.mkdir()
        for path in (folder / "bundle").iterdir():
            (damaged / path.name).write_bytes(path.read_bytes()[: 1000 if path.name == "piece-001" else None])
    (folder / "old").write_text("#!/bin/sh\necho 2.7\n")
    (folder / "old").chmod(0o755)
    result = run(*command, cwd=folder, PYTHON=str(folder / "old"))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
