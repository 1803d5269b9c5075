"""The tab Look: its answers are those of the network, its files those of the command, and mistakes are one line."""

import csv
import shlex
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_networks import small_backbone

from tfgraphs.backbones import Backbone, LayerError, load
from tfgraphs.backbones.looking.classes import as_in_training, classify
from tfgraphs.backbones.looking.heat_maps import heat_map, responses
from tfgraphs.backbones.looking.sheets import kernel_sheet, response_sheet, small_map
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.packaged import PackageError
from tfgraphs.pictures import images, samples
from tfgraphs.studio.look import STRONGEST, LookTab
from tfgraphs.studio.networks import Networks
from tfgraphs.studio.previews import exact, preview
from tfgraphs.studio.uploads import Uploads
from tfgraphs.studio.views import Views

SMALL = small_backbone()


@pytest.fixture
def views():
    return Views()


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def picture(uploads, tmp_path):
    """A picture that was brought: its key. It has less than 640 px, so it is looked at as it is."""
    path = tmp_path / "brought.png"
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (40, 61, 3), np.uint8)).save(path)
    with path.open("rb") as file:
        return uploads.add(file, path.stat().st_size)


@pytest.fixture
def tab(tmp_path, views, uploads):
    networks = Networks(lambda: {"small": SMALL}, lambda name: SMALL)
    return LookTab(lambda: None, tmp_path, uploads, views, networks)


@pytest.fixture(scope="module")
def squeezenet():
    try:
        return load("squeezenet")
    except PackageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def cat():
    try:
        return samples.resolve("sample:cat")
    except PackageError as error:
        pytest.skip(str(error))


@pytest.fixture
def real(tmp_path, views, uploads, squeezenet, cat):
    return LookTab(lambda: None, tmp_path, uploads, views, Networks(load=lambda name: squeezenet))


def pixels_of(uploads, picture):
    return images.load(uploads.path(picture)).pixels


def activation_of(pixels, layer):
    return SMALL(tf.constant(pixels[None]), [layer])[layer].numpy()[0]


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_structure_names_networks_and_layers_and_draws_them(tab):
    answer = tab.structure({})
    assert (answer["networks"], answer["network"], answer["layer"]) == (["small"], "small", "conv1")
    assert answer["layers"] == list(SMALL.layers)
    assert answer["picture"].startswith("sample:")
    root = ElementTree.fromstring(answer["drawing"])
    assert root.get("aria-label") == "the layers of small, from the picture to the last one"
    assert {one.get("data-layer") for one in root.iter()} == {None, "conv1", "conv2", "pixels"}


def test_the_structure_is_drawn_without_weights(tmp_path, views, uploads):
    networks = Networks(lambda: {"small": SMALL}, lambda name: pytest.fail("the weights were read"))
    assert LookTab(lambda: None, tmp_path, uploads, views, networks).structure({})["drawing"]


@pytest.mark.parametrize("x", [0, 0.31, 0.5, 1])
@pytest.mark.parametrize("y", [0, 0.77, 1])
@pytest.mark.parametrize(("layer", "stride"), [("conv1", 2), ("pixels", 1)])
def test_units_at_a_place_have_the_activations_of_the_position_there(tab, uploads, picture, layer, stride, x, y):
    activation = activation_of(pixels_of(uploads, picture), layer)
    answer = tab.place({"picture": picture, "layer": layer, "place": [x, y]})
    row, column = min(int(y * 40), 39) // stride, min(int(x * 61), 60) // stride
    assert (answer["row"], answer["column"]) == (row, column)
    there = activation[row, column]
    expected = [[int(one), float(there[one])] for one in np.argsort(-there, kind="stable") if there[one] > 0]
    assert answer["units"] == [[unit, pytest.approx(value)] for unit, value in expected][:STRONGEST]
    assert answer["responding"] == len(expected)


def test_the_square_of_a_place_is_its_receptive_field(tab, picture):
    answer = tab.place({"picture": picture, "layer": "conv2", "place": [0.5, 0.5]})
    left, top, width, height = answer["square"]
    assert (width * 61, height * 40) == pytest.approx((7, 7))  # 3 + 2 * (3 - 1)
    assert (left + width / 2, top + height / 2) == pytest.approx(answer["place"])


def test_a_place_is_shown_where_it_is_asked_for(tab, picture):
    answer = tab.place({"picture": picture, "layer": "conv1", "place": [0.4, 0.6]})
    assert answer["place"] == pytest.approx([0.4, 0.6], abs=2 / 40)


def test_the_heat_map_of_a_unit_is_that_of_heat_maps(tab, views, uploads, picture):
    pixels = pixels_of(uploads, picture)
    answer = tab.unit({"picture": picture, "layer": "conv1", "unit": 5})
    activation = activation_of(pixels, "conv1")[..., 5]
    assert views.get(answer["view"]) == preview(heat_map(pixels, activation, 2))
    assert answer["largest"] == pytest.approx(activation.max())
    assert answer["strength"] == pytest.approx(activation.mean())


