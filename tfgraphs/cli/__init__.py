"""The commands. This module starts them from a checkout, in whatever Python it is found by."""

import importlib.util
import os
import signal
import sys
from functools import partial
from pathlib import Path

from tfgraphs.cli.shared.process import exit_at_once, run_and_exit


def launch(name: str) -> None:
    """Runs the command of this name, in the checkout's own environment if this Python lacks what it needs."""
    signal.signal(signal.SIGINT, exit_at_once)  # without a traceback while modules are imported
    checkout = Path(__file__).resolve().parents[2]
    python = Path(os.environ.get("TFGRAPHS_HOME", checkout)) / ".venv" / "bin" / "python"
    if importlib.util.find_spec("tensorflow") is None:
        if not python.exists() or Path(sys.prefix) == python.parents[1]:
            sys.exit(f"{name}: TensorFlow is not installed for {sys.executable}: run bin/demo once, it makes {python}")
        os.execv(python, [str(python), *sys.argv])
    run_and_exit(importlib.import_module(f"tfgraphs.cli.{name}").run)


run_deepdream, run_neural_style, run_studio, run_visualize, run_word2vec, run_words = (
    partial(launch, name) for name in ("deepdream", "neural_style", "studio", "visualize", "word2vec", "words")
)
