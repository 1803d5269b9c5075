"""Rewrites descriptions of models by Keras 2 as Keras 3 writes them.

Nothing is decided here on what a description may hold: `keras_config` checks the result.
"""

import re
from collections.abc import Iterator
from typing import Any

_MODELS = ("Functional", "Model", "Sequential")
_DROPPED = {  # settings that change nothing in what a layer computes of pictures, and that Keras 3 refuses
    "input_length",
    "key_shape",
    "num_constants",
    "query_shape",
    "rng_type",
    "robust_masking",
    "softmax_robust_masking",
    "time_major",
    "value_shape",
    "virtual_batch_size",
}
_DROPPED_OF = {  # more of them, by pattern of the class
    r".*Transpose$": ("groups",),
    r"(Depthwise|Separable)Conv": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    r"SpatialDropout": ("trainable", "noise_shape"),
}
OPERATIONS = ("SlicingOpLambda", "TFOpLambda")
"""Classes of calls of TensorFlow's functions; those that stay are not known here."""

_CONSTANT = "_CONSTANT_VALUE"  # stands for a layer in the place of a tensor
_TWO_OPERANDS = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.divide": "TrueDivide",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.multiply": "Multiply",
    "math.pow": "Power",
    "math.subtract": "Subtract",
    "math.truediv": "TrueDivide",
    "nn.bias_add": "Add",
}
_FUNCTIONS: dict[str, tuple[str, dict[str, str]]] = {
    **{name: (f"numpy.{of_keras_3}", {}) for name, of_keras_3 in _TWO_OPERANDS.items()},
    "__operators__.getitem": ("numpy.Flip", {}),  # where it is x[..., ::-1], which makes BGR of RGB
    "cast": ("core.Cast", {"dtype": "dtype"}),
    "clip_by_value": ("numpy.Clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "compat.v1.squeeze": ("numpy.Squeeze", {"axis": "axis"}),
    "concat": ("numpy.Concatenate", {"axis": "axis"}),
    "expand_dims": ("numpy.ExpandDims", {"axis": "axis"}),
    "image.resize": ("image.Resize", {"size": "size"}),
    "image.rgb_to_grayscale": ("image.RGBToGrayscale", {}),
    "math.abs": ("numpy.Absolute", {}),
    "math.reduce_max": ("numpy.Max", {"axis": "axis", "keepdims": "keepdims"}),
    "math.reduce_mean": ("numpy.Mean", {"axis": "axis", "keepdims": "keepdims"}),
    "math.reduce_sum": ("numpy.Sum", {"axis": "axis", "keepdims": "keepdims"}),
    "math.sigmoid": ("nn.Sigmoid", {}),
    "math.sqrt": ("numpy.Sqrt", {}),
    "math.square": ("numpy.Square", {}),
    "math.tanh": ("numpy.Tanh", {}),
    "nn.relu": ("nn.Relu", {}),
    "nn.relu6": ("nn.Relu6", {}),
    "nn.silu": ("nn.Silu", {}),
    "nn.softmax": ("nn.Softmax", {}),
    "reshape": ("numpy.Reshape", {"shape": "newshape"}),
}
"""Functions of TensorFlow that Keras 2 calls between layers: the operation of Keras 3, and its names of arguments."""


def as_of_keras_3(part: dict[str, Any]) -> dict[str, Any]:
    """Returns the description of a layer, model or other object as Keras 3 would write it; its parts are as they were.

    What Keras 3 wrote stays as it is. A description that is no such thing may raise any error.
    """
    kind, config = part["class_name"], part.get("config")
    if kind == "Sequential" and isinstance(config, list):
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, dict) or not isinstance(kind, str):
        return part
    if kind in OPERATIONS:
        return _operation(part)
    config = {key: value for key, value in config.items() if key not in _DROPPED}
    for pattern, settings in _DROPPED_OF.items():
        if re.match(pattern, kind):
            config = {key: value for key, value in config.items() if key not in settings}
    if kind == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if kind == "ThresholdedReLU":
        kind = "ReLU"
        config["threshold"] = config.pop("theta", 1.0)
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if kind != "InputLayer":
        config.pop("batch_input_shape", None)
    if kind == "Sequential":
        config["layers"] = [*_input_layer(config["layers"]), *config["layers"]]
    elif kind in _MODELS and "layers" in config:
        config = _functional(config)
    if "query_shape" in part["config"]:  # Keras 3 needs other shapes to build it, and finds them where it is called
        part = {key: value for key, value in part.items() if key != "build_config"}
    named = {**part, "class_name": kind, "config": config}
    for place in (named, config):
        if isinstance(place.get("name"), str):
            place["name"] = _layer_name(place["name"])
    return named


def _layer_name(name: str) -> str:
    return name.replace("/", "_")  # Keras 3 refuses it


