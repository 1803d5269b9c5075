"""Tables in SavedModels are filled from the assets in their own folder, and from nothing else."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from foreign_networks import message
from saved_models import changed, load_checked, save_function

from tfgraphs.files.trust import TrustError


def table(words: tf.Tensor, filename: str | tf.Tensor) -> tf.Tensor:
    """The lines of a file as the numbers of words."""
    handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    fill = tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=handle, filename=filename, key_index=-2, value_index=-1
    )
    with tf.control_dependencies([fill]):
        return tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=words, default_value=tf.constant(-1, tf.int64))


WORDS = tf.TensorSpec([None], tf.string)
ONLY_ASSETS = "it fills a table from a file that is not one of its assets"


def nested(words: tf.Tensor, filename: str | tf.Tensor) -> tf.Tensor:
    return tf.function(table)(words, tf.identity(tf.constant(filename)))


@pytest.mark.parametrize("fill", [table, nested])
@pytest.mark.parametrize("filename", ["/etc/hostname", "gs://bucket/words.txt"])
def test_a_table_from_a_file_that_the_program_names_is_refused(tmp_path, filename, fill):
    path = save_function(tmp_path, lambda words: fill(words, filename), WORDS)
    assert ONLY_ASSETS in message(TrustError, load_checked, path)


@pytest.mark.parametrize(
    "choose",
    [
        lambda words: words[0],
        lambda words: tf.strings.join(["/etc/", "hostname"]),
        lambda words: tf.cond(tf.size(words) > 1, lambda: "/etc/hostname", lambda: "/etc/passwd"),
    ],
)
def test_a_table_from_a_file_that_the_program_computes_is_refused(tmp_path, choose):
    path = save_function(tmp_path, lambda words: table(words, choose(words)), WORDS)
    assert ONLY_ASSETS in message(TrustError, load_checked, path)


def test_a_table_from_a_file_that_its_user_names_is_refused(tmp_path):
    words, name = WORDS, tf.TensorSpec([], tf.string)
    assert ONLY_ASSETS in message(TrustError, load_checked, save_function(tmp_path, table, words, name))


def test_a_table_that_one_branch_fills_is_refused(tmp_path):
    def call(words: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
        return tf.cond(tf.size(words) > 1, lambda: table(words, name), lambda: tf.zeros(tf.shape(words), tf.int64))

    path = save_function(tmp_path, call, WORDS, tf.TensorSpec([], tf.string))
    assert ONLY_ASSETS in message(TrustError, load_checked, path)


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory) -> Path:
    """A SavedModel that looks words up in an asset."""
    folder = tmp_path_factory.mktemp("lexicon")
    (folder / "words.txt").write_text("king\nqueen\n")
    lines = tf.lookup.TextFileInitializer(
        str(folder / "words.txt"), tf.string, -2, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    numbers = tf.lookup.StaticHashTable(lines, -1)
    return save_function(folder / "model", numbers.lookup, WORDS, numbers=numbers)


def test_a_table_from_an_asset_is_filled(lexicon):
    assert load_checked(lexicon)(tf.constant(["queen", "king", "pawn"])).numpy().tolist() == [1, 0, -1]


@pytest.mark.parametrize("name", ["../../words.txt", "/etc/hostname", "gs://bucket/words.txt", "missing.txt"])
def test_an_asset_outside_the_folder_is_refused(lexicon, tmp_path, name):
    def change(graph) -> None:
        graph.asset_file_def[0].filename = name

    text = message(TrustError, load_checked, changed(lexicon, tmp_path / "copy", change))
    assert re.search("leads out of its folder|cannot read .*: no such file", text)


def test_a_table_whose_file_is_bound_to_another_object_is_refused(lexicon, tmp_path):
    def change(graph) -> None:
        for node in graph.object_graph_def.nodes:
            if node.HasField("asset"):
                node.constant.operation = "Const"

    assert ONLY_ASSETS in message(TrustError, load_checked, changed(lexicon, tmp_path / "copy", change))


def call_function(graph, name: str) -> None:
    """Adds a function of that name which stands for the name of another file."""
    function = graph.graph_def.library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="given", type=tf.string.as_datatype_enum)


def repeat_node(graph) -> None:
    function = graph.graph_def.library.function[0]
    function.node_def.add().CopyFrom(function.node_def[0])


def repeat_input(graph) -> None:
    function = next(each for each in graph.graph_def.library.function if each.signature.input_arg)
    function.node_def.add(name=function.signature.input_arg[0].name, op="Identity")


def list_inputs(graph) -> None:
    function = next(each for each in graph.graph_def.library.function if each.signature.input_arg)
    function.signature.input_arg[0].number_attr = "N"


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: call_function(graph, "Identity"),
        lambda graph: call_function(graph, "RestoreV2"),
        repeat_node,
        repeat_input,
        list_inputs,
    ],
    ids=["Identity", "RestoreV2", "node twice", "node and input", "list"],
)
def test_ambiguous_names_are_refused(lexicon, tmp_path, change):
    text = message(TrustError, load_checked, changed(lexicon, tmp_path / "copy", change))
    assert re.search("has the name of an operation|have the same name", text)


def save_first_lexicon(folder: Path, asset: bool) -> Path:
    """A model of TensorFlow 1 that fills a table when it is loaded, from an asset or from another file."""
    v1 = tf.compat.v1
    folder.mkdir()
    (folder / "words.txt").write_text("king\nqueen\n")
    with tf.Graph().as_default(), v1.Session() as session:
        words, file = v1.placeholder(tf.string, [None]), tf.constant(str(folder / "words.txt"))
        if asset:
            v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, file)
        handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name=str(folder))
        fill = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=handle, filename=file, key_index=-2, value_index=-1
        )
        out = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=words, default_value=tf.constant(-1, tf.int64))
        builder = v1.saved_model.Builder(str(folder / "model"))
        signature = v1.saved_model.predict_signature_def({"words": words}, {"out": out})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=fill,
        )
        builder.save()
    return folder / "model"


def test_a_table_of_tensorflow_1_from_an_asset_is_filled(tmp_path):
    model = load_checked(save_first_lexicon(tmp_path / "first", True))
    out = model.signatures["serving_default"](words=tf.constant(["queen", "pawn"]))["out"]
    assert out.numpy().tolist() == [1, -1]


def test_a_table_of_tensorflow_1_that_was_saved_anew_is_filled(tmp_path):
    first = tf.saved_model.load(str(save_first_lexicon(tmp_path / "first", True)))
    look_up = first.signatures["serving_default"]
    path = save_function(tmp_path / "second", lambda words: look_up(words=words)["out"], WORDS, first=first)
    assert load_checked(path)(tf.constant(["queen", "pawn"])).numpy().tolist() == [1, -1]


def test_a_keras_model_of_texts_is_admitted(tmp_path):
    words = keras.Input((), dtype="string")
    numbers = keras.layers.TextVectorization(vocabulary=["king", "queen"], output_sequence_length=2)(words)
    model = keras.Model(words, keras.layers.Embedding(4, 3)(numbers))
    model.export(tmp_path, verbose=False)
    loaded, texts = load_checked(tmp_path), tf.constant(["Queen, king!"])
    np.testing.assert_array_equal(loaded.serve(texts), model(texts))


def test_a_table_of_tensorflow_1_from_another_file_is_refused(tmp_path):
    assert ONLY_ASSETS in message(TrustError, load_checked, save_first_lexicon(tmp_path / "first", False))
