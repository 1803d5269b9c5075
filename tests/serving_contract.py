"""TensorFlow Serving's REST contract, in Python: JSON in, JSON out, and nothing of a model but its SavedModel.

The contract is https://www.tensorflow.org/tfx/serving/api_rest. As the server does, this runs the tensors that a
SignatureDef names in a session, and not the functions that `tf.saved_model.load` returns:

    GET  /v1/models/NAME[/versions/N]             the state of the versions
    GET  /v1/models/NAME[/versions/N]/metadata    the signatures
    POST /v1/models/NAME[/versions/N]:predict     {"signature_name": ..., "instances": [...]}  in rows
                                                  {"signature_name": ..., "inputs": ...}       in columns
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from werkzeug import Request, Response

_PATH = re.compile(r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?(?P<method>:predict|/metadata)?")


class RequestError(Exception):
    """A request that the server refuses, and the status of its answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Servable:
    """One version of a model, loaded into a session."""

    def __init__(self, folder: Path) -> None:
        graph = tf.Graph()
        with graph.as_default():
            self._session = tf.compat.v1.Session(graph=graph)
            content = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(folder))
        self.signatures: Mapping[str, SignatureDef] = content.signature_def

    def signature(self, name: str) -> SignatureDef:
        if name not in self.signatures:
            raise RequestError(f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def run(self, signature: SignatureDef, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes the outputs of a signature."""
        feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
        fetches = {name: signature.outputs[name].name for name in sorted(signature.outputs)}
        try:
            return {name: np.asarray(value) for name, value in self._session.run(fetches, feeds).items()}
        except (ValueError, tf.errors.InvalidArgumentError) as error:  # another shape, or what the graph refuses
            raise RequestError(str(error)) from error


class Serving:
    """A WSGI application with one model for each base folder, which has a folder for each version.

    Args:
        models: base folders by the names of the models, as of --model_base_path.
    """

    def __init__(self, models: Mapping[str, Path]) -> None:
        self._models = {name: _versions(base) for name, base in models.items()}

    def __call__(self, environment: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environment)
        try:
            status, answer = 200, self._answer(request)
        except RequestError as error:
            status, answer = error.status, {"error": str(error)}
        return Response(json.dumps(answer), status, content_type="application/json")(environment, start_response)

    def servable(self, name: str, wanted: str | None = None) -> tuple[int, Servable]:
        """Returns a version of a model, the latest or the wanted one, and its number."""
        versions = self._models.get(name, {})
        version = int(wanted or max(versions, default=0))
        if version not in versions:
            asked = f"Specific({name}, {version})" if wanted else f"Latest({name})"
            raise RequestError(f"Servable not found for request: {asked}", 404)
        return version, versions[version]

    def _answer(self, request: Request) -> dict[str, Any]:
        match = _PATH.fullmatch(request.path)
        if not match or (match["method"] == ":predict") != (request.method == "POST"):
            raise RequestError(f"Malformed request: {request.method} {request.path}")
        version, servable = self.servable(match["name"], match["version"])
        if match["method"] == ":predict":
            return predict(servable, request.get_data())
        if match["method"] == "/metadata":
            return _metadata(match["name"], version, servable)
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return {"model_version_status": [{"version": str(version), **state}]}


def _versions(base: Path) -> dict[int, Servable]:
    """Loads the latest version below a base folder; only folders whose names are numbers are versions."""
    numbers = [int(path.name) for path in base.iterdir() if path.name.isdecimal() and path.is_dir()]
    return {number: Servable(base / str(number)) for number in sorted(numbers)[-1:]}


def _metadata(name: str, version: int, servable: Servable) -> dict[str, Any]:
    written = {
        key: json_format.MessageToDict(
            definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for key, definition in servable.signatures.items()
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": written}},
    }


def predict(servable: Servable, body: bytes) -> dict[str, Any]:
    """Answers a request in the format in which it came."""
    try:
        request = json.loads(body)
    except ValueError as error:
        raise RequestError(f"JSON Parse error: {error}") from error
    if not isinstance(request, dict):
        raise RequestError("the request is not an object")
    signature = servable.signature(request.get("signature_name", "serving_default"))
    if len({"instances", "inputs"} & request.keys()) != 1:
        raise RequestError("the request has to have one of the keys 'inputs' and 'instances'")
    if "instances" in request:
        return {"predictions": _rows(servable.run(signature, _from_rows(request["instances"], signature.inputs)))}
    outputs = servable.run(signature, _from_columns(request["inputs"], signature.inputs))
    values = {name: _written(name, value) for name, value in outputs.items()}
    return {"outputs": values if len(values) > 1 else next(iter(values.values()))}


def _from_rows(instances: Any, infos: Mapping[str, TensorInfo]) -> dict[str, np.ndarray]:
    """Stacks instances: each is an object of all inputs, or the value of the only one."""
    if not isinstance(instances, list) or not instances:
        raise RequestError("'instances' is not a list, or an empty one")
    if _is_object(instances[0]):
        for number, instance in enumerate(instances):
            if not _is_object(instance) or instance.keys() != infos.keys():
                raise RequestError(f"keys of instance {number} must be equal to: {','.join(sorted(infos))}")
        return {name: _tensor([row[name] for row in instances], info) for name, info in infos.items()}
    if len(infos) > 1:
        raise RequestError(f"'instances' is a plain list, but several inputs are needed: {','.join(sorted(infos))}")
    return {name: _tensor(instances, info) for name, info in infos.items()}


def _from_columns(inputs: Any, infos: Mapping[str, TensorInfo]) -> dict[str, np.ndarray]:
    """Reads whole tensors: an object of all inputs, or the value of the only one."""
    if not _is_object(inputs):
        if len(infos) > 1:
            raise RequestError(f"'inputs' is a plain value, but several are needed: {','.join(sorted(infos))}")
        return {name: _tensor(inputs, info) for name, info in infos.items()}
    if missing := sorted(infos.keys() - inputs.keys()):
        raise RequestError(f"Missing named input: {missing[0]} in 'inputs' object")
    return {name: _tensor(inputs[name], info) for name, info in infos.items()}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _tensor(value: Any, info: TensorInfo) -> np.ndarray:
    """Makes a tensor of nested lists, whose lengths must agree."""
    kind = tf.dtypes.as_dtype(info.dtype)
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    values: list[Any] = []
    _collect(value, shape, kind, values)
    tensor = np.empty(len(values), object if kind == tf.string else kind.as_numpy_dtype)
    tensor[:] = values
    return tensor.reshape(shape)


def _collect(value: Any, shape: list[int], kind: tf.DType, values: list[Any]) -> None:
    if isinstance(value, list) != bool(shape) or (shape and len(value) != shape[0]):
        raise RequestError("Encountered list at unexpected level or of unexpected size")
    if shape:
        for element in value:
            _collect(element, shape[1:], kind, values)
    else:
        values.append(_scalar(value, kind))


def _scalar(value: Any, kind: tf.DType) -> Any:
    """Checks the type of a value, and decodes text and base64 to bytes."""
    if kind == tf.string and _is_binary(value):
        return base64.b64decode(value["b64"])
    if kind == tf.string and isinstance(value, str):
        return value.encode()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (kind.is_floating and number) or (kind.is_integer and number and isinstance(value, int)):
        return value
    raise RequestError(f"JSON Value: {json.dumps(value)} is not of expected type: {kind.name}")


def _rows(outputs: Mapping[str, np.ndarray]) -> list[Any]:
    """Divides outputs by their first dimension, which must be the same for all; a single one has no name."""
    sizes = {name: value.shape[0] if value.ndim else None for name, value in outputs.items()}
    if None in sizes.values() or len(set(sizes.values())) > 1:
        raise RequestError(f"outputs have inconsistent batch sizes: {sizes}")
    written = {name: _written(name, value) for name, value in outputs.items()}
    if len(written) == 1:
        return next(iter(written.values()))
    return [dict(zip(written, row, strict=True)) for row in zip(*written.values(), strict=True)]


def _written(name: str, value: Any) -> Any:
    """Returns what JSON has for a tensor: bytes are base64 if the name of the output ends with `_bytes`, else text."""
    if isinstance(value, np.ndarray):
        shortest = value.astype(str).astype(float) if value.dtype == np.float32 else value  # 0.2, not 0.20000000298
        return _written(name, shortest.tolist())
    if isinstance(value, list):
        return [_written(name, element) for element in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()} if name.endswith("_bytes") else value.decode()
    return value
