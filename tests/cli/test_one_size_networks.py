"""Networks that take grey pictures of one size, as those that learnt digits: without --size they get this size."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a network for grey pictures of 28 x 28 px, and a photograph of other proportions."""
    import keras

    folder = tmp_path_factory.mktemp("digits")
    keras.utils.set_random_seed(0)  # layers draw their seeds when they are made
    layers = [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(4, 3, activation="relu", name="strokes"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax", name="digits"),
    ]
    keras.Sequential(layers).save(folder / "digits.keras")
    pixels = np.random.default_rng(0).integers(60, 200, (40, 64, 4), np.uint8)
    Image.fromarray(pixels, "RGBA").save(folder / "photo.png")
    frames = [Image.fromarray(np.roll(pixels, shift, 1), "RGBA") for shift in (0, 4)]
    frames[0].save(folder / "film.webp", save_all=True, append_images=frames[1:], duration=100)
    return folder


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (("deepdream", "--input=photo.png", "--layer=digits", "--steps=2"), (28, 28)),
        (("deepdream", "--input=photo.png", "--layer=strokes", "--steps=2"), (64, 40)),
        (("deepdream", "--input=photo.png", "--layer=digits", "--steps=2", "--mask=photo.png"), (28, 28)),
        (("visualize", "feature", "--objective=digits:3", "--steps=2"), (28, 28)),
        (("visualize", "feature", "--objective=digits:3", "--steps=2", "--style=fourier"), (28, 28)),
    ],
)
def test_the_size_of_the_network_is_the_default(forked, place, arguments, size):
    name, *rest = arguments
    result = forked(name, *rest, "--backbone=digits.keras", "--output=made.png", cwd=place)
    assert result.returncode == 0, result.stderr
    with Image.open(place / "made.png") as image:
        assert image.size == size
        assert (image.mode == "RGBA") == (name == "deepdream")
        if name == "visualize":
            assert np.ptp(np.asarray(image), axis=-1).max() == 0


def test_activations_and_classes_need_no_size_either(forked, place):
    for arguments in (("activations", "--layer=strokes", "--output=map.png"), ("classify",)):
        result = forked("visualize", *arguments, "--backbone=digits.keras", "--input=photo.png", cwd=place)
        assert result.returncode == 0, result.stderr


def test_frames_of_a_film_get_the_size_of_the_network(forked, place):
    flags = ("--backbone=digits.keras", "--layer=digits", "--steps=1", "--output=made.webp")
    result = forked("deepdream", "film.webp", *flags, cwd=place)
    assert result.returncode == 0, result.stderr
    with Image.open(place / "made.webp") as image:
        assert (image.size, image.n_frames) == ((28, 28), 2)


def test_a_size_that_is_given_is_not_changed(forked, place):
    flags = ("--layer=digits", "--backbone=digits.keras", "--size=50", "--output=none.png")
    result = forked("deepdream", "--input=photo.png", *flags, cwd=place)
    assert result.returncode == 2
    assert "takes pictures of 28 x 28 px only, not of 31 x 50 px" in result.stderr.splitlines()[-1]
