"""Trainings that start from earlier vectors: what words begin with, what they keep, and that they go on learning."""

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.graphs import processor
from tfgraphs.vectors import WordVectors, load
from tfgraphs.vectors.loading import convert
from tfgraphs.vectors.word_vectors import FormatError
from tfgraphs.word2vec import CorpusError, encode_sentences
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.results import save_results
from tfgraphs.word2vec.settings import TrainingSettings
from tfgraphs.word2vec.start import Start, load_start
from tfgraphs.word2vec.text.vocabulary import Vocabulary
from tfgraphs.word2vec.train import train, train_word_vectors

SETTINGS = TrainingSettings(dim=8, window=4, subsample=0, epochs=4)
OLD = Start(["old", "a", "b"], np.arange(24.0).reshape(3, 8), -np.arange(24.0).reshape(3, 8), np.array([9, 7, 5]))


@pytest.fixture(autouse=True)
def _uncompiled(monkeypatch):
    """Leaves XLA out, as on a GPU: compiling a model takes longer than training it on a small text."""
    monkeypatch.setattr(processor, "current", lambda: processor.Processor(gpus=1))


def topics(*words, count=400, seed=0):
    """Sentences of eight words, each from one topic."""
    random = np.random.default_rng(seed)
    return [list(random.choice(list(words[number % len(words)]), 8)) for number in range(count)]


def begun(start=OLD, **settings):
    """A model of a text with the words a, b, c and d before its training."""
    corpus = encode_sentences(topics("abcd"))
    return Word2Vec(corpus.vocabulary, dataclasses.replace(SETTINGS, **settings), start)


def row(model, word, matrix="inputs"):
    return getattr(model, matrix).numpy()[model.vocabulary.index[word]]


def test_known_words_begin_with_their_vectors_and_new_ones_as_usual():
    model, usual = begun(), begun(None)
    np.testing.assert_array_equal(row(model, "a"), OLD.inputs[1])
    np.testing.assert_array_equal(row(model, "c"), row(usual, "c"))
    np.testing.assert_array_equal(row(model, "b", "outputs"), OLD.outputs[2])
    np.testing.assert_array_equal(row(model, "c", "outputs"), np.zeros(8))


@pytest.mark.parametrize("without", [{"outputs": None}, {}])
def test_outputs_begin_at_zero_without_vectors_for_them_and_in_hierarchical_softmax(without):
    loss = "negative_sampling" if without else "hierarchical_softmax"
    model = begun(dataclasses.replace(OLD, **without), loss=loss)
    assert not model.outputs.numpy().any()


def test_the_vectors_decide_how_many_dimensions_there_are():
    assert begun(dim=100).settings.dim == 8


def test_words_that_the_text_lacks_stand_among_the_results_in_the_order_of_all_counts():
    model = begun()
    vocabulary, inputs, outputs = model.results()
    counts = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert counts["old"] == 9
    assert counts["a"] == 7 + model.vocabulary.counts[model.vocabulary.index["a"]]
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    place = vocabulary.index["old"]
    np.testing.assert_array_equal(inputs[place], OLD.inputs[0])
    np.testing.assert_array_equal(outputs[place], OLD.outputs[0])
    np.testing.assert_array_equal(inputs[vocabulary.index["c"]], row(model, "c"))


def test_without_counts_words_that_the_text_lacks_come_last():
    model = begun(dataclasses.replace(OLD, counts=None, outputs=None))
    vocabulary, _, outputs = model.results()
    assert vocabulary.words == [*model.vocabulary.words, "old"]
    assert vocabulary.counts[-1] == 0
    assert not outputs[-1].any()


def test_inner_nodes_stay_those_of_the_text():
    model = begun(loss="hierarchical_softmax")
    assert model.results()[2].shape == (3, 8)


def test_a_text_without_any_of_the_words_is_refused():
    with pytest.raises(CorpusError, match="no word of the text is among"):
        begun(Start(["x"], np.zeros((1, 8))))


def test_vectors_that_are_not_finite_are_refused():
    with pytest.raises(CorpusError, match="not finite"):
        begun(Start(["a"], np.full((1, 8), np.nan)))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"damping": 0, "learning_rate": 0.001},
        {"tied": True},
        {"architecture": "cbow"},
        {"loss": "hierarchical_softmax"},
        {"tied": True, "loss": "hierarchical_softmax"},
        {"loss": "softmax"},
        {"optimizer": "adamw", "learning_rate": 0.001},
        {"optimizer": "ftrl", "learning_rate": 0.001},
    ],
    ids=str,
)
def test_frozen_words_keep_their_vectors_and_all_others_learn(settings):
    corpus = encode_sentences(topics("abcd"))
    start = Start(["a", "b"], np.random.default_rng(1).normal(0, 0.1, (2, 8)))
    model = Word2Vec(corpus.vocabulary, dataclasses.replace(SETTINGS, **settings), start, freeze=True)
    before = model.inputs.numpy()
    list(train(model, corpus))
    changed = (model.inputs.numpy() != before).any(axis=1)
    assert {word for word, new in zip(model.vocabulary.words, changed, strict=True) if new} == {"c", "d"}


