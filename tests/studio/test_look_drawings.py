"""The drawing of a network: all layers are in it, in their order, and can be reached and read."""

import itertools
import xml.etree.ElementTree as ElementTree

import pytest

from tfgraphs.backbones import structure
from tfgraphs.studio.look_drawings import blocks, network

NETWORKS = ["squeezenet", "alexnet", "vgg16", "googlenet", "resnet18", "resnet50"]


def body(element):
    return {name: float(element[-1].get(name)) for name in ("x", "y", "width", "height")}


def layers_of(name):
    root = ElementTree.fromstring(network(blocks(structure(name)), name))
    return {one.get("data-layer"): one for one in root.iter() if one.get("data-layer")}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_in_one_block(name):
    known = structure(name)
    found = [layer for block in blocks(known) for layer in block.layers]
    assert sorted(found) == sorted(known.layers)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_can_be_reached_and_says_what_it_is(name):
    known = structure(name)
    found = layers_of(name)
    assert set(found) == {block.name for block in blocks(known)}
    for layer, element in found.items():
        assert (element.get("role"), element.get("tabindex"), element.get("aria-pressed")) == ("button", "-1", "false")
        label = element.get("aria-label")
        assert label.startswith(f"{layer}: ")
        assert f"{known.view(layer).channels:,} channels" in label


@pytest.mark.parametrize("name", NETWORKS)
def test_a_block_is_right_of_what_it_reads_and_no_two_overlap(name):
    places = {layer: body(element) for layer, element in layers_of(name).items()}
    for block in blocks(structure(name)):
        for source in block.inputs:
            if source in places:
                assert places[source]["x"] + places[source]["width"] < places[block.name]["x"]
    columns = {}
    for place in places.values():
        columns.setdefault(round(place["x"] + place["width"] / 2), []).append(
            (place["y"], place["y"] + place["height"])
        )
    for column in columns.values():
        ordered = sorted(column)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(ordered))


def test_sizes_show_channels_and_resolution():
    found = {layer: body(element) for layer, element in layers_of("vgg16").items()}
    assert found["conv1_1"]["width"] < found["conv3_1"]["width"] < found["conv5_1"]["width"]
    assert (
        found["conv1_1"]["height"] > found["conv3_1"]["height"] > found["conv5_1"]["height"] > found["logits"]["height"]
    )


def test_the_branches_of_a_module_are_below_each_other():
    found = {layer: body(element) for layer, element in layers_of("squeezenet").items()}
    one, three = found["fire2_expand1x1"], found["fire2_expand3x3"]
    assert one["x"] == three["x"]
    assert one["y"] + one["height"] < three["y"]


def test_a_rectifier_is_in_the_block_of_its_convolution():
    found = {block.name: block for block in blocks(structure("squeezenet"))}
    assert found["conv1"].layers == ("conv1_pre_relu", "conv1")
    assert found["conv1"].about == (
        "conv1: convolution and relu, 64 channels, kernel 3 x 3, stride 2, receptive field of 3 px, 1,792 parameters"
    )
    assert found["fire2"].inputs == ("fire2_expand1x1", "fire2_expand3x3")
    assert found["pool10"].about.endswith("receptive field of the whole picture")
