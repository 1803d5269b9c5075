"""What a dream seeks more of: values that can be added, scaled and compared.

    layer_l2("fire7")                                    whatever a layer sees, more of it
    channel("mixed4d_3x3_bottleneck_pre_relu", 139)      one feature
    channel("fire5_pre_relu", 3) - 0.5 * layer_l2("fire9")

`parse` reads the same from text: `fire7`, `mixed4d_3x3_bottleneck_pre_relu:139`, `fire5:3:10:12`, `class:281`,
`fire5 - 0.5*fire9:17`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from tfgraphs.backbones import Backbone
from tfgraphs.backbones.looking.classes import class_layer, class_names
from tfgraphs.errors import TfgraphsError
from tfgraphs.expression import parse as parse_expression

_NEARNESS_CHUNK = 1 << 22  # products of two positions that are held at once
_NUMBER = r"\d{1,9}"  # within int32

Activations = Mapping[str, tf.Tensor]
Response = Callable[[tf.Tensor], tf.Tensor]


class ObjectiveError(TfgraphsError):
    """An objective does not make sense."""


@dataclass(frozen=True)
class Term:
    """What one layer is asked for.

    Attributes:
        name: in words, for logs.
        layer: whose activations it reads.
        response: maps these, [batch, height, width, channels] or, of a global layer, [batch, channels], to a number
            for each position, [batch, height, width], or for each picture, [batch]. Their mean is the objective.
        local: whether the number of a position depends on that position alone, so that a picture can be looked at
            piece by piece.
        scaled: of terms that name a position, the response to a smaller copy of the picture that they name it of: maps
            the sides of that, as shares of the picture's height and width, float64 [2].
    """

    name: str
    layer: str
    response: Response
    local: bool = True
    scaled: Callable[[tf.Tensor], Response] | None = None


@dataclass(frozen=True)
class Objective:
    """A scalar to be raised: a weighted sum of the means of terms.

    Objectives are values: `+`, `-` and `*` with a number make new ones, and never change their operands.

    Attributes:
        terms: weights and terms.
    """

    terms: tuple[tuple[float, Term], ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that it reads, each once."""
        return tuple(dict.fromkeys(term.layer for _, term in self.terms))

    def value(self, activations: Activations) -> tf.Tensor:
        """The scalar, of {layer: activation}."""
        return tf.add_n(list(self.values(activations).values()))

    def values(self, activations: Activations) -> dict[str, tf.Tensor]:
        """What each term contributes to it, by name."""
        found: dict[str, tf.Tensor] = {}
        for weight, term in self.terms:
            contribution = weight * tf.reduce_mean(term.response(activations[term.layer]))
            found[term.name] = found[term.name] + contribution if term.name in found else contribution
        return found

    def at(self, scale: tf.Tensor) -> "Objective":
        """The same of a smaller copy of the picture: positions are where they are in the picture, not in the copy.

        Args:
            scale: height and width of the copy as shares of the picture's, float64 [2].
        """
        moved = [replace(term, response=term.scaled(scale)) if term.scaled else term for _, term in self.terms]
        return Objective(tuple((weight, term) for (weight, _), term in zip(self.terms, moved, strict=True)))

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


def _of(name: str, layer: str, response: Response, local: bool = True) -> Objective:
    return Objective(((1.0, Term(name, layer, response, local)),))


def layer_l2(layer: str) -> Objective:
    """Half the mean square of a layer's activations: "whatever you see there, show me more of it".

    Its gradient with respect to the activations is the activations themselves, over their number: the error signal
    of Mordvintsev, Olah and Tyka, "Inceptionism" (2015).
    """
    return _of(layer, layer, lambda activation: tf.reduce_mean(tf.square(activation), axis=-1) / 2)


def channel(layer: str, number: int) -> Objective:
    """The mean of one channel over all positions (Olah, Mordvintsev, Schubert, "Feature Visualization", 2017)."""
    return _of(f"{layer}:{number}", layer, lambda activation: activation[..., number])


def channels(layer: str, numbers: Sequence[int]) -> Objective:
    """Another channel in each picture of a batch: picture i is to excite channel numbers[i]."""
    chosen = tf.constant(list(numbers), tf.int32)

    def response(activation: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.transpose(activation, _channels_second(activation)), chosen, axis=1, batch_dims=1)

    return _of(f"{layer}:{','.join(map(str, numbers))}", layer, response)


def _channels_second(activation: tf.Tensor) -> list[int]:
    last = len(activation.shape) - 1
    return [0, last, *range(1, last)]


