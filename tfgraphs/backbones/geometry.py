"""How the positions of a layer lie over a picture, followed from layer to layer along one axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class View:
    """How a layer sees the picture.

    Attributes:
        channels: features at each position.
        stride: pixels of the picture from one position of the layer to the next.
        receptive_field: side in pixels of the square that one position depends on; 0 for the whole picture.
        smallest: side in pixels of the smallest picture for which the layer has a position at all.
        before: how many pixels before number * stride a position sees at most, counted along an axis.
        after: how many it sees at most from there on.
    """

    channels: int
    stride: int
    receptive_field: int
    smallest: int
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Window:
    """How a layer goes over the positions below it.

    Attributes:
        kernel: how many of them one position reads, counting those that a dilated kernel leaves out.
        stride: how many of them lie between one position and the next.
        needed: how many of them the first position needs: `kernel`, or less where positions beyond the border count.
        finer: positions that it makes of one below, when it enlarges.
        before: how many positions before the border the first one reads, at least and at most: the zeros around a
            picture depend on its size.
    """

    kernel: int = 1
    stride: int = 1
    needed: int = 1
    finer: int = 1
    before: tuple[int, int] = (0, 0)


POINT = Window()


def sliding(kernel: int, stride: int, border: str, gap: int = 1, added: int = 0) -> Window:
    """The window of a convolution or pooling.

    Args:
        kernel: positions that it reads.
        stride: from one position to the next.
        border: "same", with positions beyond the border; "valid", with none but `added` ones; or "ceil", where the
            last window may reach over the end and is cut off there.
        gap: distance of the positions that it reads, the dilation.
        added: how many zeros are put around the positions, on both sides together.
    """
    reach = (kernel - 1) * gap + 1
    if border.lower() == "same":
        return Window(reach, stride, before=(max(reach - stride, 0) // 2, reach // 2))
    if border.lower() == "ceil":
        return Window(reach, stride, max(reach - stride, 0) + 1)
    return Window(reach, stride, reach - added, before=(0, added))


def padding(before: int, after: int) -> Window:
    """Positions put around; negative numbers cut off."""
    return Window(needed=1 - before - after, before=(before, before))


@dataclass(frozen=True)
class Axis:
    """What the positions of a layer see along one axis of the picture.

    Attributes:
        stride: pixels from one position to the next.
        field: pixels that one position depends on; 0 for all.
        least: pixels that the layers below need to have a position at all.
        first: pixels that the windows up to here need to have one, all strides and borders counted; n positions need
            the larger of `least` and `first + (n - 1) * stride`.
        before: pixels before number * stride that a position sees, at most.
        after: pixels from there on, at most.
    """

    stride: Fraction = Fraction(1)
    field: Fraction = Fraction(1)
    least: Fraction = Fraction(1)
    first: Fraction = Fraction(1)
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(1)

    def slide(self, window: Window) -> "Axis":
        """The axis of a layer that goes over this one with a window."""
        return Axis(
            stride=self.stride * window.stride / window.finer,
            field=self.field and self.field + (window.kernel - 1) * self.stride,
            least=max(self.least, self.first),
            first=self.first + (window.needed - 1) * self.stride,
            before=self.before + window.before[1] * self.stride,
            after=self.after + (window.kernel - 1 - window.before[0]) * self.stride,
        )

    def whole(self) -> "Axis":
        """The axis of a layer whose positions see all of this one."""
        return Axis(self.stride, Fraction(0), self.least, self.first, self.before, self.after)


def joined(axes: Iterable[Axis]) -> Axis:
    """The axis of a layer that reads several, position by position."""
    axes = list(axes)
    return Axis(
        stride=max(axis.stride for axis in axes),
        field=Fraction(0) if any(axis.field == 0 for axis in axes) else max(axis.field for axis in axes),
        least=max(axis.least for axis in axes),
        first=max(axis.first for axis in axes),
        before=max(axis.before for axis in axes),
        after=max(axis.after for axis in axes),
    )


def view(channels: int, axes: Iterable[Axis]) -> View:
    """What a person is told: of both axes the larger numbers, in whole pixels."""
    axes = list(axes)
    field = 0 if any(axis.field == 0 for axis in axes) else max(math.ceil(axis.field) for axis in axes)
    stride = max(1, *(math.ceil(axis.stride) for axis in axes))
    return View(
        channels,
        stride,
        field,
        smallest=max(math.ceil(max(axis.least, axis.first)) for axis in axes),
        before=max(math.ceil(axis.before) for axis in axes),
        after=max(math.ceil(axis.after) for axis in axes),
    )
