"""Training on pairs against wevi's own figures, a simulation in numpy, closed forms and finite differences."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec.pairs.losses import make_output
from tfgraphs.word2vec.pairs.model import PairModel, pair_loss, wevi_random
from tfgraphs.word2vec.pairs.pair_format import PairSettings, pair_vocabulary, parse_pairs
from tfgraphs.word2vec.pairs.training import REPORTS, train_pairs

FRUIT_AND_JUICE = (
    "eat|apple,eat|orange,eat|rice,drink|juice,drink|milk,drink|water,"
    "orange|juice,apple|juice,rice|milk,milk|drink,water|drink,juice|drink"
)
KINDS = {
    "one to one": "a|b, b|c, c|a, a|d",
    "several contexts": "a^b|c, c^d^a|b, d|a",
    "several targets": "a|b^c, b|a^d^c, d|a",
    "both": "a^b|c^d, d|a, b^c^d|a^b",
    "words twice": "a^a^b|c, b|d^d^c",
    "one pair": "a^b|c^b",
    "one word": "a|a",
}


def trained(text, **settings):
    """A model, and all progress of its training."""
    settings = PairSettings(**settings)
    pairs = parse_pairs(text)
    model = PairModel(pair_vocabulary(pairs), settings)
    return model, list(train_pairs(model, pairs, settings))


def starting_weights(words, hidden_size, random_state=1):
    """Input and output weights by a loop over words, units and layers."""
    weights, state = np.zeros((2, words, hidden_size)), random_state
    for word, unit, layer in itertools.product(range(words), range(hidden_size), range(2)):
        state = (state * 25214903917 + 11) % 2**16
        weights[layer, word, unit] = (state / 2**16 - 0.5) / hidden_size
    return weights


def simulated(text, passes, *, hidden_size=5, learning_rate=0.2, compat=None, tied=False):
    """Input and output weights after each pass, by back-propagation with dense vectors of 0 and 1."""
    pairs = parse_pairs(text)
    words = sorted({word for pair in pairs for word in pair.context + pair.target})
    inputs, outputs = starting_weights(len(words), hidden_size)
    outputs = inputs if tied else outputs
    for _ in range(passes):
        for pair in pairs:
            x = np.array([word in pair.context for word in words], float)
            t = np.array([pair.target.count(word) for word in words], float)
            if compat == "wevi":
                t = np.minimum(t, 1)
            hidden = x @ inputs / x.sum()
            y = np.exp(outputs @ hidden) / np.exp(outputs @ hidden).sum()
            error = (1 if compat == "wevi" else t.sum()) * y - t
            input_gradient = np.outer(x / x.sum(), error @ outputs)
            output_gradient = np.outer(error, hidden)
            inputs -= learning_rate * input_gradient
            outputs -= learning_rate * output_gradient
        yield inputs.copy(), outputs.copy()


def test_twenty_pairs_of_fruit_and_juice_end_at_the_digits_that_wevi_shows():
    """The first vector of wevi's first preset, with its default configuration."""
    pairs = parse_pairs(FRUIT_AND_JUICE)
    settings = PairSettings(passes=1)
    model = PairModel(pair_vocabulary(pairs), settings)
    list(train_pairs(model, (pairs * 2)[:20], settings))
    shown = [0.0484801170657814, -0.08819741430387953, 0.05854227841719559, 0.01648443183610962, -0.07083145052927338]
    np.testing.assert_allclose(model.vectors().matrix[0], shown, rtol=1e-13)


