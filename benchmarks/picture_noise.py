"""Figures for noise in pictures: colour fringes, and patterns that repeat every few pixels.

    python benchmarks/picture_noise.py picture.png ...

prints both for each picture. Photographs have a colour noise of 0.02 to 0.1 and a screen door of 2 to 4.
"""

import sys

import numpy as np
from scipy import ndimage

BLUR = 1.5  # px, standard deviation: colours that change over more than a few pixels are no noise
WINDOW = 128  # px
PERIOD = 16  # px: strides of networks divide it

_RGB_TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])  # JPEG


def colour_noise(picture: np.ndarray) -> float:
    """Returns the energy of fine colours as a part of that of fine lightness:

        (|Cb - blur(Cb)|^2 + |Cr - blur(Cr)|^2) / |Y - blur(Y)|^2

    where blur is a Gaussian of `BLUR` px. 0 for a picture without fine lightness.

    Args:
        picture: [height, width, 3], RGB in 0..1.
    """
    planes = np.moveaxis(picture @ _RGB_TO_YCBCR.T, -1, 0)
    energy = np.sum(np.square(planes - ndimage.gaussian_filter(planes, (0, BLUR, BLUR))), axis=(1, 2))
    return float((energy[1] + energy[2]) / energy[0]) if energy[0] > 1e-12 * planes[0].size else 0.0


def screen_door(picture: np.ndarray) -> float:
    """Returns how far a pattern of period 16, 8, 4 ... px stands out of the spectrum of luma:

        max_(k, m) P(k/16, m/16) / median of P around it

    P is the power under Hann windows of `WINDOW` px that overlap by half, averaged. The lowest frequencies, with k and
    m of 0 or 1, are left out, as they are those of the picture's objects. Around are the frequencies that are 3 to 4
    steps of 1/128 away, outside the peak that the window gives to a wave.

    Args:
        picture: [height, width, 3], RGB in 0..1, at least `WINDOW` px a side. Noise alone gives up to 4 at 400 px.
    """
    luma = picture @ _RGB_TO_YCBCR[0]
    if min(luma.shape) < WINDOW:
        raise ValueError(f"the picture has {luma.shape[1]} x {luma.shape[0]} px: {WINDOW} a side are needed")
    hann = np.hanning(WINDOW + 1)[:-1]
    hann = np.outer(hann, hann)
    starts = [range(0, side - WINDOW + 1, WINDOW // 2) for side in luma.shape]
    windows = [luma[y : y + WINDOW, x : x + WINDOW] for y in starts[0] for x in starts[1]]
    power = np.mean([np.abs(np.fft.fft2((window - window.mean()) * hann)) ** 2 for window in windows], axis=0)
    power += 1e-12 * WINDOW**2  # a picture of one colour has no pattern
    step, ratios = WINDOW // PERIOD, []
    for k in range(PERIOD // 2 + 1):
        for m in range(-PERIOD // 2 + 1, PERIOD // 2 + 1):
            if max(k, abs(m)) > 1:
                rows, columns = np.arange(-4, 5) + k * step, np.arange(-4, 5) + m * step
                around = power[np.ix_(rows % WINDOW, columns % WINDOW)]
                distance = np.maximum(*np.abs(np.mgrid[-4:5, -4:5]))
                ratios.append(around[4, 4] / np.median(around[distance >= 3]))
    return float(max(ratios))


def main() -> None:
    from tfgraphs.pictures import images

    for path in sys.argv[1:]:
        picture = images.load(path).over(1.0)
        print(f"{path}: colour noise {colour_noise(picture):.3f}, screen door {screen_door(picture):.1f}")


if __name__ == "__main__":
    main()
