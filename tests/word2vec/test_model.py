"""Every model of word2vec in float64: loops over pairs, finite differences, probabilities, draws, damping."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec import Vocabulary, hierarchical_softmax, model, negative_sampling
from tfgraphs.word2vec.hierarchical_softmax import huffman_tree
from tfgraphs.word2vec.model import Word2Vec, draw_reach
from tfgraphs.word2vec.output_layer import Draw
from tfgraphs.word2vec.plan import Plan
from tfgraphs.word2vec.settings import ARCHITECTURES, LOSSES, WINDOW_SAMPLINGS, TrainingSettings

COUNTS = np.array([30, 20, 15, 10, 8, 7, 6, 5, 4, 3, 2, 1])
VOCABULARY = Vocabulary([f"w{number}" for number in range(len(COUNTS))], COUNTS)
CHANCES = COUNTS**0.75 / np.sum(COUNTS**0.75)
PATHS = huffman_tree(COUNTS).paths()
WINDOW, LENGTH, PLACES, NEGATIVES = 3, 3, 16, 4
STEP = tf.constant(3, tf.int64)
NOISE_LOSSES = ["negative_sampling", "nce", "sampled_softmax"]
MODELS = list(itertools.product(ARCHITECTURES, LOSSES, [False, True]))


def random_text():
    """Words and sentence numbers of all places; some places are at the end of the text, the last one is empty."""
    random = np.random.default_rng(0)
    width = LENGTH + 2 * WINDOW
    words = random.integers(0, len(COUNTS), (PLACES, width))
    sentences = np.cumsum(random.uniform(size=words.shape) < 0.2, axis=1)
    ends = np.where(random.uniform(size=(PLACES, 1)) < 0.3, random.integers(WINDOW, width, (PLACES, 1)), width)
    ends[-1] = 0
    return np.where(np.arange(width) < ends, [words, sentences], -1).astype(np.int32)


TEXT = random_text()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Steps of a few words, a tree with deep nodes, and nothing waits for XLA."""
    monkeypatch.setattr(model, "LENGTH", LENGTH)
    monkeypatch.setattr(hierarchical_softmax, "SHARED_NODES", 4)
    monkeypatch.setattr(hierarchical_softmax, "CHUNK", LENGTH)
    for module in (model, negative_sampling):
        monkeypatch.setattr(module, "GROUPED", {"skipgram": 4, "cbow": 4})
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


EXACT = {"cbow_gradient": "mean", "damping": 0, "shared_negatives": 6, "deep_nodes": 0}


def random_model(architecture, loss, tied=False, vocabulary=VOCABULARY, **settings):
    """A model whose outputs are not 0, as they are at the start."""
    sizes = {"dim": 4, "window": WINDOW, "negatives": NEGATIVES, "workers": 1}
    settings = {**sizes, "dtype": "float64", **EXACT, **settings}
    settings = TrainingSettings(architecture=architecture, loss=loss, tied=tied, **settings)
    made = Word2Vec(vocabulary, settings)
    random = np.random.default_rng(1)
    for variable in made.variables:
        variable.assign(random.normal(0, 0.7, variable.shape))
    return made


def plan_of(places):
    """Two parts, unless there are too few places for them to share noise."""
    return Plan(places, 2 if places >= 8 else 1, 1)


def loss_and_gradients(made, text=TEXT):
    """The loss of a step, its terms, and its gradient by each variable."""
    with tf.GradientTape() as tape:
        value, terms = made.loss(lambda step: tf.constant(text), plan_of(text.shape[1]))(STEP)
    gradients = [tf.convert_to_tensor(gradient).numpy() for gradient in tape.gradient(value, made.variables)]
    return float(value), terms, gradients


