"""What the tests of films share: frames that move, and films made of them by others."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

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
