"""Reads and writes films: MP4 and other video files with the extra `video`, animated WebP, GIF and PNG without.

Inside, a film is an iterator of frames, float32 [height, width, 3] in 0..1; only a few are in memory at a time. A film
that is made of another one can keep the time of each frame, the sound, the transparency and the repetitions.
"""

import os.path
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from tfgraphs.errors import reason
from tfgraphs.files.outputs import atomic_file
from tfgraphs.pictures import images
from tfgraphs.pictures.films import animation, apng, gif, video
from tfgraphs.pictures.films.claims import check_claims
from tfgraphs.pictures.films.film import Film as Film
from tfgraphs.pictures.films.film import FilmError as FilmError
from tfgraphs.pictures.films.folders import FolderError as FolderError
from tfgraphs.pictures.films.folders import FrameFolder as FrameFolder
from tfgraphs.pictures.films.folders import iterate as iterate
from tfgraphs.pictures.films.folders import sources as sources
from tfgraphs.pictures.films.timing import RATES, steady

ANIMATED = animation.SUFFIXES
_WRITABLE: dict[str, ModuleType] = {".mp4": video, ".webp": animation, ".gif": gif, ".apng": apng}


def save(
    path: str | Path,
    frames: Iterable[np.ndarray],
    rate: float | Film,
    origin: Mapping[str, object] | None = None,
    count: int | None = None,
) -> None:
    """Writes a film, atomically, in the format that the path's ending names; the same frames give the same bytes.

    Args:
        path: ends in .mp4, .webp, .gif or .apng.
        frames: float32 [height, width, 3] each, all of one size; clipped to 0..1 and rounded to 8 bits. With an alpha
            channel they are [height, width, 4]; an .mp4 shows them on white.
        rate: frames a second, 0.1 to 240, for a WebP or PNG to 90, for a GIF to 50. Or a film that was `measured` and
            has as many frames, each of which is shown at its time there. An .mp4 has its sound and subtitles, too,
            which are copied as they are; others are repeated as often.
        origin: what made the film (command, flags), stored in it as JSON and read by `read_origin`.
        count: the expected number of frames, if it is to be checked.

    Raises:
        FilmError: see `check_format`; or there are no frames, other than `count`, of several sizes, or too large.
        OutputError: the file system refuses.
    """
    source, rate = (rate, rate.rate) if isinstance(rate, Film) else (None, rate)
    check_format(path, rate)
    timing = source.timing if source and source.timing else steady(rate)
    module = _WRITABLE[Path(path).suffix.lower()]
    with atomic_file(path) as temporary:
        expected = source.count if source and source.timing else count
        pixels = _eight_bits(path, frames, expected, module is not video)
        if module is video:
            video.write(temporary, pixels, timing, origin, source.path if source and source.tracks else None)
        else:
            module.write(temporary, pixels, timing, origin, source.plays if source else 0)


def check_format(path: str | Path, rate: float = RATES[0]) -> None:
    """Raises FilmError unless a film of this name and rate can be written with what is installed."""
    module = _WRITABLE.get(Path(path).suffix.lower())
    if module is None:
        raise FilmError(f"{path}: the name of a film to write ends in one of {', '.join(_WRITABLE)}")
    if not RATES[0] <= rate <= module.FASTEST:
        limits = f"it can have {RATES[0]:g} to {module.FASTEST:g}"
        advice = f": write an .mp4, which can have up to {video.FASTEST:g}" if module.FASTEST < rate <= RATES[1] else ""
        raise FilmError(f"{path}: {rate:g} frames a second: {limits}{advice}")
    if module is video:
        video.check()


def losses(path: str | Path, film: Film) -> list[str]:
    """Says what a film of this name cannot keep of another one, a line each: sound, transparency."""
    path = Path(path)
    is_video = _WRITABLE[path.suffix.lower()] is video
    lost, lines = video.lost_tracks(film) if is_video else [*film.tracks.values()], []
    if lost:
        advice = "" if is_video else "; an .mp4 may"
        lines.append(f"{film.path}: left out: {', '.join(lost)}, which {path} cannot hold{advice}")
    if film.transparent and is_video:
        lines.append(f"{film.path}: what is transparent becomes white: {path} cannot be transparent; a .webp can")
    return lines


def is_film(path: str | Path) -> bool:
    """Returns whether a path has the ending of a video file, or is an animated GIF, WebP or PNG."""
    path = Path(path)
    if path.suffix.lower() in animation.SUFFIXES:
        return os.path.isfile(path) and animation.is_animated(path)
    return path.suffix.lower() in video.SUFFIXES


def open_film(path: str | Path) -> Film:
    """Opens a film by its content, whatever its name. A still picture is a film of one frame.

    Args:
        path: an MP4, MOV, MKV, WebM, AVI, MPEG, WMV, FLV or OGV file, or an animated GIF, WebP or PNG.

    Raises:
        FilmError: the file is missing, no film, damaged, too large, or needs the extra `video`.
    """
    path = Path(path)
    return _reader(path).read(path)


def read_origin(path: str | Path) -> dict[str, object]:
    """Returns the `origin` that `save` stored in a film; raises FilmError if there is none."""
    path = Path(path)
    try:
        if _reader(path) is animation:
            return images.read_origin(path)
        return images.parse_origin(video.read_comment(path))
    except (images.ImageError, ValueError, RecursionError) as error:
        raise FilmError(f"{path} does not say how it was made: it is no film of tfgraphs") from error


def _reader(path: Path) -> ModuleType:
    """Checks a file and returns the module that reads it."""
    try:
        images.check_file(path, FilmError)
        check_claims(path)
        return animation if animation.is_animation(path) else video
    except OSError as error:
        raise FilmError(f"{path} cannot be read: {reason(error)}") from error


def _eight_bits(
    path: str | Path, frames: Iterable[np.ndarray], count: int | None, keep_alpha: bool
) -> Iterator[np.ndarray]:
    """Yields the frames as uint8; checks that they have one size and the expected number."""
    number, size = 0, None
    for frame in frames:
        size = size or frame.shape
        if frame.shape != size:
            raise FilmError(f"{path}: frame {number} has another size than those before: {frame.shape}, not {size}")
        if number == count:
            raise FilmError(f"{path}: there are more than {count} frames")
        if frame.shape[-1] == 4 and not keep_alpha:
            frame = images.Picture(frame[..., :3], frame[..., 3]).over(1.0)
        yield images.to_uint8(frame)
        number += 1
    if number == 0:
        raise FilmError(f"{path}: there are no frames: a film needs one")
    if count is not None and number != count:
        raise FilmError(f"{path}: there are {number} frames, not {count}")
