"""Training: the first step in closed form, two topics that part, seeds, and going on after an interruption."""

import itertools

import numpy as np
import pytest

from tfgraphs.word2vec import CorpusError, Vocabulary, count_words, encode, train
from tfgraphs.word2vec.train import LENGTH, TrainingSettings, Word2Vec

TOPICS = ["abcdef", "uvwxyz"]


def two_topics():
    """Sentences of eight words, each from one topic."""
    random = np.random.default_rng(0)
    return [list(random.choice(list(TOPICS[number % 2]), 8)) for number in range(1000)]


def topic_model(seed=3):
    text = two_topics()
    vocabulary = count_words(text, 1)
    settings = TrainingSettings(dim=8, window=4, subsample=0, epochs=10, learning_rate=0.002, seed=seed)
    return Word2Vec(vocabulary, settings), *encode(text, vocabulary)


@pytest.fixture(scope="module")
def trained():
    """Vectors, and all progress, of a training that nothing interrupted."""
    model, tokens, sentences = topic_model()
    progress = list(model.train(tokens, sentences))
    return model.vectors(), progress


SENTENCES = [["a", "b", "a", "c"], ["d", "e"], ["b", "d", "d", "a", "e"]]
NOISE = "noise"
RATE = 0.5


@pytest.fixture(scope="module")
def first_step():
    """Neighbour vectors after a single step, the centre vectors before it, and the loss.

    A word that stands alone in its sentences is no neighbour of any. It is so frequent, and the exponent so high, that
    it is the only noise word. Nothing is damped.
    """
    text = [*SENTENCES, *([[NOISE]] * 9)]
    vocabulary = count_words(text, 1)
    settings = TrainingSettings(
        dim=6, window=2, negatives=5, subsample=0, noise_exponent=50, epochs=1, learning_rate=RATE
    )
    model = Word2Vec(vocabulary, settings)
    centres = model.centres.numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "STEADY", 1e9)
        (progress,) = model.train(*encode(text, vocabulary))
    before = dict(zip(vocabulary.words, centres, strict=True))
    after = dict(zip(vocabulary.words, model.neighbours.numpy(), strict=True))
    return before, after, progress.loss


def weighted_pairs(window=2):
    """(centre, neighbour, chance to be in a window of random reach) for all words of a sentence."""
    for sentence in SENTENCES:
        for (i, centre), (j, neighbour) in itertools.permutations(enumerate(sentence), 2):
            if abs(i - j) <= window:
                yield centre, neighbour, (window + 1 - abs(i - j)) / window


@pytest.mark.parametrize("word", "abcde")
def test_a_neighbour_first_moves_towards_half_the_centres_of_its_own_sentences(first_step, word):
    """Neighbours start at 0, where -log sigmoid has the slope -1/2."""
    before, after, _ = first_step
    expected = sum(RATE * weight / 2 * before[c] for c, neighbour, weight in weighted_pairs() if neighbour == word)
    np.testing.assert_allclose(after[word], expected, rtol=1e-5, atol=1e-7)


def test_a_noise_word_first_moves_away_from_half_the_centres_once_for_each_negative(first_step):
    before, after, _ = first_step
    expected = sum(-RATE * 5 * weight / 2 * before[centre] for centre, _, weight in weighted_pairs())
    np.testing.assert_allclose(after[NOISE], expected, rtol=1e-5, atol=1e-7)


def test_the_first_loss_of_a_pair_is_log_2_for_itself_and_for_each_negative(first_step):
    assert first_step[2] == pytest.approx((1 + 5) * np.log(2), rel=1e-6)


def test_training_lowers_the_loss(trained):
    _, progress = trained
    assert progress[-1].loss < 0.8 * progress[0].loss


def test_words_of_one_topic_are_nearer_than_those_of_the_other(trained):
    vectors, _ = trained
    for word in "".join(TOPICS):
        own = next(topic for topic in TOPICS if word in topic)
        assert {neighbour.word for neighbour in vectors.nearest([word], 5)} == set(own) - {word}


def test_there_is_a_vector_of_the_asked_length_for_each_word(trained):
    vectors, _ = trained
    assert (sorted(vectors.words), vectors.matrix.shape) == (sorted("".join(TOPICS)), (12, 8))


def test_progress_ends_at_exactly_one(trained):
    _, progress = trained
    assert progress[-1].done == 1


def test_the_same_seed_gives_the_same_bytes(trained):
    model, tokens, sentences = topic_model()
    list(model.train(tokens, sentences))
    assert model.vectors().matrix.tobytes() == trained[0].matrix.tobytes()


def test_another_seed_gives_other_vectors(trained):
    model, tokens, sentences = topic_model(seed=4)
    list(model.train(tokens, sentences))
    assert not np.allclose(model.vectors().matrix, trained[0].matrix, atol=0.01)


