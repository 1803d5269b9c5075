"""Word vectors, dreams and painted photographs: three losses and one loop, as TensorFlow graphs.

Word vectors:

    load_word_vectors(place)             vectors by name, path or `hub:` handle: queries, evaluation, files
    train_word_vectors(text)             word2vec on text files; returns `WordVectors`

Pictures, float32 arrays [height, width, 3] of RGB in 0..1, which notebooks display:

    load_picture(path), save_picture(path, picture); array.view(PictureArray) makes any array one of them
    dream(picture)                       DeepDream
    visualize_feature(objective)         what a layer, channel, neuron or class responds to
    paint(photograph, painting)          neural style
    train_style_network(painting)        a network that paints in one pass

All of them take `on_progress`:

    watch(title)                         shows a run with the time left, on a terminal or in a notebook

The parts they are made of:

    load_backbone(name)                  a pretrained network: pictures and layer names in, activations out
    minimize(loss, variables, optimizer, steps), Loss

Importing this package imports nothing else; each name is imported when it is first used, and starts TensorFlow with the
options that suit the processor if it needs TensorFlow (see `tfgraphs.graphs.start`).
"""

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from tfgraphs.lazy_names import lazy_names
from tfgraphs.version import __version__ as __version__

if TYPE_CHECKING:
    from tfgraphs.backbones.loading import load as load_backbone
    from tfgraphs.errors import TfgraphsError
    from tfgraphs.front_door import dream, load_picture, paint, save_picture, train_style_network, visualize_feature
    from tfgraphs.monitor.watch import watch
    from tfgraphs.optimize.losses import Loss
    from tfgraphs.optimize.minimize import minimize
    from tfgraphs.pictures.picture_array import PictureArray
    from tfgraphs.vectors.loading import load as load_word_vectors
    from tfgraphs.vectors.word_vectors import WordVectors
    from tfgraphs.word2vec.train import train_word_vectors

__all__ = [
    "Loss",
    "PictureArray",
    "TfgraphsError",
    "WordVectors",
    "dream",
    "load_backbone",
    "load_picture",
    "load_word_vectors",
    "minimize",
    "paint",
    "save_picture",
    "train_style_network",
    "train_word_vectors",
    "visualize_feature",
    "watch",
]

_FRONT_DOOR = ("dream", "load_picture", "paint", "save_picture", "train_style_network", "visualize_feature")
_WITHOUT_TENSORFLOW = {"PictureArray", "TfgraphsError", "WordVectors", "load_word_vectors", "watch"}
_WITHOUT_TENSORFLOW |= {"load_picture", "save_picture"}
_import_name = lazy_names(
    __name__,
    {"Loss": "optimize.losses", "TfgraphsError": "errors", "WordVectors": "vectors.word_vectors"}
    | {"load_backbone": "backbones.loading:load", "load_word_vectors": "vectors.loading:load"}
    | {"minimize": "optimize.minimize", "train_word_vectors": "word2vec.train", "watch": "monitor.watch"}
    | {"PictureArray": "pictures.picture_array"}
    | dict.fromkeys(_FRONT_DOOR, "front_door"),
)


def __getattr__(name: str) -> Any:
    if name in __all__ and name not in _WITHOUT_TENSORFLOW:
        _start_tensorflow()
    globals()[name] = value = _import_name(name)
    return value


def _start_tensorflow() -> None:
    """Starts TensorFlow, without the banners that would fill the first cell of a notebook if it is imported now."""
    start = importlib.import_module("tfgraphs.graphs.start")
    hidden = contextlib.nullcontext() if "tensorflow" in sys.modules else start.without_banners()
    with hidden:
        start.start()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
