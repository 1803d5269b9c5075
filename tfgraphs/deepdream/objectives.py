"""Objectives: what dreams and feature visualizations maximise. They are values with `+`, `-` and `*`.

    layer_l2("fire7")                                    everything that a layer responds to
    channel("mixed4d_3x3_bottleneck_pre_relu", 139)      one channel
    channel("fire5_pre_relu", 3) - 0.5 * layer_l2("fire9")

`parse` reads them from text: `fire7`, `mixed4d_3x3_bottleneck_pre_relu:139`, `fire5:3:10:12`, `class:281`,
`fire5 - 0.5*fire9:17`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.looking.classes import class_layer, class_names
from tfgraphs.deepdream.objective_text import read_terms
from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs.scopes import in_scope

_NEAREST_CHUNK = 1 << 22  # dot products of positions in memory at once
_NUMBER = r"\d{1,9}"  # within int32

Activations = Mapping[str, tf.Tensor]
Terms = dict[str, tf.Tensor]
Response = Callable[[tf.Tensor], tf.Tensor]


class ObjectiveError(TfgraphsError):
    """An objective names something that the network does not have."""


@dataclass(frozen=True)
class Term:
    """The mean response of one layer.

    Attributes:
        name: for logs.
        layer: the layer whose activations it reads.
        response: maps activations, [batch, height, width, channels] or, of a global layer, [batch, channels], to
            numbers of which the mean is taken, [batch, height, width] or [batch].
        local: whether the number at a position depends on that position alone, so that tiles can compute it.
        response_at_scale: for terms that name a position: maps the size of a smaller copy of the picture, relative to
            the picture, float64 [2], to the response for activations of the copy.
    """

    name: str
    layer: str
    response: Response
    local: bool = True
    response_at_scale: Callable[[tf.Tensor], Response] | None = None


@dataclass(frozen=True)
class Objective:
    """A scalar to maximise: sum_i weight_i * mean(response_i).

    `+`, `-` and `*` with a number make new objectives.

    Attributes:
        terms: weights and terms.
    """

    terms: tuple[tuple[float, Term], ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that it reads."""
        return tuple(dict.fromkeys(term.layer for _, term in self.terms))

    @property
    def name(self) -> str:
        """The names of its terms, for messages."""
        return " and ".join(dict.fromkeys(term.name for _, term in self.terms))

    def value(self, activations: Activations) -> tf.Tensor:
        """Returns the scalar for {layer: activation}."""
        return total(self.terms_of(activations))[0]

    def terms_of(
        self, activations: Activations, mean: Callable[[tf.Tensor, str], tf.Tensor] = lambda x, _: tf.reduce_mean(x)
    ) -> Terms:
        """Returns the weighted terms for {layer: activation}, by name; terms of one name are added.

        Args:
            activations: by layer.
            mean: maps the response of a layer, and the layer's name, to its mean; tiles compute their share of it.
        """
        values: Terms = {}
        for weight, term in self.terms:
            value = weight * mean(term.response(activations[term.layer]), term.layer)
            values[term.name] = values[term.name] + value if term.name in values else value
        return values

    def at_scale(self, scale: tf.Tensor) -> "Objective":
        """Returns the same objective for a smaller copy of the picture, whose positions are the picture's.

        Args:
            scale: height and width of the copy relative to the picture, float64 [2].
        """

        def scaled(term: Term) -> Term:
            return term if term.response_at_scale is None else replace(term, response=term.response_at_scale(scale))

        return Objective(tuple((weight, scaled(term)) for weight, term in self.terms))

    def __add__(self, other: "Objective") -> "Objective":
        return Objective(self.terms + other.terms) if isinstance(other, Objective) else NotImplemented

    def __radd__(self, other: object) -> "Objective":
        return self if other == 0 else NotImplemented  # for sum()

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: float) -> "Objective":
        if not isinstance(factor, int | float):
            return NotImplemented
        return Objective(tuple((weight * factor, term) for weight, term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return self * -1.0


def total(terms: Terms) -> tuple[tf.Tensor, Terms]:
    """Returns the sum of terms, and what is reported: the sum as "objective" and, if there are several, each."""
    value = tf.add_n(list(terms.values()))
    return value, {"objective": value, **(terms if len(terms) > 1 else {})}


def _single(
    kind: str,
    name: str,
    layer: str,
    response: Response,
    local: bool = True,
    response_at_scale: Callable[[tf.Tensor], Response] | None = None,
) -> Objective:
    """Returns the objective of one term, whose response is computed in a scope of its kind."""
    scoped = in_scope(kind)
    at_scale = response_at_scale and (lambda scale: scoped(response_at_scale(scale)))
    return Objective(((1.0, Term(name, layer, scoped(response), local, at_scale)),))


def layer_l2(layer: str) -> Objective:
    """Half the mean square of a layer's activations: "Whatever you see there, I want more of it!"

    Its gradient with respect to the activations is the activations divided by their number (Mordvintsev, Olah, Tyka,
    "Inceptionism", 2015).
    """
    return _single("layer_l2", layer, layer, lambda activation: tf.reduce_mean(tf.square(activation), axis=-1) / 2)


def channel(layer: str, number: int) -> Objective:
    """The mean of one channel (Olah, Mordvintsev, Schubert, "Feature Visualization", 2017)."""
    return _single("channel", f"{layer}:{number}", layer, lambda activation: activation[..., number])


def channels(layer: str, numbers: Sequence[int]) -> Objective:
    """The mean of a different channel in each picture of a batch: numbers[i] in picture i."""
    chosen = tf.constant(list(numbers), tf.int32)

    def response(activation: tf.Tensor) -> tf.Tensor:
        return tf.gather(activation, chosen, axis=activation.shape.rank - 1, batch_dims=1)

    return _single("channels", f"{layer}:{','.join(map(str, numbers))}", layer, response)


def neuron(layer: str, number: int, row: int | None = None, column: int | None = None) -> Objective:
    """One channel at one position.

    Args:
        layer, number: of the channel.
        row, column: position in the activation of the whole picture, by default the middle. In the smaller octaves of a
            dream they are scaled, and jitter moves the picture relative to them. Global layers have only one position.
    """

    def response_at_scale(scale: tf.Tensor) -> Response:
        def response(activation: tf.Tensor) -> tf.Tensor:
            if activation.shape.rank == 2:
                return activation[:, number]
            sides = tf.unstack(tf.shape(activation)[1:3])
            down, across = (
                side // 2 if place is None else tf.minimum(tf.cast((place + 0.5) * share, tf.int32), side - 1)
                for place, share, side in zip((row, column), tf.unstack(scale), sides, strict=True)
            )
            return activation[:, down, across, number]

        return response

    name = f"{layer}:{number}:" + ("middle" if row is None else f"{row}:{column}")
    return _single("neuron", name, layer, response_at_scale(tf.ones([2], tf.float64)), False, response_at_scale)


def class_logit(backbone: Backbone, number: int) -> Objective:
    """The logit of a class, before the softmax.

    Raises:
        LayerError: the network does not classify.
    """
    layer = backbone.layer(class_layer(backbone))
    while layer.kind == "softmax" and layer.inputs[0] in backbone.layers:
        layer = backbone.layers[layer.inputs[0]]
    name = f"class:{number}"
    return _single("class_logit", name, layer.name, lambda activation: activation[..., number], local=False)


def guided(layer: str, reference: np.ndarray) -> Objective:
    """Makes the features at each position more like the most similar ones of a guide.

        mean_j <x_j, y_a(j)>,    a(j) = argmax_k <x_j, y_k>

    x_j are the features at the positions of the dream, y_k those of the guide. The gradient with respect to x_j is
    y_a(j) divided by the number of positions. From the guided dream of google/deepdream (2015).

    Args:
        layer: the layer whose activations are compared.
        reference: its activations for the guide, [height, width, channels].
    """
    guide = tf.constant(reference.reshape(-1, reference.shape[-1]), tf.float32)

    def response(activation: tf.Tensor) -> tf.Tensor:
        features = tf.reshape(activation, [-1, activation.shape[-1]])
        nearest = tf.gather(guide, _nearest(tf.stop_gradient(features), guide))
        return tf.reshape(tf.reduce_sum(features * nearest, axis=-1), tf.shape(activation)[:-1])

    return _single("guided", f"{layer} as the guide", layer, response)


def _nearest(features: tf.Tensor, guide: tf.Tensor) -> tf.Tensor:
    """Returns argmax_k <x_j, y_k> for each row, in chunks: the products of all pairs may not fit into memory."""
    count = tf.shape(features)[0]
    rows = tf.maximum(1, _NEAREST_CHUNK // tf.shape(guide)[0])
    chunks = tf.TensorArray(tf.int64, 0, dynamic_size=True, infer_shape=False, element_shape=[None])

    def search(start: tf.Tensor, chunks: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        products = tf.matmul(features[start : start + rows], guide, transpose_b=True)
        return start + rows, chunks.write(start // rows, tf.argmax(products, axis=1))

    _, chunks = tf.while_loop(lambda start, _: start < count, search, (tf.constant(0), chunks), parallel_iterations=1)
    return chunks.concat()


def diversity(layer: str) -> Objective:
    """Minus the mean cosine similarity between the Gram matrices of the pictures of a batch.

    Several pictures of one unit then show different things that excite it (Olah et al. 2017, "Diversity").
    """

    def response(activation: tf.Tensor) -> tf.Tensor:
        batch = tf.shape(activation)[0]
        flat = tf.reshape(activation, [batch, -1, activation.shape[-1]])
        gram = tf.math.l2_normalize(tf.reshape(tf.matmul(flat, flat, transpose_a=True), [batch, -1]), axis=-1)
        cosines = tf.matmul(gram, gram, transpose_b=True)
        pairs = tf.cast(tf.maximum(batch * (batch - 1), 1), tf.float32)
        return -(tf.reduce_sum(cosines) - tf.linalg.trace(cosines))[None] / pairs

    return _single("diversity", f"diversity of {layer}", layer, response, local=False)


def parse(text: str, backbone: Backbone) -> Objective:
    """Reads an objective: names with `+`, `-` and factors, as in `fire5 - 0.5*fire9:17`.

    A name is a layer (its `layer_l2`), `layer:channel`, `layer:channel:row:column` or `layer:channel:middle` (one
    neuron), or `class:` with the number or name of a class, `class:tiger cat`; in quotes if it has brackets.

    Raises:
        ExpressionError: the expression has no such syntax.
        LayerError: a layer is unknown.
        ObjectiveError: a channel or class is unknown.
    """
    terms = (term.weight * _parse_name(term.word, backbone) for term in read_terms(text))
    return sum(terms, start=Objective(()))


def _parse_name(name: str, backbone: Backbone) -> Objective:
    kind, _, rest = name.partition(":")
    if kind == "class" and rest:
        return class_logit(backbone, _class_number(rest, backbone))
    match = re.fullmatch(rf"(.+?):({_NUMBER})(?::(middle|({_NUMBER}):({_NUMBER})))?", name)
    if match is None or name in backbone:
        backbone.check(name)
        return layer_l2(name)
    layer, number = match[1], int(match[2])
    known = backbone.view(layer).channels
    if number >= known:
        raise ObjectiveError(f"{layer} of {backbone.name} has no channel {number}: give one from 0 to {known - 1}")
    if match[3] is None:
        return channel(layer, number)
    return neuron(layer, number) if match[3] == "middle" else neuron(layer, number, int(match[4]), int(match[5]))


def _class_number(name: str, backbone: Backbone) -> int:
    count = backbone.view(class_layer(backbone)).channels
    names = [known.lower() for known in backbone.classes or class_names(count)]
    if re.fullmatch(_NUMBER, name) and int(name) < count:
        return int(name)
    if name.lower() in names:
        return names.index(name.lower())
    raise ObjectiveError(f"{backbone.name} has no class {name!r}: give a number from 0 to {count - 1}, or its name")
