"""What the page about serving uses of TensorFlow Serving's gRPC contract, without its package.

The fields of the messages have the names, numbers and types of those in tensorflow_serving/apis/model.proto and
predict.proto, so that they are the same on the wire.
"""

from collections.abc import Mapping
from concurrent import futures
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from serving_contract import RequestError, Serving
from tensorflow.core.framework import tensor_pb2

_METHOD = ("tensorflow.serving.PredictionService", "Predict")
_ENTRY = """
  options { map_entry: true }
  field { name: "key" number: 1 type: TYPE_STRING }
  field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".tensorflow.TensorProto" }
"""
_MESSAGES = f"""
name: "serving_grpc.proto"
package: "tensorflow.serving"
syntax: "proto3"
dependency: "{tensor_pb2.DESCRIPTOR.name}"
message_type {{
  name: "ModelSpec"
  field {{ name: "name" number: 1 type: TYPE_STRING }}
  field {{ name: "signature_name" number: 3 type: TYPE_STRING }}
}}
message_type {{
  name: "PredictRequest"
  field {{ name: "model_spec" number: 1 type: TYPE_MESSAGE type_name: "ModelSpec" }}
  field {{ name: "inputs" number: 2 type: TYPE_MESSAGE type_name: "InputsEntry" label: LABEL_REPEATED }}
  nested_type {{ name: "InputsEntry" {_ENTRY} }}
}}
message_type {{
  name: "PredictResponse"
  field {{ name: "outputs" number: 1 type: TYPE_MESSAGE type_name: "OutputsEntry" label: LABEL_REPEATED }}
  nested_type {{ name: "OutputsEntry" {_ENTRY} }}
}}
"""
_POOL = descriptor_pool.Default()
_POOL.Add(text_format.Parse(_MESSAGES, descriptor_pb2.FileDescriptorProto()))
PredictRequest, PredictResponse = (
    message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"tensorflow.serving.{name}"))
    for name in ("PredictRequest", "PredictResponse")
)


class PredictionServiceStub:
    """A client's side of the service, as the package has it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.Predict = channel.unary_unary(
            f"/{_METHOD[0]}/{_METHOD[1]}",
            request_serializer=PredictRequest.SerializeToString,
            response_deserializer=PredictResponse.FromString,
        )


def start(serving: Serving) -> tuple[grpc.Server, int]:
    """Starts a server of the models of another one, and returns it and its port."""

    def predict(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            _, servable = serving.servable(request.model_spec.name)
            signature = servable.signature(request.model_spec.signature_name or "serving_default")
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs: Mapping[str, np.ndarray] = servable.run(signature, inputs)
        except RequestError as error:
            missing = grpc.StatusCode.NOT_FOUND if error.status == 404 else grpc.StatusCode.INVALID_ARGUMENT
            context.abort(missing, str(error))
        return PredictResponse(outputs={name: tf.make_tensor_proto(value) for name, value in outputs.items()})

    server = grpc.server(futures.ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(
        predict,
        request_deserializer=PredictRequest.FromString,
        response_serializer=PredictResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_METHOD[0], {_METHOD[1]: handler})])
    port = server.add_insecure_port("localhost:0")
    server.start()
    return server, port
