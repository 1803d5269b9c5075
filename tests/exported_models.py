"""A small exported model of each kind, and the signatures that it has."""

from pathlib import Path

import numpy as np
from small_networks import small_backbone

from tfgraphs.deepdream import DreamSettings, layer_l2
from tfgraphs.deepdream.exported import export_dream
from tfgraphs.neural_style import StyleSettings
from tfgraphs.neural_style.exported import export_painter
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.stylize import export_network
from tfgraphs.vectors.models.embedding import export_embedding
from tfgraphs.vectors.subwords import Subwords
from tfgraphs.vectors.word_vectors import WordVectors

WORDS = ["the", "king", "queen", "北京", "New York"]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 4)).astype(np.float32)
SUBWORDS = Subwords(2, 4, 50, np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32), None)
PAINTER = StyleSettings(content_layer="conv1", style_layers={"conv1": 1.0}, octaves=1, steps=2, seed=2)

FLOAT, INT, STRING = "DT_FLOAT", "DT_INT32", "DT_STRING"
PICTURES, PICTURE = (FLOAT, [-1, -1, -1, 3]), (FLOAT, [1, -1, -1, 3])
TEXTS, SCALAR = (STRING, [-1]), (INT, [])
BYTES = {"image_bytes": TEXTS}
# What goes in and out: the types and shapes of tensors by their names.
SIGNATURES = {
    "words": {
        "serving_default": ({"words": TEXTS}, {"default": (FLOAT, [-1, 4])}),
        "nearest": ({"words": TEXTS, "k": SCALAR}, {"words": TEXTS, "cosines": (FLOAT, [-1])}),
        "analogy": (
            {"positive": TEXTS, "negative": TEXTS, "k": SCALAR},
            {"words": TEXTS, "cosines": (FLOAT, [-1])},
        ),
        "vectors": ({"rows": (INT, [-1])}, {"default": (FLOAT, [-1, 4])}),
    },
    "network": {
        "serving_default": ({"image": PICTURES}, {"image": PICTURES}),
        "serve_bytes": (BYTES, BYTES),
        "with_noise": ({"image": PICTURES, "noise": (FLOAT, [1, -1, -1, 1])}, {"image": PICTURES}),
    },
    "dreamer": {
        "serving_default": ({"image": PICTURES}, {"image": PICTURES}),
        "dream": ({"image": PICTURES, "steps": SCALAR, "step_size": (FLOAT, [])}, {"image": PICTURES}),
        "serve_bytes": (BYTES, BYTES),
    },
    "painter": {
        "serving_default": ({"content": PICTURE, "style": PICTURE}, {"image": PICTURE}),
        "stylize": ({"content": PICTURE, "style": PICTURE, "steps": SCALAR}, {"image": PICTURE}),
        "serve_bytes": ({"content_bytes": TEXTS, "style_bytes": TEXTS}, BYTES),
    },
}


def export_small(model: str, folder: Path) -> Path:
    """Writes a model of a kind, a key of SIGNATURES, into a folder and returns it."""
    if model == "words":
        export_embedding(folder, WordVectors(WORDS, MATRIX, subwords=SUBWORDS))
    elif model == "network":
        export_network(folder, TransformationNetwork(channels=(6, 8), blocks=1, seed=3))
    elif model == "dreamer":
        export_dream(folder, layer_l2("conv2"), small_backbone(), DreamSettings(octaves=2, iterations=1))
    else:
        export_painter(folder, small_backbone(), PAINTER)
    return folder
