import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from saved_models import run_saved_model_cli

from tfgraphs.files.outputs import OutputError
from tfgraphs.vectors.models.embedding import export_embedding
from tfgraphs.vectors.models.saved_model import load_saved_model
from tfgraphs.vectors.subwords import Subwords
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

WORDS = ["the", "king", "Straße", "北京", "New York", "well-known", " ", "1984"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
VECTORS = WordVectors(WORDS, MATRIX)
LOADERS = [tf.saved_model.load, hub.load]
UNKNOWN = [f"unknown {number}" for number in range(100)]


def strings(words) -> tf.Tensor:
    return tf.constant(list(words), tf.string)


def pairs(answer) -> list[tuple[str, float]]:
    """The answer of a model, word by word."""
    words = [word.decode() for word in answer["words"].numpy()]
    return list(zip(words, answer["cosines"].numpy().tolist(), strict=True))


def expected_answer(neighbours) -> list:
    """The answer of WordVectors, word by word."""
    return [(neighbour.word, pytest.approx(neighbour.cosine, abs=1e-5)) for neighbour in neighbours]


def expression(positive, negative) -> str:
    return " + ".join(positive) + "".join(f" - {word}" for word in negative)


@pytest.fixture(scope="module")
def exported_glove(frequent, tmp_path_factory):
    folder = tmp_path_factory.mktemp("glove")
    export_embedding(folder, frequent)
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module", params=["zero", "mean", "hash"])
def with_unknown(request, tmp_path_factory):
    """A loaded model for each way to deal with unknown words."""
    folder = tmp_path_factory.mktemp("unknown")
    export_embedding(folder, VECTORS, oov=request.param)
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module", params=LOADERS)
def loaded(request, exported):
    return request.param(exported)


@pytest.fixture(scope="module")
def hashed(tmp_path_factory) -> str:
    """The folder of an export with vectors for unknown words."""
    folder = tmp_path_factory.mktemp("hashed")
    export_embedding(folder, VECTORS, oov="hash")
    return str(folder)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    """The folder of an export that was moved after it had been written."""
    folder = tmp_path_factory.mktemp("embedding")
    export_embedding(folder / "written", VECTORS)
    shutil.move(folder / "written", folder / "moved")
    return str(folder / "moved")


def test_rows_are_the_vectors(loaded):
    order = [3, 0, 7, 3, 1, 2, 4, 5, 6]
    rows = loaded(tf.constant([WORDS[row] for row in order]))
    assert rows.dtype == tf.float32
    np.testing.assert_array_equal(rows, MATRIX[order])


@pytest.mark.parametrize("word", ["unknown", "", "The", "king ", b"\xff"])
def test_unknown_words_give_zeros(loaded, word):
    np.testing.assert_array_equal(loaded(tf.constant([word])), np.zeros((1, 5), np.float32))


def test_empty_batch_gives_no_rows(loaded):
    assert loaded(tf.constant([], tf.string)).shape == (0, 5)


@pytest.mark.parametrize("listed", ["variables", "trainable_variables"])
def test_variables_are_listed(loaded, listed):
    (variable,) = getattr(loaded, listed)
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


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(tmp_path, value):
    with pytest.raises(FormatError, match="not finite"):
        export_embedding(tmp_path / "model", WordVectors(["a", "b"], np.float32([[1], [value]])))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("oov", ["none", ""])
def test_invalid_settings_are_refused(tmp_path, oov):
    with pytest.raises(ValueError, match="expected"):
        export_embedding(tmp_path / "model", VECTORS, oov=oov)


@pytest.mark.parametrize("words", [["king"], ["北京", "Straße", " "], ["New York", "New York", "1984"]])
@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_nearest_agrees_with_word_vectors(loaded, words, count):
    assert pairs(loaded.nearest(strings(words), count)) == expected_answer(VECTORS.nearest(words, count))


@pytest.mark.parametrize(
    ("positive", "negative"),
    [(["king", "北京"], ["the"]), (["king"], []), ([], ["1984"]), (["king", "the"], ["the", "the"])],
)
def test_analogy_agrees_with_word_vectors(loaded, positive, negative):
    answer = loaded.analogy(strings(positive), strings(negative), 10)
    assert pairs(answer) == expected_answer(VECTORS.query(expression(positive, negative)))


def test_ties_go_to_the_more_frequent_word(tmp_path):
    export_embedding(tmp_path, WordVectors(list("abcde"), np.float32([[1, 0], [0, 1], [1, 1], [4, 4], [2, 2]])))
    model = tf.saved_model.load(str(tmp_path))
    assert [word for word, _ in pairs(model.nearest(strings("ab"), 3))] == ["c", "d", "e"]


def test_a_trained_variable_changes_the_neighbours(exported):
    model = tf.saved_model.load(exported)
    turned = np.random.default_rng(3).normal(size=MATRIX.shape).astype(np.float32)
    model.variables[0].assign(np.concatenate([turned, np.zeros((1, 5), np.float32)]))
    assert pairs(model.nearest(strings(["king"]), 5)) == expected_answer(
        WordVectors(WORDS, turned).nearest(["king"], 5)
    )


@pytest.mark.parametrize("name", ["nearest", "analogy"])
def test_signatures_answer_as_the_attributes_do(exported, name):
    model = tf.saved_model.load(exported)
    question = {
        "nearest": {"words": strings(["king", "the"])},
        "analogy": {"positive": strings(["king"]), "negative": strings(["the"])},
    }[name]
    served = model.signatures[name](**question, k=tf.constant(4))
    assert pairs(served) == pairs(getattr(model, name)(*question.values(), 4))
    assert len(pairs(served)) == 4


@pytest.mark.parametrize(
    ("positive", "negative"), [([], []), (["king"], ["king"]), (["unknown"], []), (["unknown"], ["other"])]
)
def test_a_sum_without_direction_has_no_neighbours(loaded, positive, negative):
    assert pairs(loaded.analogy(strings(positive), strings(negative), 3)) == []


def test_an_unknown_word_adds_nothing_to_known_ones_unless_told_otherwise(loaded):
    assert pairs(loaded.nearest(strings(["king", "unknown"]), 5)) == expected_answer(VECTORS.nearest(["king"], 5))


def test_words_are_known_whatever_unknown_ones_get(with_unknown):
    np.testing.assert_array_equal(with_unknown(strings(WORDS)), MATRIX)
    assert pairs(with_unknown.nearest(strings(["king"]), 100)) == expected_answer(VECTORS.nearest(["king"], 100))


def test_an_unknown_word_counts_as_its_vector(with_unknown):
    asked = ["king", "unknown"]
    target = np.sum([row / (np.linalg.norm(row) or 1) for row in with_unknown(strings(asked)).numpy()], axis=0)
    cosines = MATRIX @ target / np.linalg.norm(target) / np.linalg.norm(MATRIX, axis=1)
    best = [row for row in np.argsort(-cosines) if WORDS[row] != "king"]
    assert pairs(with_unknown.nearest(strings(asked), 100)) == [
        (WORDS[row], pytest.approx(cosines[row], abs=1e-5)) for row in best
    ]


def test_unknown_words_may_get_the_mean_of_all_vectors(tmp_path):
    export_embedding(tmp_path, VECTORS, oov="mean")
    rows = tf.saved_model.load(str(tmp_path))(strings(["unknown", "king", "other"]))
    np.testing.assert_allclose(rows, [MATRIX.mean(axis=0), MATRIX[1], MATRIX.mean(axis=0)], atol=1e-6)


def test_hashing_gives_unknown_words_different_vectors(hashed):
    rows = tf.saved_model.load(hashed)(strings(UNKNOWN)).numpy()
    assert len(np.unique(rows, axis=0)) > 90
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.median(np.linalg.norm(MATRIX, axis=1)), rtol=1e-5)


