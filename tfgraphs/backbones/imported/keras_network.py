"""Loads backbones from Keras: networks of keras.applications by name, and model files (`.keras`, `.h5`).

    network = load("inception_v3")
    network = load("classifier.keras", expects="0..255")

`keras_model_file` says what a file may hold.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from tfgraphs.backbones.backbone import UNCOMPUTABLE, Backbone, BackboneError
from tfgraphs.backbones.imported.keras_applications import APPLICATIONS, Application, find, find_by_model
from tfgraphs.backbones.imported.keras_layers import KerasLayers
from tfgraphs.backbones.imported.keras_model_file import SUFFIXES, read_model
from tfgraphs.backbones.preprocessing import RANGES
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.downloads import Report, fetch

_PIXEL_STEPS = (1 / 255, 2 / 255)  # factors of a Rescaling that takes pixels in 0..255


def load(
    name_or_path: str | Path,
    pooling: str = "max",
    weights: str | Path | None = None,
    expects: str | None = None,
    report: Report = lambda stage, share: None,
) -> "KerasNetwork":
    """Loads a network of keras.applications or of a Keras model file.

    Args:
        name_or_path: the name of a network in any spelling, "inception_v3" or "InceptionV3"; or a file `.keras`, or
            `.h5` of the whole model.
        pooling: "max" as in the model, or "average" for every max pooling.
        weights: for a name: an `.h5` file with its weights. Default: the file that Keras publishes, downloaded once,
            for networks with a digest in the sources of Keras (all but the MobileNets 1 and 2).
        expects: for a file: the pictures that the network was trained on, one of `preprocessing.RANGES`, or a
            network of keras.applications with the same preprocessing. Default: that of the network with the model's
            name; else 0..255 if the model begins with a Rescaling of that range; else 0..1. A model for pictures of one
            channel gets grey ones.
        report: called with the current stage and its finished share, 0..1, while weights are downloaded.

    Raises:
        BackboneError: there is no such network or file, or the model does not take pictures.
        TrustError: the file holds anything but layers and functions of Keras, see `keras_config`.
        WeightsError: the file cannot be read, or the weights do not fit.
        DownloadError: the published weights cannot be downloaded.
    """
    if application := find(str(name_or_path)):
        if weights is None:
            if application.download is None:
                raise WeightsError(
                    f"Keras publishes the weights of {application.name} without a digest: "
                    f"get {application.address} yourself and give the file: --weights=FILE"
                )
            weights = fetch(application.download, report=report)
        model = application.build(Path(weights))
        return KerasNetwork(application.name, model, application.preprocess, pooling)
    path = Path(name_or_path)
    if path.suffix not in SUFFIXES:
        raise BackboneError(f"{path} is neither a network of keras.applications nor a file *{', *'.join(SUFFIXES)}")
    model = read_model(path)
    return KerasNetwork(path.stem, model, _preprocess(model, expects), pooling)


def structure(application: Application) -> "KerasNetwork":
    """Describes a network of keras.applications without its weights. It cannot be called."""
    network = KerasNetwork(application.name, application.untrained(), application.preprocess)
    network.has_weights = False
    return network


def _preprocess(model: keras.Model, expects: str | None) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function from RGB in 0..1 to what a model takes."""
    application = find_by_model(model) if expects is None else find(expects)
    if application:
        convert: Callable[[tf.Tensor], tf.Tensor] = application.preprocess
    elif expects is None:
        convert = RANGES["0..255" if _takes_pixels(model) else "0..1"]
    elif expects in RANGES:
        convert = RANGES[expects]
    else:
        known = ", ".join([*RANGES, *APPLICATIONS])
        raise BackboneError(f"unknown range of pictures {expects!r}: give one of {known}")
    if model.inputs[0].shape[-1] == 1:
        return lambda pictures: convert(tf.image.rgb_to_grayscale(pictures))
    return convert


def _takes_pixels(model: keras.Model) -> bool:
    """Whether a model begins with a Rescaling of 0..255."""
    first = next((layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)), None)
    if not isinstance(first, keras.layers.Rescaling):
        return False
    return any(abs(float(tf.reduce_max(first.scale)) / step - 1) < 0.01 for step in _PIXEL_STEPS)


class KerasNetwork(Backbone):
    """A backbone that calls the layers of a Keras model, with the names of `KerasLayers`.

    A model with a fixed size of pictures can be computed for other sizes, too, up to a layer that flattens all
    positions.
    """

    _uncomputable = UNCOMPUTABLE

    def __init__(
        self,
        name: str,
        model: keras.Model,
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        pooling: str = "max",
    ) -> None:
        """Args: name: any; model, pooling: as of `KerasLayers`; preprocess: as of `Backbone`."""
        graph = KerasLayers(model, pooling)
        super().__init__(name, graph.layers, preprocess, graph.aliases)
        sized: set[str] = set()
        for layer in graph.layers:
            sees_positions = all(self._views[source].receptive_field for source in layer.inputs)
            if not sized.isdisjoint(layer.inputs) or (layer.name in graph.flattening and sees_positions):
                sized.add(layer.name)
        self._fix_size(sized, tuple(model.inputs[0].shape[1:3]))
