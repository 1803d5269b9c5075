"""The graph of a step as TensorBoard draws it: what is executed, under names that say what it computes.

TensorFlow gives the graph of a function more nodes and other names than its formula has, and has no option for it:

- `tf.GradientTape` names gradients `gradient_tape/loss/...`, whatever the scope around it is; those of a function are
  in the scope of its call. Here all are in `gradients/loss/...`.
- Variables and arrays from outside are placeholders such as `loss/Conv2D/ReadVariableOp/resource` or `406`. Here a
  variable has its own name where it is used first, and what loss and optimizer share, or what is trained alone, at the
  top level; an array is a `constant`.
- Functions that are called, such as programs that XLA compiles, are nodes `PartitionedCall`, which TensorBoard cannot
  open. Here their nodes are in place of the call. Loops stay as they are: what a `While` repeats is a function.
- Results of functions and of custom gradients pass through `Identity` and `NoOp` nodes, and the tape makes gradients of
  weights that nobody asked for, which are never computed. Here they are left out.

All of this changes a copy, and nothing of what is executed.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph_def

GRADIENTS = "gradients"

Nodes = dict[str, Any]
"""Definitions of nodes by name. They name their inputs: `node`, `node:1` for its second result, `^node` to wait for."""

_TAPE = "gradient_tape"
_CONSTANT = "constant"
_IDENTITIES = ("Identity", "IdentityN")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def step_graph(graph: tf.Graph) -> tf.compat.v1.GraphDef:
    """Returns the definition of the graph of a `tf.function` that TensorBoard draws, see above.

    The variables of the graph have to exist. Of a graph without results all nodes are kept.
    """
    definition = graph.as_graph_def(add_shapes=True)
    functions = {function.signature.name: function for function in definition.library.function}
    nodes = {node.name: node for node in definition.node}
    ends = list(_last(nodes, [output.op.name for output in getattr(graph, "outputs", [])]))
    with graph.as_default():
        results, more, opened = _open_calls(nodes, functions)
    results |= _leave_out_identities(nodes)
    left_out = opened | {_name(result) for result in results}
    for node in nodes.values():
        node.input[:] = [_resolved(one, results) for one in node.input if not _waits(one, left_out)]
    if ends:
        nodes = _executed(nodes, [_name(_resolved(end, results)) for end in (*ends, *more)])
    names = _names(nodes, _captures(graph))
    drawn = tf.compat.v1.GraphDef(versions=definition.versions)
    for node in nodes.values():
        drawn.node.append(_changed(node, names[node.name], [_renamed(one, names) for one in node.input]))
    used = _called(drawn.node, functions)
    drawn.library.function.extend(function for name, function in functions.items() if name in used)
    return drawn


def _open_calls(nodes: Nodes, functions: Mapping[str, Any]) -> tuple[dict[str, str], list[str], set[str]]:
    """Replaces calls of functions by their nodes, in the scope of the call.

    Returns where the results of the calls are now, what functions compute besides their results, and the names that
    the calls had: some have no results.
    """
    results: dict[str, str] = {}
    opened: set[str] = set()
    ends, calls, taken = [], list(nodes.values()), set(nodes)
    while calls:
        call = calls.pop()
        if call.op not in _CALLS or call.attr["f"].func.name not in functions:
            continue
        function = functions[call.attr["f"].func.name]
        definition, tensors = function_def_to_graph_def(function)
        given = dict(zip((one.name for one in function.signature.input_arg), call.input, strict=False))
        body = {node.name: node for node in definition.node if node.name not in given}
        names: dict[str, str] = {}
        for name in body:
            names[name] = _take(posixpath.join(posixpath.dirname(call.name), name), taken)
        for name, node in body.items():
            inputs = [given.get(_name(one)) or _renamed(one, names) for one in node.input if not _waits(one, given)]
            nodes[names[name]] = _changed(node, names[name], inputs)
            calls.append(nodes[names[name]])
        for number, output in enumerate(function.signature.output_arg):
            result = tensors[function.ret[output.name]]
            results[f"{call.name}:{number}"] = given.get(_name(result)) or _renamed(result, names)
        ends += [names[name] for name in function.control_ret.values()]
        del nodes[call.name]
        opened.add(call.name)
    return results, ends, opened


def _leave_out_identities(nodes: Nodes) -> dict[str, str]:
    """Removes nodes whose results are their inputs, and returns where these results are now."""
    results: dict[str, str] = {}
    for node in [node for node in nodes.values() if node.op in _IDENTITIES]:
        del nodes[node.name]
        inputs = [one for one in node.input if not one.startswith("^")]
        results |= {f"{node.name}:{number}": one for number, one in enumerate(inputs)}
    return results


def _last(nodes: Nodes, outputs: Sequence[str]) -> Iterator[str]:
    """Yields what a function computes last: its results pass through `Identity`, which waits for `NoOp`."""
    left, seen = list(outputs), set()
    while left:
        node = nodes[left.pop()]
        if node.name in seen:
            continue
        seen.add(node.name)
        if node.op in (*_IDENTITIES, "NoOp"):
            left += map(_name, node.input)
        else:
            yield node.name


def _executed(nodes: Nodes, ends: Iterable[str]) -> Nodes:
    """Returns the nodes that are needed for some, and these."""
    needed, left = set(), list(ends)
    while left:
        name = left.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            left += map(_name, nodes[name].input)
    return {name: node for name, node in nodes.items() if name in needed}


def _called(nodes: Iterable[Any], functions: Mapping[str, Any]) -> set[str]:
    """Returns the names of the functions that nodes use, and those functions in turn."""
    used, left = set(), list(nodes)
    while left:
        for attribute in left.pop().attr.values():
            for function in (attribute.func, *attribute.list.func):
                if function.name in functions and function.name not in used:
                    used.add(function.name)
                    left += functions[function.name].node_def
    return used


def _captures(graph: tf.Graph) -> dict[str, tf.Variable | None]:
    """Returns the placeholders of what a graph takes from outside; each with its variable, None for an array."""
    captures = getattr(graph, "captures", [])
    variables = {id(variable.handle): variable for variable in graph.variables} if captures else {}
    return {inside.op.name: variables.get(id(outside)) for outside, inside in captures}


def _names(nodes: Nodes, captures: Mapping[str, tf.Variable | None]) -> dict[str, str]:
    """Returns the names under which nodes are drawn."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in nodes:
        if name not in captures:
            parts = name.split("/")
            if _TAPE in parts or GRADIENTS in parts[1:]:
                parts = [GRADIENTS, *(part for part in parts if part not in (_TAPE, GRADIENTS))]
            if parts[-1].isdigit():
                parts[-1] = _CONSTANT
            names[name] = _take("/".join(parts), taken)
    users: dict[str, list[str]] = {name: [] for name in captures if name in nodes}
    for node in nodes.values():
        for one in map(_name, node.input):
            if one in users and one != node.name:
                users[one].append(names[node.name])
    trained = [name for name, variable in captures.items() if variable is not None and variable.trainable]
    for name, own in users.items():
        variable, direct = captures[name], [user for user in own if not user.startswith(f"{GRADIENTS}/")]
        scope = _scope([*direct, *own, ""][0], taken)
        shared = len({user.partition("/")[0] for user in direct}) > 1 or trained == [name]
        if variable is None:
            own_name = posixpath.join(scope, _CONSTANT)
        elif shared or not scope:
            own_name = variable.name.partition(":")[0]
        else:
            called = posixpath.basename(variable.name.partition(":")[0])
            own_name = posixpath.join(scope, called.removeprefix(f"{posixpath.basename(scope)}_"))
        names[name] = _take(own_name, taken)
    return names


