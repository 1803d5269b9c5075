"""Draws the pictures of the lessons: docs/pictures/lesson_layers.jpg and docs/pictures/lesson_texture.jpg.

    .venv/bin/python benchmarks/draw_lessons.py

Three layers of SqueezeNet dream about a cup of coffee; and noise gets the Gram matrices of a painting, nothing else.
"""

from pathlib import Path

import numpy as np
from arrangements import row

import tfgraphs
from tfgraphs.graphs.start import start

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
LAYERS = ("fire2", "fire5", "fire9")
TEXTURE_LAYERS = ("conv1", "fire2", "fire4")
GAP = 8  # px


def main() -> None:
    start()
    dreams = [tfgraphs.dream("sample:coffee", layer, size=400, steps=120) for layer in LAYERS]
    tfgraphs.save_picture(PICTURES / "lesson_layers.jpg", row(dreams, GAP))
    painting = tfgraphs.load_picture("sample:embers", size=320)
    tfgraphs.save_picture(PICTURES / "lesson_texture.jpg", row([painting, texture(painting)], GAP))


def texture(painting: np.ndarray) -> np.ndarray:
    """Return a picture of the painting's size with nearly its Gram matrices, from noise."""
    import tensorflow as tf

    from tfgraphs.neural_style.statistics import gram_matrix
    from tfgraphs.neural_style.style_loss import relative_style_error

    network = tfgraphs.load_backbone("squeezenet")
    wanted = {layer: gram_matrix(found) for layer, found in network(painting[None], TEXTURE_LAYERS).items()}
    noise = np.random.default_rng(0).uniform(0.3, 0.7, (1, *painting.shape))
    picture = tf.Variable(noise.astype(np.float32))

    def style(step: tf.Tensor) -> tf.Tensor:
        found = network(tf.convert_to_tensor(picture), TEXTURE_LAYERS)
        errors = [relative_style_error([gram_matrix(found[layer])], [wanted[layer]]) for layer in TEXTURE_LAYERS]
        return tf.add_n(errors)

    optimizer = tf.keras.optimizers.Adam(0.03)
    for _ in tfgraphs.minimize(style, [picture], optimizer, 200, projection=lambda x: tf.clip_by_value(x, 0, 1)):
        pass
    return np.asarray(picture[0])


if __name__ == "__main__":
    main()
