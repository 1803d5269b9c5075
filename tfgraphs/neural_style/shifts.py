"""How a picture is presented to the network: shifted by some pixels in each step.

Networks look at every second pixel, their deep layers at every sixteenth. A picture that always lies the same way under
that lattice takes it on as a pattern. So each step draws one of 16 offsets: s pixels down, and across the number whose
four bits are those of s in reverse. They meet each row and column of the lattice of 16 pixels once, each place of that
of 4 pixels once, and each place of that of 2 pixels four times, as in a Hammersley set. Offsets such as (s, 3 s), which
meet rows and columns only, leave a chessboard: both have the same parity.

The painter mirrors a margin around the picture and shifts the picture inside it, so that the network sees its borders
as well as its middle. The training of one-pass networks cuts a window out of its crops.
"""

from collections.abc import Sequence

import tensorflow as tf

from tfgraphs.graphs.scopes import scope

_BITS = 4
SHIFTS = 2**_BITS
STYLE_SHIFTS = (0, 1, 8, 9)  # of a painting, over which its statistics are averaged; each place of the lattice of 2 px
MARGIN = 12  # pixels mirrored at each border, on average over the shifts


def draw_shift(seed: int | tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Draws the number of a shift, int32 in 0..SHIFTS - 1; the same one for the same seed and step."""
    with scope("shift"):
        return tf.random.stateless_uniform([], [seed, step], 0, SHIFTS, tf.int32)


def lattice_offset(shift: int | tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """The offset of a shift down and across, each in 0..SHIFTS - 1."""
    across = sum((shift // 2**bit % 2) * 2 ** (_BITS - 1 - bit) for bit in range(_BITS))
    return shift, across


def picture_offset(shift: int | tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Where the picture begins in its mirrored frame, down and across, in pixels."""
    down, across = lattice_offset(shift)
    return MARGIN + SHIFTS // 2 - 1 - down, MARGIN + SHIFTS // 2 - 1 - across


def mirror_and_shift(pictures: tf.Tensor, shift: int | tf.Tensor) -> tf.Tensor:
    """Mirrors a frame around pictures, which lie in it as the shift says: all sides grow by 2 MARGIN pixels."""
    with scope("shift"):
        top, left = picture_offset(shift)
        frame = [[0, 0], [top, 2 * MARGIN - top], [left, 2 * MARGIN - left], [0, 0]]
        batch, *sides, channels = pictures.shape
        sides = [None if side is None else side + 2 * MARGIN for side in sides]
        return tf.ensure_shape(tf.pad(pictures, frame, "REFLECT"), [batch, *sides, channels])


def cut_window(pictures: tf.Tensor, offset: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """Cuts a window out of pictures that is SHIFTS - 1 pixels smaller than they are.

    Args:
        pictures: [batch, height, width, channels].
        offset: where the window begins, down and across, each in 0..SHIFTS - 1.
    """
    batch, height, width, channels = pictures.shape
    size = [batch, height - SHIFTS + 1, width - SHIFTS + 1, channels]
    with scope("shift"):
        return tf.ensure_shape(tf.slice(pictures, [0, offset[0], offset[1], 0], size), size)
