"""Pictures are found in the order of counting, and an interrupted film goes on as if nothing had been."""

from pathlib import Path

import numpy as np
import pytest
from film_frames import ENDINGS, moving
from hypothesis import given
from hypothesis import strategies as st
from picture_makers import noise
from PIL import Image

from tfgraphs.pictures import films, images
from tfgraphs.pictures.camera import zoomed
from tfgraphs.pictures.films.folders import FolderError, FrameFolder, _counting, sources


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def found(folder, pattern=""):
    return [str(path.relative_to(folder)) for path in sources(folder / pattern if pattern else folder)]


# --- sources


@pytest.mark.parametrize(
    "ordered",
    [
        ["frame2.png", "frame10.png", "frame100.png"],
        ["1.jpg", "02.jpg", "3.jpg", "10.jpg"],
        ["shot1-9.png", "shot1-10.png", "shot2-1.png"],
        ["a.png", "B.png", "c.png"],
        ["frame01.png", "frame1.png", "frame2.png"],
        ["7.png", "7a.png", "a7.png"],
    ],
)
def test_numbers_count(tmp_path, ordered):
    fill(tmp_path, *reversed(ordered))
    assert found(tmp_path) == ordered


@given(st.lists(st.text(st.sampled_from("aB10²٣ ."), min_size=1, max_size=6), max_size=8))
def test_any_names_have_an_order(names):
    paths = [Path(name) for name in names]
    backwards = paths[::-1]
    assert sorted(paths, key=_counting) == sorted(backwards, key=_counting)


def test_only_pictures_are_taken(tmp_path):
    fill(tmp_path, "a.png", "b.JPG", "c.txt", "d.mp4", ".e.png", "f", "below/g.png", "h.webp", "Thumbs.db")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    assert found(tmp_path) == ["a.png", "b.JPG", "h.webp"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["a2.png", "a10.png"]),
        ("a?.*", ["a2.png", "a3.jpg"]),
        ("**/*.png", ["a2.png", "a10.png", "below/a1.png"]),
        ("b*/*", ["below/a1.png"]),
        ("*", ["a2.png", "a3.jpg", "a10.png"]),
    ],
)
def test_patterns(tmp_path, pattern, expected):
    fill(tmp_path, "a10.png", "a2.png", "a3.jpg", "notes.txt", ".hidden.png", "below/a1.png", ".git/a1.png")
    assert found(tmp_path, pattern) == expected


@pytest.mark.parametrize("name", ["photo.png", "photo[1].png", "film.mp4", "strange"])
def test_a_file_is_itself(tmp_path, name):
    fill(tmp_path, name)
    assert found(tmp_path, name) == [name]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("empty", "has no pictures"),
        ("missing", "does not exist"),
        ("empty/*.png", "has no pictures"),
        ("[", "has no pictures"),
        ("n" * 300, "cannot be read: file name too long"),
    ],
)
def test_no_pictures_is_an_error_of_one_line(tmp_path, place, reason):
    fill(tmp_path, "empty/notes.txt", "empty/.hidden.png")
    with pytest.raises(FolderError, match=reason) as caught:
        sources(f"{tmp_path}/{place}")
    assert str(caught.value).startswith(f"{tmp_path}/{place} ")
    assert "\n" not in str(caught.value)


# --- frames of an unfinished film


def dreamed(frame):
    """A step that depends on the smallest differences."""
    return np.clip(frame + 0.05 * np.sin(40 * zoomed(frame, 1.04, 1.5, (0.01, -0.02))), 0, 1)


def make(folder, count, until=None):
    """Makes a film as a command does; stops where it is interrupted."""
    frames = FrameFolder(folder)
    while len(frames) < count and len(frames) != until:
        frames.append(next(moving(1)) if frames.last is None else dreamed(frames.last))


@pytest.mark.parametrize("until", [1, 2, 7])
@pytest.mark.parametrize("ending", ENDINGS)
def test_interrupted_film_ends_with_the_same_bytes(tmp_path, until, ending):
    make(tmp_path / "whole", 8)
    make(tmp_path / "parts", 8, until)
    make(tmp_path / "parts", 8)
    for name in ("whole", "parts"):
        films.save(tmp_path / f"{name}{ending}", FrameFolder(tmp_path / name), 25, count=8)
    assert (tmp_path / f"whole{ending}").read_bytes() == (tmp_path / f"parts{ending}").read_bytes()


def test_frames_come_back_in_their_order(tmp_path):
    frames, stored = FrameFolder(tmp_path / "frames"), []
    assert frames.last is None
    for frame in moving(3):
        frames.append(frame)
        stored.append(frames.last)
    np.testing.assert_equal(list(frames), stored)


@pytest.mark.parametrize(
    ("frame", "stored"),
    [
        (noise() / np.float32(255), noise() / np.float32(255)),
        (np.float32([[[-1, 0.5, 2]]]), np.float32([[[0, 128, 255]]]) / 255),
    ],
    ids=["eight bits are kept", "other values are rounded and clipped"],
)
def test_frames_are_stored_with_eight_bits(tmp_path, frame, stored):
    frames = FrameFolder(tmp_path)
    frames.append(frame)
    np.testing.assert_array_equal(frames.last, stored)


def test_a_frame_after_a_gap_does_not_count(tmp_path):
    frames = FrameFolder(tmp_path)
    for frame in moving(4):
        frames.append(frame)
    (tmp_path / "frame000002.png").unlink()
    assert len(frames) == 2


def test_a_damaged_frame_is_named(tmp_path):
    frames = FrameFolder(tmp_path)
    frames.append(next(moving(1)))
    (tmp_path / "frame000000.png").write_bytes(b"")
    with pytest.raises(images.ImageError, match=r"frame000000\.png"):
        list(frames)


def test_frames_can_be_looked_at(tmp_path):
    FrameFolder(tmp_path).append(next(moving(1)))
    with Image.open(tmp_path / "frame000000.png") as file:
        assert (file.format, file.mode, file.size) == ("PNG", "RGB", (48, 32))