def test_interrupted_training_goes_on_to_the_same_bytes(trained, tmp_path):
    model, tokens, sentences = topic_model()
    run = model.train(tokens, sentences, checkpoint_dir=tmp_path)
    for _ in itertools.islice(run, 7):
        pass
    run.close()
    model, tokens, sentences = topic_model()
    resumed = list(model.train(tokens, sentences, checkpoint_dir=tmp_path))
    assert [progress.step for progress in resumed] == [progress.step for progress in trained[1][7:]]
    assert model.vectors().matrix.tobytes() == trained[0].matrix.tobytes()


@pytest.mark.parametrize("length", [50, 700])
def test_every_word_is_read_wherever_it_stands(length):
    """Each word of a long sentence stands there once; none of them is a noise word."""
    text = [[f"w{number}" for number in range(length)], *([[NOISE]] * 9)]
    vocabulary = count_words(text, 1)
    model = Word2Vec(vocabulary, TrainingSettings(dim=2, window=2, subsample=0, noise_exponent=50, epochs=1))
    list(model.train(*encode(text, vocabulary)))
    assert np.abs(model.neighbours).max(axis=1).all()


@pytest.mark.parametrize(
    ("words", "epochs", "subsample", "read"),
    [(400, 1, 0, 400), (100, 4, 0, 400), (4000, 1, 0.005, 4000 * 0.11)],
    ids=["as it is", "four times", "thinned out"],
)
def test_the_text_is_read_once_in_every_epoch_less_the_words_that_subsampling_drops(words, epochs, subsample, read):
    """Two words of equal share, 1/2: a hundred times the threshold. A step reads LENGTH words of so short a text."""
    text = [["a", "b"] * (words // 2)]
    vocabulary = count_words(text, 1)
    settings = TrainingSettings(dim=2, epochs=epochs, subsample=subsample, learning_rate=1e-4)
    *_, last = Word2Vec(vocabulary, settings).train(*encode(text, vocabulary))
    assert last.step * LENGTH == pytest.approx(read, abs=80)


@pytest.mark.parametrize("count", [2, 3327, 3328, 3839, 5376, 8191, 8192])
def test_a_text_of_any_length_trains(count):
    text = [[f"w{number % 500}" for number in range(count)]]
    vocabulary = count_words(text, 1)
    settings = TrainingSettings(dim=4, epochs=1, subsample=0)
    *_, last = Word2Vec(vocabulary, settings).train(*encode(text, vocabulary))
    assert last.done == 1


@pytest.mark.parametrize("words", [2, 20, 60])
def test_a_small_vocabulary_does_not_overshoot(words):
    """With a handful of words each row is in thousands of pairs of one step."""
    random = np.random.default_rng(0)
    text = [[f"w{number}" for number in random.choice(words, 12)] for _ in range(1500)]
    vocabulary = count_words(text, 1)
    model = Word2Vec(vocabulary, TrainingSettings(dim=16, window=4, subsample=0))
    *_, last = model.train(*encode(text, vocabulary))
    assert last.loss < 6 * np.log(2)
    assert np.abs(model.vectors().matrix).max() < 5


def test_epochs_do_not_run_into_each_other():
    """The last word of a text of one line is no neighbour of the first word of its second reading."""
    text = [["a", "b", "c"]]
    vocabulary = count_words(text, 1)
    model = Word2Vec(vocabulary, TrainingSettings(dim=4, window=1, epochs=2, subsample=0))
    words, numbers = model._streams(*encode(text, vocabulary))
    inner = numbers[0, 1:7]
    assert words[0, 1:7].tolist() == words[0, 1:4].tolist() * 2
    assert inner[:3].tolist() != inner[3:].tolist()


def test_a_text_thinned_out_to_nothing_is_explained():
    text = [["a", "b"]]
    vocabulary = count_words(text, 1)
    settings = TrainingSettings(dim=4, epochs=1, subsample=1e-12)
    with pytest.raises(CorpusError, match="--subsample=0"):
        list(Word2Vec(vocabulary, settings).train(*encode(text, vocabulary)))


@pytest.mark.parametrize(
    "setting",
    [{"dim": 0}, {"window": 0}, {"negatives": 0}, {"epochs": 0}, {"subsample": -1}, {"learning_rate": np.nan}],
)
def test_a_setting_that_makes_no_sense_is_named(setting):
    with pytest.raises(CorpusError, match=next(iter(setting))):
        TrainingSettings(**setting)


@pytest.mark.parametrize(("word", "limited"), [("frequent", True), ("rare", False)])
def test_only_what_is_in_very_many_pairs_is_damped(word, limited):
    vocabulary = Vocabulary(["frequent", "rare"], np.array([100_000, 1]))
    damping = Word2Vec(vocabulary, TrainingSettings(subsample=0))._damping(1024)
    row = vocabulary.index[word]
    assert all((float(table[row]) < 1) == limited for table in damping)