def test_the_strongest_units_come_with_their_heat_maps(tab, views, uploads, picture):
    pixels = pixels_of(uploads, picture)
    answer = tab.responses({"picture": picture, "layer": "conv1"})
    found = responses(SMALL, "conv1", pixels)
    assert (answer["size"], answer["positions"], answer["channels"]) == ([61, 40], [20, 31], 8)
    assert [one["channel"] for one in answer["strongest"]] == [one.channel for one in found]
    for one, expected in zip(answer["strongest"], found, strict=True):
        assert views.get(one["view"]) == preview(small_map(heat_map(pixels, expected.places, 2)))
    assert views.get(answer["view"]) == preview(pixels)


def test_a_layer_is_computed_once_for_a_picture(tmp_path, views, uploads, picture):
    calls = []

    class Counted(Backbone):
        def __call__(self, pictures, layers):
            calls.append(list(layers))
            return super().__call__(pictures, layers)

    network = Counted("small", SMALL.layers.values(), SMALL.preprocess)
    tab = LookTab(lambda: None, tmp_path, uploads, views, Networks(lambda: {"small": SMALL}, lambda name: network))
    for place in ([0.1, 0.2], [0.3, 0.4]):
        tab.place({"picture": picture, "place": place})
        tab.unit({"picture": picture, "unit": 2})
    assert calls == [["conv1"]]


def test_kernels_are_a_sheet(tab, views):
    answer = tab.kernels({"layer": "conv1"})
    drawn = kernel_sheet(SMALL, "conv1")
    assert views.get(answer["view"]) == exact(drawn.pixels)
    assert (answer["first"], answer["shown"], answer["count"]) == (0, 8, 8)


def test_later_kernels_are_drawn_from_the_first_that_is_asked_for(tab, views):
    answer = tab.kernels({"layer": "conv2", "first": 6})
    assert views.get(answer["view"]) == exact(kernel_sheet(SMALL, "conv2", range(6, 8)).pixels)
    assert (answer["first"], answer["shown"], answer["count"]) == (6, 2, 8)


def test_what_a_layer_or_network_does_not_have_is_told(real):
    assert "which has no kernels: show those of" in real.kernels({"layer": "fire9"})["missing"]
    pooled = real.responses({"layer": "pool10", "picture": "sample:cat"})
    assert pooled == {"missing": "pool10 is one value for the whole picture: choose a layer before it"}


def test_a_network_without_classes_says_so(tab, picture):
    assert "end before its classes" in tab.classes({"picture": picture})["missing"]


def test_classes_are_those_of_the_command(real, squeezenet, cat):
    guesses = classify(squeezenet, as_in_training(images.load(cat).pixels))
    answer = real.classes({"picture": "sample:cat"})
    assert answer["classes"] == [[one.name, one.number, pytest.approx(one.probability)] for one in guesses]
    assert answer["classes"][0][0] == "Egyptian cat"


@pytest.mark.parametrize(
    ("question", "state", "message"),
    [
        ("structure", {"network": "alexnot"}, "network is 'alexnot': choose one of small"),
        ("structure", {"network": 3}, "network has to be a text"),
        ("kernels", {"layer": "conv9"}, "small has no layer 'conv9'; the nearest names are"),
        ("kernels", {"first": -1}, "first is '-1': it has to be a number from 0"),
        ("responses", {"picture": ""}, "choose a picture first"),
        ("responses", {"picture": "0123456789abcdef"}, "that picture is not here any more"),
        ("responses", {"picture": "../../etc/passwd"}, "that picture is not here any more"),
        ("responses", {"picture": "sample:dog"}, "no sample picture is called 'dog'"),
        ("unit", {"unit": 8}, "unit is '8': it has to be a number from 0 to 7"),
        ("unit", {"unit": "x"}, "unit is 'x'"),
        ("unit", {"unit": 1.5}, "it has to be a whole number"),
        ("place", {}, r"place has to be \[x, y\]"),
        ("place", {"place": [0.5, 1.1]}, "place is '1.1': it has to be a number from 0 to 1"),
        ("place", {"place": [None, 1]}, "place is 'None'"),
        ("export", {"what": "everything"}, "what is 'everything': choose one of"),
        ("export", {"what": "classes"}, "small has no class layer"),
        ("export", {"what": "unit", "unit": 99}, "unit is '99'"),
    ],
)
def test_a_mistake_is_one_line(tab, picture, question, state, message):
    with pytest.raises(TfgraphsError, match=message) as error:
        tab.questions[question]({"picture": picture, **state})
    assert "\n" not in str(error.value)


