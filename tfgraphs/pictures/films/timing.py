"""When the frames of a film are shown."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

RATES = (0.1, 240.0)  # least and most frames a second
_FINEST = 100_000  # units in a second; finer ones are rounded to a common unit of video
_VIDEO = Fraction(1, 90_000)  # s
LONGEST = 1_000_000  # s; the times of longer films are damaged


@dataclass(frozen=True)
class Timing:
    """When each frame is shown.

    Attributes:
        unit: seconds.
        ticks: int64 [frames + 1], increasing: when each frame begins after the first one, and when the last one ends,
            in units. None if each frame is shown for one unit.
        start: when the first frame begins after the sound, in seconds.
    """

    unit: Fraction
    ticks: np.ndarray | None = None
    start: Fraction = Fraction(0)

    @property
    def count(self) -> int | None:
        """The number of frames, if it is known."""
        return None if self.ticks is None else len(self.ticks) - 1

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return 1 / self.unit if self.count is None else self.count / self.seconds(self.count)

    def tick(self, number: int) -> int:
        """When a frame begins, in units; of the number of frames, when the film ends."""
        return number if self.ticks is None else int(self.ticks[number])

    def seconds(self, number: int) -> Fraction:
        """When a frame begins, in seconds; of the number of frames, the duration of the film."""
        return self.tick(number) * self.unit

    def delays(self, parts: int, shortest: int, longest: int) -> Iterator[int]:
        """Yields how long each frame is shown, in parts of a second; what is rounded off comes with later frames."""
        end = 0
        for number in itertools.count(1) if self.count is None else range(1, self.count + 1):
            delay = min(max(round(self.seconds(number) * parts) - end, shortest), longest)
            end += delay
            yield delay


def steady(rate: float) -> Timing:
    """Frames that follow each other evenly, `rate` of them in a second."""
    return Timing(1 / Fraction(rate).limit_denominator(1001))


def timing_of(begins: Sequence[int], end: int, unit: Fraction, rates: Sequence[Fraction], start: Fraction) -> Timing:
    """Makes the timing of frames from what a file says, which may be damaged.

    Args:
        begins: when each frame begins, in units.
        end: when the last one ends, in units.
        unit: seconds.
        rates: frames a second that the file may have had before its times were rounded to units: the first that fits is
            kept, else the times one by one. The first replaces times that go back, as where recordings were joined.
        start: when the first frame begins after the sound, in seconds.
    """
    ticks = np.append(np.asarray(begins, np.int64), end)
    seconds = (ticks - float(ticks[0])) * float(unit)
    if np.diff(seconds).min() < -1 or seconds.max() > LONGEST:
        return Timing(1 / rates[0], None, start)
    ticks -= ticks[0]
    for rate in rates:
        rounded = (1 / rate / unit).denominator > 1
        if np.abs(seconds * float(rate) - np.arange(len(ticks))).max() <= (1.01 * rounded + 0.001) * unit * rate:
            return Timing(1 / rate, None, start)
    if 1 / unit > _FINEST:
        ticks, unit = np.round(seconds * float(1 / _VIDEO)).astype(np.int64), _VIDEO
    order = np.arange(len(ticks))
    return Timing(unit, np.maximum.accumulate(ticks - order) + order, start)  # one unit at least for each
