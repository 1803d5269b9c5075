"""The plan of a training: places of a step, its parts, and steps that are taken at once."""

import numpy as np
import pytest

from tfgraphs.word2vec import Vocabulary, model
from tfgraphs.word2vec.damping import PLACES
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.plan import column_blocks
from tfgraphs.word2vec.settings import TrainingSettings

LENGTH = 3  # words of a place where a test says so


def large_vocabulary(words):
    return Vocabulary([f"w{number}" for number in range(words)], 10**6 // np.arange(1, words + 1))


@pytest.mark.parametrize(
    ("vocabulary", "words", "settings", "places"),
    [
        (50_000, 10**7, {}, PLACES),
        (50_000, 8 * LENGTH * 24, {}, 24),
        (50_000, 8 * LENGTH * 23, {}, 16),
        (50_000, 8 * LENGTH * 7, {}, 4),
        (50_000, 8 * LENGTH * 3, {}, 3),
        (50_000, 2, {}, 1),
        (2, 10**7, {}, 1),
        (50_000, 10**7, {"learning_rate": 0}, PLACES),
        (10**6, 10**7, {"loss": "softmax", "learning_rate": 0}, 8),
        (2, 10**7, {"words_per_step": 100 * LENGTH}, 96),
        (2, 8 * LENGTH, {"words_per_step": 10**9}, 8),
        (50_000, 10**7, {"words_per_step": 1}, 1),
    ],
    ids=[
        "long",
        "24 units",
        "23 units",
        "7 units",
        "3 units",
        "short",
        "small vocabulary",
        "no rate",
        "logits",
        "as asked",
        "no more than the text",
        "one word",
    ],
)
def test_a_step_reads_as_many_places_as_text_vocabulary_and_memory_allow(
    monkeypatch, vocabulary, words, settings, places
):
    monkeypatch.setattr(model, "LENGTH", LENGTH)
    settings = TrainingSettings(dim=1, workers=2, **settings)
    assert Word2Vec(large_vocabulary(vocabulary), settings).plan(words).places == places


@pytest.mark.parametrize(
    ("workers", "free", "settings", "words", "plan"),
    [
        (1, False, {}, 10**7, (64, 2, 1)),
        (2, False, {}, 10**7, (64, 2, 1)),
        (3, False, {}, 10**7, (64, 4, 1)),
        (16, False, {}, 10**7, (128, 16, 1)),
        (99, False, {}, 10**7, (128, 16, 1)),
        (16, False, {}, 3 * 10**6, (64, 16, 1)),
        (16, False, {"architecture": "cbow"}, 10**7, (128, 16, 1)),
        (16, False, {"loss": "hierarchical_softmax"}, 10**7, (64, 16, 1)),
        (16, False, {}, 8 * 32 * 10, (8, 2, 1)),
        (1, True, {}, 10**7, (64, 1, 1)),
        (2, True, {}, 10**7, (32, 1, 2)),
        (16, True, {}, 10**7, (16, 1, 16)),
        (16, True, {"loss": "hierarchical_softmax"}, 10**7, (4, 1, 16)),
        (16, True, {}, 8 * 32 * 10, (8, 1, 1)),
        (16, True, {"words_per_step": 1}, 10**7, (1, 1, 1)),
    ],
)
def test_workers_share_a_step_or_take_steps_of_their_own(workers, free, settings, words, plan):
    settings = TrainingSettings(dim=1, workers=workers, free=free, **settings)
    assert Word2Vec(large_vocabulary(50_000), settings).plan(words) == plan


@pytest.mark.parametrize(
    ("workers", "free", "blocks"), [(1, False, 1), (7, False, 1), (8, False, 2), (64, False, 4), (64, True, 1)]
)
def test_matrices_are_cut_where_many_workers_train_reproducibly(workers, free, blocks):
    assert column_blocks(TrainingSettings(workers=workers, free=free)) == blocks
