"""bin/demo, bin/docs and bin/test on machines that lack something: one line says what, and nothing half-made stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def run(home, command="demo", **environment):
    return subprocess.run(
        [CHECKOUT / "bin" / command],
        cwd=CHECKOUT.parent,
        env=os.environ | {"TFGRAPHS_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def script(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("command", ["demo", "docs", "test"])
def test_a_missing_python_is_named(command, tmp_path):
    result = run(tmp_path / "home", command, PYTHON=str(tmp_path / "python"))
    assert result.returncode == 2
    assert result.stderr == f"{command}: no Python 3.11, 3.12 or 3.13 is found: install one, or name it in PYTHON\n"


def test_a_python_that_is_too_old_is_passed_over(tmp_path):
    old = script(tmp_path / "bin" / "old", f'exec {sys.executable} -c "import sys; sys.version_info = (3, 10); $2"')
    assert "no Python 3.11, 3.12 or 3.13" in run(tmp_path / "home", PYTHON=old).stderr


def test_a_python_without_venv_is_explained(tmp_path):
    text = f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"'
    result = run(tmp_path / "home", PYTHON=script(tmp_path / "bin" / "bare", text))
    assert result.returncode == 2
    assert "has no venv module" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "home" / ".venv").exists()


def test_too_little_disk_is_said_with_both_figures(tmp_path):
    script(tmp_path / "bin" / "df", "echo header; echo disk 9000000 8000000 1024000 90% /")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    result = run(tmp_path / "home", PYTHON=sys.executable, PATH=path)
    assert result.returncode == 2
    assert "4000 MB are needed" in result.stderr
    assert "1000 MB are free" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "home")
    assert result.returncode == 2
    assert result.stderr.startswith(f"demo: cannot make the folder {tmp_path / 'file' / 'home'}")


def test_no_network_is_suspected_when_pip_fails_and_the_next_run_tries_again(tmp_path):
    home = tmp_path / "home"
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    before = _files(CHECKOUT)
    for _ in range(2):
        result = run(home, PYTHON=sys.executable, **offline, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
        assert result.returncode == 2
        assert "is there a network?" in result.stderr.splitlines()[-1]
    assert "ERROR" in (home / "pip.log").read_text()
    assert not list(home.glob(".venv/installed-*"))
    assert _files(CHECKOUT) == before


def _files(folder):
    """The files of the checkout itself."""
    parts = [folder / "bin", folder / "tfgraphs", *folder.glob("*.egg-info"), folder / "build"]
    return sorted(path for part in parts for path in part.rglob("*") if path.suffix != ".pyc")


def test_the_scripts_are_portable_shell():
    for name in ("environment", "demo", "test"):
        assert subprocess.run(["sh", "-n", CHECKOUT / "bin" / name], check=False).returncode == 0
