"""Few colours for many: a palette for a whole film, and mixtures of its colours that do not flicker."""

import math

import numpy as np
from PIL import Image

_SAMPLES = 60_000  # pixels from which a palette is made
_BITS = 6  # of each channel, that tell colours apart when they are mixed
_CONTRAST = 0.1  # weight of the difference between the colours of a mixture, beside the error of their mean
_AT_ONCE = 1024  # mixtures that are searched at once
_BAYER = np.array([[0, 2], [3, 1]])
for _ in range(2):  # 8 x 8 thresholds: of each part of the square as many as of the whole
    _BAYER = np.block([[4 * _BAYER + offset for offset in row] for row in ((0, 2), (3, 1))])
_THRESHOLDS = _BAYER.astype(np.uint8)


def film_colours(frames: np.ndarray, most: int) -> np.ndarray:
    """Returns the colours that represent a film best, uint8 [at most `most`, 3].

    Args:
        frames: uint8 [frames, height, width, 3 or 4], perhaps on disk; what is clear does not count.
        most: number of colours.
    """
    step = math.ceil(frames[..., 0].size / _SAMPLES)
    while math.gcd(step, frames.shape[2]) > 1:  # no column more than another
        step += 1
    samples = frames.reshape(-1, frames.shape[-1])[::step]
    colours = samples[..., :3] if frames.shape[-1] == 3 else samples[samples[:, 3] >= 128, :3]
    different = np.unique(colours, axis=0)
    if len(different) <= most:
        return different if len(different) else np.zeros((1, 3), np.uint8)
    image = Image.fromarray(np.ascontiguousarray(colours[None])).quantize(most, Image.Quantize.MEDIANCUT, kmeans=1)
    palette = image.getpalette("RGB")
    assert palette is not None
    return np.array(palette, np.uint8).reshape(-1, 3)[:most]


class Dither:
    """Gives pixels the colours of a palette.

    A colour between two of the palette becomes a pattern of both, so that their mean is right. A pixel compares the
    share of the second one with a threshold of its place (Bayer, 1973). The same colour at the same place is always
    drawn alike: what does not move does not flicker, as it would if errors were passed on to the pixels beside.

    Args:
        palette: uint8 [colours, 3].
    """

    def __init__(self, palette: np.ndarray) -> None:
        self.palette = np.unique(palette, axis=0)
        self._whole = _packed(self.palette, 8)  # in increasing order
        self._known = np.zeros(1 << 3 * _BITS, bool)
        self._first, self._second, self._share = np.zeros((3, len(self._known)), np.uint8)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Returns the numbers of colours for uint8 [height, width, 3], uint8 [height, width]."""
        kinds, whole = _packed(pixels >> 8 - _BITS, _BITS), _packed(pixels, 8)
        found = np.zeros_like(self._known)
        found[kinds] = True
        unknown = np.flatnonzero(found & ~self._known)
        for start in range(0, len(unknown), _AT_ONCE):
            self._mix(unknown[start : start + _AT_ONCE])
        height, width = kinds.shape
        thresholds = np.tile(_THRESHOLDS, (height // 8 + 1, width // 8 + 1))[:height, :width]
        mixed = np.where(self._share[kinds] > thresholds, self._second[kinds], self._first[kinds])
        same = np.searchsorted(self._whole[:-1], whole).astype(np.uint8)
        return np.where(self._whole[same] == whole, same, mixed)

    def _mix(self, kinds: np.ndarray) -> None:
        """Finds the two colours of the palette for each kind of pixel, and the share of the second, in 64ths."""
        mask = (1 << _BITS) - 1
        bits = np.stack([kinds >> 2 * _BITS, kinds >> _BITS & mask, kinds & mask], axis=-1)
        wanted = bits.astype(np.float32) * np.float32(255 / mask)
        palette = self.palette.astype(np.float32)
        nearest = np.square(wanted[:, None] - palette).sum(axis=-1).argmin(axis=1)
        base = palette[nearest]
        ways = palette - base[:, None]  # [kinds, colours, 3]
        lengths = np.square(ways).sum(axis=-1)
        along = np.einsum("kcx,kx->kc", ways, wanted - base)
        shares = np.clip(along / np.maximum(lengths, 1), 0, 0.5)
        errors = shares * (shares * lengths - 2 * along) + _CONTRAST * shares * (1 - shares) * lengths
        second = errors.argmin(axis=1)
        share = np.take_along_axis(shares, second[:, None], axis=1)[:, 0]
        self._known[kinds] = True
        self._first[kinds], self._second[kinds], self._share[kinds] = nearest, second, np.round(64 * share)


def _packed(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Joins three numbers of so many bits to one, int32 without the last axis."""
    red, green, blue = np.moveaxis(pixels, -1, 0).astype(np.int32)
    return (red << 2 * bits) + (green << bits) + blue