def test_too_small_a_picture_is_refused(real, uploads, tmp_path):
    Image.new("RGB", (9, 12), "red").save(tmp_path / "tiny.png")
    with (tmp_path / "tiny.png").open("rb") as file:
        key = uploads.add(file, (tmp_path / "tiny.png").stat().st_size)
    with pytest.raises(LayerError, match="is too small for layer fire9"):
        real.responses({"picture": key, "layer": "fire9"})


def test_no_network_at_all_names_the_extra(tmp_path, views, uploads):
    tab = LookTab(lambda: None, tmp_path, uploads, views, Networks(dict))
    with pytest.raises(TfgraphsError, match=r"no network is on this machine: .*offline"):
        tab.structure({})


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        (
            {"picture": "sample:cat", "layer": "conv1"},
            ["layers", "kernels --layer=conv1", "activations sample:cat --layer=conv1", "classify sample:cat"],
        ),
        (
            {"picture": "0123456789abcdef", "layer": "fire9", "unit": 139},
            ["layers", "activations photo.jpg --layer=fire9 --channel=139", "classify photo.jpg"],
        ),
        (
            {"layer": "fire9_expand3x3", "first": 240},
            ["layers", "kernels --layer=fire9_expand3x3 --channels=240-255"],
        ),
        ({"picture": "sample:cat", "layer": "softmax"}, ["layers", "classify sample:cat"]),
    ],
)
def test_the_command_says_the_same(real, state, commands):
    lines = real.command(state)["command"].split("\n")
    assert [shlex.split(line) for line in lines] == [["bin/visualize", *command.split()] for command in commands]


def test_another_network_is_named_in_the_command(tab, picture):
    lines = tab.command({"picture": picture, "layer": "conv2"})["command"].split("\n")
    assert [shlex.split(line) for line in lines] == [
        ["bin/visualize", "layers", "--backbone=small"],
        ["bin/visualize", "kernels", "--backbone=small", "--layer=conv2"],
        ["bin/visualize", "activations", "photo.jpg", "--backbone=small", "--layer=conv2"],
    ]


def test_the_units_at_a_place_are_exported_all_with_their_values(tab, uploads, picture, tmp_path):
    result = tab.export({"what": "units", "picture": picture, "layer": "conv2", "place": [0.5, 0.5]})["result"]
    head, *rows = read(tmp_path / result)
    activation = activation_of(pixels_of(uploads, picture), "conv2")[10, 15]
    assert head == ["channel", "activation"]
    assert {int(channel): float(value) for channel, value in rows} == pytest.approx(
        dict(enumerate(activation.tolist()))
    )
    assert [float(value) for _, value in rows] == sorted((float(value) for _, value in rows), reverse=True)


def test_classes_are_exported(real, tmp_path):
    result = real.export({"what": "classes", "picture": "sample:cat"})["result"]
    assert result == "cat_squeezenet_classes.csv"
    head, *rows = read(tmp_path / result)
    assert head == ["class", "number", "probability"]
    assert [[name, int(number), float(chance)] for name, number, chance in rows] == real.classes(
        {"picture": "sample:cat"}
    )["classes"]


@pytest.mark.parametrize("what", ["kernels", "responses", "unit"])
def test_sheets_are_exported_as_the_command_draws_them(tab, uploads, picture, tmp_path, what):
    pixels = pixels_of(uploads, picture)
    found = responses(SMALL, "conv1", pixels)
    expected = {
        "kernels": lambda: kernel_sheet(SMALL, "conv1").pixels,
        "responses": lambda: response_sheet(SMALL, "conv1", pixels, found),
        "unit": lambda: response_sheet(SMALL, "conv1", pixels, [one for one in found if one.channel == 2]),
    }[what]()
    result = tab.export({"what": what, "picture": picture, "layer": "conv1", "unit": 2})["result"]
    with Image.open(tmp_path / result) as image:
        np.testing.assert_array_equal(np.asarray(image), images.to_uint8(expected))
    origin = images.read_origin(tmp_path / result)
    assert origin["command"] == ("visualize kernels" if what == "kernels" else "visualize activations")
    assert origin["flags"]["layer"] == "conv1"


def test_two_networks_are_kept(tmp_path, views, uploads, picture):
    loaded = []

    def load_small(name):
        loaded.append(name)
        return SMALL

    networks = Networks(lambda: dict.fromkeys("abc", SMALL), load_small)
    for name in "abab":
        networks.load(name)
    assert loaded == ["a", "b"]
    networks.load("c")
    networks.load("a")
    assert loaded == ["a", "b", "c", "a"]


def test_a_network_is_loaded_once_however_many_ask(uploads, picture):
    loaded, gate = [], threading.Event()

    def load_slowly(name):
        loaded.append(name)
        assert gate.wait(30)
        return SMALL

    networks = Networks(lambda: {"small": SMALL}, load_slowly)
    threads = [threading.Thread(target=networks.load, args=["small"]) for _ in range(3)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert loaded == ["small"]
