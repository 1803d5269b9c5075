"""Words in which king - man + woman is queen, and files of questions about them."""

from pathlib import Path

import numpy as np

from tfgraphs.vectors.evaluate import AnalogySection
from tfgraphs.vectors.word_vectors import WordVectors

PLANE = {
    "king": (1.0, 1.0, 0.0),
    "man": (0.0, 1.0, 0.0),
    "woman": (0.0, 0.9, 0.5),
    "queen": (1.0, 0.9, 0.5),
    "apple": (0.0, -1.0, 0.1),
    "pear": (-0.1, -1.0, 0.0),
}


def royal_vectors() -> WordVectors:
    return WordVectors(list(PLANE), np.float32(list(PLANE.values())))


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "questions.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def counts(section: AnalogySection) -> tuple[int, int, int, int]:
    return section.correct, section.total, section.skipped, section.unknown
