"""Loads SavedModels that `trust` admits.

    model = load(hub.saved_model_folder(handle, BackboneError), handle, BackboneError)

TensorFlow runs parts of a SavedModel when it is loaded and others when it is called, with all rights of the process.
So a copy of the file is loaded, which has one graph, whose operations were checked, and nothing of what reads or writes
checkpoints:

- TensorFlow 2 restores variables itself. The functions for that in the file, and the graph around them, are left out.
- TensorFlow 1 runs the restoring operations of the graph. They stay if they read the file that TensorFlow gives to the
  graph's saver. In the copy this is the checkpoint in the model's folder, even where TensorFlow gives none.
- Tables are filled from assets only. A file name that the program computes, or takes as an input, is refused.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfgraphs.errors import TfgraphsError, errors_as
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.files.trust import OPERATIONS, TrustError, check_inside, check_operations

_WRITERS = {"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"}  # of checkpoints; they have no outputs
_RESTORE = "RestoreV2"
_CHECKPOINTS = _WRITERS | {_RESTORE}
_TABLES = {"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"}  # the second input is the name of the file
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_GIVEN = {"Const", "Placeholder", "PlaceholderWithDefault"}  # nodes for which TensorFlow gives a file name
_ASSETS = "saved_model_assets"
_INTERCHANGED = {"api_implements"}


def load(folder: Path, handle: str, kind: type[TfgraphsError]) -> Any:
    """Loads a SavedModel of TensorFlow 1 or 2.

    Args:
        folder: as `hub.saved_model_folder` gives it.
        handle: what errors call the model.
        kind: class of the error for a damaged model.

    Raises:
        TrustError: it does more than compute, or reads files of others.
        TfgraphsError: of `kind`: it is damaged, or has no graph, or several, that are not for training.
    """
    content = SavedModel()
    damaged = "it is damaged, or made for another TensorFlow"
    with errors_as(kind, f"{handle} cannot be read", damaged):
        content.ParseFromString((folder / SAVED_MODEL).read_bytes())
        graph = _to_be_called(content.meta_graphs, handle, kind)
        _close(graph, folder.resolve(), handle)
    with tempfile.TemporaryDirectory() as copy, errors_as(kind, f"{handle} cannot be loaded", damaged):
        safe = SavedModel(saved_model_schema_version=content.saved_model_schema_version, meta_graphs=[graph])
        Path(copy, SAVED_MODEL).write_bytes(safe.SerializeToString())
        for name in ("variables", "assets"):
            if (folder / name).is_dir():
                Path(copy, name).symlink_to((folder / name).resolve(), target_is_directory=True)
        return tf.saved_model.load(copy)


def _to_be_called(graphs: Iterable[Any], handle: str, kind: type[TfgraphsError]) -> Any:
    """Returns the one MetaGraph that is not for training."""
    candidates = [graph for graph in graphs if "train" not in graph.meta_info_def.tags]
    serving = [graph for graph in candidates if "serve" in graph.meta_info_def.tags]
    if len(serving or candidates) != 1:
        found = ", ".join("+".join(sorted(graph.meta_info_def.tags)) or "(no tag)" for graph in candidates) or "none"
        raise kind(f"{handle} should have one graph that is not for training; it has: {found}")
    return (serving or candidates)[0]


def _close(graph: Any, folder: Path, handle: str) -> None:
    """Takes out of a MetaGraph what reads or writes checkpoints, and refuses it if the rest is not admitted."""
    _check_names(graph.graph_def, handle)
    assets = _assets(graph, folder, handle)
    allowed = OPERATIONS
    if graph.HasField("object_graph_def"):
        _remove_checkpoint_functions(graph, handle)
        _check_bound_files(graph, handle)
    else:
        _check_restoring(graph, folder, handle)
        _give_files(graph.graph_def, assets, handle)
        opened = _opened(graph.graph_def.node, _files_of_functions(graph.graph_def.library, handle), handle)
        _check_assets_only(opened - assets.keys(), handle)
        allowed = OPERATIONS | {_RESTORE}
    check_operations(graph.graph_def.node, handle, allowed)
    for function in graph.graph_def.library.function:
        check_operations(function.node_def, handle)


def _check_names(graph: Any, handle: str) -> None:
    """Raises TrustError if names in a GraphDef are ambiguous, so that TensorFlow could run other nodes than checked."""
    functions = [(function.signature.name, function.signature.input_arg) for function in graph.library.function]
    scopes = [graph.node, *(function.node_def for function in graph.library.function)]
    names = [[node.name for node in scope] for scope in scopes]
    for own, (name, inputs) in zip(names[1:], functions, strict=True):
        own.extend(given.name for given in inputs)
        if name in OPERATIONS | _CHECKPOINTS or any(given.number_attr or given.type_list_attr for given in inputs):
            raise TrustError(
                f"{handle} is refused: its function {name!r} has the name of an operation, or lists as inputs"
            )
    names.append([name for name, _ in functions])
    if any(len(set(own)) < len(own) for own in names):
        raise TrustError(f"{handle} is refused: two of its nodes or functions have the same name")


def _assets(graph: Any, folder: Path, handle: str) -> dict[str, Path]:
    """Returns the assets of a MetaGraph by the nodes that stand for their names (in TensorFlow 1)."""
    assets = list(graph.asset_file_def)
    if _ASSETS in graph.collection_def:
        for packed in graph.collection_def[_ASSETS].any_list.value:
            assets.append(AssetFileDef())
            packed.Unpack(assets[-1])
    paths = {}
    for asset in assets:
        path = folder / "assets" / asset.filename
        if ".." in PurePosixPath(asset.filename).parts:
            raise TrustError(f"{handle} is refused: its asset {asset.filename!r} leads out of its folder")
        check_inside(path, folder, handle)
        paths[_node(asset.tensor_info.name)] = path
    return paths


# --- TensorFlow 2: objects and functions


def _remove_checkpoint_functions(graph: Any, handle: str) -> None:
    """Leaves of a MetaGraph's graph its constants, and the functions that do nothing with checkpoints."""
    constants = [node for node in graph.graph_def.node if node.op == "Const"]
    library = graph.graph_def.library
    savers = {
        function.signature.name
        for function in library.function
        if any(node.op in _CHECKPOINTS for node in function.node_def)
    }
    functions = [function for function in library.function if function.signature.name not in savers]
    called = set(graph.object_graph_def.concrete_functions)
    for function in functions:
        called.update(*map(_called, function.node_def))
    if called & savers:
        raise TrustError(f"{handle} is refused: its function {min(called & savers)!r} reads or writes checkpoints")
    _replace(graph.graph_def.node, constants)
    _replace(library.function, functions)


