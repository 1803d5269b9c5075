"""Training: losses that fall, topics that part, seeds, and going on after an interruption."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.word2vec import CorpusError, encode_sentences, plan, prepare
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.settings import ARCHITECTURES, LOSSES, TextSettings, TrainingSettings
from tfgraphs.word2vec.train import FallingRate, train, train_word_vectors

TOPICS = ["abcdef", "uvwxyz"]


def two_topics():
    """Sentences of eight words, each from one topic."""
    random = np.random.default_rng(0)
    return encode_sentences(list(random.choice(list(TOPICS[number % 2]), 8)) for number in range(1000))


@pytest.fixture
def uncompiled(monkeypatch):
    """Leaves XLA out, as on a GPU: compiling a model takes longer than training it on a small text."""
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))


def learn(checkpoint_dir=None, reports=None, **settings):
    """A model trained on two topics, and all progress, or that of some reports after which training is closed."""
    corpus = two_topics()
    defaults = {"dim": 8, "window": 4, "subsample": 0, "epochs": 6}
    model = Word2Vec(corpus.vocabulary, TrainingSettings(**{**defaults, **settings}))
    run = train(model, corpus, checkpoint_dir=checkpoint_dir)
    progress = list(itertools.islice(run, reports))
    run.close()
    return model, progress


def bytes_of(model):
    return [variable.numpy().tobytes() for variable in model.variables]


@pytest.fixture(scope="module")
def trained():
    return learn()


# The loss of a pair where all scores are 0: twelve equally likely words, 48 noise words or five.
UNTRAINED = {
    "softmax": np.log(12),
    "hierarchical_softmax": np.log(12),
    "sampled_softmax": np.log(49),
    "negative_sampling": 6 * np.log(2),
    "nce": np.log(1 + 5 / 12) + 5 * np.log(1 + 12 / 5),
}


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(
    ("architecture", "loss", "tied"), list(itertools.product(ARCHITECTURES, LOSSES, (False, True)))
)
def test_every_model_lowers_its_loss(architecture, loss, tied):
    _, progress = learn(architecture=architecture, loss=loss, tied=tied, epochs=10, learning_rate=0.004)
    assert np.mean([report.loss for report in progress[1:-1]]) < UNTRAINED[loss]


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(
    ("architecture", "loss", "rate"),
    [("skipgram", "negative_sampling", None), ("cbow", "negative_sampling", None), ("cbow", "softmax", 0.004)],
)
def test_words_of_one_topic_are_nearer_than_those_of_the_other(architecture, loss, rate):
    model, _ = learn(architecture=architecture, loss=loss, epochs=20, learning_rate=rate)
    for word in "".join(TOPICS):
        own = next(topic for topic in TOPICS if word in topic)
        assert {neighbour.word for neighbour in model.vectors().nearest([word], 5)} == set(own) - {word}


@pytest.mark.parametrize(
    ("architecture", "loss"),
    [
        ("skipgram", "negative_sampling"),
        pytest.param("cbow", "hierarchical_softmax", marks=pytest.mark.long),
    ],
)
def test_half_a_million_words_put_related_words_together(shared_corpus, tmp_path, architecture, loss):
    corpus = prepare([str(shared_corpus)], TextSettings(), tmp_path)
    settings = TrainingSettings(architecture=architecture, loss=loss, epochs=6, dim=50)
    model = Word2Vec(corpus.vocabulary, settings)
    first, *_, last = (progress.loss for progress in train(model, corpus))
    vectors = model.vectors()
    assert last < 0.95 * first
    assert vectors.similarity("three", "four") > 0.5 + vectors.similarity("three", "president")
    assert {"three", "five", "six", "seven"} & {neighbour.word for neighbour in vectors.nearest(["four"], 5)}


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("loss", ["negative_sampling", "hierarchical_softmax"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_free_training_lowers_the_loss_as_far(monkeypatch, architecture, loss):
    """Four workers take steps of 4 places of their own; CBOW's noise words are for 8."""
    monkeypatch.setattr(plan, "FREE_PLACES", 4)
    options = {"architecture": architecture, "loss": loss, "epochs": 10, "learning_rate": 0.01, "words_per_step": 512}
    (_, together), (_, free) = (learn(free=free, workers=4, **options) for free in (False, True))
    losses = [np.mean([report.loss for report in progress[1:-1]]) for progress in (together, free)]
    assert losses[1] < UNTRAINED[loss]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_a_seed_gives_the_same_vectors_with_as_many_workers(trained):
    first, second = (learn(workers=16)[0] for _ in range(2))
    assert bytes_of(first) == bytes_of(second)


