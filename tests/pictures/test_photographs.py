"""Photographs to learn from: which are taken, and the crops of them."""

import numpy as np
import pytest
from PIL import Image

from tfgraphs.files.packaged import PackageError
from tfgraphs.pictures import photographs
from tfgraphs.pictures.photographs import PhotographError, Photographs


def write(folder, *sizes):
    """Pictures whose red is the same in a row and whose green is the same in a column; blue is their number."""
    paths = []
    for number, (height, width) in enumerate(sizes):
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[..., 0] = np.linspace(0, 255, height)[:, None]
        pixels[..., 1] = np.linspace(0, 255, width)
        pixels[..., 2] = number
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def some(tmp_path):
    return Photographs(write(tmp_path, (40, 50), (64, 48), (33, 90)), side=32)


def test_the_photographs_of_the_offline_extra_are_there_and_large_enough():
    try:
        paths = photographs.packaged()
    except PackageError as error:
        pytest.skip(str(error))
    found = Photographs(paths, side=256)
    assert len(found) == len(photographs.PACKAGED)
    assert not found.left_out


def test_crops_have_the_size_that_was_asked_for(some):
    crops = some.crops([0], 5)
    assert crops.shape == (5, 32, 32, 3)
    assert crops.dtype == np.uint8


def test_the_same_numbers_give_the_same_crops_and_others_give_others(some):
    np.testing.assert_array_equal(some.crops([1, 7], 4), some.crops([1, 7], 4))
    assert not np.array_equal(some.crops([1, 7], 4), some.crops([1, 8], 4))


def test_crops_are_of_all_photographs(some):
    assert {int(crop[..., 2].max()) for crop in some.crops([0], 50)} == {0, 1, 2}


def test_crops_are_parts_of_photographs_and_stand_upright(some):
    for crop in some.crops([0], 20).astype(int):
        assert (np.diff(crop[..., 0], axis=0) >= 0).all()
        assert np.ptp(crop[..., 0], axis=1).max() == 0


def test_half_of_the_crops_are_mirrored(some):
    mirrored = [crop[0, 0, 1] > crop[0, -1, 1] for crop in some.crops([0], 200)]
    assert np.mean(mirrored) == pytest.approx(0.5, abs=0.15)


def test_a_photograph_of_a_crop_s_size_is_the_crop(tmp_path):
    (path,) = write(tmp_path, (32, 32))
    crop = Photographs([path], side=32).crops([3], 1)[0]
    with Image.open(path) as image:
        whole = np.asarray(image)
    assert np.array_equal(crop, whole) or np.array_equal(crop, whole[:, ::-1])


def test_large_photographs_are_reduced_to_what_crops_can_show(tmp_path):
    found = Photographs(write(tmp_path, (200, 300)), side=32)
    assert found.first.shape == (64, 96, 3)


def test_the_ends_of_a_panorama_are_left_out(tmp_path):
    assert Photographs(write(tmp_path, (32, 250)), side=32).first.shape == (32, 128, 3)


def test_of_many_photographs_chance_takes_some(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "MOST", 3)
    paths = write(tmp_path, *[(32, 32)] * 9)

    def taken(seed):
        found = Photographs(paths, 32, seed)
        assert len(found) == 3
        return {int(crop[0, 0, 2]) for crop in found.crops([0], 60)}

    assert taken(0) == taken(0)
    assert len({frozenset(taken(seed)) for seed in range(4)}) > 1


def test_what_cannot_be_used_is_left_out_and_told(tmp_path):
    paths = write(tmp_path, (40, 40), (31, 90))
    (tmp_path / "broken.jpg").write_text("no picture")
    found = Photographs([tmp_path / "broken.jpg", *paths], side=32)
    assert len(found) == 1
    assert [line.split(" ")[0] for line in found.left_out] == [str(tmp_path / "broken.jpg"), str(paths[1])]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [(((31, 90),), r"0\.png is too small"), (((31, 90), (20, 20)), "none of 2 photographs can be used: .*too small")],
    ids=["one", "two"],
)
def test_without_any_photograph_there_is_an_error_of_one_line(tmp_path, sizes, message):
    with pytest.raises(PhotographError, match=rf"^[^\n]*{message}[^\n]*$"):
        Photographs(write(tmp_path, *sizes), side=32)
