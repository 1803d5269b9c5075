"""The graphs of one step that the techniques log for TensorBoard, of small models and networks."""

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import tensorflow as tf
from PIL import Image
from small_networks import small_backbone

from tfgraphs.cluster.group import Group
from tfgraphs.deepdream import (
    DreamSettings,
    FeatureSettings,
    channel,
    dream,
    guided,
    layer_l2,
    neuron,
    visualize_feature,
)
from tfgraphs.monitor.step_graph import step_graph as draw
from tfgraphs.neural_style import Style, StyleSettings
from tfgraphs.neural_style.anchor import Anchor
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.settings import NetworkSettings
from tfgraphs.neural_style.one_pass.training import train as train_network
from tfgraphs.neural_style.transfer import Painter
from tfgraphs.pictures.photographs import Photographs
from tfgraphs.word2vec import encode_sentences
from tfgraphs.word2vec.model import Word2Vec
from tfgraphs.word2vec.pairs.model import PairModel
from tfgraphs.word2vec.pairs.pair_format import PairSettings, pair_vocabulary, parse_pairs
from tfgraphs.word2vec.pairs.training import train_pairs
from tfgraphs.word2vec.settings import ARCHITECTURES, LOSSES, TrainingSettings
from tfgraphs.word2vec.train import train

PICTURE = np.random.default_rng(0).random((50, 60, 3)).astype(np.float32)
STYLE = {"content_layer": "conv2", "style_layers": {"conv1": 1.0, "conv2": 1.0}, "steps": 1}


class Pair(Group):
    """One of two workers, whose sums do not wait for the other."""

    size = 2

    def total(self, tensors):
        return [tensor + tensor for tensor in tensors]


class _Stop(Exception):
    """The graph is there: nothing else is needed."""


def _first_graph(run: Callable[[Callable[[tf.Graph], None]], Iterator[object]]) -> tf.compat.v1.GraphDef:
    """The first graph of a run as it is logged; the run is then stopped."""
    graphs = []

    def stop(graph: tf.Graph) -> None:
        graphs.append(draw(graph))
        raise _Stop

    with contextlib.suppress(_Stop):
        list(run(stop))
    return graphs[0]


def _words(**settings) -> tf.compat.v1.GraphDef:
    corpus = encode_sentences([list("abcdefgh")] * 40)
    model = Word2Vec(corpus.vocabulary, TrainingSettings(dim=6, window=2, subsample=0, epochs=1, **settings))
    return _first_graph(lambda on_graph: train(model, corpus, on_graph=on_graph))


def _pairs(loss: str) -> tf.compat.v1.GraphDef:
    pairs, settings = parse_pairs("drink|juice,eat|apple,eat^drink|rice"), PairSettings(passes=1, loss=loss)
    model = PairModel(pair_vocabulary(pairs), settings)
    return _first_graph(lambda on_graph: train_pairs(model, pairs, settings, on_graph=on_graph))


def _dream(objective, backbone=None, **settings) -> tf.compat.v1.GraphDef:
    chosen, network = DreamSettings(steps=1, octaves=1, **settings), backbone or small_backbone()
    return _first_graph(lambda on_graph: dream(PICTURE, objective, network, chosen, on_graph=on_graph))


def _feature(style: str, objective=None, **settings) -> tf.compat.v1.GraphDef:
    chosen, objective = FeatureSettings(style=style, size=(50, 60), **settings), objective or channel("conv2", 1)
    return _first_graph(lambda on_graph: visualize_feature(objective, small_backbone(), chosen, on_graph=on_graph))


def _painting(styles=PICTURE, photograph=PICTURE, anchor: Anchor | None = None, **settings) -> tf.compat.v1.GraphDef:
    painter = Painter(styles, small_backbone(), StyleSettings(**STYLE | settings))
    return _first_graph(lambda on_graph: painter.paint(photograph, anchor=anchor, on_graph=on_graph))


def _squeezenet_painting(size: int = 1, **settings) -> tf.compat.v1.GraphDef:
    """A painting of `size` times the sides of PICTURE, in whose style some layers of SqueezeNet are compared."""
    chosen = {"content_layer": "fire5", "style_layers": {"fire2": 1.0, "fire3": 1.0}, "steps": 1, "supersampling": 1}
    large = np.tile(PICTURE, (size, size, 1))
    painter = Painter(large, settings=StyleSettings(**chosen | settings))
    return _first_graph(lambda on_graph: painter.paint(large, on_graph=on_graph))