def test_an_unknown_word_gets_the_same_vector_in_every_export(hashed, tmp_path):
    export_embedding(tmp_path, VECTORS, oov="hash")
    first, second = (tf.saved_model.load(str(folder))(strings(UNKNOWN)) for folder in (hashed, tmp_path))
    np.testing.assert_array_equal(first, second)


def test_an_unknown_word_gets_the_same_vector_in_another_process(hashed, tmp_path):
    words = UNKNOWN[:20]
    run_saved_model_cli(hashed, "serving_default", f"words={words}", "--outdir", str(tmp_path))
    np.testing.assert_array_equal(np.load(tmp_path / "default.npy"), tf.saved_model.load(hashed)(strings(words)))


@pytest.mark.parametrize(
    ("signature", "inputs", "asked"),
    [
        ("nearest", 'words=[b"king"];k=2', "king"),
        ("analogy", 'positive=["king","well-known"];negative=["the"];k=2', "king + well-known - the"),
    ],
)
def test_saved_model_cli_runs_the_search(exported, tmp_path, signature, inputs, asked):
    printed = run_saved_model_cli(exported, signature, inputs, "--outdir", str(tmp_path))
    neighbours = VECTORS.query(asked, 2)
    assert f"words:\n{np.array([neighbour.word.encode() for neighbour in neighbours], object)}" in printed
    np.testing.assert_allclose(np.load(tmp_path / "cosines.npy"), [n.cosine for n in neighbours], atol=1e-5)


