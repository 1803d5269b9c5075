"""Sound and subtitles, which are copied packet by packet from a film into an MP4 and never encoded anew."""

import io
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_JOINED = 1  # s; times that go back by more are those of another recording
_MICROSECONDS = 1_000_000  # FFmpeg's unit for times of whole files


def start_of(container: "InputContainer") -> Fraction:
    """When the first track of a file begins, in seconds on the file's own clock, which need not begin at 0."""
    return Fraction(container.start_time or 0, _MICROSECONDS)


def tracks_of(source: "InputContainer") -> "list[Stream]":
    """The tracks of sound and subtitles of a film."""
    return [track for track in source.streams if track.type in ("audio", "subtitle")]


def copyable(open_source: "Callable[[], InputContainer]") -> list[int]:
    """Returns the numbers of the tracks that an MP4 can hold as they are: copies them to nowhere."""
    import av

    with open_source() as source:
        numbers = [track.index for track in tracks_of(source)]
    fitting = []
    for number in numbers:
        try:
            with open_source() as source, av.open(_Nowhere(), "w", format="mp4") as target:
                TrackCopy(source, [number], target).write(until=None)
            fitting.append(number)
        except (av.FFmpegError, ValueError, AttributeError):  # the last two for codecs that FFmpeg or MP4 do not know
            pass
    return fitting


class TrackCopy:
    """Copies tracks, in turn with the frames of the target.

    Args:
        source: an open film, or None without tracks.
        numbers: of the tracks.
        target: an open MP4 without a header yet.
    """

    def __init__(self, source: "InputContainer | None", numbers: Sequence[int], target: "OutputContainer") -> None:
        tracks = [track for track in tracks_of(source) if track.index in numbers] if source else []
        self._target, self._start = target, start_of(source) if source else Fraction(0)
        self._copies = {track.index: target.add_stream_from_template(track) for track in tracks}
        for track in tracks:
            copy = self._copies[track.index]
            copy.metadata.update({key: text for key, text in track.metadata.items() if key == "language"})
            copy.disposition = track.disposition
        self._packets = _in_order(source.demux(tracks)) if source and tracks else iter(())
        self._next = next(self._packets, None)

    def write(self, until: Fraction | None) -> None:
        """Writes the packets that begin before a time, in seconds; None for all that remain."""
        while (packet := self._next) is not None:
            assert packet.dts is not None  # see _in_order
            assert packet.pts is not None
            shift = round(self._start / packet.time_base)
            if until is not None and (packet.dts - shift) * packet.time_base >= until:
                return
            packet.dts, packet.pts = packet.dts - shift, packet.pts - shift
            packet.stream = self._copies[packet.stream.index]
            self._target.mux(packet)
            self._next = next(self._packets, None)


def _in_order(packets: "Iterator[Packet]") -> "Iterator[Packet]":
    """Yields packets with times that increase. Those that go back, as where recordings were joined, are moved."""
    ends: dict[int, tuple[int, int]] = {}  # by the number of the track: the last time, and that after it
    moved: dict[int, int] = {}
    for packet in packets:
        if packet.dts is None:  # at the end
            continue
        track = packet.stream.index
        time = packet.dts + moved.get(track, 0)
        last, following = ends.get(track, (time - 1, time))
        if time <= last:
            if (last - time) * packet.time_base > _JOINED:
                moved[track] = following - packet.dts
            time = following
        ends[track] = time, time + max(1, packet.duration or 0)
        packet.dts = packet.pts = time
        yield packet


class _Nowhere(io.RawIOBase):
    """A file that keeps nothing but its length."""

    _place = _end = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, content: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        self._place += len(content)
        self._end = max(self._end, self._place)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._end}[whence]
        return self._place

    def tell(self) -> int:
        return self._place
