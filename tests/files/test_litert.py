"""Exported models in LiteRT, with its own operations only."""

import re

import numpy as np
import pytest
import tensorflow as tf
from exported_models import MATRIX
from tensorflow.lite.python.convert_phase import ConverterError
from where_signatures_work import verdicts

from tfgraphs.neural_style.one_pass.network import noise_of

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed: pip install ai-edge-litert")

LACKING = [one for one in verdicts("LiteRT") if not one.works]
# What can be converted if TensorFlow's operations are linked in.
WITH_TENSORFLOW = {("words", "serving_default"), ("network", "serving_default"), ("network", "serve_bytes")}


def convert(folder, signature, *operations):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[signature])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, *operations]
    return converter.convert()


def test_a_network_paints_pictures_of_any_size(exported):
    interpreter = litert.Interpreter(model_content=convert(exported("network"), "with_noise"))
    paint = interpreter.get_signature_runner("with_noise")
    network = tf.saved_model.load(str(exported("network")))
    for size in ((24, 32), (37, 21)):
        pictures = np.random.default_rng(0).random((1, *size, 3)).astype(np.float32)
        painted = paint(image=pictures, noise=noise_of(tf.constant(size)).numpy())["image"]
        np.testing.assert_allclose(painted, network(pictures), atol=1e-4)


def test_rows_of_the_vocabulary_give_vectors(exported):
    interpreter = litert.Interpreter(model_content=convert(exported("words"), "vectors"))
    look_up = interpreter.get_signature_runner("vectors")
    np.testing.assert_array_equal(look_up(rows=np.int32([3, 0, 3]))["default"], MATRIX[[3, 0, 3]])


def refused(exported, verdict, *operations):
    """Returns the operations that the converter refuses in a signature."""
    with pytest.raises(ConverterError) as caught:
        convert(exported(verdict.model), verdict.signature, *operations)
    named = re.findall(r"'tf\.(\w+)' op (?:is neither a custom op nor a flex op|requires)", str(caught.value))
    called = "ERROR_STATEFUL_PARTITIONED_CALL_IN_FINAL_IR" in str(caught.value)
    return {*named, "StatefulPartitionedCall"} if called else set(named)


def test_what_works_is_what_was_computed_above():
    assert {str(one) for one in verdicts("LiteRT") if one.works} == {"network-with_noise", "words-vectors"}


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(one, id=str(one), marks=[pytest.mark.long] if one.model in ("dreamer", "painter") else [])
        for one in LACKING
    ],
)
def test_litert_lacks_what_the_page_says(exported, verdict):
    assert verdict.lacks in refused(exported, verdict)


@pytest.mark.long
@pytest.mark.parametrize("verdict", LACKING, ids=str)
def test_tensorflow_s_operations_help_words_and_networks_only(exported, verdict):
    if (verdict.model, verdict.signature) in WITH_TENSORFLOW:
        assert convert(exported(verdict.model), verdict.signature, tf.lite.OpsSet.SELECT_TF_OPS)
    else:
        lacks = "StatefulPartitionedCall" if verdict.signature == "serve_bytes" else verdict.lacks
        assert lacks in refused(exported, verdict, tf.lite.OpsSet.SELECT_TF_OPS)
