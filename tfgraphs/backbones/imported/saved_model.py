"""Loads backbones from SavedModels that have a function from pictures to a dictionary of activations.

    network = load("hub:https://tfhub.dev/google/imagenet/inception_v1/feature_vector/5")
    network = load("exported/")

The networks of TensorFlow Hub have one: those for TensorFlow 1 the signature `image_feature_vector`, those for
TensorFlow 2 the call with `return_endpoints=True`. `files.trust` says what they may do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, starmap
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfgraphs.backbones.backbone import BackboneError, Preprocess, View
from tfgraphs.backbones.geometry import PICTURE, WHOLE, Axes, Window, slide, view
from tfgraphs.backbones.imported.frozen_graph import KINDS
from tfgraphs.backbones.imported.graph_network import GraphNetwork, computed_in_graph, windows_of
from tfgraphs.backbones.layers import PRE_RELU, Layer
from tfgraphs.backbones.preprocessing import from_range, grey
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.errors import errors_as
from tfgraphs.files import hub, saved_models
from tfgraphs.files.trust import PURE, check_operations

_RECTIFIERS = {"Elu", "LeakyRelu", "Relu", "Relu6", "Selu"}
_PASSING = {"Identity", "StopGradient"}
_ABOUT_SHAPES = {"Shape", "ShapeN", "Size", "Rank"}  # the same for all pictures of one size


def load(handle: str | Path, expects: str = "0..1") -> "SavedModelNetwork":
    """Loads a network from a SavedModel: of its functions the one with the most activations that is not for training.

    Args:
        handle: a folder with a `saved_model.pb`; or "hub:" and what tensorflow_hub resolves, the address of a model,
            which is downloaded once, see `hub.saved_model_folder`, or a folder.
        expects: the range of RGB that the network was trained on, one of `preprocessing.RANGES`. Default: 0..1, as for
            all networks of TensorFlow Hub.

    Raises:
        BackboneError: there is no such range or SavedModel, or no function in it maps pictures to activations.
        TrustError: it could do more than compute.
        WeightsError: it is damaged.
    """
    handle, preprocess = str(handle), from_range(expects)
    folder = hub.saved_model_folder(handle, BackboneError)
    model = saved_models.load(folder, handle, WeightsError)  # holds the variables until the function is frozen
    calls = getattr(model.__call__, "concrete_functions", ()) if callable(model) else ()
    signatures = getattr(model, "signatures", {}).items()
    functions = [*starmap(_Function, signatures), *(_Function("__call__", call) for call in calls)]
    usable = [found for found in functions if found.is_usable]
    if not usable:
        offered = "; ".join(dict.fromkeys(map(str, functions))) or "none at all"
        raise BackboneError(
            f"{handle} has no function of one batch of float pictures, of 3 channels or 1, to named activations, "
            f"but {offered}"
        )
    best = min(usable, key=lambda found: (-len(found.activations), found.switches))
    frozen = _freeze(best.function, handle)
    with errors_as(WeightsError, f"the graph of {handle} cannot be used", "it is damaged"):
        outputs = dict(zip(best.outputs, frozen.outputs, strict=True))
        activations = {name: outputs[name] for name in best.activations}
        sees_greys = frozen.inputs[0].shape[3] == 1
        return SavedModelNetwork(_name(handle), frozen, activations, grey(preprocess) if sees_greys else preprocess)


@dataclass(frozen=True)
class _Function:
    """A concrete function of a SavedModel, by the name of its signature or "__call__"."""

    name: str
    function: Any

    @property
    def inputs(self) -> list[tf.TensorSpec]:
        """Its arguments that are tensors."""
        arguments = tf.nest.flatten(self.function.structured_input_signature)
        return [argument for argument in arguments if isinstance(argument, tf.TensorSpec)]

    @property
    def switches(self) -> int:
        """How many of its arguments are fixed as true: more if it is for training."""
        return sum(argument is True for argument in tf.nest.flatten(self.function.structured_input_signature))

    @property
    def outputs(self) -> list[str]:
        """The names of the tensors that it returns, in order."""
        returned = self.function.structured_outputs
        flat = isinstance(returned, Mapping) and all(hasattr(value, "dtype") for value in returned.values())
        return sorted(returned) if flat else []

    @property
    def activations(self) -> list[str]:
        """The names of its outputs that can be layers: at least one number for each picture."""
        returned = self.function.structured_outputs
        return [name for name in self.outputs if returned[name].dtype.is_floating and returned[name].shape.rank]

    @property
    def is_usable(self) -> bool:
        """Whether it maps one batch of pictures to activations."""
        inputs = self.inputs
        pictures = len(inputs) == 1 and inputs[0].dtype.is_floating and inputs[0].shape.rank == 4
        return pictures and inputs[0].shape[3] in (1, 3) and bool(self.activations)

    def __str__(self) -> str:
        taken = ", ".join(f"{given.dtype.name} {given.shape}" for given in self.inputs) or "nothing"
        return f"{self.name} of {taken} to {', '.join(self.outputs) or 'something without names'}"


def _name(handle: str) -> str:
    """Returns the last part of a handle; with a version, as in "inception_v1/feature_vector/5", the last three."""
    parts = [part for part in handle.removeprefix(hub.PREFIX).split("/") if part not in ("", ".", "..")]
    return "_".join(parts[-3:] if parts and parts[-1].isdigit() else parts[-1:])


def _freeze(function: Any, handle: str) -> Any:
    """Returns a function whose variables are constants and whose graph calls no other function."""
    graph = function.graph.as_graph_def()
    check_operations(chain(graph.node, *(called.node_def for called in graph.library.function)), handle, PURE)
    with errors_as(WeightsError, f"the variables of {handle} cannot be made constants", "it is damaged"):
        for name in function.graph.get_all_collection_keys():  # of TensorFlow 1, of which it would only warn
            function.graph.clear_collection(name)
        return convert_variables_to_constants_v2(function)


class SavedModelNetwork(GraphNetwork):
    """A backbone whose layers are the activations that a function of a SavedModel returns, the shallowest first.

    Those that end with a rectifier, or concatenate rectified layers, have a twin before it: `Mixed_3b_pre_relu`. As
    nothing below them has a name, each layer reads the picture, and its kernel is its receptive field.
    """

    def __init__(self, name: str, frozen: Any, activations: Mapping[str, tf.Tensor], preprocess: Preprocess) -> None:
        """Makes a network of a wrapped function, as `_freeze` returns it, and tensors of its graph by name."""
        with frozen.graph.as_default():
            twins = {name + PRE_RELU: _before_rectifier(tensor) for name, tensor in activations.items()}
        tensors = {name: tensor for name, tensor in twins.items() if tensor is not None} | dict(activations)
        needed = {name: _needed(tensor) for name, tensor in tensors.items()}
        tensors = dict(sorted(tensors.items(), key=lambda item: len(needed[item[0]])))
        axes = _axes_of(frozen.graph, frozen.inputs[0])
        nowhere = slide([PICTURE], (WHOLE, WHOLE))  # of tensors that do not depend on the pictures
        views = {name: view(tensor.shape[-1] or 1, axes.get(tensor.name, nowhere)) for name, tensor in tensors.items()}
        super().__init__(name, frozen, tensors, _layers(tensors, needed, views), preprocess)
        self._views |= views
        self._fix_size(tensors, tuple(frozen.inputs[0].shape[1:3]))


def _layers(
    tensors: Mapping[str, tf.Tensor], needed: Mapping[str, set[Any]], views: Mapping[str, View]
) -> Iterator[Layer]:
    counted: set[str] = set()  # constants of layers before
    for name, tensor in tensors.items():
        kind = KINDS.get(_source(tensor).op.type, _source(tensor).op.type.lower())
        constants = {operation.name: operation.outputs[0] for operation in needed[name] if operation.type == "Const"}
        weights = tuple(
            tf.TensorSpec(value.shape)
            for constant, value in constants.items()
            if constant not in counted and value.dtype.is_floating and value.shape.rank
        )
        counted.update(constants)
        seen = views[name]
        window = Window(seen.receptive_field, seen.stride)
        yield Layer(name, kind, ("input",), computed_in_graph, seen.channels, (window, window), weights)


def _needed(tensor: tf.Tensor) -> set[Any]:
    """Returns the operations that a tensor depends on."""
    needed, waiting = set(), [tensor.op]
    while waiting:
        operation = waiting.pop()
        if operation not in needed:
            needed.add(operation)
            waiting.extend(value.op for value in operation.inputs)
    return needed


def _source(tensor: tf.Tensor) -> tf.Tensor:
    """Returns the tensor before operations that change nothing."""
    while tensor.op.type in _PASSING:
        tensor = tensor.op.inputs[0]
    return tensor


def _before_rectifier(tensor: tf.Tensor) -> tf.Tensor | None:
    """Returns what a rectified tensor, or a concatenation of such, is made of; None if it is not rectified."""
    source = _source(tensor)
    if source.op.type in _RECTIFIERS:
        return source.op.inputs[0]
    if source.op.type == "ConcatV2":
        *parts, axis = source.op.inputs
        twins = [_before_rectifier(part) for part in parts]
        return None if any(twin is None for twin in twins) else tf.concat(twins, axis)
    return None


def _axes_of(graph: tf.Graph, pictures: tf.Tensor) -> dict[str, Axes]:
    """Returns the axes of each tensor that depends on `pictures`, by its name."""
    found = {pictures.name: PICTURE}
    for operation in graph.get_operations():
        sources = [found[tensor.name] for tensor in operation.inputs if tensor.name in found]
        if sources and operation.type not in _ABOUT_SHAPES:
            axes = slide(sources, windows_of(operation))
            found.update({output.name: axes for output in operation.outputs})
    return found