@pytest.mark.parametrize(
    "options", [{}, {"tied": True}, {"architecture": "cbow", "loss": "hierarchical_softmax"}], ids=str
)
def test_blocks_of_columns_change_nothing(monkeypatch, options):
    """With sixteen workers matrices have four blocks."""
    options = {"workers": 16, "epochs": 3, **options}
    blocks, _ = learn(**options)
    assert len(blocks.variables) == 4 * (1 if options.get("tied") else 2)
    monkeypatch.setattr(plan, "COLUMN_BLOCKS", 1)
    whole, _ = learn(**options)
    np.testing.assert_array_equal(blocks.inputs.numpy(), whole.inputs.numpy())
    np.testing.assert_array_equal(blocks.outputs.numpy(), whole.outputs.numpy())


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("optimizer", ["adagrad", "adam", "adamw", "ftrl", "lion", "nadam", "rmsprop"])
def test_other_optimizers_lower_the_loss(optimizer):
    _, progress = learn(optimizer=optimizer, epochs=3, learning_rate=0.005)
    assert progress[-1].loss < UNTRAINED["negative_sampling"]


def test_progress_ends_at_exactly_one(trained):
    assert trained[1][-1].done == 1


def test_the_learning_rate_falls(trained):
    rates = [progress.figures["learning rate"] for progress in trained[1]]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(trained[0].settings.rates[1])


def test_the_same_seed_gives_the_same_bytes(trained):
    assert bytes_of(learn()[0]) == bytes_of(trained[0])


@pytest.mark.usefixtures("uncompiled")
def test_another_seed_gives_other_vectors(trained):
    assert not np.allclose(learn(seed=4)[0].inputs, trained[0].inputs, atol=0.001)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("optimizer", "reports"), [("sgd", 1), ("adam", 7)])
def test_interrupted_training_resumes_to_the_same_bytes(tmp_path, optimizer, reports):
    whole, _ = learn(optimizer=optimizer)
    learn(tmp_path, reports, optimizer=optimizer)
    resumed, _ = learn(tmp_path, optimizer=optimizer)
    assert bytes_of(resumed) == bytes_of(whole)


@pytest.mark.usefixtures("uncompiled")
def test_a_finished_training_reports_its_last_step_again(tmp_path):
    _, whole = learn(tmp_path)
    _, again = learn(tmp_path)
    assert (len(again), again[0].done) == (1, 1)
    assert again[0].loss == pytest.approx(whole[-1].loss, rel=0.1)  # of the same words, after their update


def test_interrupted_compiled_training_resumes_to_the_same_bytes(tmp_path, trained):
    learn(tmp_path, 7)
    assert bytes_of(learn(tmp_path)[0]) == bytes_of(trained[0])


@pytest.mark.usefixtures("uncompiled")
def test_a_compiled_model_learns_what_an_uncompiled_one_does(trained):
    np.testing.assert_allclose(learn()[0].inputs, trained[0].inputs, atol=0.01)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_keras_optimizer_keeps_its_learning_rate(momentum):
    fixed, named = (
        {"optimizer": keras.optimizers.SGD(0.01, momentum)},
        {"learning_rate": 0.01, "min_learning_rate": 0.01},
    )
    model, progress = learn(**fixed, **named)
    assert "learning rate" not in progress[-1].figures
    assert np.allclose(model.inputs, learn(**named)[0].inputs, atol=1e-4) == (momentum == 0)


def test_train_word_vectors_leads_from_a_file_to_vectors(tmp_path, uncompiled):
    """Its words, in lower case, that occur five times, most frequent first."""
    (tmp_path / "text.txt").write_text("The king rules. The queen rules the land.\n" * 40 + "once\n")
    progress = []
    vectors = train_word_vectors(
        tmp_path / "text.txt", TrainingSettings(dim=6, epochs=1, subsample=0), on_progress=progress.append
    )
    assert (vectors.words, vectors.matrix.shape) == (["the", "rules", "king", "land", "queen"], (5, 6))
    assert progress[-1].done == 1


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("count", [2, 50, 3327, 8192])
def test_a_text_of_any_length_trains(count):
    corpus = encode_sentences([[f"w{number % 500}" for number in range(count)]])
    model = Word2Vec(corpus.vocabulary, TrainingSettings(dim=4, epochs=1, subsample=0))
    *_, last = train(model, corpus)
    assert last.done == 1


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("words", [2, 20, 60])
def test_a_small_vocabulary_does_not_overshoot(words):
    """With a handful of words each row is in thousands of pairs of one step."""
    random = np.random.default_rng(0)
    corpus = encode_sentences([[f"w{number}" for number in random.choice(words, 12)] for _ in range(1500)])
    model = Word2Vec(corpus.vocabulary, TrainingSettings(dim=16, window=4, subsample=0))
    *_, last = train(model, corpus)
    assert last.loss < 6 * np.log(2)
    assert np.abs(model.inputs).max() < 5


@pytest.mark.parametrize("sentences", [[["a", "b"]], [["a", "b"]] * 20])
def test_a_text_of_which_subsampling_leaves_no_neighbours_is_explained(sentences):
    corpus = encode_sentences(sentences)
    model = Word2Vec(corpus.vocabulary, TrainingSettings(dim=4, epochs=1, subsample=1e-6))
    with pytest.raises(CorpusError, match="--subsample=0"):
        list(train(model, corpus))


def test_the_rate_falls_linearly_with_the_share_that_is_read():
    rate = FallingRate(0.4, 0.1, lambda step: tf.cast(step, tf.float32) / 6)
    assert [float(rate(tf.constant(step))) for step in (0, 2, 6)] == pytest.approx([0.4, 0.3, 0.1])
