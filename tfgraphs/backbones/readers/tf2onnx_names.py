"""The names that tf2onnx gives to the arrays of a Keras model, and Keras' own.

| name in the ONNX model | its array | here |
| --- | --- | --- |
| `functional_1/block1_conv1_1/convolution/ReadVariableOp:0` | [out, in, 3, 3] | `block1_conv1/kernel` [3, 3, in, out] |
| `functional_1/block1_conv1_1/Squeeze:0` | [out] | `block1_conv1/bias` |
| `functional_1/fc1_1/Cast/ReadVariableOp:0` | [in, out] | `fc1/kernel` |
| `functional_1/fc1_1/BiasAdd/ReadVariableOp:0` | [out] | `fc1/bias` |

Keras 3 numbers the layers, as above. Keras 2 does not; its operations are `Conv2D` and `MatMul`, and `BiasAdd` for all
biases. Of batch normalization tf2onnx leaves products without names: networks that have it cannot be read.
"""

import re
from collections.abc import Mapping

import numpy as np

from tfgraphs.backbones.readers.weights import WeightsError

_KERNEL = re.compile(r"((?:.*/)?([^/]+))/(convolution|Cast|Conv2D|MatMul)/ReadVariableOp:0")
_NUMBERED = ("convolution", "Cast")  # operations of Keras 3
_BIASES = ("Squeeze:0", "BiasAdd/ReadVariableOp:0")


def with_keras_names(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns arrays with Keras' names in place of tf2onnx's, kernels as Keras has them. Others stay as they are.

    Raises:
        WeightsError: two layers have the same name.
    """
    found = dict(arrays)
    for name in arrays:
        if not (match := _KERNEL.fullmatch(name)):
            continue
        scope, layer, operation = match.groups()
        if operation in _NUMBERED:
            layer = re.sub(r"_\d+$", "", layer)
        if f"{layer}/kernel" in found:
            raise WeightsError(f"it has two layers with the name {layer!r}")
        kernel = found.pop(name)
        found[f"{layer}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)) if kernel.ndim == 4 else kernel
        if bias := next((f"{scope}/{ending}" for ending in _BIASES if f"{scope}/{ending}" in found), None):
            found[f"{layer}/bias"] = found.pop(bias)
    return found
