"""SavedModels, read so that nothing of what they hold can do more than compute.

A SavedModel is a program: TensorFlow runs parts of it when it is loaded and others when it is called, with all rights
of the process. So its operations are compared with a list of those that are let in, in the whole file and again in
what is left to be called: a list of the forbidden ones would let in whatever TensorFlow learns tomorrow, and the mark
"stateful" that it has for operations is of no use, as reading a file is not stateful to it. Operations that write
checkpoints, which every SavedModel holds, are taken out before it is loaded; those that read them stay, since all that
comes of it are numbers in variables.
"""

import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfgraphs.backbones.backbone import BackboneError
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.errors import explained
from tfgraphs.files.outputs import SAVED_MODEL

_COMPUTATIONS = """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh BatchMatMul BatchMatMulV2
    BatchMatMulV3 BiasAdd BiasAddV1 Cast Ceil ClipByValue Cos Cosh Cumprod Cumsum Div DivNoNan Einsum Elu Equal Erf Erfc
    Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Inv InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu
    Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul
    MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Rint Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin
    Sinh Softmax Softplus Softsign Sqrt Square SquaredDifference Sub Sum Tan Tanh TopKV2 TruncateDiv TruncateMod Xdivy
    Xlogy

    AvgPool Conv2D Conv2DBackpropInput DepthwiseConv2dNative Dilation2D FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN MaxPool MaxPoolV2
    MaxPoolWithArgmax

    BatchToSpaceND BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2 Const CropAndResize DepthToSpace EnsureShape
    ExpandDims ExtractImagePatches Fill Gather GatherNd GatherV2 Identity IdentityN LinSpace MirrorPad OneHot OnesLike
    Pack Pad PadV2 Placeholder PlaceholderWithDefault PreventGradient RGBToHSV Range Rank Reshape ResizeArea
    ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse ReverseV2 ScaleAndTranslate ScatterNd Shape ShapeN Size
    Slice SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice Tile Transpose Unpack Where
    ZerosLike

    Assert Case ControlTrigger Enter Exit If LoopCond Merge NextIteration NoOp PartitionedCall StatefulPartitionedCall
    StatelessCase StatelessIf StatelessWhile Switch TensorListFromTensor TensorListGetItem TensorListReserve
    TensorListSetItem TensorListStack While

    RandomStandardNormal RandomUniform RandomUniformInt StatelessRandomGetKeyCounter StatelessRandomNormalV2
    StatelessRandomUniformV2 StatelessTruncatedNormalV2 TruncatedNormal
"""

_STATE = """
    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp DestroyResourceOp
    DisableCopyOnRead IsVariableInitialized ReadVariableOp Restore RestoreSlice RestoreV2 ShardedFilename
    StaticRegexFullMatch StringJoin VarHandleOp VarIsInitializedOp Variable VariableV2
"""

COMPUTATIONS = frozenset(_COMPUTATIONS.split())
"""Operations that make tensors of tensors, and no more."""

STATE = frozenset(_STATE.split())
"""Operations on the variables of the model itself, and those that fill them from checkpoints."""

_READING = {"ReadVariableOp", "VarHandleOp", "Variable", "VariableV2"}

WRITERS = frozenset(["MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"])
"""Operations that write checkpoints. They have no outputs."""


def read(folder: Path, handle: str) -> Any:
    """Loads a SavedModel, of TensorFlow 1 or 2.

    Args:
        folder: with a `saved_model.pb`.
        handle: what errors call it.

    Raises:
        BackboneError: there is no SavedModel.
        WeightsError: it is damaged, or does more than compute.
    """
    path = folder / SAVED_MODEL
    if not path.is_file():
        raise BackboneError(f"{handle} is no SavedModel: it has no {SAVED_MODEL}")
    content = SavedModel()
    damaged = "it is damaged, or made for another TensorFlow"
    with explained(WeightsError, f"{handle} cannot be read", damaged):
        content.ParseFromString(path.read_bytes())
    graph = _to_be_called(content.meta_graphs, handle)
    _check(_nodes(graph.graph_def), COMPUTATIONS | STATE | WRITERS, handle)
    for node in _nodes(graph.graph_def):
        if node.op in WRITERS:
            node.op = "NoOp"
            node.attr.clear()
            node.input[:] = [name for name in node.input if name.startswith("^")]
    with tempfile.TemporaryDirectory() as copy, explained(WeightsError, f"{handle} cannot be loaded", damaged):
        safe = SavedModel(saved_model_schema_version=content.saved_model_schema_version, meta_graphs=[graph])
        Path(copy, SAVED_MODEL).write_bytes(safe.SerializeToString())
        for name in ("variables", "assets"):
            if (folder / name).is_dir():
                Path(copy, name).symlink_to((folder / name).resolve(), target_is_directory=True)
        return tf.saved_model.load(copy)


def freeze(function: Any, handle: str) -> Any:
    """A function whose variables are constants and whose graph calls no other function.

    Raises:
        WeightsError: it does more than compute when it is called, or cannot be frozen.
    """
    _check(_nodes(function.graph.as_graph_def()), COMPUTATIONS | _READING, handle)
    with explained(WeightsError, f"the variables of {handle} cannot be made constants", "it is damaged"):
        for name in function.graph.get_all_collection_keys():  # of TensorFlow 1, of which it would only warn
            function.graph.clear_collection(name)
        frozen = convert_variables_to_constants_v2(function)
    _check(_nodes(frozen.graph.as_graph_def()), COMPUTATIONS, handle)
    return frozen


def _to_be_called(graphs: Iterable[Any], handle: str) -> Any:
    """The one graph that is not for training."""
    candidates = [graph for graph in graphs if "train" not in graph.meta_info_def.tags]
    serving = [graph for graph in candidates if "serve" in graph.meta_info_def.tags]
    if len(serving or candidates) != 1:
        found = ", ".join("+".join(sorted(graph.meta_info_def.tags)) or "(no tag)" for graph in candidates) or "none"
        raise WeightsError(f"{handle} should have one graph that is not for training; it has: {found}")
    return (serving or candidates)[0]


def _nodes(graph: Any) -> Iterator[Any]:
    return chain(graph.node, *(function.node_def for function in graph.library.function))


def _check(nodes: Iterable[Any], allowed: frozenset[str], handle: str) -> None:
    """Raises WeightsError if a node is something else than an allowed operation."""
    for node in nodes:
        if node.op not in allowed:
            raise WeightsError(
                f"{handle} is refused: its node {node.name!r} is the operation {node.op!r}, "
                "which is none of the pure computations that are let in"
            )
