"""Copies of the checkout, which tests may change, and the archives that are built from them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "bin", "docs", "tests", "tfgraphs")
FILES = ("setup.py", "setup.cfg", "constraints.txt", "LICENSE", "README.md", "ruff.toml")


def copy_of_checkout(folder: Path) -> Path:
    """Copies the files of the checkout into a folder that may be there, and returns it."""
    for name in FOLDERS:
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(CHECKOUT / name, folder)
    return folder


def build(copy: Path, output: Path, *arguments: str) -> str:
    """Builds archives of a copy in the environment of the tests, and returns what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--outdir={output}", *arguments, copy],
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