def _masked() -> tf.compat.v1.GraphDef:
    left = np.zeros(PICTURE.shape[:2], np.float32)
    left[:, :30] = 1
    return _painting([Style(PICTURE, 0.7, where=left), Style(PICTURE[::-1], 0.3, mask=left)], statistic="covariance")


def _anchored() -> tf.compat.v1.GraphDef:
    ones = np.ones(PICTURE.shape[:2], np.float32)
    return _painting(anchor=Anchor(PICTURE, ones, 1.0, ones[..., np.newaxis]))


def _network(**options) -> tf.compat.v1.GraphDef:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photograph.png")
        Image.fromarray((PICTURE * 255).astype(np.uint8)).save(path)
        photographs = Photographs([path], side=32)
        network = TransformationNetwork(channels=(6, 8), blocks=1, seed=1)
        style, settings = StyleSettings(**STYLE), NetworkSettings(steps=1, batch=2, style_size=48)
        arguments = network, PICTURE, photographs, small_backbone(), style, settings
        return _first_graph(lambda on_graph: train_network(*arguments, on_graph=on_graph, **options))


RUNS: dict[str, Callable[[], tf.compat.v1.GraphDef]] = {
    **{
        f"words/{architecture}/{loss}": functools.partial(_words, architecture=architecture, loss=loss)
        for architecture in ARCHITECTURES
        for loss in LOSSES
    },
    "words/published": functools.partial(_words, damping=0, shared_negatives=0, window_sampling="dynamic"),
    "words/parts": functools.partial(_words, workers=2, words_per_step=256),
    "words/tied": functools.partial(_words, tied=True, optimizer="adam"),
    **{
        f"pairs/{loss}": functools.partial(_pairs, loss)
        for loss in ("softmax", "negative_sampling", "hierarchical_softmax")
    },
    "dream": functools.partial(_dream, "fire5", "squeezenet"),
    "dream/class": functools.partial(_dream, "class:281", "squeezenet"),
    "dream/adam": functools.partial(_dream, layer_l2("conv2"), optimizer="adam"),
    "dream/laplacian": functools.partial(_dream, layer_l2("conv2") - channel("conv1", 3), normalize="laplacian"),
    "dream/guide": functools.partial(_dream, guided("conv2", PICTURE[:3, :3].reshape(1, 3, 9)[..., :8])),
    "dream/tiles": functools.partial(_dream, layer_l2("conv2"), tile_size=40),
    **{f"feature/{style}": functools.partial(_feature, style) for style in ("naive", "laplacian", "fourier", "maco")},
    "feature/alpha": functools.partial(_feature, "fourier", alpha=True, batch=2, diversity=1.0),
    "feature/neuron": functools.partial(_feature, "multiscale", neuron("conv2", 1)),
    "painting": _squeezenet_painting,
    **{
        f"painting/{statistic}": functools.partial(_squeezenet_painting, statistic=statistic)
        for statistic in ("gram", "mean_variance", "sliced_wasserstein")
    },
    "painting/covariance": functools.partial(_squeezenet_painting, 4, statistic="covariance", octaves=3),
    "painting/paper": functools.partial(_painting, loss="paper"),
    "painting/lbfgs": functools.partial(_painting, optimizer="lbfgs"),
    "painting/masks": _masked,
    "painting/anchor": _anchored,
    "painting/tiles": functools.partial(_painting, tile_size=96),
    "network": _network,
    "network/workers": functools.partial(_network, group=Pair()),
}
"""What can be logged, by name: a function that makes the graph of one step."""


@functools.cache
def step_graph(name: str) -> tf.compat.v1.GraphDef:
    """The graph of one step of one of `RUNS`, as it is logged."""
    return RUNS[name]()


def scopes(name: str) -> set[str]:
    """What the graph of one of `RUNS` shows at its top level, and all scopes, such as `loss/negative_sampling`."""
    return scopes_of(step_graph(name))


def scopes_of(definition: tf.compat.v1.GraphDef) -> set[str]:
    """The same of any graph."""
    paths = [PurePosixPath(node.name) for node in definition.node]
    return {path.parts[0] for path in paths} | {str(one) for path in paths for one in path.parents[:-1]}


def all_scopes() -> set[str]:
    """The same of all `RUNS` together: all that the documentation may name."""
    return set().union(*map(scopes, RUNS))
