"""Folders, films and zooms of any command: dim_command.py, which needs no network."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from film_frames import frame_times, write_clapper
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


@pytest.mark.parametrize("source", ["film.webp", "clapper.mp4"])
def test_an_interrupted_film_goes_on_with_the_next_frame(source, tmp_path):
    film(tmp_path)
    clapper = write_clapper(tmp_path / "clapper.mp4", ends=(0.04, 0.3, 1, 1.2, 1.5))
    whole = dim(f"--input={source}", "--output=whole.mp4", cwd=tmp_path)
    first = dim(f"--input={source}", "--output=parts.mp4", cwd=tmp_path, STOP_AT="5")
    assert first.returncode == 130
    second = dim(f"--input={source}", "--output=parts.mp4", "--resume", cwd=tmp_path)
    assert first.progress[:4] + second.progress == whole.progress  # the third frame was begun
    assert (tmp_path / "parts.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    if source == clapper.name:
        assert whole.stdout == "whole.mp4: 48 x 32 px, 5 frames, 1.5 s\n"
        np.testing.assert_allclose(frame_times(tmp_path / "parts.mp4"), frame_times(clapper), atol=0.001)
        assert films.open_film(tmp_path / "parts.mp4").tracks == {1: "sound (aac)"}


@pytest.mark.parametrize("output", ["parts.mp4", "parts.gif"])
def test_a_film_that_was_killed_while_it_was_written_is_written_again(output, tmp_path):
    write_clapper(tmp_path / "clapper.mp4", ends=(0.04, 0.3, 1, 1.2, 1.5))
    dim("--input=clapper.mp4", f"--output=whole{output[5:]}", cwd=tmp_path)
    assert dim("--input=clapper.mp4", f"--output={output}", cwd=tmp_path, KILL="").returncode == -signal.SIGKILL
    assert not (tmp_path / output).exists()
    resumed = dim("--input=clapper.mp4", f"--output={output}", "--resume", cwd=tmp_path)
    assert resumed.progress == []  # all frames are there
    assert (tmp_path / output).read_bytes() == (tmp_path / f"whole{output[5:]}").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"clapper.mp4", f"whole{output[5:]}", output}


def test_sound_that_gets_lost_is_told_of(tmp_path):
    write_clapper(tmp_path / "clapper.mov", ("pcm_alaw",), ends=(0.04, 0.08))
    result = dim("--input=clapper.mov", cwd=tmp_path)
    assert result.said == ["dim: clapper.mov: left out: sound (pcm_alaw), which clapper_dim.mp4 cannot hold"]
    assert result.stdout == "clapper_dim.mp4: 48 x 32 px, 2 frames, 0.1 s\n"


@pytest.mark.parametrize("output", ["moving_dim.webp", "dim.gif"])
def test_an_animated_picture_stays_one(output, tmp_path):
    """With the time of each frame, the repetitions, and what is clear; the default is a WebP."""
    images = [Image.new("RGBA", (30, 20)) for _ in range(3)]
    for number, image in enumerate(images):
        image.paste((250, 100, 50, 255), (5 * number, 5, 5 * number + 10, 15))
    images[0].save(
        tmp_path / "moving.gif", save_all=True, append_images=images[1:], duration=[40, 200, 40], loop=3, disposal=2
    )
    flags = ["--output=dim.gif"] if output == "dim.gif" else []
    result = dim("--input=moving.gif", "--blend=0", *flags, cwd=tmp_path)
    assert (result.stdout, result.said) == (f"{output}: 30 x 20 px, 3 frames, 0.3 s\n", [])
    assert result.progress[0][3] == pytest.approx(0.9 * (1 - 100 / 600 * (1 - 400 / 765)), abs=0.001)  # on white
    before, after = films.open_film(tmp_path / "moving.gif"), films.open_film(tmp_path / output)
    np.testing.assert_array_equal(after.timing.ticks, [0, 40, 240, 280])
    assert (before.plays, after.plays, after.transparent) == (4, 4, True)
    for one, other in zip(before.alphas(), after.alphas(), strict=True):
        np.testing.assert_array_equal(one, other)
    orange = next(after.frames())[8:12, 3:7].mean(axis=(0, 1))
    np.testing.assert_allclose(orange, np.float32([200, 80, 40]) / 255, atol=0.04)


def test_what_moves_in_a_folder_is_named(tmp_path):
    (tmp_path / "mixed").mkdir()
    film(tmp_path / "mixed")
    Image.new("RGB", (8, 6)).save(tmp_path / "mixed" / "still.webp")
    result = dim("--input=mixed", cwd=tmp_path)
    assert result.stdout == "mixed_dim: 2 pictures\n"
    place = Path("mixed") / "film.webp"
    assert result.said == [f"dim: {place} moves: only its first frame is made; --input={place} makes a film"]


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
