"""The answer to a query: words, best first, each with its similarity."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

from tfgraphs.monitor import html

SCORES = {"cosadd": "Cosine", "cosmul": "3CosMul"}
"""What each method of a query computes, as the head of a column."""


@dataclass(frozen=True)
class Neighbour:
    """A word, and its cosine similarity to a query, -1..1; with method "cosmul" the score of 3CosMul, 0 or more."""

    word: str
    cosine: float


class Neighbours(list[Neighbour]):
    """A list of neighbours, best first, which notebooks display as a table; slices of it, too.

    Args:
        neighbours: the neighbours.
        method: of the query, see `WordVectors.combine`.
    """

    def __init__(self, neighbours: Iterable[Neighbour] = (), method: str = "cosadd") -> None:
        super().__init__(neighbours)
        self._method = method

    @overload
    def __getitem__(self, index: SupportsIndex) -> Neighbour: ...
    @overload
    def __getitem__(self, index: slice) -> "Neighbours": ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return Neighbours(part, self._method) if isinstance(part, list) else part

    def _repr_html_(self) -> str:
        return html.table(["Word", SCORES[self._method]], [(one.word, f"{one.cosine:.4f}") for one in self])
