"""Folders, films and zooms of any command: dim_command.py, which needs no network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from film_sources import film, no_pyav, photograph, shots
from PIL import Image

from tfgraphs.pictures import films

CHECKOUT = Path(__file__).resolve().parents[3]


def dim(*arguments, cwd, **environment):
    """Runs the command; its progress, as (step, done, stage, mean of the picture), is told apart from its messages."""
    paths = [*environment.pop("PATHS", []), str(CHECKOUT)]
    result = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("dim_command.py")), *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = result.stderr.splitlines()
    result.progress = [tuple(json.loads(line)) for line in lines if line.startswith("[")]
    result.said = [line for line in lines if not line.startswith("[")]
    return result


def test_without_pyav_a_film_is_a_webp(tmp_path):
    film(tmp_path)
    result = dim("--input=film.webp", cwd=tmp_path, PATHS=[str(no_pyav(tmp_path))])
    assert (result.stdout, result.said) == ("film_dim.webp: 80 x 60 px, 5 frames, 0.4 s\n", [])


def test_the_progress_is_of_the_whole_film_also_of_one_that_is_resumed(tmp_path):
    photograph(tmp_path)
    zoom = ("--input=photo.png", "--zoom_frames=6")
    whole = dim(*zoom, "--output=whole.mp4", cwd=tmp_path).progress
    assert [told[:3] for told in whole[:3]] == [
        (1, 1.5 / 8, "frame 1 of 6, half"),
        (3, 3 / 8, "frame 1 of 6, whole"),
        (4, 3.5 / 8, "frame 2 of 6, half"),
    ]
    assert whole[-1][:3] == (18, 1, "frame 6 of 6, whole")

    first = dim(*zoom, "--output=parts.mp4", cwd=tmp_path, STOP_AT="6")
    assert first.returncode == 130
    assert "--resume" in first.said[-1]
    second = dim(*zoom, "--output=parts.mp4", "--resume", cwd=tmp_path)
    assert first.progress + second.progress == whole
    assert (tmp_path / "parts.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not (tmp_path / "checkpoints").exists()


def test_an_interrupted_film_goes_on_with_the_next_frame(tmp_path):
    film(tmp_path)
    whole = dim("--input=film.webp", "--output=whole.mp4", cwd=tmp_path).progress
    first = dim("--input=film.webp", "--output=parts.mp4", cwd=tmp_path, STOP_AT="5")
    assert first.returncode == 130
    second = dim("--input=film.webp", "--output=parts.mp4", "--resume", cwd=tmp_path)
    assert first.progress[:4] + second.progress == whole  # the third frame was begun
    assert (tmp_path / "parts.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_an_interrupted_folder_goes_on_with_what_is_missing(tmp_path):
    shots(tmp_path)
    first = dim("--input=shots", cwd=tmp_path, STOP_AT="4")
    assert "--resume" in first.said[-1]
    assert {path.name for path in (tmp_path / "shots_dim").iterdir()} == {"a2.png", "a10.png"}
    (tmp_path / "shots_dim" / "a2.png").unlink()  # so it is made again
    second = dim("--input=shots", "--resume", cwd=tmp_path)
    assert second.stdout == "shots_dim: 3 pictures\n"
    assert [told[0] for told in first.progress + second.progress] == [1, 3, 4, 6, 7, 9, 10, 12]
    assert [told[2] for told in second.progress[1::2]] == ["picture 1 of 3, whole", "picture 3 of 3, whole"]
    assert len(list((tmp_path / "shots_dim").iterdir())) == 3
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("place", "name"),
    [("shots/*.png", "shots"), ("*/*.png", "here"), ("shots/..", "here")],
)
def test_the_folder_of_the_results_is_named_after_that_of_the_sources(place, name, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    shots(here)
    photograph(here)
    assert dim(f"--input={place}", cwd=here).stdout.startswith(f"{name}_dim: ")


def test_a_film_starts_each_frame_with_some_of_the_one_before(tmp_path):
    films.save(tmp_path / "film.webp", [np.full((20, 30, 3), value, np.float32) for value in (0.4, 0.8)], 10)
    first, second = dim("--input=film.webp", "--blend=0.25", cwd=tmp_path).progress[1::2]
    assert first[-1] == pytest.approx(0.8 * 0.4, abs=0.01)
    assert second[-1] == pytest.approx(0.8 * (0.75 * 0.8 + 0.25 * 0.8 * 0.4), abs=0.01)


def test_what_is_clear_in_a_picture_is_white_in_a_zoom(tmp_path):
    Image.new("RGBA", (30, 20), (0, 0, 0, 51)).save(tmp_path / "glass.png")
    progress = dim("--input=glass.png", "--zoom_frames=1", cwd=tmp_path).progress
    assert progress[-1][-1] == pytest.approx(0.8 * 0.8)
