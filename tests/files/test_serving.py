"""Each exported model behind TensorFlow Serving's REST contract, as its clients see it."""

import base64
import io
import json
import re

import exported_models
import numpy as np
import pytest
import tensorflow as tf
from exported_models import MATRIX, SUBWORDS, WORDS, export_small
from PIL import Image
from saved_models import run_saved_model_cli, saved_model_cli
from serving_contract import Serving
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry
from werkzeug.test import Client

from tfgraphs.neural_style.one_pass.network import noise_of
from tfgraphs.vectors.models.embedding import export_embedding
from tfgraphs.vectors.word_vectors import WordVectors

SIGNATURES = {**exported_models.SIGNATURES, "subwords": exported_models.SIGNATURES["words"]}
PAINTING_MODELS = ["network", "dreamer", "painter"]


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """The base folder of each model, with its version 1."""
    base = tmp_path_factory.mktemp("models")
    for model in exported_models.SIGNATURES:
        export_small(model, base / model / "1")
    export_embedding(base / "subwords" / "1", WordVectors(WORDS, MATRIX, subwords=SUBWORDS), oov="subwords")
    return {name: base / name for name in SIGNATURES}


@pytest.fixture(scope="module")
def loaded(bases):
    """The models as Python loads them."""
    return {name: tf.saved_model.load(str(base / "1")) for name, base in bases.items()}


@pytest.fixture(scope="module")
def client(bases):
    return Client(Serving(bases))


@pytest.fixture
def predict(client):
    """Asks a model, and returns what it predicts."""

    def ask(model, **request):
        response = client.post(f"/v1/models/{model}:predict", json=request)
        assert response.status_code == 200, response.text
        (answer,) = response.json.values()
        assert list(response.json) == ["predictions" if "instances" in request else "outputs"]
        return answer

    return ask


@pytest.fixture
def refusal(client):
    """Asks a model what it refuses, and returns the error."""

    def ask(model, **request):
        response = client.post(f"/v1/models/{model}:predict", json=request)
        assert response.status_code == 400
        return response.json["error"]

    return ask


def picture(*size, seed=0):
    return np.random.default_rng(seed).uniform(0.2, 0.8, (*size, 3)).astype(np.float32)


def png(pixels):
    """A file as JSON has it."""
    return {"b64": base64.b64encode(tf.io.encode_png(np.round(pixels * 255).astype(np.uint8)).numpy()).decode()}


def pixels_of(encoded):
    return tf.io.decode_png(base64.b64decode(encoded["b64"])).numpy() / 255


# --- what each model says of itself


@pytest.mark.parametrize("model", SIGNATURES)
def test_metadata_names_what_goes_in_and_out(client, model):
    metadata = client.get(f"/v1/models/{model}/metadata").json["metadata"]["signature_def"]["signature_def"]

    def tensors(infos):
        return {
            name: (info["dtype"], [int(dimension["size"]) for dimension in info["tensor_shape"]["dim"]])
            for name, info in infos.items()
        }

    found = {
        name: (tensors(signature["inputs"]), tensors(signature["outputs"]))
        for name, signature in metadata.items()
        if not name.startswith("__saved_model")
    }
    assert found == SIGNATURES[model]
    assert {metadata[name]["method_name"] for name in found} == {"tensorflow/serving/predict"}


def test_the_state_of_a_model_has_its_version(client):
    (version,) = client.get("/v1/models/words").json["model_version_status"]
    assert (version["version"], version["state"]) == ("1", "AVAILABLE")


@pytest.mark.parametrize("model", SIGNATURES)
def test_a_model_needs_the_operations_of_tensorflow_only(bases, model):
    content = SavedModel.FromString((bases[model] / "1" / "saved_model.pb").read_bytes())
    (graph,) = content.meta_graphs
    functions = {function.signature.name: function.node_def for function in graph.graph_def.library.function}
    used = {node.op for nodes in (graph.graph_def.node, *functions.values()) for node in nodes}
    assert [name for name in used - functions.keys() if op_def_registry.get(name) is None or "Py" in name] == []


# --- words


def test_words_in_rows_and_columns(predict):
    asked = ["king", "unknown", "北京"]
    for answer in (predict("words", instances=asked), predict("words", inputs=asked)):
        np.testing.assert_allclose(answer, [MATRIX[1], np.zeros(4), MATRIX[3]], rtol=1e-6)


@pytest.mark.parametrize("instance", ["king", {"words": "king"}, {"b64": base64.b64encode(b"king").decode()}])
def test_one_word_in_each_spelling_of_an_instance(predict, instance):
    np.testing.assert_allclose(predict("words", instances=[instance]), MATRIX[1:2], rtol=1e-6)


def test_a_version_and_a_signature_can_be_asked_for(client):
    request = {"signature_name": "serving_default", "instances": ["queen"]}
    answer = client.post("/v1/models/words/versions/1:predict", json=request).json
    np.testing.assert_allclose(answer["predictions"], MATRIX[2:3], rtol=1e-6)