class Loops:
    """The loss of a model over TEXT, pair by pair, straight from the formulas.

    Args:
        made: the model, for its settings and for what it draws.
        noise: in what shares noise words stand against a pair, [words]; those of the model's draws if None.
    """

    def __init__(self, made, noise=None):
        self.settings = made.settings
        self.start = made.inputs.numpy()
        self.noise, self.reach = noise, np.zeros((PLACES, LENGTH))
        self.drawn = []
        half = PLACES // 2  # a step has two parts, and four places of a part share their noise
        for part in range(2):
            places = slice(part * half, part * half + half)
            numbers, constants = made._lookup(tf.constant(TEXT[:, places]), Draw(made.settings.seed, STEP, part, 2))
            if self.settings.sampling == "dynamic":
                self.reach[places] = constants[-1]
            if self.settings.loss in NOISE_LOSSES:
                self.drawn.extend(numbers[-1].numpy())

    def noise_shares(self, place, column, neighbour):
        """In what shares noise words stand against a pair, [words]; `neighbour` is the position in the window."""
        if self.settings.loss in ("softmax", "hierarchical_softmax"):
            return None
        if self.noise is not None:
            return self.noise
        drawn = self.drawn[place // 4] if self.settings.shared_negatives else self.drawn[place * LENGTH + column]
        if len(drawn) > NEGATIVES and not self.settings.shared_negatives:
            drawn = drawn.reshape(2 * WINDOW, NEGATIVES)[neighbour - (neighbour > WINDOW)]
        return np.bincount(drawn, minlength=len(COUNTS)) / len(drawn)

    def __call__(self, inputs, outputs):
        """The sum over all pairs, and the sum of their weights."""
        total = pairs = 0
        for hidden, word, weight, noise in self.pairs(inputs):
            total += weight * self.pair(outputs @ hidden, word, noise)
            pairs += weight
        return total, pairs

    def pairs(self, inputs):
        """(hidden vector, word to predict, weight, shares of noise words) of all pairs."""
        for place, column in np.ndindex(PLACES, LENGTH):
            words, sentences = TEXT[:, place]
            centre = column + WINDOW
            near = [
                (other, self.weight(abs(other - centre), self.reach[place, column]))
                for other in range(column, centre + WINDOW + 1)
                if other != centre and sentences[other] == sentences[centre] != -1
            ]
            near = [(words[other], weight, other - column) for other, weight in near if weight > 0]
            if self.settings.architecture == "cbow":
                if near:
                    yield self.mean(inputs, near), words[centre], 1, self.noise_shares(place, column, 0)
            elif self.settings.loss == "hierarchical_softmax":  # the same pairs of a text from their other ends
                yield from ((inputs[word], words[centre], weight, None) for word, weight, _ in near)
            else:
                for word, weight, neighbour in near:
                    yield inputs[words[centre]], word, weight, self.noise_shares(place, column, neighbour)

    def weight(self, distance, reach):
        if self.settings.sampling == "expected":
            return (WINDOW + 1 - distance) / WINDOW
        return 1 if self.settings.sampling == "full" or distance <= reach else 0

    def mean(self, inputs, near):
        """The hidden vector of CBOW; or, for the gradient of the sum, what moves as far as all neighbours together."""
        vectors = inputs if self.settings.cbow_gradient == "mean" else self.start
        mean = sum(weight * vectors[word] for word, weight, _ in near) / sum(weight for _, weight, _ in near)
        if self.settings.cbow_gradient == "sum":
            mean = mean + sum(weight * (inputs[word] - self.start[word]) for word, weight, _ in near)
        return mean

    def pair(self, scores, word, noise):
        if self.settings.loss == "softmax":
            return -np.log(np.exp(scores[word]) / np.sum(np.exp(scores)))
        if self.settings.loss == "hierarchical_softmax":
            nodes, signs = (table[word] for table in PATHS)
            return -np.log(np.prod(sigmoid(signs * scores[nodes])[signs != 0]))
        if self.settings.loss == "sampled_softmax":
            draws = self.settings.shared_negatives or NEGATIVES
            corrected = np.exp(scores - np.log(draws * CHANCES))
            return -np.log(corrected[word] / (corrected[word] + draws * noise @ corrected))
        if self.settings.loss == "nce":
            scores = scores - np.log(NEGATIVES * CHANCES)
        elif not self.settings.shared_negatives:
            noise = np.where(np.arange(len(noise)) == word, 0, noise)  # as in word2vec.c
        return -(np.log(sigmoid(scores[word])) + NEGATIVES * noise @ np.log(sigmoid(-scores)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


UNSHARED = itertools.product(ARCHITECTURES, NOISE_LOSSES, [False], [0])


@pytest.mark.parametrize("sampling", WINDOW_SAMPLINGS)
@pytest.mark.parametrize(("architecture", "loss", "tied", "shared"), [*((*case, 6) for case in MODELS), *UNSHARED])
def test_the_loss_is_the_sum_over_all_pairs(architecture, loss, tied, shared, sampling):
    """If no noise words are shared, each pair has its own, and in sampled softmax each centre."""
    made = random_model(architecture, loss, tied, window_sampling=sampling, shared_negatives=shared)
    expected, _ = Loops(made)(made.inputs.numpy(), made.outputs.numpy())
    assert loss_and_gradients(made)[0] == pytest.approx(expected, rel=1e-12)


def row_slopes(function, matrix, directions):
    """Slopes of a function of a matrix, each along a direction of one row only."""
    slopes = []
    for row, direction in enumerate(directions):
        ahead, behind = matrix.copy(), matrix.copy()
        ahead[row] += 1e-5 * direction
        behind[row] -= 1e-5 * direction
        slopes.append((function(ahead) - function(behind)) / 2e-5)
    return slopes


def check_gradients(made):
    """Compares the slopes of all rows with those of the loops."""
    loops = Loops(made)
    inputs, outputs = made.inputs.numpy(), made.outputs.numpy()
    functions = [lambda matrix: loops(matrix, outputs)[0], lambda matrix: loops(inputs, matrix)[0]]
    if made.settings.tied:
        functions = [lambda matrix: loops(matrix, matrix)[0]]
    _, _, gradients = loss_and_gradients(made)
    for function, variable, gradient in zip(functions, made.variables, gradients, strict=True):
        directions = np.random.default_rng(2).normal(size=variable.shape)
        expected = row_slopes(function, variable.numpy(), directions)
        np.testing.assert_allclose(np.sum(gradient * directions, axis=1), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("architecture", "loss", "tied"), MODELS)
def test_the_gradient_is_that_of_finite_differences(architecture, loss, tied):
    check_gradients(random_model(architecture, loss, tied))


@pytest.mark.parametrize(("loss", "tied"), list(itertools.product(LOSSES, [False, True])))
def test_each_neighbour_gets_the_whole_gradient_of_the_hidden_vector_in_cbow(loss, tied):
    check_gradients(random_model("cbow", loss, tied, cbow_gradient="sum"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_mean_loss_of_a_pair_is_reported(architecture):
    made = random_model(architecture, "softmax")
    total, pairs = Loops(made)(made.inputs.numpy(), made.outputs.numpy())
    assert float(loss_and_gradients(made)[1]["pair"]) == pytest.approx(total / pairs, rel=1e-8)


@pytest.mark.parametrize(("architecture", "loss"), [("skipgram", "hierarchical_softmax"), ("cbow", "nce")])
def test_xla_computes_the_same(architecture, loss):
    made = random_model(architecture, loss)
    plain, _, plain_gradients = loss_and_gradients(made)
    tf.config.run_functions_eagerly(False)
    compiled, _, compiled_gradients = loss_and_gradients(made)
    assert compiled == pytest.approx(plain, rel=1e-12)
    for one, other in zip(plain_gradients, compiled_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_size_of_chunks_changes_nothing(monkeypatch, architecture):
    made = random_model(architecture, "hierarchical_softmax")
    before, _, gradients = loss_and_gradients(made)
    monkeypatch.setattr(hierarchical_softmax, "CHUNK", 1)
    after, _, others = loss_and_gradients(made)
    assert after == pytest.approx(before, rel=1e-12)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("words", [[11, 10, 9], [0, 11, 0], [3, 3, 8]], ids=["deep", "mixed", "twice"])
def test_drawn_nodes_have_the_expectation_of_all_nodes(words):
    """Each deep node of each word counts once on average, with the sign of its turn; 0.05 are five deviations."""
    tree = random_model("skipgram", "hierarchical_softmax", deep_nodes=1).layer
    (_, nodes), (_, signs, owners) = tree.lookup(tf.tile([words], [10_000, 1]), Draw(0, 1))
    seen, expected = np.zeros((3, len(COUNTS))), np.zeros((3, len(COUNTS)))
    there = owners.numpy() < 3
    np.add.at(seen, (owners.numpy()[there], nodes.numpy()[there]), signs.numpy()[there] / 10_000)
    for place, word in enumerate(words):
        deep = PATHS[0][word] >= 4
        expected[place, PATHS[0][word][deep]] = PATHS[1][word][deep]
    assert nodes.shape == (10_000, 3)
    np.testing.assert_allclose(seen, expected, atol=0.05)


@pytest.mark.parametrize("words", [2, 5, 12])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("loss", ["hierarchical_softmax", "softmax"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_probabilities_of_all_words_add_up_to_one(monkeypatch, architecture, loss, tied, words):
    """A place with a single centre and a single neighbour; what is predicted is the centre, in softmax the other."""
    monkeypatch.setattr(model, "LENGTH", 2)
    vocabulary = Vocabulary(VOCABULARY.words[:words], COUNTS[:words])
    made = random_model(architecture, loss, tied, vocabulary, window=1)
    total = 0
    for predicted in range(words):
        pair = [predicted, 1] if (architecture, loss) == ("skipgram", "softmax") else [1, predicted]
        value, _, _ = loss_and_gradients(made, np.array([[[*pair, -1, -1]], [[0, 0, -1, -1]]], np.int32))
        total += np.exp(-value)
    assert total == pytest.approx(1, abs=1e-12)


MANY = 40_000  # draws


@pytest.mark.parametrize("noise", ["unigram", "log_uniform"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_softmax_of_many_draws_has_the_gradient_of_the_whole_softmax(architecture, noise):
    settings = {"noise": noise, "window_sampling": "full", "shared_negatives": MANY}
    gradients = [
        loss_and_gradients(random_model(architecture, loss, **settings))[2] for loss in ("sampled_softmax", "softmax")
    ]
    for sampled, whole in zip(*gradients, strict=True):
        assert np.linalg.norm(sampled - whole) < 0.02 * np.linalg.norm(whole)


@pytest.mark.parametrize("loss", ["negative_sampling", "nce"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_many_draws_come_near_the_expectation_over_all_noise_words(architecture, loss):
    made = random_model(architecture, loss, shared_negatives=MANY)
    expected, _ = Loops(made, CHANCES)(made.inputs.numpy(), made.outputs.numpy())
    assert loss_and_gradients(made)[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        ({}, 48),
        ({"architecture": "cbow"}, 48),
        ({"learning_rate": 0.01}, 48),
        ({"negatives": 20}, 192),
        ({"learning_rate": 0.1}, 128),
        ({"architecture": "cbow", "negatives": 50, "learning_rate": 0.1}, 416),
        ({"learning_rate": 100.0}, 1024),
    ],
)
def test_the_number_of_shared_noise_words_grows_with_the_pull_on_each(monkeypatch, settings, drawn):
    monkeypatch.undo()
    layer = Word2Vec(VOCABULARY, TrainingSettings(**settings)).layer
    (_, noise), _ = layer.lookup(tf.zeros([8, 32], tf.int32), Draw(0, 1))
    assert noise.shape[1] == drawn


def test_each_step_has_its_own_draws():
    made = random_model("skipgram", "negative_sampling")
    loss = made.loss(lambda step: tf.constant(TEXT), plan_of(PLACES))
    values = [float(loss(tf.constant(step, tf.int64))[0]) for step in (0, 1, 0)]
    assert values[0] == values[2] != values[1]


def test_the_reach_of_windows_is_drawn_evenly():
    """Pearson's statistic of 6000 draws of 1..5 has 4 degrees of freedom: it exceeds 25 once in 20,000 times."""
    seen = np.bincount(draw_reach(tf.zeros([60, 100]), 5, [0, 3]).numpy().ravel(), minlength=6)
    assert seen[0] == 0
    assert np.sum((seen[1:] - 1200) ** 2 / 1200) < 25


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_row_that_is_in_very_many_pairs_keeps_only_a_share_of_its_gradient(architecture, loss, tied):
    _, _, whole = loss_and_gradients(random_model(architecture, loss, tied))
    _, _, damped = loss_and_gradients(random_model(architecture, loss, tied, damping=3.75))
    for before, after in zip(whole, damped, strict=True):
        shares = np.sum(before * after, axis=1) / np.sum(before**2, axis=1)
        np.testing.assert_allclose(after, shares[:, None] * before, rtol=1e-9)
        assert shares.argmin() == 0
        assert 0 < shares.min() < shares.max() <= 1 + 1e-12


def test_initial_inputs_are_small_and_outputs_zero():
    made = Word2Vec(VOCABULARY, TrainingSettings(dim=10))
    assert 0.04 < np.abs(made.inputs).max() <= 0.05
    assert not made.outputs.numpy().any()


def test_tied_models_have_one_matrix():
    made = Word2Vec(VOCABULARY, TrainingSettings(tied=True))
    assert made.variables == made.inputs.blocks
    assert made.outputs is made.inputs


def test_vectors_are_float32():
    vectors = random_model("skipgram", "hierarchical_softmax").vectors()
    assert vectors.words == VOCABULARY.words
    assert (vectors.matrix.dtype, vectors.matrix.shape) == (np.float32, (len(COUNTS), 4))