def _check_bound_files(graph: Any, handle: str) -> None:
    """Raises TrustError if a function opens a file whose name is not bound to an asset of the program."""
    objects, library = graph.object_graph_def, graph.graph_def.library
    opening = _files_of_functions(library, handle)
    inputs = {function.signature.name: len(function.signature.input_arg) for function in library.function}
    for name, places in opening.items():
        if places and name in objects.concrete_functions:
            bound = objects.concrete_functions[name].bound_inputs  # the last inputs of the function
            first = inputs[name] - len(bound)
            free = [
                place for place in places if place < first or not objects.nodes[bound[place - first]].HasField("asset")
            ]
            _check_assets_only(map(str, free), handle)


def _files_of_functions(library: Any, handle: str) -> dict[str, set[int]]:
    """Returns, for each function, the places of those inputs that it opens as files."""
    names = {f.signature.name: [given.name for given in f.signature.input_arg] for f in library.function}
    opening: dict[str, set[int]] = {name: set() for name in names}
    changed = True
    while changed:  # until nothing is learnt of functions that call others
        changed = False
        for function in library.function:
            name = function.signature.name
            opened = _opened(function.node_def, opening, handle)
            _check_assets_only(opened - set(names[name]), handle)
            places = {names[name].index(given) for given in opened}
            changed |= places != opening[name]
            opening[name] = places
    gradients = {gradient.gradient_func for gradient in library.gradient}
    for function in library.function:  # TensorFlow calls gradients, and exchanges implementations, on its own
        if opening[function.signature.name]:
            _check_assets_only({function.signature.name} & gradients or _INTERCHANGED & function.attr.keys(), handle)
    return opening


# --- TensorFlow 1: one graph


def _check_restoring(graph: Any, folder: Path, handle: str) -> None:
    """Removes the operations that write checkpoints, and lets those that read them read the model's own only."""
    saver = _node(graph.saver_def.filename_tensor_name)
    for node in graph.graph_def.node:
        if node.op in _WRITERS:
            node.op = "NoOp"
            node.attr.clear()
            _replace(node.input, [name for name in node.input if name.startswith("^")])
        if node.op == _RESTORE and _node(node.input[0]) != saver:
            raise TrustError(f"{handle} is refused: its node {node.name!r} reads a checkpoint of its own choice")
    if saver:
        _give_files(graph.graph_def, {saver: folder / "variables" / "variables"}, handle)


def _give_files(graph: Any, paths: Mapping[str, Path], handle: str) -> None:
    """Makes nodes of a graph constants that name files, even where TensorFlow would not feed them."""
    for node in graph.node:
        if node.name in paths:
            if node.op not in _GIVEN:
                raise TrustError(f"{handle} is refused: its node {node.name!r} computes the name of a file")
            constant = tf.make_tensor_proto(str(paths[node.name]))
            node.op = "Const"
            node.ClearField("input")
            node.attr.clear()
            node.attr["dtype"].type = constant.dtype
            node.attr["value"].tensor.CopyFrom(constant)


# --- nodes


def _opened(nodes: Iterable[Any], opening: Mapping[str, set[int]], handle: str) -> set[str]:
    """Returns the names of the nodes, or inputs of a function, whose values are opened as files.

    `opening` has for each function the places of the inputs that it opens.
    """
    by_name = {node.name: node for node in nodes}
    opened = set()
    for node in by_name.values():
        places = {1} if node.op in _TABLES else set().union(*(opening.get(name, ()) for name in _called(node)))
        _check_assets_only({node.op} - _TABLES - _CALLS if places else (), handle)
        for place in places:
            name = _node(node.input[place])
            for _ in by_name:  # no longer than the graph, should it go in circles
                if name in by_name and by_name[name].op == "Identity":
                    name = _node(by_name[name].input[0])
            opened.add(name)
    return opened


def _check_assets_only(others: Iterable[str], handle: str) -> None:
    """Raises TrustError if anything but assets of the program is opened."""
    if any(True for _ in others):
        raise TrustError(f"{handle} is refused: it fills a table from a file that is not one of its assets")


def _called(node: Any) -> Iterator[str]:
    """Yields the names of the functions that a node calls."""
    yield node.op
    for value in node.attr.values():
        yield from (function.name for function in [value.func, *value.list.func])


def _node(tensor: str) -> str:
    """Returns the node of a tensor, "a" of "a:0" and, in functions, of "a:output:0"."""
    return tensor.partition(":")[0]


def _replace(repeated: Any, values: Iterable[Any]) -> None:
    """Gives a repeated field of a message other values."""
    kept = list(values)
    del repeated[:]
    repeated.extend(kept)
