"""Writes reusable SavedModels: `hub.load`, `hub.KerasLayer`, `saved_model_cli` and TF Serving accept them.

The root follows TF Hub's interface for reusable SavedModels: it is callable on a tensor, or on two as Magenta's module
of style transfer, and lists its `variables` and `trainable_variables` (a plain tf.Module loses these lists when it is
loaded). The same function is the signature `serving_default`. Further functions are signatures and attributes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfgraphs.files.outputs import SAVED_MODEL, atomic_folder


def save(
    folder: str | Path,
    call: "tf.types.experimental.GenericFunction",
    *,
    output: str = "default",
    variables: Sequence[tf.Variable] = (),
    tracked: Sequence[object] = (),
    functions: Mapping[str, "tf.types.experimental.GenericFunction"] | None = None,
) -> None:
    """Writes a SavedModel completely or not at all.

    Args:
        folder: of the SavedModel; an earlier one is replaced, anything else is not.
        call: a tf.function with an input signature that returns one tensor.
        output: name in signatures of a result that is one tensor.
        variables: variables of `call` that a user may train.
        tracked: lookup tables and other resources of `call`.
        functions: further tf.functions, which become attributes and signatures: with an input signature, they return
            a tensor or a flat dictionary of tensors.

    Raises:
        OutputError: the folder contains something else or cannot be written.
    """
    root = tf.train.Checkpoint()
    root.__call__ = call
    root.variables = list(variables)
    root.trainable_variables = list(variables)
    root.resources = list(tracked)
    signatures = {"serving_default": _signature(call, output)}
    for name, function in (functions or {}).items():
        setattr(root, name, function)
        signatures[name] = _signature(function, output)
    with atomic_folder(folder, SAVED_MODEL) as temporary:
        tf.saved_model.save(root, str(temporary), signatures=signatures)


def _signature(function: Any, output: str) -> Any:
    """Returns a tf.function whose results have names."""
    if isinstance(function.get_concrete_function().structured_outputs, dict):
        return function

    @tf.function(input_signature=function.input_signature)
    def serve(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output: function(*given)}

    return serve
