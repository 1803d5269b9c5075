"""What networks say that a picture is."""

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.backbones import LayerError
from tfgraphs.backbones.backbone import Backbone
from tfgraphs.backbones.geometry import WHOLE
from tfgraphs.backbones.layers import Layer
from tfgraphs.backbones.looking.classes import class_layer, class_names, classify, imagenet_classes, middle
from tfgraphs.pictures import images, samples


def network(scores, kind="connected", name="logits", places=False, classes=()):
    """A network that gives every picture these scores."""

    def compute(pictures):
        found = tf.constant([scores], tf.float32)
        return tf.reshape(found, [1, *np.shape(scores)]) if places else found

    made = Backbone(
        "made_up", [Layer(name, kind, ("input",), compute, np.shape(scores)[-1], (WHOLE, WHOLE))], tf.identity
    )
    made.classes = classes
    return made


def scores(count, **given):
    values = np.zeros(count)
    for number, value in given.items():
        values[int(number[1:])] = value
    return values


PIXELS = np.zeros((4, 4, 3), np.float32)


def test_the_thousand_classes_have_names_of_their_own():
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    assert all(name and name.strip() == name for name in names)


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "tench"), (134, "crane (bird)"), (281, "tabby"), (517, "crane (machine)"), (967, "espresso")],
)
def test_names_stand_at_the_numbers_that_networks_use(number, name):
    assert imagenet_classes()[number] == name


def test_logits_become_probabilities():
    best, second, _ = classify(network(scores(1000, c3=2, c5=1)), PIXELS, 3)
    assert (best.number, second.number) == (3, 5)
    total = np.exp(2) + np.exp(1) + 998
    assert best.probability == pytest.approx(np.exp(2) / total)
    assert second.probability == pytest.approx(np.exp(1) / total)


def test_probabilities_stay():
    values = scores(1000, c3=0.75, c5=0.25)
    assert [guess.probability for guess in classify(network(values), PIXELS, 3)] == [0.75, 0.25, 0]


def test_scores_of_places_are_averaged():
    places = np.stack([[scores(1000, c7=4), scores(1000, c8=2)]])
    assert [guess.number for guess in classify(network(places, places=True), PIXELS, 2)] == [7, 8]


def test_huge_logits_overflow_nowhere():
    best, second = classify(network(scores(1000, c3=1e30, c5=-1e30)), PIXELS, 2)
    assert (best.probability, second.probability) == (1, 0)


@pytest.mark.parametrize(
    ("count", "number", "name"), [(1000, 281, "tabby"), (1001, 282, "tabby"), (1001, 0, "background")]
)
def test_a_class_for_nothing_before_the_others_is_counted(count, number, name):
    assert class_names(count)[number] == name


def test_a_network_with_classes_of_its_own_names_them():
    values = scores(4, c1=3, c3=2)
    guesses = classify(network(values, kind="softmax", classes=("dummy", "fox")), PIXELS, 2)
    assert [guess.name for guess in guesses] == ["fox", "class 3"]


@pytest.mark.parametrize("name", ["softmax", "predictions"])
def test_the_layer_of_the_usual_name_tells_the_classes(name):
    assert class_layer(network(scores(10), name=name)) == name


def test_what_stands_behind_a_softmax_does_not_hide_it():
    layers = [
        Layer(name, kind, ("input",), tf.identity, 7) for name, kind in (("odds", "softmax"), ("end", "identity"))
    ]
    assert class_layer(Backbone("made_up", layers, tf.identity)) == "odds"


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((4, 4), slice(0, 4), slice(2, 6)), ((2, 4), slice(0, 4), slice(0, 8)), ((2, 1), slice(0, 4), slice(3, 5))],
)
def test_the_middle_has_the_proportions_asked_for(size, rows, columns):
    pixels = np.random.default_rng(0).uniform(size=(4, 8, 3)).astype(np.float32)
    expected = images.resize(pixels[rows, columns], size).clip(0, 1)
    np.testing.assert_array_equal(middle(pixels, size), expected)


def test_feature_vectors_are_no_classes():
    with pytest.raises(LayerError, match="made_up has no class layer: its last layer logits"):
        classify(network(scores(1024)), PIXELS)


def test_squeezenet_knows_its_samples(squeezenet):
    found = {}
    for sample in ("cat", "coffee"):
        pixels = images.load(samples.resolve(f"sample:{sample}"), 380).pixels
        found[sample] = {guess.name for guess in classify(squeezenet, pixels)}
    assert "Egyptian cat" in found["cat"]
    assert "espresso" in found["coffee"]
