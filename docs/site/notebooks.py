"""Runs the notebooks of the documentation and saves them with what they display.

    .venv/bin/python docs/site/notebooks.py                                  all of them
    .venv/bin/python docs/site/notebooks.py docs/notebooks/dream.ipynb       one

Cells with the tag `skip-execution` are not run. They start servers, which would outlive the notebook.
"""

import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "notebooks"
SKIPPED = "skip-execution"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_COLOURS = 256  # of a picture that is saved: a third of the bytes


def notebooks() -> list[Path]:
    """Returns the paths of all notebooks."""
    return sorted(FOLDER.glob("*.ipynb"))


def run(notebook: NotebookNode, folder: Path, cell_seconds: int = 600) -> NotebookNode:
    """Runs a notebook in place, with the package of this checkout.

    Args:
        notebook: to run.
        folder: the current folder of its programs.
        cell_seconds: a cell that runs longer is an error.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    changed = {"PYTHONPATH": str(CHECKOUT), "PATH": str(Path(sys.executable).parent)}  # where jupyter finds tensorboard
    paths = {name: os.pathsep.join(filter(None, [first, os.environ.get(name)])) for name, first in changed.items()}
    with tempfile.TemporaryDirectory() as profile:
        environment = {**os.environ, **paths, "IPYTHONDIR": profile}
        client = NotebookClient(
            notebook,
            timeout=cell_seconds,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            skip_cells_with_tag=SKIPPED,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute(env=environment)
    return notebook


def normalize(notebook: NotebookNode) -> None:
    """Removes what differs from machine to machine, and makes pictures smaller."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key == "tags"})
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _smaller(data["image/png"])
            if "text/html" in data:
                data["text/html"] = re.sub(
                    r"(?<=data:image/png;base64,)[\w+/=]+", lambda match: _smaller(match[0]), data["text/html"]
                )


def _smaller(encoded: str) -> str:
    """Returns a PNG file, as base64, with a palette."""
    with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        reduced = image.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    file = io.BytesIO()
    reduced.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def execute(path: Path) -> None:
    """Runs a notebook in an empty folder and writes it with what it displays."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        run(notebook, Path(folder))
    normalize(notebook)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    for chosen in [Path(argument) for argument in sys.argv[1:]] or notebooks():
        print(f"running {chosen.name}", file=sys.stderr)
        execute(chosen)