def write(path, sentences):
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences))
    return path


def test_two_halves_of_a_text_teach_what_the_whole_does(tmp_path):
    """The second half has new words in the topics of the first."""
    halves = topics("abcd", "uvwx", seed=1), topics("abcdef", "uvwxyz", seed=2)
    first = train_word_vectors(write(tmp_path / "first", halves[0]), SETTINGS)
    second = train_word_vectors(write(tmp_path / "second", halves[1]), SETTINGS, start=first)
    whole = train_word_vectors(write(tmp_path / "whole", halves[0] + halves[1]), SETTINGS)
    assert set(second.words) == set(whole.words) == set("abcdefuvwxyz")
    for vectors in (second, whole):
        for word in vectors.words:
            own = next(topic for topic in ("abcdef", "uvwxyz") if word in topic)
            assert {near.word for near in vectors.nearest([word], 5)} == set(own) - {word}


def test_words_that_have_vectors_learn_however_rare_they_are(tmp_path):
    sentences = [["often", "new"]] * 9 + [["often", "rare"], ["often", "rarer"]]
    start = WordVectors(["rare", "missing"], np.ones((2, 8), np.float32))
    vectors = train_word_vectors(write(tmp_path / "text", sentences), SETTINGS, start=start)
    assert vectors.words == ["often", "new", "rare", "missing"]
    assert (vectors.vector("rare") != 1).any()
    assert (vectors.vector("missing") == 1).all()


def test_a_new_word_finds_its_place_among_words_that_its_text_lacks(tmp_path):
    first = train_word_vectors(write(tmp_path / "first", topics("abcd", "uvwx")), SETTINGS)
    text = write(tmp_path / "second", topics("ae", "uy"))
    vectors = train_word_vectors(text, SETTINGS, start=first, freeze=True)
    np.testing.assert_array_equal(vectors.vector("b"), first.vector("b"))
    for word, own in ("e", "abcd"), ("y", "uvwx"):
        assert {near.word for near in vectors.nearest([word], 4)} == set(own)


@pytest.fixture
def folder(tmp_path):
    """The folder of an earlier training."""
    matrix = np.random.default_rng(0).normal(size=(3, 8))
    save_results(tmp_path / "out", Vocabulary(["the", "b", "é"], np.array([9, 7, 5])), matrix, 2 * matrix, {})
    return tmp_path / "out"


def test_an_earlier_training_brings_its_counts_and_outputs(folder):
    start = load_start(folder)
    assert (start.words, start.counts.tolist(), start.dimensions) == (["the", "b", "é"], [9, 7, 5], 8)
    np.testing.assert_array_equal(start.outputs, 2 * start.inputs)


def test_inner_nodes_of_an_earlier_training_are_no_outputs(folder):
    np.save(folder / "outputs.npy", np.zeros((2, 8)))
    assert load_start(folder).outputs is None


@pytest.mark.parametrize("kind", ["file", "store", "int8", "object"])
def test_any_word_vectors_are_a_start(folder, tmp_path, kind):
    places = {"file": folder / "vectors.txt", "object": load(folder)}
    if kind not in places:
        places[kind] = tmp_path / kind
        convert(str(folder), str(places[kind]), "int8" if kind == "int8" else "float16")
    start = load_start(places[kind])
    assert (start.words, start.outputs, start.counts) == (["the", "b", "é"], None, None)
    np.testing.assert_allclose(start.inputs[np.array([2])], np.load(folder / "inputs.npy")[[2]], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inputs.npy", b"no array"),
        ("inputs.npy", b"\x93NUMPY\x01\x00\xff\xff{"),
        ("vocabulary.tsv", b"the\t9\nb\n"),
        ("vocabulary.tsv", b"the\tmany\nb\t1\nc\t1\n"),
        ("vocabulary.tsv", b"the\t9\n"),
        ("vocabulary.tsv", b"\xff\t9\n"),
        ("vocabulary.tsv", b"the\t9\nthe\t9\nb\t1\n"),
    ],
)
def test_a_damaged_training_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(FormatError, match=r"out is damaged|out/vocabulary.tsv is not a text"):
        load_start(folder)


@given(st.sampled_from(["inputs.npy", "outputs.npy", "vocabulary.tsv"]), st.data())
def test_any_training_is_read_or_named(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("fuzz") / "out"
    save_results(folder, Vocabulary(["the", "b"], np.array([9, 7])), np.ones((2, 8)), np.ones((2, 8)), {}, ())
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(FormatError):
        assert len(load_start(folder).words) == 2


def test_arrays_of_objects_are_not_unpickled(folder):
    with (folder / "inputs.npy").open("wb") as file:
        np.lib.format.write_array(file, np.array([None] * 3, object), allow_pickle=True)
    with pytest.raises(FormatError, match="out is damaged"):
        load_start(folder)


def test_a_place_without_vectors_is_named(tmp_path):
    with pytest.raises(FormatError, match="none"):
        load_start(tmp_path / "none")
