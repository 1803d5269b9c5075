import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tfgraphs.outputs import OutputError
from tfgraphs.vectors.embedding import export_embedding
from tfgraphs.vectors.formats import FormatError
from tfgraphs.vectors.word_vectors import WordVectors

WORDS = ["the", "king", "Straße", "北京", "New York", "well-known", " ", "1984"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
LOADERS = [tf.saved_model.load, hub.load]


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    """The folder of an export that was moved after it had been written."""
    folder = tmp_path_factory.mktemp("embedding")
    export_embedding(folder / "written", WordVectors(WORDS, MATRIX))
    shutil.move(folder / "written", folder / "moved")
    return str(folder / "moved")


@pytest.mark.parametrize("load", LOADERS)
def test_rows_are_the_vectors(exported, load):
    order = [3, 0, 7, 3, 1, 2, 4, 5, 6]
    rows = load(exported)(tf.constant([WORDS[row] for row in order]))
    assert rows.dtype == tf.float32
    np.testing.assert_array_equal(rows, MATRIX[order])


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("word", ["unknown", "", "The", "king ", b"\xff"])
def test_unknown_words_give_zeros(exported, load, word):
    np.testing.assert_array_equal(load(exported)(tf.constant([word])), np.zeros((1, 5), np.float32))


@pytest.mark.parametrize("load", LOADERS)
def test_empty_batch_gives_no_rows(exported, load):
    assert load(exported)(tf.constant([], tf.string)).shape == (0, 5)


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("listed", ["variables", "trainable_variables"])
def test_variables_are_listed(exported, load, listed):
    (variable,) = getattr(load(exported), listed)
    np.testing.assert_array_equal(variable[: len(WORDS)], MATRIX)


@pytest.mark.parametrize("load", LOADERS)
def test_trained_variable_changes_the_rows(exported, load):
    model = load(exported)
    model.variables[0].assign(model.variables[0] * 2)
    np.testing.assert_array_equal(model(tf.constant(["king"])), 2 * MATRIX[1:2])


def test_serving_signature_takes_words_and_gives_default(exported):
    serve = tf.saved_model.load(exported).signatures["serving_default"]
    assert list(serve.structured_input_signature[1]) == ["words"]
    answer = serve(words=tf.constant(["king", "unknown"]))
    assert list(answer) == ["default"]
    np.testing.assert_array_equal(answer["default"], [MATRIX[1], np.zeros(5)])


def test_keras_layer_gives_the_vectors(exported):
    layer = hub.KerasLayer(exported, input_shape=[], dtype=tf.string)
    np.testing.assert_array_equal(layer(tf.constant(["北京", "unknown"])), [MATRIX[3], np.zeros(5)])


@pytest.mark.parametrize("trainable", [False, True])
def test_keras_layer_trains_the_vectors_if_told_so(exported, trainable):
    assert len(hub.KerasLayer(exported, trainable=trainable).trainable_weights) == trainable


def test_earlier_export_is_replaced(tmp_path):
    for vectors in (WordVectors(["a"], np.float32([[1]])), WordVectors(["b"], np.float32([[2]]))):
        export_embedding(tmp_path / "model", vectors)
    assert tf.saved_model.load(str(tmp_path / "model"))(tf.constant(["a", "b"])).numpy().tolist() == [[0], [2]]


def test_foreign_folder_is_not_replaced(tmp_path):
    foreign = tmp_path / "photographs"
    foreign.mkdir()
    (foreign / "holiday.jpg").write_text("precious")
    with pytest.raises(OutputError, match="choose another folder"):
        export_embedding(foreign, WordVectors(WORDS, MATRIX))
    assert [(path.name, path.read_text()) for path in foreign.iterdir()] == [("holiday.jpg", "precious")]


def test_file_is_not_replaced(tmp_path):
    (tmp_path / "notes").write_text("precious")
    with pytest.raises(OutputError, match="choose another folder"):
        export_embedding(tmp_path / "notes", WordVectors(WORDS, MATRIX))
    assert (tmp_path / "notes").read_text() == "precious"


def test_failed_export_leaves_nothing(tmp_path, monkeypatch):
    def fail(root: object, folder: str, **_: object) -> None:
        (Path(folder) / "saved_model.pb").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OutputError, match=r"cannot write .*model: no space left"):
        export_embedding(tmp_path / "model", WordVectors(WORDS, MATRIX))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["a", "a"], ["a", ""], ["a", "b\r"], ["a", "b\nc"]])
def test_words_that_a_vocabulary_file_cannot_hold_are_refused(tmp_path, words):
    with pytest.raises(FormatError):
        export_embedding(tmp_path / "model", WordVectors(words, np.eye(2, dtype=np.float32)))
    assert not list(tmp_path.iterdir())