def test_tfsm_layer_gives_the_vectors(exported):
    layer = keras.layers.TFSMLayer(exported, call_endpoint="serving_default")
    np.testing.assert_array_equal(layer(strings(["北京", "unknown"]))["default"], [MATRIX[3], np.zeros(5)])


def test_tfsm_layer_searches(exported):
    layer = keras.layers.TFSMLayer(exported, call_endpoint="nearest")
    assert pairs(layer(strings(["king"]), k=3)) == expected_answer(VECTORS.nearest(["king"], 3))


def test_hub_keras_layer_searches(exported):
    layer = hub.KerasLayer(exported, signature="nearest", signature_outputs_as_dict=True)
    answer = layer({"words": strings(["king"]), "k": tf.constant(3)})
    assert pairs(answer) == expected_answer(VECTORS.nearest(["king"], 3))


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (["king", "woman"], ["man"]),
        (["paris", "germany"], ["france"]),
        (["red", "blue"], []),
        (["einstein"], []),
        (["the", "of"], ["and", "in"]),
    ],
)
def test_glove_neighbours_agree_with_word_vectors(frequent, exported_glove, positive, negative):
    answer = exported_glove.analogy(strings(positive), strings(negative), 10)
    assert pairs(answer) == expected_answer(frequent.query(expression(positive, negative), 10))


def test_all_of_glove_is_the_answer_to_a_question_without_limit(frequent, exported_glove):
    answer = pairs(exported_glove.nearest(strings(["king"]), 10**9))
    assert len({word for word, _ in answer}) == len(answer) == len(frequent.words) - 1
    assert "king" not in dict(answer)


@pytest.mark.parametrize("pruned", [False, True])
def test_unknown_words_may_be_made_of_their_n_grams(tmp_path, pruned):
    numbers = np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
    kept = np.arange(3, 43, 2, dtype=np.int32) if pruned else None
    subwords = Subwords(2, 4, 50, numbers if kept is None else numbers[: len(kept)], kept)
    export_embedding(tmp_path / "model", WordVectors(WORDS, MATRIX, subwords=subwords), oov="subwords")
    model = tf.saved_model.load(str(tmp_path / "model"))
    asked = ["kingdom", "king", "", "北京市", "😀", "naïve", "</s>", b"\xff\x80\x80b\xc3", "x" * 300, " ", "z"]
    expected = []
    for word in asked:
        rows, _ = subwords.rows([word if isinstance(word, bytes) else word.encode()])
        known = isinstance(word, str) and word in WORDS
        made = subwords.matrix[rows].mean(axis=0) if len(rows) else np.zeros(5)
        expected.append(MATRIX[WORDS.index(word)] if known else made)
    np.testing.assert_allclose(model(strings(asked)), expected, atol=1e-5)
    vectors = load_saved_model(str(tmp_path / "model"))  # which checks its operations
    np.testing.assert_array_equal(vectors.matrix, MATRIX)
    neighbours = WordVectors(WORDS, MATRIX, subwords=subwords).query("kingdom - the", 3)
    assert pairs(model.analogy(strings(["kingdom"]), strings(["the"]), 3)) == expected_answer(neighbours)


def test_a_model_that_makes_words_of_n_grams_can_be_trained(tmp_path):
    subwords = Subwords(2, 3, 20, np.ones((20, 5), np.float32))
    export_embedding(tmp_path, WordVectors(WORDS, MATRIX, subwords=subwords), oov="subwords")
    model = tf.saved_model.load(str(tmp_path))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(strings(["kingdom", "king"])))
    words, ngrams = tape.gradient(loss, model.trainable_variables)
    assert tf.reduce_sum(tf.convert_to_tensor(words)) == 5
    assert float(tf.reduce_sum(ngrams)) == pytest.approx(5)


def test_vectors_without_n_grams_cannot_be_exported_with_them(tmp_path):
    with pytest.raises(ValueError, match="have no n-grams"):
        export_embedding(tmp_path / "model", VECTORS, oov="subwords")
