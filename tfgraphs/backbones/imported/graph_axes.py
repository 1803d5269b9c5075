"""Receptive fields and strides of the tensors of a TensorFlow graph."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.backbones.geometry import POINT, Axis, Window, joined, padding, sliding

Axes = tuple[Axis, Axis]
"""Along rows and along columns."""

_POINTWISE_NAMES = """
    Abs Add AddN AddV2 BiasAdd BiasAddV1 Cast ClipByValue Div DivNoNan Elu EnsureShape Erf Exp FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Identity IdentityN LRN LeakyRelu Log Log1p LogSoftmax Maximum Minimum Mul Neg Pow
    PreventGradient RealDiv Reciprocal Relu Relu6 Rsqrt Select SelectV2 Selu Sigmoid Softmax Softplus Softsign Sqrt
    Square SquaredDifference StopGradient Sub Tanh
"""
_POINTWISE = frozenset(_POINTWISE_NAMES.split())
_ABOUT_SHAPES = {"Shape", "ShapeN", "Size", "Rank"}  # the same for all pictures of one size


def axes_of(graph: tf.Graph, pictures: tf.Tensor) -> dict[str, Axes]:
    """Returns the axes of each tensor that depends on `pictures`, by its name.

    The receptive field of an unknown operation is the whole picture.
    """
    found: dict[str, Axes] = {pictures.name: (Axis(), Axis())}
    for operation in graph.get_operations():
        sources = [found[tensor.name] for tensor in operation.inputs if tensor.name in found]
        if not sources or operation.type in _ABOUT_SHAPES:
            continue
        windows = _windows(operation)
        rows, columns = (joined(source[side] for source in sources) for side in (0, 1))
        if windows is None:
            seen = rows.whole(), columns.whole()
        else:
            seen = rows.slide(windows[0]), columns.slide(windows[1])
        found.update({output.name: seen for output in operation.outputs})
    return found


def _windows(operation: Any) -> tuple[Window, Window] | None:
    """Returns the windows of an operation along rows and columns; None if it reads all positions or is unknown."""
    if operation.type in ("Concat", "ConcatV2"):
        axis = tf.get_static_value(operation.inputs[0 if operation.type == "Concat" else -1])
        return (POINT, POINT) if axis is not None and int(axis) in (-1, 3) else None
    if operation.type in ("Pad", "PadV2", "MirrorPad"):
        around = tf.get_static_value(operation.inputs[1])
        return None if around is None or len(around) != 4 else (padding(*map(int, around[1])), padding(*around[2]))
    if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
        return _slid(operation, operation.inputs[1].shape[:2], operation.get_attr("dilations")[1:3])
    if operation.type in ("AvgPool", "MaxPool"):
        return _slid(operation, operation.get_attr("ksize")[1:3], (1, 1))
    return (POINT, POINT) if operation.type in _POINTWISE else None


def _slid(operation: Any, kernel: Sequence[int | None], gaps: Sequence[int]) -> tuple[Window, Window] | None:
    if operation.get_attr("data_format") != b"NHWC" or None in tuple(kernel):
        return None
    kind, strides = operation.get_attr("padding").decode(), operation.get_attr("strides")[1:3]
    around = operation.get_attr("explicit_paddings")[2:6] if kind == "EXPLICIT" else (0, 0, 0, 0)
    rows, columns = (
        sliding(int(kernel[side] or 1), strides[side], kind, gaps[side], around[2 * side] + around[2 * side + 1])
        for side in (0, 1)
    )
    return rows, columns
