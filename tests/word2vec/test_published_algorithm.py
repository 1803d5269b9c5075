"""With every departure off, a model trains as word2vec.c does: word by word, in loops over neighbours and targets."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.word2vec import encode_sentences
from tfgraphs.word2vec.hierarchical_softmax import huffman_tree
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.output_layer import Draw
from tfgraphs.word2vec.plan import Plan
from tfgraphs.word2vec.settings import PUBLISHED_ALGORITHM, TrainingSettings
from tfgraphs.word2vec.train import train

WINDOW, NEGATIVES, RATE = 3, 4, float(np.float32(0.1))
RANDOM = np.random.default_rng(0)
CORPUS = encode_sentences([[f"w{word}" for word in RANDOM.zipf(1.5, 6) % 12] for _ in range(8)])


def published(architecture, loss, **settings):
    defaults = {"dim": 5, "window": WINDOW, "negatives": NEGATIVES, "subsample": 0, "epochs": 1, "dtype": "float64"}
    rates = {"learning_rate": RATE, "min_learning_rate": RATE}
    everything = {**defaults, **rates, **PUBLISHED_ALGORITHM, **settings}
    return Word2Vec(CORPUS.vocabulary, TrainingSettings(architecture=architecture, loss=loss, workers=1, **everything))


def places():
    """Word and sentence numbers around each word of the corpus, int32 [words, 2, 1, 1 + 2 * WINDOW]."""
    inside = CORPUS.tokens >= 0
    sentences = np.cumsum(~inside)
    text = np.stack([CORPUS.tokens[inside], sentences[inside]])
    text = np.pad(text, ((0, 0), (WINDOW, WINDOW)), constant_values=-1).astype(np.int32)
    return [text[:, None, place : place + 1 + 2 * WINDOW] for place in range(inside.sum())]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def targets_of(model, word, noise):
    """(row of the outputs, label) for a word to predict."""
    if model.settings.loss == "hierarchical_softmax":
        nodes, signs = (table[word] for table in huffman_tree(CORPUS.vocabulary.counts).paths())
        return [(node, (1 + sign) / 2) for node, sign in zip(nodes, signs, strict=True) if sign]
    return [(word, 1), *((other, 0) for other in noise if other != word)]


def word2vec_c(model):
    """The matrices after one pass over the text, from the draws of the model.

    All gradients of a word are taken at the rows as they were before it.
    """
    inputs, outputs = model.inputs.numpy(), model.outputs.numpy()
    cbow = model.settings.architecture == "cbow"
    for step, text in enumerate(places()):
        numbers, constants = model._lookup(tf.constant(text), Draw(model.settings.seed, tf.constant(step, tf.int64)))
        reach = int(constants[-1][0, 0])
        noise = numbers[-1][0].numpy().reshape(-1, NEGATIVES) if model.settings.loss == "negative_sampling" else None
        (words, sentences), centre = text[:, 0], WINDOW
        near = [
            (words[place], place - (place > centre))
            for place in range(centre - reach, centre + reach + 1)
            if place != centre and sentences[place] == sentences[centre]
        ]
        if cbow:
            pairs = [([word for word, _ in near], words[centre], 0)] if near else []
        elif model.layer.predicts_centre:
            pairs = [([word], words[centre], slot) for word, slot in near]
        else:
            pairs = [([words[centre]], word, slot) for word, slot in near]
        old_inputs, old_outputs = inputs.copy(), outputs.copy()
        for contexts, word, slot in pairs:
            hidden = old_inputs[contexts].mean(axis=0)
            error = np.zeros_like(hidden)
            for row, label in targets_of(model, word, None if noise is None else noise[slot]):
                gain = (label - sigmoid(old_outputs[row] @ hidden)) * RATE
                error += gain * old_outputs[row]
                outputs[row] += gain * hidden
            for context in contexts:
                inputs[context] += error  # not divided by their number
    return inputs, outputs


@pytest.fixture
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def take_steps(model):
    """Stochastic gradient descent over the text, a word at a time."""
    for step, text in enumerate(places()):
        with tf.GradientTape() as tape:
            value, _ = model.loss(lambda step, text=text: tf.constant(text), Plan(1, 1, 1))(tf.constant(step, tf.int64))
        for variable, gradient in zip(model.variables, tape.gradient(value, model.variables), strict=True):
            variable.assign_sub(RATE * tf.convert_to_tensor(gradient))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("loss", ["negative_sampling", "hierarchical_softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_a_pass_over_the_text_is_that_of_word2vec(architecture, loss):
    model = published(architecture, loss)
    expected = word2vec_c(model)
    take_steps(model)
    for variable, matrix in zip(model.variables, expected, strict=True):
        np.testing.assert_allclose(variable, matrix, rtol=1e-9, atol=1e-12)


def test_training_reads_the_text_word_by_word():
    model = published("skipgram", "negative_sampling")
    expected = word2vec_c(model)
    list(train(model, CORPUS))
    for variable, matrix in zip(model.variables, expected, strict=True):
        np.testing.assert_allclose(variable, matrix, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["window_sampling", "damping", "shared_negatives"])
def test_each_departure_alone_gives_other_vectors(name):
    default = getattr(TrainingSettings(), name)
    changed = {name: default if name != "damping" else 1000.0}
    model, other = published("skipgram", "negative_sampling"), published("skipgram", "negative_sampling", **changed)
    take_steps(model)
    take_steps(other)
    assert not np.allclose(model.inputs, other.inputs, atol=1e-6)
