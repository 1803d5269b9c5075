"""Pretrained networks by name."""

import difflib
import warnings
from collections.abc import Callable
from pathlib import Path

from tfgraphs.backbones.backbone import Backbone, BackboneError
from tfgraphs.backbones.imported.foreign import RANGES
from tfgraphs.backbones.networks import alexnet, googlenet, resnet, squeezenet, vgg
from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.releases import TRUNKS, WHOLE
from tfgraphs.files import hub
from tfgraphs.files.downloads import cache_folder, fetch
from tfgraphs.files.outputs import SAVED_MODEL

BACKBONES = ("squeezenet", "alexnet", *vgg.DEPTHS, "googlenet", "inception5h", *resnet.DEPTHS)
POOLINGS = ("max", "average")

_BUILDERS = (
    {"alexnet": alexnet.build} | dict.fromkeys(vgg.DEPTHS, vgg.build) | dict.fromkeys(resnet.DEPTHS, resnet.build)
)

Report = Callable[[str, float], None]


def load(
    name: str,
    pooling: str = "max",
    weights: str | Path | None = None,
    classes: bool = False,
    report: Report = lambda stage, done: None,
    expects: str | None = None,
) -> Backbone:
    """Loads a pretrained network. Weights that are published are downloaded once, see `downloads`.

    Args:
        name: one of `BACKBONES`: "squeezenet" is packaged; "inception5h" is the graph of the released file as it is,
            "googlenet" the same network as layers of ours. Or any network of keras.applications ("inception_v3"), a
            Keras model file, a frozen graph (.pb), a SavedModel's folder, or "hub:" and a handle of TF Hub.
        pooling: "max" or "average".
        weights: a file with other weights than the published ones, see `read_arrays`; of "googlenet" and "inception5h"
            the frozen graph or the released archive.
        classes: whether the layers that tell the classes are needed, where these are most of the download (VGG).
        report: told what is being done and how far it is, 0..1.
        expects: of a network from a file or folder, the range of RGB that it was trained on: "0..1", "-1..1" or
            "0..255". By default a Keras model is asked (see `keras_network.load`), the released GoogLeNet is known by
            its nodes, and others get 0..1, as is the rule on TF Hub; of a frozen graph a warning says so.

    Raises:
        BackboneError: there is no such network or pooling.
        DownloadError: the weights cannot be had.
        PackageError, WeightsError: its weights are not there or not right.
    """
    if pooling not in POOLINGS:
        raise BackboneError(f"pooling is one of {', '.join(POOLINGS)}, not {pooling!r}")
    if expects is not None and name in BACKBONES:
        raise BackboneError(f"it is known which pictures {name} takes: leave expects out")
    if name in _BUILDERS:
        path = _published(name, classes, report) if weights is None else Path(weights)
        return _BUILDERS[name](name, read_arrays(path), pooling)
    if name in ("googlenet", "inception5h"):
        return _googlenet(name, pooling, weights, report)
    if weights is not None and (name == "squeezenet" or _is_place(name)):
        raise BackboneError(f"{name} has its weights already: leave --weights out")
    if name == "squeezenet":
        return squeezenet.load(pooling)
    return _place(name, pooling, expects) if _is_place(name) else _keras(name, pooling, weights, report, expects)


def has_only_trunk(name: str) -> bool:
    """Whether the weights in the cache are those without the layers that tell the classes."""
    there = [(cache_folder() / table[name].file_name).exists() for table in (TRUNKS, WHOLE) if name in table]
    return there == [True, False]


def _published(name: str, classes: bool, report: Report) -> Path:
    """The file with a network's published weights."""
    whole = WHOLE[name]
    if name not in TRUNKS or classes or (cache_folder() / whole.file_name).exists():
        return fetch(whole, report=report)
    return fetch(TRUNKS[name], report=report)


def _googlenet(name: str, pooling: str, weights: str | Path | None, report: Report) -> Backbone:
    from tfgraphs.backbones.imported import frozen_graph

    path = fetch(WHOLE["googlenet"], report=report) if weights is None else Path(weights)
    if path.suffix == ".zip":
        path = googlenet.extract(path, cache_folder())
    network: Backbone
    if name == "googlenet":
        network = googlenet.build(googlenet.read_constants(path), pooling)
    else:
        _only_max(name, pooling)
        network = frozen_graph.load(path, name, googlenet.preprocess, aliases=googlenet.ALIASES)
    network.classes = googlenet.read_classes(path.parent)
    return network


def _keras(name: str, pooling: str, weights: str | Path | None, report: Report, expects: str | None = None) -> Backbone:
    from tfgraphs.backbones.imported import keras_applications, keras_network

    if Path(name).suffix not in keras_network.SUFFIXES and not keras_applications.find(name):
        names = [*BACKBONES, *keras_applications.APPLICATIONS]
        nearest = (
            ", ".join(difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)) or "nothing is spelt like it"
        )
        raise BackboneError(
            f"no network is called {name!r} ({nearest}); there are: {', '.join(BACKBONES)}, those of "
            "keras.applications, and files: a Keras model, a frozen graph, a SavedModel"
        )
    return keras_network.load(name, pooling, weights, expects, report)


def _is_place(name: str) -> bool:
    return name.startswith(hub.PREFIX) or Path(name).suffix == ".pb" or (Path(name) / SAVED_MODEL).is_file()


def _place(name: str, pooling: str, expects: str | None) -> Backbone:
    """A network from a file or folder that holds graph and weights."""
    _only_max(name, pooling)
    if Path(name).suffix == ".pb":
        return _frozen(Path(name), expects)
    from tfgraphs.backbones.imported import saved_model

    return saved_model.load(name, expects=expects or "0..1")


def _frozen(path: Path, expects: str | None) -> Backbone:
    """A network from a frozen graph, which does not say which pictures it takes."""
    from tfgraphs.backbones.imported import frozen_graph

    if expects is not None and expects not in RANGES:
        raise BackboneError(f"the range of RGB is one of {', '.join(RANGES)}, not {expects!r}")
    network = frozen_graph.load(path, path.stem, RANGES[expects or "0..1"])
    if expects is None and googlenet.is_release(network.layers):
        network.preprocess, network.aliases = (
            googlenet.preprocess,
            {alias: layer for alias, layer in googlenet.ALIASES.items() if layer in network.layers},
        )
        network.classes = googlenet.read_classes(path.parent)
    elif expects is None:
        warnings.warn(
            f"{path} does not say which pictures it takes: it gets RGB in 0..1, "
            "which is wrong for a network that was trained on others",
            stacklevel=3,
        )
    return network


def _only_max(name: str, pooling: str) -> None:
    if pooling != "max":
        raise BackboneError(f"{name} pools as it was made to: leave the pooling at max")