def test_unknown_words_are_made_of_n_grams(predict, loaded):
    words = ["kings", "北京市", "queen"]
    np.testing.assert_allclose(predict("subwords", instances=words), loaded["subwords"](words), rtol=1e-5)


def test_search_takes_its_number_of_answers_in_columns(predict):
    answer = predict("words", signature_name="nearest", inputs={"words": ["king"], "k": 2})
    expected = WordVectors(WORDS, MATRIX).nearest(["king"], 2)
    assert answer["words"] == [neighbour.word for neighbour in expected]
    np.testing.assert_allclose(answer["cosines"], [neighbour.cosine for neighbour in expected], atol=1e-5)


def test_an_analogy_may_have_nothing_to_subtract(predict):
    inputs = {"positive": ["king"], "negative": [], "k": 1}
    answer = predict("words", signature_name="analogy", inputs=inputs)
    assert answer["words"] == [WordVectors(WORDS, MATRIX).nearest(["king"], 1)[0].word]


def test_rows_of_the_vocabulary_give_vectors(predict, bases):
    assert (bases["words"] / "1" / "assets" / "words.txt").read_text(encoding="utf-8").splitlines() == WORDS
    answer = predict("words", signature_name="vectors", instances=[3, 0])
    np.testing.assert_allclose(answer, MATRIX[[3, 0]], rtol=1e-6)


# --- pictures


@pytest.mark.parametrize("size", [(20, 28), (33, 21)], ids=str)
@pytest.mark.parametrize("model", ["network", "dreamer"])
@pytest.mark.parametrize("batch", [1, 2])
def test_pictures_of_any_size_in_rows_and_columns(predict, loaded, model, size, batch):
    pictures = np.stack([picture(*size, seed=seed) for seed in range(batch)])
    expected = loaded[model](pictures)
    for key in ("instances", "inputs"):
        np.testing.assert_allclose(predict(model, **{key: pictures.tolist()}), expected, atol=1e-4)


def test_a_painter_takes_one_photograph_and_one_painting(predict, loaded):
    content, style = picture(40, 44), picture(36, 33, seed=1)
    expected = loaded["painter"](content[None], style[None])
    rows = predict("painter", instances=[{"content": content.tolist(), "style": style.tolist()}])
    columns = predict("painter", inputs={"content": [content.tolist()], "style": [style.tolist()]})
    np.testing.assert_allclose(rows, expected, atol=1e-3)
    np.testing.assert_allclose(columns, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("model", "signature", "settings"),
    [("dreamer", "dream", {"steps": 3, "step_size": 0.02}), ("painter", "stylize", {"steps": 3})],
)
def test_steps_are_given_in_columns(predict, loaded, model, signature, settings):
    names = ["image"] if model == "dreamer" else ["content", "style"]
    pictures = [picture(36, 40, seed=seed)[None] for seed in range(len(names))]
    inputs = {name: pixels.tolist() for name, pixels in zip(names, pictures, strict=True)}
    answer = predict(model, signature_name=signature, inputs={**inputs, **settings})
    expected = getattr(loaded[model], signature)(*pictures, *settings.values())
    np.testing.assert_allclose(answer, expected, atol=1e-3)


def test_noise_of_the_size_gives_what_the_network_paints_anyway(predict, loaded):
    pictures = picture(21, 30)[None]
    noise = noise_of(tf.constant([21, 30])).numpy()
    answer = predict(
        "network", signature_name="with_noise", inputs={"image": pictures.tolist(), "noise": noise.tolist()}
    )
    np.testing.assert_allclose(answer, loaded["network"](pictures), atol=1e-4)


def test_rows_with_noise_have_one_picture(predict, refusal, loaded):
    pixels = picture(20, 24)
    instance = {"image": pixels.tolist(), "noise": noise_of(tf.constant([20, 24])).numpy()[0].tolist()}
    answer = predict("network", signature_name="with_noise", instances=[instance])
    np.testing.assert_allclose(answer, loaded["network"](pixels[None]), atol=1e-4)
    assert "shape" in refusal("network", signature_name="with_noise", instances=[instance, instance])


# --- files of pictures


@pytest.mark.parametrize("model", PAINTING_MODELS)
def test_files_of_different_sizes_make_a_batch(predict, loaded, model):
    pictures = [np.round(picture(*size) * 255).astype("f") / np.float32(255) for size in ((40, 44), (36, 52))]
    names = ["content", "style"] if model == "painter" else ["image"]
    instances = [{f"{name}_bytes": png(pixels) for name in names} for pixels in pictures]
    answers = predict(model, signature_name="serve_bytes", instances=instances)
    for pixels, answer in zip(pictures, answers, strict=True):
        np.testing.assert_allclose(pixels_of(answer), loaded[model](*[pixels[None]] * len(names))[0], atol=0.003)


