"""Writers of word vectors: on one core and on several."""

import numpy as np

from tfgraphs.vectors.files.writers import save_text
from tfgraphs.vectors.word_vectors import WordVectors


def test_other_processes_write_the_same_text(tmp_path, monkeypatch):
    vectors = WordVectors([f"w{row}" for row in range(2500)], np.random.default_rng(0).normal(size=(2500, 3)))
    save_text(tmp_path / "alone.txt", vectors)
    monkeypatch.setattr("tfgraphs.vectors.files.writers._LARGE", 0)
    save_text(tmp_path / "together.txt", vectors)
    assert (tmp_path / "together.txt").read_bytes() == (tmp_path / "alone.txt").read_bytes()
