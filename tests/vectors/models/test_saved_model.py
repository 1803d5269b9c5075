"""Word vectors out of SavedModels: exported ones come back as they were, anything else is explained in one line."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.vectors.models.embedding import export_embedding
from tfgraphs.vectors.models.saved_model import load_saved_model
from tfgraphs.vectors.word_vectors import FormatError, WordVectors

WORDS = ["the", "king", "Straße", "北京", "New York", "well-known", " ", "1984", "\ufeff", "🙂", "\x85", "a\u2028b"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_embedding(folder, WordVectors(WORDS, MATRIX), oov="hash")
    return folder


@pytest.fixture
def copied(exported, tmp_path) -> Path:
    """An export that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copied"))


def save_model(folder, call, assets=("words.txt",), text="a\nb\nc\n", dtype=tf.string):
    """A SavedModel of another make, with files of text as its assets."""
    root = tf.train.Checkpoint()
    if call is not None:
        root.__call__ = tf.function(call, input_signature=[tf.TensorSpec([None], dtype)])
    root.assets = []
    for name in assets:
        (folder.parent / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        root.assets.append(tf.saved_model.Asset(str(folder.parent / name)))
    tf.saved_model.save(root, str(folder))
    return str(folder)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Makes a SavedModel whose graph is an eager function, with files of text as its assets."""

    def make(call, assets=("words.txt",), text="a\nb\nc\n"):
        folder = tmp_path / "model"
        (folder / "assets").mkdir(parents=True)
        (folder / "saved_model.pb").touch()
        for name in assets:
            (folder / "assets" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setattr("tfgraphs.files.saved_models.load", lambda *_: call)
        return str(folder)

    return make


def letters(words):
    """A model without a table: the code of a word's first letter, and 1."""
    codes = tf.cast(tf.io.decode_raw(tf.strings.substr(words, 0, 1), tf.uint8), tf.float32)
    return tf.concat([codes, tf.ones_like(codes)], axis=1)


def message(handle) -> str:
    """What is said of a handle, in one line."""
    with pytest.raises(FormatError) as raised:
        load_saved_model(str(handle))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("handle", ["{}", "hub:{}"])
def test_an_export_comes_back_bit_for_bit(exported, handle):
    vectors = load_saved_model(handle.format(exported))
    assert list(vectors.words) == WORDS
    assert vectors.matrix.dtype == np.float32
    np.testing.assert_array_equal(vectors.matrix, MATRIX)


def test_many_words_come_back_bit_for_bit(tmp_path):
    words = [f"word{number}" for number in range(10_000)]
    matrix = np.random.default_rng(0).normal(size=(len(words), 3)).astype(np.float32)
    export_embedding(tmp_path, WordVectors(words, matrix))
    vectors = load_saved_model(str(tmp_path))
    assert vectors.words == words
    np.testing.assert_array_equal(vectors.matrix, matrix)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_first_words_can_be_asked_for(exported, limit):
    vectors = load_saved_model(str(exported), limit)
    assert vectors.words == WORDS[:limit]
    np.testing.assert_array_equal(vectors.matrix, MATRIX[:limit])


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64, tf.bfloat16])
def test_foreign_models_of_any_precision_are_loaded(tmp_path, dtype):
    vectors = load_saved_model(save_model(tmp_path / "model", lambda words: tf.cast(letters(words), dtype)))
    assert vectors.words == ["a", "b", "c"]
    assert vectors.matrix.dtype == np.float32
    assert vectors.matrix.tolist() == [[97, 1], [98, 1], [99, 1]]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb\r\n", "a\n\nb\n\n", "a\nb\na\n"])
def test_vocabularies_are_read_as_tensorflow_reads_them(model, text):
    assert load_saved_model(model(letters, text=text)).words == ["a", "b"]


def test_a_character_cut_at_the_end_of_the_sample_is_still_text(model):
    words = ["北京" * number for number in range(1, 300)]
    path = model(letters, text="x" + "\n".join(words))
    assert load_saved_model(path).words == ["x" + words[0], *words[1:]]


def test_an_asset_that_is_not_text_is_not_the_vocabulary(model):
    folder = Path(model(letters))
    (folder / "assets" / "pieces.model").write_bytes(b"\x00\x01\x02")
    assert load_saved_model(str(folder)).words == ["a", "b", "c"]


def test_several_texts_are_named(model):
    folder = model(letters, assets=("words.txt", "stop_words.txt"))
    assert message(folder) == (
        f"{folder} has no clear vocabulary: several assets are text (stop_words.txt, words.txt); "
        "one text file with a word per line is needed"
    )


