"""Subsampling, and the text as training reads it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.cluster.threads import run_workers
from tfgraphs.word2vec import encode_sentences
from tfgraphs.word2vec.blocks import Blocks, keep_probabilities, read_in_a_row, read_in_turns
from tfgraphs.word2vec.settings import TrainingSettings

RANDOM = np.random.default_rng(0)
CORPUS = encode_sentences([[f"w{number}" for number in RANDOM.integers(0, 40, 9)] for _ in range(700)])


def blocks(**settings):
    defaults = {"subsample": 0, "epochs": 2, "window": 3}
    return Blocks(CORPUS, TrainingSettings(**{**defaults, **settings}), places=4, length=8)


def read(all_blocks, window=3):
    """Word and sentence numbers as they come, in the order of the rows."""
    inner = [text[:, :, window:-window].reshape(2, -1) for text, _ in all_blocks]
    text = np.concatenate(inner, axis=1)
    return text[:, text[0] >= 0]


def test_every_word_is_read_once_in_every_epoch_in_order():
    words, _ = read(blocks())
    np.testing.assert_array_equal(words, np.tile(CORPUS.tokens[CORPUS.tokens >= 0], 2))


def test_no_sentence_shares_its_number_with_another():
    _, sentences = read(blocks())
    np.testing.assert_array_equal(np.unique(sentences, return_counts=True)[1], np.full(1400, 9))


def test_the_last_share_is_exactly_one():
    assert [*blocks()][-1][1] == 1


def test_shares_rise():
    shares = [share for _, share in blocks()]
    assert shares == sorted(shares)


def test_the_same_seed_gives_the_same_blocks():
    for (one, _), (other, _) in zip(blocks(subsample=0.001), blocks(subsample=0.001), strict=True):
        np.testing.assert_array_equal(one, other)


def test_steps_are_as_many_as_the_words_need():
    some = blocks()
    assert some.steps == -(-2 * 6300 // 32)
    assert len([*some]) == -(-some.steps // some.block_steps)


def test_a_block_is_reported_in_whole_parts():
    some = blocks()
    assert some.block_steps % some.report_steps == 0


def test_subsampling_keeps_words_as_often_as_its_formula_says():
    """Chi-squared over 40 words: above 73 once in a thousand times."""
    words, _ = read(blocks(subsample=0.004, epochs=20))
    keep = keep_probabilities(CORPUS.vocabulary.counts, 0.004)
    read_counts, trials = np.bincount(words, minlength=40), 20 * CORPUS.vocabulary.counts
    statistic = (((read_counts - trials * keep) ** 2) / (trials * keep * (1 - keep))).sum()
    assert keep.max() < 1
    assert statistic < 73


@pytest.mark.parametrize("epochs", [1, 3])
def test_each_epoch_drops_other_words(epochs):
    words, _ = read(blocks(subsample=0.004, epochs=epochs))
    assert epochs == 1 or not np.array_equal(words[: len(words) // 3], words[len(words) // 3 : 2 * (len(words) // 3)])


@pytest.mark.parametrize(
    ("counts", "threshold", "kept"),
    [
        ((100, 900), 0.001, [0.11, np.sqrt(1 / 900) + 1 / 900]),
        ((10, 90), 0.09, [1, np.sqrt(0.1) + 0.1]),
        ((1, 1), 0.5, [1, 1]),
        ((1, 10**9), 0, [1, 1]),
    ],
)
def test_words_are_kept_with_the_probability_of_the_formula(counts, threshold, kept):
    np.testing.assert_allclose(keep_probabilities(np.array(counts), threshold), kept, rtol=1e-12)


@given(st.integers(1, 300_000), st.integers(1, 100))
def test_each_token_is_read_once_in_a_row_and_in_turns(tokens, places):
    for order in (read_in_a_row(tokens), read_in_turns(tokens, places)):
        covered = np.zeros(tokens, int)
        for start, end in order:
            assert start < end
            covered[start:end] += 1
        assert (covered == 1).all()


def test_workers_take_as_many_steps_and_draw_other_words():
    def work(group):
        own = Blocks(CORPUS.part(group.rank, 3), TrainingSettings(epochs=2, window=3, subsample=0.01), 4, 8, group)
        return own.steps, own.block_steps, read(own), len([*own])

    results = run_workers(3, work)
    assert len({(steps, block_steps, blocks) for steps, block_steps, _, blocks in results}) == 1
    assert len({words.tobytes() for _, _, words, _ in results}) == 3


def test_the_parts_of_a_text_are_its_sentences():
    parts = [CORPUS.part(number, 3).tokens for number in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), CORPUS.tokens)
    assert all(part[-1] == -1 for part in parts)


def test_no_sentence_of_a_worker_goes_on_where_it_reads_elsewhere():
    def work(group):
        own = Blocks(CORPUS.part(group.rank, 2), TrainingSettings(epochs=1, window=3, subsample=0), 4, 8, group)
        return read(own)

    for words, sentences in run_workers(2, work):
        assert len(words) == 3150
        lengths = np.unique(sentences, return_counts=True)[1]
        assert lengths.max() == 9  # sentences have nine words, those at jumps fewer
        assert (lengths < 9).sum() <= 8
