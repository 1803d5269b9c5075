"""Video files, by PyAV (FFmpeg): writes MP4, reads what cameras and the web produce. Needs the extra `video`."""

import array
import contextlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.errors import errors_as, summary
from tfgraphs.extras import install_extra, install_packages
from tfgraphs.pictures.films.film import READABLE, Film, FilmError
from tfgraphs.pictures.films.timing import LONGEST, RATES, Timing, timing_of
from tfgraphs.pictures.films.tracks import TrackCopy, copyable, start_of, tracks_of
from tfgraphs.pictures.images import MAX_PIXELS, check_size

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
    *(".ogv", ".3gp"),
)
FASTEST = 240.0  # frames a second

# Formats that contain everything. Others of FFmpeg refer to further files and addresses.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,asf,flv,ogg"
_ENCODER = "libx264"
_ENCODING = {
    "crf": "18",  # constant rate factor: 0 is lossless, 18 looks lossless, 23 is usual
    "preset": "medium",
    "threads": "4",  # a fixed number, on which the bytes depend
    "flags": "+bitexact+frame_duration",
    "mbtree": "0",  # would save a fifth, but then x264 writes different bytes in almost every run
}
# FFmpeg computes the end of an MP4 from the order of decoding, which must be that of showing if times are not even.
_UNEVEN = {"bf": "0"}
_BT709, _MPEG_RANGE, _UNKNOWN = 1, 1, 2  # numbers in ITU-T H.273, and FFmpeg's for 16..235
_EXACT = 0x4 | 0x40000 | 0x2000 | 0x4000  # of FFmpeg: bicubic, accurate rounding, full chroma interpolation and input
_LARGEST = 1_000_000  # numerator of a plausible rate
_UNKNOWN_RATE = Fraction(25)
_FINE = Fraction(1, 10_000)  # s; as finely the time before the first frame is kept
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_SHAPES = (0.1, 10)  # plausible ratios of a pixel's width to its height


def check() -> None:
    """Raises FilmError if PyAV is not installed or cannot write H.264."""
    if _ENCODER not in _pyav().codecs_available:
        advice = install_packages("--force-reinstall", "av")
        raise FilmError(f"this PyAV was built without x264; this installs one that has it: {advice}")


# --- writing


