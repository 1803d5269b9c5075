"""Networks by name, from weight files as they are published, put into the cache by hand."""

import dataclasses
import hashlib
import zipfile

import h5py
import keras
import numpy as np
import pytest
from frozen_graphs import released_arrays, released_graph, small_graph, written
from safetensors.numpy import save_file

from tfgraphs import backbones
from tfgraphs.backbones import BackboneError, LayerError, loading
from tfgraphs.backbones.looking.classes import class_layer
from tfgraphs.backbones.networks import googlenet, resnet
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.downloads import DownloadError

PICTURES = np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype(np.float32)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no way to download anything."""
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("tfgraphs.files.downloads._WAITS", (0.0,))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def put(cache, monkeypatch, table, name, write):
    """Writes a file under its published name, and makes its digest the published one."""
    download = table[name]
    path = cache / download.file_name
    write(path)
    algorithm = download.digest.partition(":")[0]
    digest = hashlib.new(algorithm, path.read_bytes()).hexdigest()
    monkeypatch.setitem(table, name, dataclasses.replace(download, digest=f"{algorithm}:{digest}"))
    return path


def write_legacy(model, names):
    """A writer of the HDF5 files that keras.applications has published since 2017, by the names of their weights."""

    def write(path):
        with h5py.File(path, "w") as file:
            layers = [layer for layer in model.layers if layer.weights]
            file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
            for layer in model.layers:
                file.create_group(layer.name).attrs["weight_names"] = []
            for layer in layers:
                group = file[layer.name]
                found = [f"{layer.name}{names[weight.path.rpartition('/')[2]]}" for weight in layer.weights]
                group.attrs["weight_names"] = [name.encode() for name in found]
                for name, weight in zip(found, layer.weights, strict=True):
                    group[name] = np.asarray(weight)

    return write


def test_vgg_is_read_from_keras_file(cache, monkeypatch, randomized, agree):
    model = keras.applications.VGG16(weights=None, include_top=False)
    randomized(model)
    put(cache, monkeypatch, loading.TRUNKS, "vgg16", write_legacy(model, {"kernel": "_W_1:0", "bias": "_b_1:0"}))
    backbone = backbones.load("vgg16")
    agree(backbone, model, PICTURES, keras.applications.vgg16.preprocess_input(PICTURES * 255))


def test_resnet_is_read_from_keras_file(cache, monkeypatch, randomized):
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3))
    expected = resnet.build("resnet50", randomized(model))
    kinds = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
    names = {kind: f"/{kind}:0" for kind in kinds}
    put(cache, monkeypatch, loading.WHOLE, "resnet50", write_legacy(model, names))
    layers = ["conv1_relu", "conv3_block1_out", "conv5_block3_out", "softmax"]
    theirs = expected(PICTURES, layers)
    for name, activation in backbones.load("resnet50")(PICTURES, layers).items():
        np.testing.assert_array_equal(activation, theirs[name], err_msg=name)


def test_both_googlenets_are_read_from_the_released_archive(cache, monkeypatch, shared_weights):
    graph = released_graph(shared_weights / "inception5h_graph.json", released_arrays()).SerializeToString()
    labels = b"dummy\n" * 1000 + b"last\n"

    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(googlenet.GRAPH.name, graph)
            archive.writestr(googlenet.LABELS.name, labels)

    for member, content in (("GRAPH", graph), ("LABELS", labels)):
        known = dataclasses.replace(getattr(googlenet, member), sha256=hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(googlenet, member, known)
    put(cache, monkeypatch, loading.WHOLE, "googlenet", write)
    networks = [backbones.load(name) for name in ("googlenet", "inception5h")]
    assert [network.classes[-2:] for network in networks] == [("dummy", "last")] * 2
    assert [path.name for path in cache.iterdir()] == ["inception5h.zip"]
    ours, theirs = (network(PICTURES, ["mixed4d"])["mixed4d"] for network in networks)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-4 * np.abs(theirs.numpy()).max())


@pytest.fixture
def graph_file(shared_weights, tmp_path):
    graph = released_graph(shared_weights / "inception5h_graph.json", released_arrays())
    path = tmp_path / "somebodys_graph.pb"
    path.write_bytes(graph.SerializeToString())
    return path


def test_the_released_googlenet_is_known_by_its_nodes(graph_file, recwarn):
    names = ["mixed3a", "logits"]
    pictures = np.random.default_rng(0).uniform(size=(1, 224, 224, 3)).astype(np.float32)
    found, expected = (
        network(pictures, names)
        for network in (backbones.load(str(graph_file)), backbones.load("inception5h", weights=graph_file))
    )
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5)
    assert not [warning for warning in recwarn if "pictures" in str(warning.message)]


def test_another_graph_is_told_which_pictures_it_gets(tmp_path):
    path = written(tmp_path, small_graph())
    pictures = np.random.default_rng(0).uniform(size=(1, 20, 20, 3)).astype(np.float32)
    with pytest.warns(UserWarning, match=r"graph\.pb does not say which pictures it takes: it gets RGB in 0\.\.1"):
        plain = backbones.load(str(path))
    bytewise = backbones.load(str(path), expects="0..255")
    np.testing.assert_allclose(
        bytewise(pictures, ["conv"])["conv"], plain(255 * pictures, ["conv"])["conv"], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("check", "table"),
    [
        (lambda structure: structure.check("conv1_1"), "TRUNKS"),
        (lambda structure: structure.check("fc6"), "WHOLE"),
        (class_layer, "WHOLE"),
    ],
)
def test_the_check_decides_which_weights_of_vgg_are_fetched(cache, check, table):
    with pytest.raises(DownloadError) as refusal:
        backbones.load("vgg19", check=check)
    assert getattr(loading, table)["vgg19"].url in str(refusal.value)


@pytest.mark.parametrize("name", ["vgg16", "alexnet", "resnet50", "googlenet", "mobilenet_v3_small"])
def test_wrong_layers_are_told_before_anything_is_fetched(cache, name):
    with pytest.raises(LayerError, match=f"{name} has no layer 'conv99'"):
        backbones.load(name, check=lambda structure: structure.check("conv99"))


def test_a_file_of_ones_own_may_have_the_weights(tmp_path):
    random = np.random.default_rng(0)
    arrays = {"conv1.weight": random.normal(size=(64, 3, 7, 7)).astype(np.float32), "conv1.bias": np.zeros(64, "f")}
    save_file(arrays, tmp_path / "resnet.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"conv1\.weight \.\.\., but not layer1\.0\.conv1\.weight: these are not the weights of resnet18",
    ):
        backbones.load("resnet18", weights=tmp_path / "resnet.safetensors")


@pytest.mark.parametrize("name", ["vgg19", "alexnet", "resnet34", "googlenet"])
def test_without_a_network_the_file_its_address_and_its_folder_are_named(cache, name):
    download = {**loading.WHOLE, **loading.TRUNKS}[name]
    with pytest.raises(DownloadError) as refusal:
        backbones.load(name)
    text = str(refusal.value)
    assert "\n" not in text
    for part in (download.file_name, download.url, download.digest, str(cache)):
        assert part in text


def test_a_wrong_file_in_the_cache_is_not_used(cache):
    (cache / loading.WHOLE["alexnet"].file_name).write_bytes(b"other weights")
    with pytest.raises(DownloadError, match="sha1:"):
        backbones.load("alexnet")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("squeezenet", {"weights": "other.h5"}, "has its weights already"),
        ("inception5h", {"weights": "graph.pb", "pooling": "average"}, "leave the pooling at max"),
        ("graph.pb", {"pooling": "average"}, "leave the pooling at max"),
        ("vgg19", {"pooling": "median"}, "max, average"),
        ("vgg17", {}, r"vgg19|vgg16"),
        ("vgg19", {"expects": "0..1"}, "leave expects out"),
        ("graph.pb", {"expects": "0..2"}, "one of 0..1, -1..1, 0..255"),
    ],
)
def test_what_does_not_go_together_is_refused(name, options, words):
    with pytest.raises(BackboneError, match=words):
        backbones.load(name, **options)
