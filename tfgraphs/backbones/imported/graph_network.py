"""Networks that the graph of a wrapped TensorFlow function computes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfgraphs.backbones.backbone import UNCOMPUTABLE, Backbone, Preprocess
from tfgraphs.backbones.geometry import POINT, WHOLE, Windows, padding, sliding
from tfgraphs.backbones.layers import Layer

_POINTWISE_NAMES = """
    Abs Add AddN AddV2 BiasAdd BiasAddV1 Cast ClipByValue Div DivNoNan Elu EnsureShape Erf Exp FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Identity IdentityN LRN LeakyRelu Log Log1p LogSoftmax Maximum Minimum Mul Neg Pow
    PreventGradient RealDiv Reciprocal Relu Relu6 Rsqrt Select SelectV2 Selu Sigmoid Softmax Softplus Softsign Sqrt
    Square SquaredDifference StopGradient Sub Tanh
"""
_POINTWISE = frozenset(_POINTWISE_NAMES.split())


def computed_in_graph(*_: tf.Tensor) -> tf.Tensor:
    """Stands for `Layer.compute` of a layer that only the whole graph computes."""
    raise NotImplementedError("this layer is computed within its graph")


class GraphNetwork(Backbone):
    """A backbone whose layers are tensors of a graph.

    Args:
        name: name of the network.
        function: wrapped function of one batch of pictures.
        tensors: the tensor of each layer in its graph.
        layers, preprocess, aliases: as of `Backbone`.
    """

    _uncomputable = UNCOMPUTABLE

    def __init__(
        self,
        name: str,
        function: Any,
        tensors: Mapping[str, tf.Tensor],
        layers: Iterable[Layer],
        preprocess: Preprocess,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, layers, preprocess, aliases)
        self.has_weights = True  # in the graph; the layers only know their shapes
        self._function, self._tensors = function, dict(tensors)
        self._functions: dict[tuple[str, ...], Any] = {}

    def _activations(self, prepared: tf.Tensor, names: Collection[str]) -> dict[str, tf.Tensor]:
        inputs, wanted = self._function.inputs, tuple(sorted(names))
        if wanted and wanted not in self._functions:
            with tf.init_scope():
                self._functions[wanted] = self._function.prune(inputs, [self._tensors[name] for name in wanted])
        computed = self._functions[wanted](tf.cast(prepared, inputs[0].dtype)) if wanted else []
        return dict(zip(wanted, computed, strict=True))


def windows_of(operation: Any) -> Windows:
    """Returns the windows of an operation along rows and columns: the whole picture, if it is unknown."""
    if operation.type in ("Concat", "ConcatV2"):
        axis = tf.get_static_value(operation.inputs[0 if operation.type == "Concat" else -1])
        return (POINT, POINT) if axis is not None and int(axis) in (-1, 3) else (WHOLE, WHOLE)
    if operation.type in ("Pad", "PadV2", "MirrorPad"):
        around = tf.get_static_value(operation.inputs[1])
        if around is None or len(around) != 4:
            return WHOLE, WHOLE
        return padding(*map(int, around[1])), padding(*map(int, around[2]))
    if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
        return _slid(operation, operation.inputs[1].shape[:2], operation.get_attr("dilations")[1:3])
    if operation.type in ("AvgPool", "MaxPool"):
        return _slid(operation, operation.get_attr("ksize")[1:3], (1, 1))
    return (POINT, POINT) if operation.type in _POINTWISE else (WHOLE, WHOLE)


def _slid(operation: Any, kernel: Sequence[int | None], gaps: Sequence[int]) -> Windows:
    if operation.get_attr("data_format") != b"NHWC" or None in tuple(kernel):
        return WHOLE, WHOLE
    kind, strides = operation.get_attr("padding").decode(), operation.get_attr("strides")[1:3]
    around = operation.get_attr("explicit_paddings")[2:6] if kind == "EXPLICIT" else (0, 0, 0, 0)
    rows, columns = (
        sliding(int(kernel[side] or 1), strides[side], kind, gaps[side], around[2 * side] + around[2 * side + 1])
        for side in (0, 1)
    )
    return rows, columns
