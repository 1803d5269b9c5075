"""Draws the pictures of docs/lecture: what a formula does, step by step.

    python benchmarks/draw_lecture.py docs/pictures [channel] [octaves] [gram]

channel    the picture of one channel after 0, 8, 32, 128 and 256 steps
octaves    a dream after each of five octaves, at their sizes
gram       a painting; its tiles in another order; noise that was given its Gram matrices

Writes lecture_NAME.jpg and prints figures of what is in them.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from arrangements import row, shuffled
from PIL import Image

import tfgraphs
from tfgraphs.deepdream import DreamSettings, FeatureSettings, Fourier, channel, dream, visualize_feature
from tfgraphs.deepdream.settings import STYLES
from tfgraphs.neural_style import StyleSettings, gram_matrix
from tfgraphs.neural_style.style_loss import relative_style_error
from tfgraphs.pictures.images import to_uint8

GAP = 8  # px
QUALITY = 88
OBJECTIVE = channel("fire8", 14)
STEPS = (8, 32, 128, 256)
SIDE, LONGEST, PAINTED, TILE = 160, 360, 256, 64  # px: of a channel's picture, a dream, a painting, its tiles


def draw_channel() -> list[np.ndarray]:
    style = STYLES["fourier"]
    start = Fourier((SIDE, SIDE), decay=style.decay, chroma_blur=style.chroma_blur)
    found = [start.pictures()[0].numpy()]
    for progress in visualize_feature(OBJECTIVE, "squeezenet", FeatureSettings(size=(SIDE, SIDE))):
        if progress.step in STEPS:
            print(f"step {progress.step}: mean activation {progress.terms['objective']:.1f}")
            found.append(progress.picture)
    return found


def draw_octaves() -> list[np.ndarray]:
    ends: dict[str, np.ndarray] = {}
    for progress in dream(tfgraphs.load_picture("sample:cat", LONGEST), settings=DreamSettings()):
        ends[progress.stage] = progress.picture
    print(*ends, sep="\n")
    return list(ends.values())


def draw_gram() -> list[np.ndarray]:
    network = tfgraphs.load_backbone("squeezenet", "average")
    painting = tfgraphs.load_picture("sample:swirls")[:PAINTED, :PAINTED]
    layers = StyleSettings().layers(network)[1]
    grey = np.full(painting.shape, 0.5, np.float32)
    weights = {"content_weight": 0, "variation_weight": 1, "palette_weight": 4, "supersampling": 1}
    texture = tfgraphs.paint(grey, painting, steps=500, statistic="gram", **weights)

    def grams(picture: np.ndarray) -> list[tf.Tensor]:
        return [gram_matrix(features) for features in network(picture[None], layers).values()]

    pictures = {"painting": painting, "tiles shuffled": shuffled(painting, TILE), "from noise": texture}
    for name, picture in {**pictures, "sample:cat": tfgraphs.load_picture("sample:cat", PAINTED)}.items():
        error = relative_style_error(grams(picture), grams(painting)) / len(layers)
        print(f"{name}: Gram matrices {error:.3f} away")
    return list(pictures.values())


DRAWN = {"channel": draw_channel, "octaves": draw_octaves, "gram": draw_gram}


def main(folder: str, *names: str) -> None:
    for name in names or DRAWN:
        path = Path(folder) / f"lecture_{name}.jpg"
        Image.fromarray(to_uint8(row(DRAWN[name](), GAP))).save(path, quality=QUALITY)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