def _input_layer(layers: list[Any]) -> Iterator[dict[str, Any]]:
    """Yields the input of a Sequential model of which only the first layer states the shape."""
    first = layers[0]["config"] if layers else {}
    if layers and layers[0]["class_name"] not in (*_MODELS, "InputLayer") and "batch_input_shape" in first:
        config = {"batch_input_shape": first["batch_input_shape"], "name": f"{first['name']}_input"}
        module = {"module": "keras.layers"} if "module" in layers[0] else {}
        yield {"class_name": "InputLayer", "config": config, **module}


def _functional(config: dict[str, Any]) -> dict[str, Any]:
    """Rewrites the calls of layers, which Keras 2 wrote as lists [layer, number of its call, number of its output]."""
    layers = config["layers"]
    if not any(isinstance(call, list) for layer in layers for call in layer["inbound_nodes"]):
        return config
    last: dict[str, int] = {}  # number of the last call that is read
    for name, number, _ in _references([[layer["inbound_nodes"] for layer in layers], config["output_layers"]]):
        last[name] = max(last.get(name, 0), number)
    # Of a nested model, Keras 2 may count its making as the first call
    skipped = {
        layer["name"]: max(last.get(layer["name"], 0) - len(layer["inbound_nodes"]) + 1, 0)
        for layer in layers
        if layer["class_name"] in _MODELS
    }
    # and Keras 3 does so for outputs, but not for those of Sequential models
    counted = {layer["name"]: 1 for layer in layers if layer["class_name"] in ("Functional", "Model")}

    def tensor(reference: list[Any]) -> Any:
        name, number, output = reference[:3]
        if name == _CONSTANT:
            return output
        history = [_layer_name(name), number - skipped.get(name, 0), output]
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [], "dtype": "float32", "keras_history": history},
        }

    def value(given: Any) -> Any:
        if _is_tensor(given):
            return tensor(given)
        if isinstance(given, list):
            return [value(part) for part in given]
        if isinstance(given, dict):
            return {key: value(part) for key, part in given.items()}
        return given

    def call(given: Any) -> Any:
        if not isinstance(given, list):
            return given
        references = [given] if _is_tensor(given) else given
        tensors = [tensor(reference) for reference in references]
        options = value(references[0][3]) if len(references[0]) > 3 else {}
        return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": options}

    def end(reference: list[Any]) -> list[Any]:
        name, number, output = reference
        return [_layer_name(name), number - skipped.get(name, 0) + counted.get(name, 0), output]

    rewritten = [layer | {"inbound_nodes": [call(given) for given in layer["inbound_nodes"]]} for layer in layers]
    ends = {key: [end(one) for one in _references(config[key])] for key in ("input_layers", "output_layers")}
    # Keras 3 gives a list of one tensor to the layers behind a nested model that has a list of outputs
    return config | {"layers": rewritten} | {key: some[0] if len(some) == 1 else some for key, some in ends.items()}


def _is_tensor(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and (value[0] == _CONSTANT or isinstance(value[2], int))
    )


def _references(value: Any) -> Iterator[list[Any]]:
    """Yields all references to tensors within a value."""
    if _is_tensor(value):
        if value[0] != _CONSTANT:
            yield value[:3]
        value = value[3:]
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(part)


def _operation(part: dict[str, Any]) -> dict[str, Any]:
    """Rewrites the call of a function of TensorFlow between layers; as it is if it is not known."""
    config, calls = part["config"], part["inbound_nodes"]
    known = _FUNCTIONS.get(config["function"])
    if known is None or len(calls) != 1 or not isinstance(calls[0], dict):
        return part
    (kind, settings), given = known, calls[0]
    options = {key: value for key, value in given["kwargs"].items() if key not in ("name", "data_format")}
    module, _, name = kind.rpartition(".")
    second = [options.pop(key) for key in ("y", "slice_spec") if key in options]
    if "bias" in options:
        numbers = {"value": options.pop("bias"), "dtype": "float32"}
        second = [{"class_name": "__numpy__", "config": numbers}]
    if options.keys() - settings.keys():
        return part
    made = {settings[key]: value for key, value in options.items()}
    if name == "Flip":
        second, made["axis"] = [], _reversed_axis(second[0])
        if made["axis"] is None:
            return part
    return {
        "module": f"keras.src.ops.{module}",
        "class_name": name,
        "config": {"name": _layer_name(config["name"]), **made},
        "name": _layer_name(part["name"]),
        "inbound_nodes": [{"args": [*given["args"], *second], "kwargs": {}}],
    }


def _reversed_axis(given: Any) -> int | None:
    """Returns the axis that `::-1` reverses in what is between brackets; None if this is anything else."""
    if isinstance(given, dict) and given.get("class_name") == "__tuple__":
        given = given["items"] if "items" in given else given["config"]["value"]
    everything = {"start": None, "stop": None, "step": None}
    *before, last = given
    if last != everything | {"step": -1}:
        return None
    if len(before) == 1 and before[0] == {"class_name": "__ellipsis__"}:
        return -1
    return len(before) if all(one == everything for one in before) else None
