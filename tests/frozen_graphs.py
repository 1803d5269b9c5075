"""What the tests of frozen graphs share: a small network as a GraphDef, and GoogLeNet's nodes with random weights."""

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

v1 = tf.compat.v1
SIDE = 20  # px for which the network's fully connected layer is made

# 1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, pool_reduce
RELEASED_BLOCKS = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 204, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 48, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}


def small_graph() -> v1.GraphDef:
    """Two rectified branches joined by the old Concat, and a head that flattens 3 x 3 places."""
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> tf.Tensor:
        return tf.constant(rng.normal(0, 0.3, shape), tf.float32, name=name)

    def convolved(source: tf.Tensor, name: str, side: int, channels: int) -> tf.Tensor:
        linear = tf.nn.conv2d(source, weights(f"{name}_w", side, side, source.shape[-1], channels), 1, "SAME")
        return tf.nn.relu(tf.nn.bias_add(linear, weights(f"{name}_b", channels), name=f"{name}_pre_relu"), name=name)

    with tf.Graph().as_default() as graph:
        pictures = v1.placeholder(tf.float32, [None, None, None, 3], name="pictures")
        linear = tf.nn.conv2d(pictures, weights("conv_w", 3, 3, 3, 4) / 50, 2, "SAME", name="conv/linear")
        conv = tf.nn.relu(tf.nn.bias_add(linear, weights("conv_b", 4), name="conv_pre_relu"), name="conv")
        pool = tf.nn.max_pool2d(tf.nn.lrn(conv, 1, 2.0, 1e-4, 0.5, name="norm"), 3, 2, "SAME", name="pool")
        branches = [convolved(pool, "left", 1, 5), convolved(pool, "right", 3, 6)]
        mixed = tf.raw_ops.Concat(concat_dim=3, values=branches, name="mixed")
        average = tf.nn.avg_pool2d(mixed, 3, 1, "VALID", name="average")
        flat = tf.reshape(average, [-1, 3 * 3 * 11], name="flat")
        logits = tf.nn.bias_add(tf.matmul(flat, weights("fc_w", 99, 7)), weights("fc_b", 7), name="fc")
        tf.identity(tf.nn.softmax(logits, name="classes"), name="output")
    return graph.as_graph_def()


def written(folder: Path, graph: v1.GraphDef | bytes) -> Path:
    path = folder / "graph.pb"
    path.write_bytes(graph if isinstance(graph, bytes) else graph.SerializeToString())
    return path


def changed(change: Callable[[v1.GraphDef, dict], object]) -> v1.GraphDef:
    """The small graph after a change of it, for which its nodes are there by name."""
    graph = small_graph()
    change(graph, {node.name: node for node in graph.node})
    return graph


def released_graph(description: Path, arrays: dict[str, np.ndarray]) -> v1.GraphDef:
    """The nodes of the released GoogLeNet, as a JSON file describes them, with other weights.

    In the description the first `_` of a name stands as `/`, and a field of the GraphDef is a pair of its name and its
    value or its own fields.
    """
    nodes = json.loads(description.read_text())
    graph = v1.GraphDef()
    for described in nodes:
        names = [_released_name(name) for name in (described["name"], *described["inputs"])]
        node = graph.node.add(name=names[0], op=described["op"], input=names[1:], device=described["device"])
        for key, fields in described["attr"].items():
            text_format.Parse(_text(fields), node.attr[key])
        tensor = node.attr["value"].tensor if node.op == "Const" else None
        if tensor is not None and tensor.dtype == tf.float32.as_datatype_enum:
            array = arrays[node.name]
            assert array.shape == tuple(dimension.size for dimension in tensor.tensor_shape.dim), node.name
            assert tensor.tensor_content == f"<stripped {array.nbytes} bytes>".encode()
            tensor.tensor_content = array.tobytes()
    return graph


def _released_name(name: str) -> str:
    if name.startswith(("nn0/reshape", "nn1/reshape", "avgpool0/reshape")):  # these have no `_`
        return name
    if name.endswith("/concat/dim"):
        return name.replace("/concat/dim", "/concat_dim")
    return name.replace("/", "_", 1)


def _text(fields: list) -> str:
    """A description in the text format of protocol buffers."""
    parts = []
    for key, value in fields:
        if isinstance(value, list):
            parts.append(f"{key} {{ {_text(value)} }}")
        else:
            parts.append(f'{key}: "{value}"' if key in ("s", "tensor_content") else f"{key}: {value}")
    return " ".join(parts)


@functools.cache
def released_arrays() -> dict[str, np.ndarray]:
    """Random weights of GoogLeNet, with which the activations of a random picture are about 1 in all layers.

    They are the same arrays each time: tests do not change them.

    Shapes as in the paper's table 1, but where the release differs (mixed4a, mixed5a); kernels [height, width, channels
    in, channels out] by the name of their layer.
    """
    shapes: dict[str, tuple[int, ...]] = {
        "conv2d0": (7, 7, 3, 64),
        "conv2d1": (1, 1, 64, 64),
        "conv2d2": (3, 3, 64, 192),
    }
    before = 192
    for block, (straight, bottleneck3, wide3, bottleneck5, wide5, reduced) in RELEASED_BLOCKS.items():
        shapes |= {
            f"{block}_1x1": (1, 1, before, straight),
            f"{block}_3x3_bottleneck": (1, 1, before, bottleneck3),
            f"{block}_3x3": (3, 3, bottleneck3, wide3),
            f"{block}_5x5_bottleneck": (1, 1, before, bottleneck5),
            f"{block}_5x5": (5, 5, bottleneck5, wide5),
            f"{block}_pool_reduce": (1, 1, before, reduced),
        }
        before = straight + wide3 + wide5 + reduced
    for head, channels in enumerate((508, 528)):
        shapes |= {f"head{head}_bottleneck": (1, 1, channels, 128), f"nn{head}": (2048, 1024)}
    shapes |= dict.fromkeys(("softmax0", "softmax1", "softmax2"), (1024, 1008))
    random = np.random.default_rng(0)
    arrays = {}
    for name, shape in shapes.items():
        scale = math.sqrt(2 / math.prod(shape[:-1])) * (0.01 if name == "conv2d0" else 1)
        arrays[f"{name}_w"] = random.standard_normal(shape, np.float32) * np.float32(scale)
        arrays[f"{name}_b"] = random.standard_normal(shape[-1:], np.float32) * np.float32(0.1)
    return arrays
