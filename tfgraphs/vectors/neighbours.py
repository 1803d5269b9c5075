"""The answer to a query: words, best first, each with its similarity."""

from collections.abc import Iterable
from dataclasses import dataclass

from tfgraphs.monitor import html

SCORES = {"cosadd": "Cosine", "cosmul": "3CosMul"}
"""What each method of a query computes, as the head of a column."""


@dataclass(frozen=True)
class Neighbour:
    """A word, and its cosine similarity to a query, -1..1; with method "cosmul" the score of 3CosMul, 0 or more."""

    word: str
    cosine: float


class Neighbours(list[Neighbour]):
    """A list of neighbours, best first, which notebooks display as a table.

    Args:
        neighbours: the neighbours.
        method: of the query, see `WordVectors.combine`.
    """

    def __init__(self, neighbours: Iterable[Neighbour] = (), method: str = "cosadd") -> None:
        super().__init__(neighbours)
        self._score = SCORES[method]

    def _repr_html_(self) -> str:
        return html.table(["Word", self._score], [(one.word, f"{one.cosine:.4f}") for one in self])