def neuron(layer: str, number: int, row: int | None = None, column: int | None = None) -> Objective:
    """One channel at one position, by default that in the middle; of a global layer at its only one.

    Args:
        layer, number: of the channel.
        row, column: among the layer's positions in the whole picture; in the smaller octaves of a dream they are where
            that is. Jitter moves the picture under them.
    """

    def scaled(scale: tf.Tensor) -> Response:
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

    place = "" if row is None else f":{row}:{column}"
    whole = tf.ones([2], tf.float64)
    term = Term(f"{layer}:{number}{place or ':middle'}", layer, scaled(whole), local=False, scaled=scaled)
    return Objective(((1.0, term),))


def class_logit(backbone: Backbone, number: int) -> Objective:
    """The logit of a class: what the softmax at the end of a network reads.

    Raises:
        LayerError: the network tells no classes.
    """
    layer = backbone.layer(class_layer(backbone))
    while layer.kind == "softmax" and layer.inputs[0] in backbone.layers:
        layer = backbone.layers[layer.inputs[0]]
    return _of(f"class:{number}", layer.name, lambda activation: activation[..., number], local=False)


def guided(layer: str, reference: np.ndarray) -> Objective:
    """Draws each position towards that of a reference to which it is most similar.

    With activations x_j of the dream and y_k of the reference, the mean over all j of

        <x_j, y_a(j)>,    a(j) = argmax_k <x_j, y_k>

    whose gradient in x_j is y_a(j) itself, over the number of positions: google/deepdream's guided dream.

    Args:
        layer: whose activations are compared.
        reference: its activations of the reference picture, [height, width, channels].
    """
    places = tf.constant(reference.reshape(-1, reference.shape[-1]), tf.float32)
    return _of(f"{layer} as the guide", layer, lambda activation: _towards_nearest(activation, places))


def _towards_nearest(activation: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """<x_j, y_a(j)> for each position; memory for a part of the products of all pairs only."""
    flat = tf.reshape(activation, [-1, activation.shape[-1]])
    nearest = tf.gather(places, _nearest(tf.stop_gradient(flat), places))
    return tf.reshape(tf.reduce_sum(flat * nearest, axis=-1), tf.shape(activation)[:-1])


def _nearest(flat: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The number of the place with which each row has the largest product."""
    count = tf.shape(flat)[0]
    rows = tf.maximum(1, _NEARNESS_CHUNK // tf.shape(places)[0])
    parts = tf.TensorArray(tf.int64, 0, dynamic_size=True, infer_shape=False, element_shape=[None])

    def one(begun: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        products = tf.matmul(flat[begun : begun + rows], places, transpose_b=True)
        return begun + rows, parts.write(begun // rows, tf.argmax(products, axis=1))

    _, parts = tf.while_loop(lambda begun, _: begun < count, one, (tf.constant(0), parts), parallel_iterations=1)
    return parts.concat()


def diversity(layer: str) -> Objective:
    """How different the pictures of a batch are: minus the mean cosine of their Gram matrices, pair by pair.

    Several pictures that excite one unit then show its several faces (Olah et al. 2017, "Diversity").
    """

    def response(activation: tf.Tensor) -> tf.Tensor:
        batch = tf.shape(activation)[0]
        flat = tf.reshape(activation, [batch, -1, activation.shape[-1]])
        gram = tf.math.l2_normalize(tf.reshape(tf.matmul(flat, flat, transpose_a=True), [batch, -1]), axis=-1)
        cosines = tf.matmul(gram, gram, transpose_b=True)
        pairs = tf.cast(tf.maximum(batch * (batch - 1), 1), tf.float32)
        return -(tf.reduce_sum(cosines) - tf.linalg.trace(cosines))[None] / pairs

    return _of(f"diversity of {layer}", layer, response, local=False)


def parse(text: str, backbone: Backbone) -> Objective:
    """Reads an objective: names with `+`, `-` and factors, as in `fire5 - 0.5*fire9:17`.

    A name is a layer (its L2), `layer:channel`, `layer:channel:row:column` (one neuron, at a position among those of
    the whole picture; `layer:channel:middle` that in the middle), or `class:` and the number or name of a class, in
    quotes if that has spaces: `'class:tiger cat'`.

    Raises:
        ExpressionError: the expression cannot be understood.
        LayerError: a layer is unknown.
        ObjectiveError: a channel or class is.
    """
    return sum(
        (term.weight * _named(term.word, backbone) for term in parse_expression(text, "layer")), start=Objective(())
    )


def _named(name: str, backbone: Backbone) -> Objective:
    kind, _, rest = name.partition(":")
    if kind == "class" and rest:
        return class_logit(backbone, _class_number(rest, backbone))
    match = re.fullmatch(rf"(.+?):({_NUMBER})(?::(middle|({_NUMBER}):({_NUMBER})))?", name)
    if match is None or name in backbone.layers or name in backbone.aliases:
        backbone.check(name)
        return layer_l2(name)
    layer, number = match[1], int(match[2])
    known = backbone.view(layer).channels
    if number >= known:
        raise ObjectiveError(f"layer {layer} of {backbone.name} has the channels 0 to {known - 1}, and no {number}")
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