@pytest.mark.parametrize("compat", [None, "wevi"])
@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_weights_after_every_pass_are_those_of_the_simulation(text, compat):
    pairs = parse_pairs(text)
    settings = PairSettings(passes=3, compat=compat)
    model = PairModel(pair_vocabulary(pairs), settings)
    run = train_pairs(model, pairs, settings)
    for _, (inputs, outputs) in zip(run, simulated(text, 3, compat=compat), strict=True):
        np.testing.assert_allclose(model.inputs, inputs, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(model.outputs, outputs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_tied_weights_take_both_gradients(text):
    model, _ = trained(text, passes=3, tied=True)
    *_, (inputs, _) = simulated(text, 3, tied=True)
    np.testing.assert_allclose(model.inputs, inputs, rtol=1e-9, atol=1e-12)


def test_other_sizes_and_rates_are_those_of_the_simulation():
    model, _ = trained(KINDS["both"], passes=3, hidden_size=3, learning_rate=0.7)
    *_, (inputs, _) = simulated(KINDS["both"], 3, hidden_size=3, learning_rate=0.7)
    np.testing.assert_allclose(model.inputs, inputs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("random_state", [0, 1, 7, 65535])
def test_the_model_starts_at_the_weights_of_the_loop(random_state):
    model = PairModel(pair_vocabulary(parse_pairs("a|b,c|d")), PairSettings(3, random_state))
    np.testing.assert_array_equal([model.inputs, model.outputs], starting_weights(4, 3, random_state))


def test_a_tied_model_starts_at_the_inputs_of_one_that_is_not():
    vocabulary = pair_vocabulary(parse_pairs("a|b,c|d"))
    tied, untied = (PairModel(vocabulary, PairSettings(tied=tied)) for tied in (True, False))
    np.testing.assert_array_equal(tied.outputs, untied.inputs)


@pytest.mark.parametrize(
    ("state", "states"),
    [
        (1, [59000, 61731, 7666, 11285]),
        (357_221, [57356, 11559, 17318, 61881]),
        (12_345_678, [33344, 62795, 54010, 28797]),
        (2**31 - 1, [8192, 40971, 1722, 63805]),
    ],
)
def test_random_numbers_are_those_that_the_formula_gives_in_javascript(state, states):
    """From node: n = (n * 25214903917 + 11) & 0xffff. Above 357,220 the first product is rounded."""
    assert [number * 65536 for number in itertools.islice(wevi_random(state), 4)] == states


def loss_of(text, inputs, outputs, compat=None):
    pairs = parse_pairs(text)
    vocabulary = pair_vocabulary(pairs)
    output = make_output(vocabulary, PairSettings(compat=compat))
    return pair_loss(SimpleNamespace(vocabulary=vocabulary, output=output, inputs=inputs, outputs=outputs), pairs)


RANDOM = np.random.default_rng(0)
INPUTS, OUTPUTS = RANDOM.normal(size=(2, 4, 3))


def test_the_loss_of_a_pair_is_the_sum_of_minus_log_softmax_over_its_targets():
    """Words a, b, c, d; the second pair is a^c|b^d^d."""
    exponentials = np.exp(OUTPUTS @ (INPUTS[0] + INPUTS[2]) / 2)
    chances = exponentials / exponentials.sum()
    expected = -np.log(chances[1]) - 2 * np.log(chances[3])
    loss = loss_of("a|b, a^c|b^d^d", tf.constant(INPUTS), tf.constant(OUTPUTS))
    assert float(loss(tf.constant(1, tf.int64))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("compat", [None, "wevi"])
def test_gradients_are_those_of_finite_differences_of_the_loss(compat):
    def loss(inputs, outputs):
        return loss_of("a^b^a|c^d, c|d^d", inputs, outputs, compat)(tf.constant(0, tf.int64))

    analytic, numeric = tf.test.compute_gradient(loss, [tf.constant(INPUTS), tf.constant(OUTPUTS)], delta=1e-5)
    for closed, estimated in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(closed, estimated, atol=1e-9)


@pytest.mark.parametrize("step", [0, 1, 2, 3, 7])
def test_pairs_take_turns(step):
    texts = ["a|b", "c^d|a", "b|c^d"]
    whole = loss_of(", ".join(texts), tf.constant(INPUTS), tf.constant(OUTPUTS))
    alone = loss_of(f"{texts[step % 3]}, a^b|c^d", tf.constant(INPUTS), tf.constant(OUTPUTS))
    value = float(whole(tf.constant(step, tf.int64)))
    assert value == pytest.approx(float(alone(tf.constant(0, tf.int64))), rel=1e-14)


@pytest.mark.parametrize("other", ["b^a|c, c|d", "a^b^a^b|c, c|d"], ids=["another order", "twice"])
def test_order_and_repetitions_in_a_context_change_nothing(other):
    first, second = trained("a^b|c, c|d", passes=5)[0], trained(other, passes=5)[0]
    np.testing.assert_allclose(first.inputs, second.inputs, rtol=1e-12)


@pytest.mark.parametrize(("compat", "grows"), [(None, False), ("wevi", True)])
def test_weights_grow_without_bound_with_several_targets_and_the_gradient_of_wevi_only(compat, grows):
    model, progress = trained("a|b^c, b|a^c, c|a^b", passes=200, compat=compat)
    assert (np.abs(model.inputs).max() > 100, progress[-1].loss < 0) == (grows, grows)


def test_training_finds_the_word_that_follows():
    model, _ = trained("A|B,B|C,C|D,D|E,E|A")
    scores = model.inputs.numpy() @ model.outputs.numpy().T
    assert scores.argmax(axis=1).tolist() == [1, 2, 3, 4, 0]


def test_words_that_predict_the_same_get_near_vectors():
    vectors = trained(FRUIT_AND_JUICE)[0].vectors()
    nearest = {word: vectors.nearest([word], 1)[0].word for word in ("apple", "orange")}
    assert nearest == {"apple": "orange", "orange": "apple"}


def test_vectors_are_the_inputs_by_their_words():
    model, _ = trained("b|a,a|c", passes=1)
    assert model.vectors().words == ["a", "b", "c"]
    np.testing.assert_array_equal(model.vectors().matrix, model.inputs)


def test_progress_tells_the_pairs_done():
    _, progress = trained("a|b,b|c,c|a", passes=2)
    assert [(state.step, state.stage, state.done) for state in progress] == [
        (3, "pair 3 of 6", 0.5),
        (6, "pair 6 of 6", 1),
    ]


def test_progress_tells_the_mean_loss_of_all_pairs():
    """At a learning rate of 0 the weights do not move."""
    model, progress = trained("a|b,b|a^b", passes=1, learning_rate=0)
    loss = pair_loss(model, parse_pairs("a|b,b|a^b"))
    assert progress[-1].loss == pytest.approx(np.mean([loss(tf.constant(n, tf.int64)) for n in (0, 1)]), rel=1e-12)


@pytest.mark.parametrize("passes", [1, REPORTS, REPORTS + 1, 10 * REPORTS])
def test_long_training_does_not_report_more_often(passes):
    _, progress = trained("a|b", passes=passes)
    assert min(passes, REPORTS / 2) <= len(progress) <= REPORTS


def test_the_same_state_gives_the_same_bytes():
    first, second = (trained(KINDS["both"])[0].vectors().matrix.tobytes() for _ in range(2))
    assert first == second


def test_another_state_gives_other_vectors():
    first, second = (trained(KINDS["both"], random_state=state)[0].inputs for state in (1, 2))
    assert not np.allclose(first, second, atol=0.01)


def test_interrupted_training_on_pairs_goes_on_to_the_same_bytes(tmp_path):
    whole, progress = trained(KINDS["both"], passes=20)
    pairs, settings = parse_pairs(KINDS["both"]), PairSettings(passes=20)
    run = train_pairs(PairModel(pair_vocabulary(pairs), settings), pairs, settings, checkpoint_dir=tmp_path)
    list(itertools.islice(run, 7))
    run.close()
    model = PairModel(pair_vocabulary(pairs), settings)
    assert list(train_pairs(model, pairs, settings, checkpoint_dir=tmp_path)) == progress[7:]
    assert model.vectors().matrix.tobytes() == whole.vectors().matrix.tobytes()


def test_on_graph_gets_the_graph_of_one_step():
    graphs = []
    pairs, settings = parse_pairs("a|b"), PairSettings(passes=1)
    list(train_pairs(PairModel(pair_vocabulary(pairs), settings), pairs, settings, on_graph=graphs.append))
    assert [isinstance(graph, tf.Graph) for graph in graphs] == [True]
