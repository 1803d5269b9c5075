"""One call for each thing that tfgraphs does with pictures, with defaults that give a good result.

A picture is a path, `sample:NAME`, or an array, float32 [height, width, 3], RGB in 0..1; results are such arrays, which
notebooks display as pictures (`PictureArray`).
These arguments mean the same everywhere, and stand in this order:

    steps         gradient steps of the whole run, over all octaves or scales
    backbone      a network by its name, or a `Backbone`
    optimizer     a Keras optimizer, or its name
    seed          of all random numbers; the same seed gives the same result
    tile_size     side in pixels of the tiles in which a picture is computed; 0: no tiles
    on_progress   called with each `Progress` of the run; `watch(title)` shows it

Further keyword arguments are fields of the settings of the technique. What is wrong raises a `TfgraphsError`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgraphs.monitor.progress import Progress
from tfgraphs.pictures import images, samples
from tfgraphs.pictures.picture_array import PictureArray

if TYPE_CHECKING:
    import keras

    from tfgraphs.backbones.backbone import Backbone
    from tfgraphs.deepdream.objectives import Objective
    from tfgraphs.neural_style.one_pass.network import TransformationNetwork

PictureLike = str | Path | np.ndarray
Listener = Callable[[Progress], object]


def load_picture(path: str | Path, size: int | None = None) -> PictureArray:
    """Reads a picture as float32 [height, width, 3], RGB in 0..1.

    Args:
        path: of a file in any common format, or `sample:NAME`. What is transparent becomes white.
        size: longer side in pixels to which a larger picture is reduced. Default: its own size.

    Raises:
        ImageError, SampleError: there is no such picture, or it is damaged.
    """
    return images.load(samples.resolve(str(path)), size).over(1.0).view(PictureArray)


def save_picture(path: str | Path, picture: np.ndarray) -> None:
    """Writes a picture, whole or not at all.

    Args:
        path: ends in .png, .jpg, .webp or .tif.
        picture: [height, width, 3], RGB in 0..1.

    Raises:
        ImageError, OutputError: the format is not known, or the file cannot be written.
    """
    images.save(path, images.Picture(picture))


def dream(
    picture: PictureLike,
    objective: "str | Objective | None" = None,
    *,
    size: int = 1024,
    steps: int = 120,
    backbone: "str | Backbone" = "squeezenet",
    optimizer: "str | keras.optimizers.Optimizer" = "sgd",
    seed: int = 0,
    tile_size: int = 0,
    on_progress: Listener | None = None,
    **settings: Any,
) -> PictureArray:
    """Makes a network see more of what it sees in a picture (DeepDream, Mordvintsev et al. 2015).

    Args:
        picture: the picture.
        objective: what the dream strengthens: an `Objective`, or an expression such as "fire5 - 0.5*fire9:17". Default:
            what the network knows best.
        size: longer side in pixels to which a larger picture is reduced.
        settings: fields of `DreamSettings`, such as `octaves`, `step_size`, `chroma`, `jitter`.

    Returns:
        The dream, of the size of the reduced picture.
    """
    from tfgraphs.deepdream.dreamer import dream as dream_progress
    from tfgraphs.deepdream.settings import DreamSettings

    chosen = DreamSettings(steps=steps, optimizer=optimizer, seed=seed, tile_size=tile_size, **settings)
    return _last_picture(dream_progress(_pixels(picture, size), objective, backbone, chosen), on_progress)


def visualize_feature(
    objective: "str | Objective",
    *,
    size: int = 128,
    steps: int | None = None,
    backbone: "str | Backbone" = "squeezenet",
    optimizer: "str | keras.optimizers.Optimizer | None" = None,
    seed: int = 0,
    on_progress: Listener | None = None,
    **settings: Any,
) -> PictureArray:
    """Finds a picture that excites a layer, channel, neuron or class (Olah et al., Feature Visualization, 2017).

    Args:
        objective: an `Objective`, or an expression such as "fire8:14" or "class:tiger cat".
        size: side of the picture in pixels.
        steps, optimizer: default: those of the style.
        settings: fields of `FeatureSettings`, such as `style`.

    Returns:
        The picture, [size, size, 3].
    """
    from tfgraphs.deepdream.features import visualize_feature as feature_progress
    from tfgraphs.deepdream.settings import FeatureSettings

    chosen = FeatureSettings(steps=steps, optimizer=optimizer, seed=seed, size=(size, size), **settings)
    return _last_picture(feature_progress(objective, backbone, chosen), on_progress)


def paint(
    photograph: PictureLike,
    painting: PictureLike | Sequence[PictureLike] = "sample:swirls",
    *,
    size: int = 640,
    steps: int = 650,
    backbone: "str | Backbone" = "squeezenet",
    optimizer: "str | keras.optimizers.Optimizer" = "adam",
    seed: int = 0,
    tile_size: int | None = None,
    on_progress: Listener | None = None,
    **settings: Any,
) -> PictureArray:
    """Paints a photograph in the style of a painting (Gatys, Ecker, Bethge 2015).

    Args:
        photograph: the photograph.
        painting: the painting, or several, which are blended.
        size: longer side in pixels to which a larger photograph is reduced.
        tile_size: default: tiles for large pictures only.
        settings: fields of `StyleSettings`, such as `content_weight`, `statistic`, `style_layers`.

    Returns:
        The painted photograph, of the size of the reduced photograph.
    """
    from tfgraphs.neural_style.regions import Style
    from tfgraphs.neural_style.settings import StyleSettings
    from tfgraphs.neural_style.transfer import paint as paint_progress

    paintings = [painting] if isinstance(painting, str | Path | np.ndarray) else painting
    styles = [Style(_pixels(one)) for one in paintings]
    chosen = StyleSettings(steps=steps, optimizer=optimizer, seed=seed, tile_size=tile_size, **settings)
    run = paint_progress(_pixels(photograph, size), styles, _network(backbone), chosen)
    return _last_picture(run, on_progress)


def train_style_network(
    painting: PictureLike,
    folder: str | Path | None = None,
    *,
    photographs: Sequence[str | Path] | None = None,
    steps: int = 2000,
    backbone: "str | Backbone" = "squeezenet",
    optimizer: "str | keras.optimizers.Optimizer" = "adam",
    seed: int = 0,
    on_progress: Listener | None = None,
    **settings: Any,
) -> "TransformationNetwork":
    """Trains a network that paints photographs in the style of one painting, in one pass (Johnson et al. 2016).

    Args:
        painting: the painting.
        folder: where to write the network as a SavedModel. Default: it is not written.
        photographs: paths of photographs to learn from. Default: those of the offline extra.
        settings: fields of `NetworkSettings`, such as `batch`, `style_size`.

    Returns:
        The network: `network(pictures)` maps float32 [batch, height, width, 3] in 0..1 to pictures of that shape.
    """
    from tfgraphs.neural_style.one_pass.network import TransformationNetwork
    from tfgraphs.neural_style.one_pass.settings import NetworkSettings
    from tfgraphs.neural_style.one_pass.stylize import export_network
    from tfgraphs.neural_style.one_pass.training import train
    from tfgraphs.neural_style.settings import CROP
    from tfgraphs.pictures.photographs import Photographs, packaged

    chosen = NetworkSettings(steps=steps, optimizer=optimizer, seed=seed, **settings)
    crops = Photographs(packaged() if photographs is None else [*map(Path, photographs)], CROP, seed)
    network = TransformationNetwork(seed=seed)
    for progress in train(network, _pixels(painting), crops, _network(backbone), settings=chosen):
        if on_progress is not None:
            on_progress(progress)
    if folder is not None:
        export_network(folder, network)
    return network


def _network(backbone: "str | Backbone") -> "Backbone":
    from tfgraphs.backbones.loading import load

    return load(backbone, "average") if isinstance(backbone, str) else backbone


def _pixels(picture: PictureLike, size: int | None = None) -> np.ndarray:
    if isinstance(picture, np.ndarray):
        return images.resize(np.asarray(picture), images.fit(picture.shape[:2], size)).clip(0, 1)
    return np.asarray(load_picture(picture, size))


def _last_picture(run: Iterator[Progress], on_progress: Listener | None) -> PictureArray:
    """Runs to the end and returns the picture of the last progress."""
    for progress in run:
        if on_progress is not None:
            on_progress(progress)
    assert progress.picture is not None
    return progress.picture.view(PictureArray)
