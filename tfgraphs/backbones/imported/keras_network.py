"""Backbones from Keras: networks of keras.applications, and model files (`.keras`, `.h5`), see `keras_model_file`."""

import re
from pathlib import Path

import keras
import tensorflow as tf

from tfgraphs.backbones.backbone import UNCOMPUTABLE, Backbone, Preprocess
from tfgraphs.backbones.imported.keras_applications import APPLICATIONS, Application, find
from tfgraphs.backbones.imported.keras_layers import KerasLayers
from tfgraphs.backbones.imported.keras_model_file import read_model
from tfgraphs.backbones.preprocessing import from_range, grey
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.downloads import Report, fetch

_PIXEL_STEPS = (1 / 255, 2 / 255)  # factors of a Rescaling that takes pixels in 0..255


def load_application(application: Application, pooling: str, weights: str | Path | None, report: Report) -> Backbone:
    """Loads a network of keras.applications with published weights, or those in a file `.h5`.

    Raises:
        WeightsError: the file cannot be read, or does not fit; or no digest of the published weights is known.
        DownloadError: the published weights cannot be downloaded.
    """
    if weights is None:
        if application.download is None:
            raise WeightsError(
                f"Keras publishes the weights of {application.name} without a digest: "
                f"get {application.address} yourself and give the file: --weights=FILE"
            )
        weights = fetch(application.download, report=report)
    return KerasNetwork(application.name, application.build(Path(weights)), application.preprocess, pooling)


def load_file(path: Path, pooling: str, expects: str | None) -> Backbone:
    """Loads a model file; raises as `read_model`, and BackboneError if the range of pictures is unknown."""
    model = read_model(path)
    return KerasNetwork(path.stem, model, _preprocess(model, expects), pooling)


def structure(application: Application) -> Backbone:
    """Describes a network of keras.applications without its weights. It cannot be called."""
    network = KerasNetwork(application.name, application.untrained(), application.preprocess)
    network.has_weights = False
    return network


def _preprocess(model: keras.Model, expects: str | None) -> Preprocess:
    """Returns the function from RGB in 0..1 to what a model takes."""
    named = re.sub(r"_\d\.\d+_\d+$", "", model.name)  # Keras calls a network "mobilenetv2_1.00_224"
    application = find(named if expects is None else expects)
    if application:
        convert: Preprocess = application.preprocess
    else:
        usual = "0..255" if _takes_pixels(model) else "0..1"
        convert = from_range(usual if expects is None else expects, APPLICATIONS)
    if model.inputs[0].shape[-1] == 1:
        return grey(convert)
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

    def __init__(self, name: str, model: keras.Model, preprocess: Preprocess, pooling: str = "max") -> None:
        """Args: name: any; model, pooling: as of `KerasLayers`; preprocess: as of `Backbone`."""
        graph = KerasLayers(model, pooling)
        super().__init__(name, graph.layers.values(), preprocess, graph.aliases)
        sized: set[str] = set()
        for layer in self.layers.values():
            sees_positions = all(self._views[source].receptive_field for source in layer.inputs)
            if not sized.isdisjoint(layer.inputs) or (layer.name in graph.flattening and sees_positions):
                sized.add(layer.name)
        self._fix_size(sized, tuple(model.inputs[0].shape[1:3]))