def write(
    path: Path,
    frames: Iterator[np.ndarray],
    timing: Timing,
    origin: Mapping[str, object] | None,
    source: Path | None,
) -> None:
    """Writes an MP4 (H.264, 8 bits, 4:2:0, BT.709) that every browser, phone and television plays.

    Colours have half the resolution, so sides are even: an odd one is made one longer by repeating the last pixels.

    Args:
        frames: uint8 [height, width, 3], all of one size.
        timing: of the frames.
        origin: see `films.save`.
        source: a film whose sound and subtitles are copied, if an MP4 can hold them.
    """
    av = _pyav()
    first = next(frames)
    height, width = (side + side % 2 for side in first.shape[:2])
    try:
        tracks = copyable(lambda: _container(source)) if source else []
        with (
            av.open(_name(path), "w", format="mp4", options={"movflags": "+faststart"}) as container,
            _container(source) if source and tracks else contextlib.nullcontext() as film,
        ):
            if origin is not None:
                container.metadata["comment"] = json.dumps(dict(origin))
            options = _ENCODING if timing.count is None else _ENCODING | _UNEVEN
            stream = container.add_stream(_ENCODER, timing.rate.limit_denominator(1001), options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _MPEG_RANGE
            others = TrackCopy(film, tracks, container)
            start = timing.start if tracks else Fraction(0)
            finer = math.ceil(timing.unit / _FINE) if start else 1
            unit = context.time_base = timing.unit / finer
            for number, pixels in enumerate(itertools.chain([first], frames)):
                begin, end = (round(start / unit) + timing.tick(one) * finer for one in (number, number + 1))
                others.write(until=begin * unit)
                frame = _encodable(pixels)
                frame.pts, frame.duration, frame.time_base = begin, end - begin, unit
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            others.write(until=None)
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise FilmError(f"the film of {width} x {height} px cannot be encoded: {summary(error)}") from error


def _encodable(pixels: np.ndarray) -> "VideoFrame":
    height, width = pixels.shape[:2]
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = _pyav().VideoFrame.from_ndarray(even, "rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_MPEG_RANGE, interpolation=_EXACT)


# --- reading


def read(path: Path) -> Film:
    """Reads the header of a file and its first frame."""
    with _open(path) as (container, stream):
        first = next(_decoded(path, container, stream), None)
        if first is None:
            raise FilmError(f"{path} has no frames")
        height, width = _upright(first, stream).shape[:2]
        count = stream.frames if 0 < stream.frames <= path.stat().st_size else None
        rate = float(np.clip(float(_rates(stream)[0]), *RATES))
        tracks = {track.index: _named(track) for track in tracks_of(container)}
        transparent = any(component.is_alpha for component in first.format.components)
        return Film(path, (height, width), rate, count, None, frames, _measure, 0, transparent, tracks)


def frames(path: Path, start: int = 0) -> Iterator[np.ndarray]:
    """Yields the frames from number `start` on, upright, uint8 [height, width, 3], or 4 with an alpha channel."""
    with _open(path) as (container, stream):
        for frame in itertools.islice(_decoded(path, container, stream), start, None):
            yield _upright(frame, stream)


def _measure(path: Path, report: Callable[[int], None]) -> tuple[int, Timing]:
    """Decodes all frames; `report` is called with the number of each, from 1 on."""
    begins, timed, duration = array.array("q"), True, 0
    with _open(path) as (container, stream):
        rates, unit, number = _rates(stream), stream.time_base, 0
        for number, frame in enumerate(_decoded(path, container, stream), 1):
            report(number)
            if timed := timed and frame.pts is not None:
                assert frame.pts is not None
                begins.append(frame.pts)
                duration = frame.duration
        start = begins[0] * unit - start_of(container) if timed and unit else Fraction(0)
        start = start if 0 < start < LONGEST else Fraction(0)
        even = container.format.name == "avi" and stream.frames == number  # it counts frames, but not those left out
        if not timed or unit is None or even:
            return number, Timing(1 / rates[0], start=start)
        rest = begins[0] + (stream.duration or 0) - begins[-1]
        if container.format.name.startswith("mov") and rest > 0:  # that of a frame is in the order of decoding
            duration = rest
        end = begins[-1] + (duration if duration > 0 else round(1 / rates[0] / unit))
        return number, timing_of(begins, end, unit, rates, start)


def _rates(stream: "VideoStream") -> list[Fraction]:
    """What a file says about its frames a second, the most credible first."""
    told = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate]
    plain = [rate if rate.numerator <= _LARGEST else rate.limit_denominator(1001) for rate in told]
    return [rate for rate in plain if RATES[0] <= float(rate) <= RATES[1]] or [_UNKNOWN_RATE]


def _named(track: "Stream") -> str:
    kind = {"audio": "sound", "subtitle": "subtitles"}[track.type]
    return f"{kind} ({track.codec_context.name if track.codec_context else 'of an unknown codec'})"


def lost_tracks(film: Film) -> list[str]:
    """Those tracks of a film that an MP4 cannot hold."""
    fitting = copyable(lambda: _container(film.path)) if film.tracks else []
    return [name for number, name in film.tracks.items() if number not in fitting]


def read_comment(path: Path) -> str:
    """Returns the comment in a file, or an empty text."""
    with _open(path) as (container, _):
        return container.metadata.get("comment", "")


def _container(path: Path) -> Any:
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    return _pyav().open(_name(path), "r", options=options, metadata_errors="replace")


@contextlib.contextmanager
def _open(path: Path) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    av = _pyav()
    with errors_as(FilmError, f"{path} is damaged or no film that can be read", READABLE):
        with _container(path) as container:
            stream = container.streams.best("video")
            cover = av.stream.Disposition.attached_pic
            if stream is None or stream.codec_context is None or cover in stream.disposition:
                raise FilmError(f"{path} has no pictures in it that can be read")
            check_size(path, _square(stream.width, stream), stream.height, FilmError)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream


def _decoded(path: Path, container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
    number = 0
    try:
        for frame in _with_alpha(container, stream) or container.decode(stream):
            if frame.is_corrupt:
                raise FilmError(f"{path} is damaged at frame {number}")
            yield frame
            number += 1
    except _pyav().FFmpegError as error:
        raise FilmError(f"{path} is damaged or cut short after {number} frames ({summary(error)})") from error


def _with_alpha(container: "InputContainer", stream: "VideoStream") -> "Iterator[VideoFrame] | None":
    """Decodes a WebM that has an alpha channel, which FFmpeg's own decoders leave out; None for other films."""
    av = _pyav()
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    if stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return None
    decoder = av.CodecContext.create(name, "r")
    decoder.extradata, decoder.options = stream.codec_context.extradata, stream.codec_context.options
    return itertools.chain.from_iterable(map(decoder.decode, container.demux(stream)))


def _upright(frame: "VideoFrame", stream: "VideoStream") -> np.ndarray:
    """The frame in square pixels, turned as the file says."""
    unknown = frame.colorspace == _UNKNOWN and frame.height > 576  # players take BT.709 for high definition
    space = _BT709 if unknown else None
    width = _square(frame.width, stream)
    layout = "rgba" if any(component.is_alpha for component in frame.format.components) else "rgb24"
    square = frame.reformat(width=width, format=layout, src_colorspace=space, interpolation=_EXACT)
    return np.rot90(square.to_ndarray(), round(frame.rotation / 90))


def _square(width: int, stream: "VideoStream") -> int:
    """The width of a frame in square pixels."""
    shape = float(stream.sample_aspect_ratio or 1)
    return max(1, round(width * shape)) if width and _SHAPES[0] < shape < _SHAPES[1] else width


def _name(path: Path) -> str:
    """A name that FFmpeg takes neither for an address nor for a pattern."""
    return f"file:{path.absolute()}"


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        text = f"PyAV is not installed, only animated WebP, GIF and PNG work without: {install_extra('video')}"
        raise FilmError(text) from error
    return av
