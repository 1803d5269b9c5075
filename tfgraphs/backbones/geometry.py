"""Receptive fields and strides, computed from layer to layer along one axis of a picture."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


@dataclass(frozen=True)
class View:
    """The geometry of a layer in pixels of the picture.

    Attributes:
        channels: number of channels.
        stride: distance of neighbouring positions.
        receptive_field: side of the square that one position depends on; 0 for the whole picture.
        smallest: side of the smallest picture for which the layer has a position.
        before: position n depends on at most so many pixels before pixel n * stride.
        after: and on at most so many from there on.
    """

    channels: int
    stride: int
    receptive_field: int
    smallest: int
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Window:
    """The window that a layer moves over the positions of its input.

    Attributes:
        kernel: side of the window, with the positions that a dilated kernel skips; 0 for all positions.
        stride: distance of neighbouring windows.
        needed: positions that the first window needs: `kernel`, or less where positions beyond the border count.
        finer: number of its own positions for one of its input, for layers that enlarge.
        before: positions beyond the border that the first window reads, at least and at most: the zeros around a
            picture depend on its size.
    """

    kernel: int = 1
    stride: int = 1
    needed: int = 1
    finer: int = 1
    before: tuple[int, int] = (0, 0)


POINT = Window()
WHOLE = Window(kernel=0)


def sliding(kernel: int, stride: int, border: str, gap: int = 1, added: int = 0) -> Window:
    """The window of a convolution or pooling.

    Args:
        kernel: number of positions that it reads.
        stride: distance of neighbouring windows.
        border: "same", with positions beyond the border; "valid", with no others than `added`; or "ceil", where the
            last window may reach over the end and is cut off there.
        gap: distance of the positions that it reads, the dilation.
        added: number of zeros around the positions, on both sides together.
    """
    reach = (kernel - 1) * gap + 1
    if border.lower() == "same":
        return Window(reach, stride, before=(max(reach - stride, 0) // 2, reach // 2))
    if border.lower() == "ceil":
        return Window(reach, stride, max(reach - stride, 0) + 1)
    return Window(reach, stride, reach - added, before=(0, added))


def padding(before: int, after: int) -> Window:
    """The window of a layer that adds positions before and after; negative numbers cut them off."""
    return Window(needed=1 - before - after, before=(before, before))


Windows = tuple[Window, Window]
"""The windows of a layer along rows and along columns."""


class Axis(NamedTuple):
    """The geometry of a layer along one axis of the picture, in pixels.

    Attributes:
        stride: see `View`.
        field: the receptive field; infinite for the whole picture.
        least: pixels that the layers below need to have a position.
        first: pixels that the windows up to this layer need to have a position, all strides and borders counted; n
            positions need the larger of `least` and `first + (n - 1) * stride`.
        before, after: see `View`.
    """

    stride: Fraction = Fraction(1)
    field: Fraction | float = Fraction(1)
    least: Fraction = Fraction(1)
    first: Fraction = Fraction(1)
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(1)

    def slide(self, window: Window) -> "Axis":
        """Returns the axis of a layer that moves a window over this one."""
        if not window.kernel:
            return self._replace(field=math.inf)
        return Axis(
            stride=self.stride * window.stride / window.finer,
            field=self.field + (window.kernel - 1) * self.stride,
            least=max(self.least, self.first),
            first=self.first + (window.needed - 1) * self.stride,
            before=self.before + window.before[1] * self.stride,
            after=self.after + (window.kernel - 1 - window.before[0]) * self.stride,
        )


Axes = tuple[Axis, Axis]
"""The geometry of a layer along rows and along columns."""

PICTURE: Axes = (Axis(), Axis())


def _joined(axes: Iterable[Axis]) -> Axis:
    return Axis(*map(max, zip(*axes, strict=True)))


def slide(inputs: Iterable[Axes], windows: Windows) -> Axes:
    """Returns the axes of a layer that moves windows over its inputs, joined position by position."""
    rows, columns = (_joined(axes) for axes in zip(*inputs, strict=True))
    return rows.slide(windows[0]), columns.slide(windows[1])


def view(channels: int, axes: Axes) -> View:
    """The view of a layer: of both axes the larger numbers, rounded up to whole pixels."""
    both = _joined(axes)
    return View(
        channels,
        stride=max(1, math.ceil(both.stride)),
        receptive_field=0 if both.field == math.inf else math.ceil(both.field),
        smallest=math.ceil(max(both.least, both.first)),
        before=math.ceil(both.before),
        after=math.ceil(both.after),
    )
