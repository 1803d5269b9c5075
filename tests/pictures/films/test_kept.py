"""A film that is made of another one keeps its times, its repetitions and its transparency."""

import numpy as np
import pytest
from film_frames import frame_times
from picture_makers import LEVEL
from PIL import Image

from tfgraphs.pictures import films

DELAYS = [40, 200, 40]
KINDS = (".gif", ".webp", ".apng")


def holes(count=3):
    """A disc with a soft edge that wanders to the right; nothing is around it."""
    rows, columns = np.mgrid[:24, :40]
    for number in range(count):
        distance = np.hypot(rows - 12, columns - 12 - 6 * number)
        pixels = np.zeros((24, 40, 4), np.uint8)
        pixels[..., :3] = 200, 60 * number, 40
        pixels[..., 3] = np.clip(255 * (9 - distance) / 3, 0, 255)
        yield Image.fromarray(pixels)


def write(path, images, **options):
    first, *others = images
    options = {"duration": DELAYS, "disposal": 1 if path.suffix == ".apng" else 2} | options
    kind = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}[path.suffix]
    first.save(path, kind, save_all=True, append_images=others, lossless=True, **options)
    return path


def again(source, ending):
    """The film in another format; without commands nothing is changed in between."""
    film = films.open_film(source).measured(lambda *_: None)
    path = source.with_name(f"again{ending}")
    frames = (np.dstack(pair) for pair in zip(film.frames(), film.alphas(), strict=True))
    films.save(path, frames if film.transparent else film.frames(), film, count=film.count)
    return path


def delays(path):
    with Image.open(path) as file:
        found = []
        for number in range(file.n_frames):
            file.seek(number)
            file.load()
            found.append(file.info["duration"])
        return found


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_each_frame_keeps_its_time(tmp_path, source, target):
    assert delays(again(write(tmp_path / f"film{source}", holes()), target)) == DELAYS


@pytest.mark.parametrize("source", KINDS)
def test_each_frame_of_an_animation_keeps_its_time_in_a_video(tmp_path, source):
    pytest.importorskip("av")
    times = frame_times(again(write(tmp_path / f"film{source}", holes()), ".mp4"))
    np.testing.assert_allclose(times, [0, 0.04, 0.24, 0.28], atol=1e-4)


@pytest.mark.parametrize("target", KINDS)
def test_each_frame_of_a_video_keeps_its_time_in_an_animation(tmp_path, target):
    pytest.importorskip("av")
    source = again(write(tmp_path / "film.webp", holes(), duration=[40, 2000, 60]), ".mp4")
    assert delays(again(source, target)) == [40, 2000, 60]


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_transparency_is_kept(tmp_path, source, target):
    film = films.open_film(write(tmp_path / f"film{source}", holes()))
    made = films.open_film(again(film.path, target))
    assert film.transparent
    assert made.transparent
    for one, other in zip(film.alphas(), made.alphas(), strict=True):
        np.testing.assert_array_equal(other, np.round(one) if target == ".gif" else one)
    for one, other, alpha in zip(film.frames(), made.frames(), film.alphas(), strict=True):
        assert (np.abs(one - other) * (alpha > 0.5)).mean() < 4 * LEVEL


@pytest.mark.parametrize("target", KINDS)
def test_what_is_opaque_stays_opaque(tmp_path, target):
    source = write(tmp_path / "film.gif", [image.convert("RGB") for image in holes()])
    assert not films.open_film(again(source, target)).transparent


def test_what_is_clear_is_white_in_a_video(tmp_path):
    pytest.importorskip("av")
    source = write(tmp_path / "film.webp", holes())
    (line,) = films.losses("again.mp4", films.open_film(source))
    assert line.startswith(f"{source}: what is transparent becomes white")
    frame = next(films.open_film(again(source, ".mp4")).frames())
    np.testing.assert_allclose(frame[:, 30:], 1, atol=4 * LEVEL)


@pytest.mark.parametrize("size", [(12, 20), (48, 80)])
def test_colours_of_clear_pixels_are_not_mixed_into_others(tmp_path, size):
    """Below nothing there is green."""
    pixels = np.full((24, 40, 4), (0, 255, 0, 0), np.uint8)
    pixels[8:16, 8:32] = 255, 0, 0, 255
    path = write(tmp_path / "film.webp", [Image.fromarray(pixels)] * 2, exact=True, duration=40)
    film = films.open_film(path)
    for frame, alpha in zip(film.frames(0, size), film.alphas(size), strict=True):
        seen = alpha[..., 0] > 0.02
        np.testing.assert_allclose(frame[seen], np.tile(np.float32([1, 0, 0]), (seen.sum(), 1)), atol=0.02)
        np.testing.assert_array_equal(frame[alpha[..., 0] == 0], 1)


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("plays", [0, 1, 2, 7])
def test_it_is_shown_as_often(tmp_path, source, target, plays):
    """GIF counts repetitions after the first time, the others all times; 0 is endless."""
    loop = {"loop": max(plays - 1, 0)} if source == ".gif" else {"loop": plays}
    path = write(tmp_path / f"film{source}", holes(), **({} if source == ".gif" and plays == 1 else loop))
    assert films.open_film(path).plays == plays
    with Image.open(again(path, target)) as file:
        found = file.info.get("loop")
    assert found == ({0: 0, 1: None}.get(plays, plays - 1) if target == ".gif" else plays)


@pytest.mark.parametrize("target", [".webp", ".gif", ".apng"])
def test_a_zoom_is_endless(tmp_path, target):
    films.save(tmp_path / f"zoom{target}", [np.zeros((8, 8, 3), np.float32)] * 2, 25)
    assert films.open_film(tmp_path / f"zoom{target}").plays == 0


@pytest.mark.parametrize(
    ("source", "codec", "layout"),
    [(".mov", "png", "rgba"), (".webm", "libvpx", "yuva420p"), (".webm", "libvpx-vp9", "yuva420p")],
)
def test_a_video_with_an_alpha_channel_is_transparent(tmp_path, source, codec, layout):
    av = pytest.importorskip("av")
    frames = [np.asarray(image) for image in holes()]
    with av.open(str(tmp_path / f"film{source}"), "w") as container:
        stream = container.add_stream(codec, 25, options={} if codec == "png" else {"auto-alt-ref": "0", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 40, 24, layout
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format=layout)))
        container.mux(stream.encode(None))
    made = films.open_film(again(tmp_path / f"film{source}", ".webp"))
    assert made.transparent
    for alpha, pixels in zip(made.alphas(), frames, strict=True):
        assert np.abs(alpha[..., 0] * 255 - pixels[..., 3]).mean() < (0.01 if codec == "png" else 4)


def test_an_apng_loses_nothing(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 7, 5, 3)).astype(np.float32) / 255
    films.save(tmp_path / "film.apng", frames, 25, {"made": "here"})
    np.testing.assert_array_equal(list(films.open_film(tmp_path / "film.apng").frames()), frames)
    assert films.read_origin(tmp_path / "film.apng") == {"made": "here"}
