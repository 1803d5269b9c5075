"""Writes reusable SavedModels: `hub.load`, `hub.KerasLayer`, `saved_model_cli` and TF Serving accept them.

The root follows TF Hub's interface for reusable SavedModels: it is callable on a tensor, or on two as Magenta's module
of style transfer, and lists its `variables` and `trainable_variables` (a plain tf.Module loses these lists when it is
loaded). The same function is the signature `serving_default`. Further functions are signatures and attributes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from tfgraphs.files.outputs import SAVED_MODEL, atomic_folder


def save(
    folder: str | Path,
    call: "tf.types.experimental.GenericFunction",
    signature: tf.TensorSpec | Sequence[tf.TensorSpec],
    *,
    output: str = "default",
    variables: Sequence[tf.Variable] = (),
    tracked: Sequence[object] = (),
    signatures: Mapping[str, "tf.types.experimental.GenericFunction"] | None = None,
    named: Mapping[str, "tf.types.experimental.GenericFunction"] | None = None,
) -> None:
    """Writes a SavedModel completely or not at all.

    Args:
        folder: of the SavedModel; an earlier one is replaced, anything else is not.
        call: a tf.function of one or several tensors that returns one tensor.
        signature: shape, type and name of each tensor that `call` takes.
        output: name of the result in `serving_default`.
        variables: variables of `call` that a user may train.
        tracked: lookup tables and other resources of `call`.
        signatures: further signatures: tf.functions with an input signature that return a tensor or a flat dictionary
            of tensors.
        named: attributes of the loaded model: tf.functions with an input signature.

    Raises:
        OutputError: the folder contains something else or cannot be written.
    """
    root = tf.train.Checkpoint()
    root.__call__ = call
    root.variables = list(variables)
    root.trainable_variables = list(variables)
    root.resources = list(tracked)
    for name, function in (named or {}).items():
        setattr(root, name, function)

    arguments = [signature] if isinstance(signature, tf.TensorSpec) else list(signature)

    @tf.function(input_signature=arguments)
    def serve(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output: call(*given)}

    call.get_concrete_function(*arguments)
    with atomic_folder(folder, SAVED_MODEL) as temporary:
        tf.saved_model.save(root, str(temporary), signatures={"serving_default": serve, **(signatures or {})})
