"""What the tests of films share: frames that move, and films made of them by others."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tfgraphs.pictures.images import resize

ENDINGS = (".mp4", ".webp")
ORIGIN = {"command": "deepdream --input=Tübingen/夜 🌙.jpg", "zoom_frames": 250, "zoom": 1.05}


def moving(count: int = 6, height: int = 32, width: int = 48) -> Iterator[np.ndarray]:
    """Soft waves that wander, float32 [height, width, 3] in 0..1."""
    rows, columns = np.mgrid[0:height, 0:width] / 16
    for number in range(count):
        waves = [rows + number / 8, columns - number / 8, rows + columns]
        yield ((1 + np.stack([np.sin(wave) for wave in waves], axis=-1)) / 2).astype(np.float32)


def still(colour: tuple[float, float, float], height: int = 32, width: int = 48) -> np.ndarray:
    return np.tile(np.float32(colour), (height, width, 1))


def as_bytes(frame: np.ndarray) -> np.ndarray:
    return np.round(frame * 255).astype(np.uint8)


def write_video(
    path: Path,
    frames: list[np.ndarray],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: int = 25,
    turn: float = 0,
    shape: Fraction | int | None = None,
) -> Path:
    """Writes a video as others do, without a word about its colours: FFmpeg takes BT.601 then."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if turn:
            stream.set_display_rotation(turn)
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(as_bytes(frame), "rgb24")))
        container.mux(stream.encode(None))
    return path


def write_clapper(
    path: Path,
    codecs: tuple[str, ...] = ("aac",),
    picture: str = "libx264",
    ends: tuple[float, ...] = tuple(number / 25 for number in range(1, 51)),
    picture_start: float = 0,
    sound: tuple[float, float] = (0, 2),
) -> Path:
    """Writes a film that is white, and loud, from second 1 to 1.2 and black and silent else.

    Args:
        path: of the film.
        codecs: of its tracks of sound.
        picture: the codec of its pictures.
        ends: when each frame ends, in seconds after the first one.
        picture_start: when the first frame is shown, in seconds; the flash is as much later.
        sound: from when to when there is sound, in seconds.
    """
    import av

    unit = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(picture, 25, options={"flags": "+frame_duration", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = unit
        tracks = [container.add_stream(codec, 48_000, layout="mono") for codec in codecs]
        for track, language in zip(tracks, ("deu", "fra"), strict=False):
            track.metadata["language"] = language
        packets = []
        for begin, end in zip((0, *ends), ends, strict=False):
            frame = av.VideoFrame.from_ndarray(as_bytes(still((1.0 * (1 <= begin < 1.2),) * 3)), "rgb24")
            frame.pts, frame.duration = round((picture_start + begin) * 1000), round((end - begin) * 1000)
            frame.time_base = unit
            packets += stream.encode(frame)
        packets += stream.encode(None)
        samples = np.arange(*(round(time * 48_000) for time in sound))
        loud = (samples >= 48_000) & (samples < 57_600)
        values = np.float32(0.5 * loud * np.sin(samples / 8))[None]
        for track in tracks:
            heard = av.AudioFrame.from_ndarray(values, "fltp", "mono")
            heard.pts, heard.rate, heard.time_base = samples[0], 48_000, Fraction(1, 48_000)
            packets += [*track.encode(heard), *track.encode(None)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def frame_times(path: Path) -> list[float]:
    """When each frame of a video is shown, and when the last one ends, in seconds."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(frame.time) for frame in container.decode(stream)]
        return [*times, float((stream.start_time + stream.duration) * stream.time_base)]


def town(height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    """Spots of several sizes under a clear sky, which gets lighter towards them, float32 [height, width, 3] in 0..1."""
    random = np.random.default_rng(seed)
    spots = [random.random((1 + height // size, 1 + width // size, 3), np.float32) for size in (6, 12, 30)]
    rows = np.arange(height, dtype=np.float32)[:, None, None] / height
    sky = np.float32([0.3, 0.5, 0.7]) + 0.3 * rows
    houses = np.mean([resize(layer, (height, width)) for layer in spots], axis=0)
    return np.where(rows < 0.4, sky, houses).clip(0, 1).astype(np.float32)


def recorded(frames: Iterable[np.ndarray], noise: float = 2.0, seed: int = 0) -> list[np.ndarray]:
    """Frames as a camera delivers them: with noise of this deviation, of 255, and rounded to 8 bits."""
    random = np.random.default_rng(seed)
    noisy = (frame + random.normal(0, noise / 255, frame.shape) for frame in frames)
    return [np.float32(as_bytes(frame.clip(0, 1))) / 255 for frame in noisy]


def rolling_ball(count: int = 6, height: int = 120, width: int = 160) -> tuple[list[np.ndarray], np.ndarray]:
    """The town, through which a ball rolls to the right, and where that never is, [height, width] of bool."""
    rows, columns = np.mgrid[:height, :width]
    frames, never = [], np.ones((height, width), bool)
    for number in range(count):
        distance = np.hypot(rows - 0.7 * height, columns - width * (0.2 + 0.05 * number))
        frames.append(np.where(distance[..., None] < height / 12, np.float32([0.9, 0.2, 0.1]), town(height, width)))
        never &= distance >= height / 12
    return frames, never