def _scope(name: str, nodes: Iterable[str]) -> str:
    """Returns the scope of a node; one that TensorFlow made for a single operation, with its name, is none."""
    scope = posixpath.dirname(name)
    while scope in nodes:
        scope = posixpath.dirname(scope)
    return scope


def _name(reference: str) -> str:
    """Returns the name of the node of an input."""
    return reference.removeprefix("^").partition(":")[0]


def _waits(reference: str, names: Iterable[str]) -> bool:
    """Returns whether an input is only there to wait for one of some nodes."""
    return reference.startswith("^") and _name(reference) in names


def _renamed(reference: str, names: Mapping[str, str]) -> str:
    """Returns an input with the new name of its node."""
    name = _name(reference)
    return reference.replace(name, names[name], 1)


def _resolved(reference: str, results: Mapping[str, str]) -> str:
    """Returns an input with the node that computes the result of a call in place of the call."""
    while (key := reference if ":" in reference else f"{reference}:0") in results:
        reference = results[key]
    return reference


def _changed(node: Any, name: str, inputs: Iterable[str]) -> Any:
    """Returns a copy of a node with another name and other inputs; without the names of nodes on the same device."""
    copy = type(node)()
    copy.CopyFrom(node)
    copy.attr.pop("_class", None)
    copy.name = name
    copy.input[:] = inputs
    return copy


def _take(name: str, taken: set[str]) -> str:
    """Takes the name, or the first of name_1, name_2 ... that is not taken, and returns it."""
    found, number = name, 0
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