def test_a_single_input_of_bytes_needs_no_name(predict):
    (answer,) = predict("network", signature_name="serve_bytes", instances=[png(picture(20, 24))])
    assert pixels_of(answer).shape == (20, 24, 3)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "JPEG"), ("L", "JPEG"), ("RGB", "GIF"), ("RGB", "BMP"), ("RGBA", "PNG")]
)
def test_files_of_other_formats_are_read(predict, mode, kind):
    written = io.BytesIO()
    Image.fromarray(np.uint8(picture(24, 32) * 255)).convert(mode).save(written, kind)
    file = {"b64": base64.b64encode(written.getvalue()).decode()}
    (answer,) = predict("network", signature_name="serve_bytes", inputs={"image_bytes": [file]})
    assert pixels_of(answer).shape == (24, 32, 3)


def test_something_else_than_a_picture_is_refused(refusal):
    nothing = {"b64": base64.b64encode(b"nothing of the kind").decode()}
    assert "Unknown image file format" in refusal("network", signature_name="serve_bytes", instances=[nothing])


@pytest.mark.parametrize("model", PAINTING_MODELS)
def test_a_small_file_of_a_picture_that_is_too_large_is_refused(refusal, model):
    file = png(np.zeros((1, 20_001, 3)))
    names = ["content_bytes", "style_bytes"] if model == "painter" else ["image_bytes"]
    answer = refusal(model, signature_name="serve_bytes", instances=[dict.fromkeys(names, file)])
    assert "a picture is too large" in answer


# --- saved_model_cli


@pytest.mark.parametrize("model", SIGNATURES)
def test_saved_model_cli_lists_the_signatures(bases, model):
    printed = saved_model_cli("show", "--dir", bases[model] / "1", "--tag_set", "serve")
    keys = set(re.findall('SignatureDef key: "(.*)"', printed))
    assert {key for key in keys if not key.startswith("__saved_model")} == SIGNATURES[model].keys()


def test_saved_model_cli_paints_a_file(bases, loaded, tmp_path):
    file = base64.b64decode(png(picture(20, 24))["b64"])
    np.save(tmp_path / "files.npy", np.array([file]))
    options = ("--inputs", f"image_bytes={tmp_path / 'files.npy'}", "--outdir", tmp_path)
    run_saved_model_cli(bases["network"] / "1", "serve_bytes", "", *options)
    painted = np.load(tmp_path / "image_bytes.npy", allow_pickle=True)
    assert painted.tolist() == loaded["network"].serve_bytes(tf.constant([file]))["image_bytes"].numpy().tolist()


# --- what is refused


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        ({"signature_name": "embed", "instances": ["king"]}, "not found in signature def"),
        ({"instances": [{"word": "king"}]}, "must be equal to: words"),
        ({"inputs": {"word": ["king"]}}, "Missing named input: words"),
        ({"instances": []}, "an empty one"),
        ({"instances": [1]}, "is not of expected type: string"),
        ({"words": ["king"]}, "one of the keys"),
        ({"instances": ["king"], "inputs": ["king"]}, "one of the keys"),
        ({"inputs": "king"}, "shape"),
        ({"signature_name": "nearest", "inputs": {"words": ["king"], "k": 2.5}}, "is not of expected type: int32"),
        ({"signature_name": "nearest", "instances": [{"words": "king", "k": 2}]}, "shape"),
    ],
)
def test_wrong_requests_are_refused(refusal, request_body, message):
    assert message in refusal("words", **request_body)


def test_scalars_do_not_fit_into_rows(refusal):
    instance = {"image": picture(20, 20).tolist(), "steps": 2, "step_size": 0.01}
    assert "shape" in refusal("dreamer", signature_name="dream", instances=[instance])


def test_pictures_of_two_sizes_are_no_batch(refusal):
    assert "unexpected size" in refusal("network", instances=[picture(20, 20).tolist(), picture(20, 24).tolist()])


def test_a_painter_refuses_a_batch(refusal):
    instance = {"content": picture(36, 36).tolist(), "style": picture(36, 36).tolist()}
    assert "shape" in refusal("painter", instances=[instance, instance])


def test_a_picture_that_is_too_small_for_the_painter_is_refused(refusal):
    instance = {"content": picture(20, 36).tolist(), "style": picture(36, 36).tolist()}
    assert "at least 32 px a side" in refusal("painter", instances=[instance])


@pytest.mark.parametrize("path", ["/v1/models/none:predict", "/v1/models/words/versions/2:predict"])
def test_another_model_or_version_is_not_found(client, path):
    response = client.post(path, json={"instances": ["king"]})
    assert response.status_code == 404
    assert "Servable not found" in response.json["error"]


def test_a_model_without_a_version_folder_is_not_served(bases):
    client = Client(Serving({"words": bases["words"] / "1"}))
    assert client.get("/v1/models/words").status_code == 404


def test_the_latest_version_is_served(bases, tmp_path):
    for version, word in ((2, "old"), (10, "new")):
        export_embedding(tmp_path / str(version), WordVectors([word], np.float32([[version]])))
    answer = Client(Serving({"words": tmp_path})).post("/v1/models/words:predict", json={"instances": ["new"]})
    assert json.loads(answer.text) == {"predictions": [[10.0]]}
