"""Training that goes on whenever it is asked to: the same weights as in one run, and other learning rates."""

import numpy as np
import pytest

from tfgraphs.word2vec.pairs.model import PairModel
from tfgraphs.word2vec.pairs.pair_format import LOSSES, PairSettings, pair_vocabulary, parse_pairs
from tfgraphs.word2vec.pairs.training import PairTrainer, train_pairs

PAIRS = parse_pairs("a|b, a^c|b^d, b|a")


def trainer(learning_rate=0.2, **settings):
    return PairTrainer(PairModel(pair_vocabulary(PAIRS), PairSettings(**settings)), PAIRS, learning_rate)


@pytest.mark.parametrize("loss", LOSSES)
def test_some_steps_and_then_others_are_one_run(loss):
    settings = PairSettings(loss=loss, passes=4)
    model = PairModel(pair_vocabulary(PAIRS), settings)
    *_, last = train_pairs(model, PAIRS, settings)
    stepwise = trainer(loss=loss)
    for steps in (1, 4, 7):
        stepwise.advance(steps)
    assert stepwise.step == 12
    np.testing.assert_allclose(stepwise.model.inputs, model.inputs, rtol=1e-12)
    np.testing.assert_allclose(stepwise.model.outputs, model.outputs, rtol=1e-12)
    assert stepwise.mean_loss() == pytest.approx(last.loss, rel=1e-12)


def test_another_learning_rate_is_for_the_next_steps():
    one, other = trainer(0.2), trainer(0.1)
    one.advance(3)
    before = one.model.inputs.numpy()
    other.advance(3)
    assert not np.allclose(before, other.model.inputs)
    one.learning_rate = 0.0
    one.advance(5)
    np.testing.assert_array_equal(one.model.inputs, before)
    assert (one.learning_rate, one.step) == (0.0, 8)


def test_no_steps_change_nothing():
    stepwise = trainer()
    before = stepwise.model.inputs.numpy()
    stepwise.advance(0)
    assert stepwise.step == 0
    np.testing.assert_array_equal(stepwise.model.inputs, before)