@pytest.mark.parametrize("text", [b"\x00\x01", b"a\nb\xff\nc\n", b"a\xc3"])
def test_assets_without_text_are_named(model, text):
    folder = model(letters, assets=("pieces.model",), text=text)
    assert "no asset is text (pieces.model); one text file with a word per line is needed" in message(folder)


def test_a_model_without_assets_is_refused(model):
    assert "vocabulary: no assets; one text file" in message(model(letters, assets=()))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_vocabulary_is_refused(model, text):
    assert "its vocabulary is empty" in message(model(letters, text=text))


def test_a_vocabulary_with_invalid_text_further_on_is_refused(model):
    folder = model(letters, text=b"word\n" * 20_000 + b"\xff\n")
    assert re.search(r"vocabulary .*words.txt cannot be read .*it must be UTF-8", message(folder))


@pytest.mark.parametrize(
    ("call", "returned"),
    [
        (lambda words: tf.strings.length(words), r"int32 \[3\]"),
        (lambda words: letters(words)[:, 0], r"float32 \[3\]"),
        (lambda words: letters(words)[1:], r"float32 \[2, 2\]"),
        (lambda words: letters(words)[:, :0], r"float32 \[3, 0\]"),
        (lambda words: letters(words)[tf.newaxis], r"float32 \[1, 3, 2\]"),
        (lambda words: words[:, tf.newaxis], r"string \[3, 1\]"),
        (lambda words: {"default": letters(words)}, "a .*[Dd]ict"),
        (lambda words: tf.strings.bytes_split(words), "a RaggedTensor"),
    ],
)
def test_wrong_results_of_a_model_are_described(model, call, returned):
    expected = rf"model does not map words to vectors: it returns {returned}.*, expected float \[3, dimensions\]"
    assert re.search(expected, message(model(call)))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_words_whose_vectors_are_not_finite_are_left_out_and_counted(model, value):
    def call(words):
        rows = tf.cast(letters(words), tf.float64)
        return tf.where(rows == 98, tf.constant(value, tf.float64), rows)

    with pytest.warns(UserWarning, match=r"words that are left out because their vectors are not finite: 1$"):
        assert load_saved_model(str(model(call))).words == ["a", "c"]


def test_a_model_without_finite_vectors_is_refused(model):
    assert message(model(lambda words: letters(words) * np.nan)).endswith("is damaged: none of its vectors is finite")


def test_vectors_of_changing_width_are_refused(model):
    def call(words):
        return letters(words)[:, : tf.where(tf.size(words) == 4096, 2, 1)]

    folder = model(call, text="".join(f"w{number}\n" for number in range(5000)))
    assert "some have 2 and 1 dimensions" in message(folder)


def test_a_model_of_numbers_is_refused(tmp_path):
    folder = save_model(tmp_path / "model", lambda numbers: numbers[:, tf.newaxis], dtype=tf.float32)
    assert "cannot be called on a batch of words" in message(folder)


def test_a_model_that_cannot_be_called_is_refused(model):
    assert "cannot be called (it has signatures: none)" in message(model(object()))


def test_a_graph_that_fails_is_explained(model):
    def call(words):
        tf.debugging.assert_equal(tf.size(words), 1, message="one word\nat a time")
        return letters(words)

    assert "cannot be called on a batch of words" in message(model(call))


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
@pytest.mark.parametrize("part", [0, 0.5])
def test_a_file_that_is_cut_off_is_explained(copied, name, part):
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: int(part * len(content))])
    assert re.search(rf"{copied} (cannot be (loaded|read) \(|should have one graph)", message(copied))


def test_changed_numbers_are_noticed(copied):
    path = copied / "variables" / "variables.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert f"{copied} cannot be loaded (" in message(copied)


@pytest.mark.parametrize("name", ["variables", "assets"])
def test_a_missing_folder_is_explained(copied, name):
    shutil.rmtree(copied / name)
    assert str(copied) in message(copied)


@pytest.mark.parametrize("name", ["nowhere", "file", "folder"])
def test_anything_but_a_saved_model_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("words")
    (tmp_path / "folder").mkdir()
    assert message(tmp_path / name) == f"{tmp_path / name} is not a SavedModel: it has no saved_model.pb"


def test_tensorflow_is_not_imported_before_it_is_needed():
    program = "import sys, tfgraphs.vectors.models.saved_model; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
