"""The words of the plane, and where they are: in their principal components, or along axes named by words."""

import itertools
import re
from collections.abc import Iterator

import numpy as np

from tfgraphs.expression import Term, parse
from tfgraphs.studio.states import State, StateError, read_choice, read_text
from tfgraphs.studio.words_drawings import Plane
from tfgraphs.vectors.plots.plot import principal_directions
from tfgraphs.vectors.word_vectors import WordVectors

MOST_WORDS = 200
MOST_LETTERS = 500  # of an expression


def has_vector(vectors: WordVectors, word: str) -> bool:
    """Whether a word has a vector, found without a search for similar spellings."""
    return vectors.knows(word) or bool(vectors.subwords and vectors.subwords.vector(word) is not None)


def _tokens(text: str, vectors: WordVectors) -> Iterator[list[str]]:
    """Yields what is separated by spaces, or by commas if they are not of words, each cut at colons."""
    for token in text.split():
        if vectors.knows(token):
            yield [token]
        elif all(map(vectors.knows, token.split(":"))):
            yield token.split(":")
        else:
            yield from (part.split(":") for part in re.split("[,，、]", token) if part)


def read_words(vectors: WordVectors, state: State) -> tuple[list[str], list[tuple[int, int]], list[str]]:
    """Returns the words of the plane as the vocabulary spells them, arrows between them, and words without a vector."""
    pairs = []
    for pair in _tokens(read_text(state, "pairs"), vectors):
        if len(pair) != 2 or not all(pair):
            raise StateError(f"{':'.join(pair)[:40]!r} is no pair of words such as king:queen")
        pairs.append(pair)
    numbers: dict[str, int] = {}
    left_out: dict[str, None] = {}
    alone = (":".join(parts) for parts in _tokens(read_text(state, "words"), vectors))
    for word in [*alone, *itertools.chain(*pairs)]:
        if not has_vector(vectors, word):
            left_out[word] = None
        elif len(numbers) < MOST_WORDS + 1:
            numbers.setdefault(vectors.spelling(word), len(numbers))
    if len(numbers) > MOST_WORDS:
        raise StateError(f"there are more than {MOST_WORDS} words: that is too many to draw")
    arrows = [
        (numbers[vectors.spelling(one)], numbers[vectors.spelling(other)])
        for one, other in pairs
        if one not in left_out and other not in left_out
    ]
    arrows = [arrow for arrow in dict.fromkeys(arrows) if arrow[0] != arrow[1]]
    return list(numbers), arrows, list(left_out)


def read_plane(vectors: WordVectors, state: State) -> tuple[Plane, list[str], tuple[float, float] | None]:
    """Returns what is drawn, the words that have no vector, and the shares of the variance of principal components.

    Unit vectors u are drawn at (u - mean) · d_i, of the principal directions d_i; or at u · a_i, the cosine, with the
    unit vectors a_i of two expressions; or at v · a_i, of the vectors v as they are, by the measure "dot".
    """
    words, arrows, left_out = read_words(vectors, state)
    if len(words) < 2:
        unknown = f"; there are no vectors of {', '.join(left_out[:3])}" if left_out else ""
        raise StateError(f"a plane needs two different words or more, not {len(words)}{unknown}")
    units = np.stack([vectors.target([Term(word, 1.0)]) for word in words]).astype(np.float64)
    shares = None
    if read_choice(state, "axes", ("components", "words"), "components") == "components":
        names, same = ("first principal component", "second principal component"), True
        centered = units - units.mean(axis=0)
        points = centered @ principal_directions(units).T
        squares = np.sum(points**2, axis=0) / max(np.sum(centered**2), 1e-30)
        shares = float(squares[0]), float(squares[1])
    else:
        x, y = (read_text(state, name, most=MOST_LETTERS).strip() for name in "xy")
        names, same = (x, y), False
        axes = np.stack([vectors.target(parse(axis, known=vectors.knows)) for axis in names])
        if read_choice(state, "measure", ("cosine", "dot"), "cosine") == "dot":
            units = np.stack([vectors.vector(word) for word in words]).astype(np.float64)
        points = units @ axes.T
    if not np.isfinite(points).all():
        raise StateError("some of these vectors are not finite")
    return Plane(words, points, arrows, names, same), left_out, shares
