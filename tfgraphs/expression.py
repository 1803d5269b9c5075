"""Parses arithmetic with names: `king - man + woman`, `(Shanghai - China) + Japan`, `fire5 - 0.5*fire9:17`.

    sum     = ["+" | "-"] product { ("+" | "-") product }
    product = [["+" | "-"] number "*"] term
    term    = word | quoted word | "(" sum ")"

Inside a word `+` and `-` are letters: `well-known` and `c++` are words, `king - man` and `king -man` are differences.
So is `king-man` if it is no known word, but `king` and `man` are. Words with spaces, brackets or stars are quoted.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tfgraphs.errors import TfgraphsError

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>"[^"]+" | '[^']+'(?=[\s()*]|$) )
             | (?P<number>\d+(?:\.\d+)?|\.\d+)(?=\s*\*)
             | (?P<operator>[-−+*()])
             | (?P<word>[^\s()*]+) )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_MAX_DEPTH = 50
_MOST_SIGNS = 32  # in a word that is cut at them


class ExpressionError(TfgraphsError):
    """An expression has a syntax error."""


@dataclass(frozen=True)
class Term:
    """A word and its factor in a sum."""

    word: str
    weight: float


def parse(text: str, what: str = "word", known: Callable[[str], bool] | None = None) -> list[Term]:
    """Parses an expression into a weighted sum of words, in the order of the text.

    Args:
        text: the expression.
        what: name of a word in messages: "word", "layer".
        known: tells known words. A word that is not, such as "king-man+woman", is an expression if all its parts are,
            which are as long as possible. By default no word is cut.

    >>> parse("king - man + 0.5*woman")
    [Term(word='king', weight=1.0), Term(word='man', weight=-1.0), Term(word='woman', weight=0.5)]

    Raises:
        ExpressionError: with the position of the syntax error.
    """
    parser = _Parser(text, what, known)
    terms = list(parser.sum(1.0))
    if parser.kind is not None:
        raise parser.error("a '(' is missing" if parser.value == ")" else "an operator (+ or -) is missing")
    return terms


class _Parser:
    """Recursive descent; `kind`, `value` and `start` are those of the current token."""

    def __init__(self, text: str, what: str, known: Callable[[str], bool] | None) -> None:
        self._text, self._what, self._known = text, what, known
        self._position = 0
        self._depth = 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            self.kind, self.value, self.start = None, "", len(self._text)
            return
        self.kind = match.lastgroup
        assert self.kind is not None
        self.value, self.start = match[self.kind], match.start(self.kind)
        self._position = match.end()
        if self.kind == "word" and self._known:
            self.value = self._first_part(self.value, self._known)
            self._position = self.start + len(self.value)

    def _first_part(self, word: str, known: Callable[[str], bool]) -> str:
        """Returns the part of a word before the first sign at which it is cut, or all of it."""
        ends = [place.start() for place in re.finditer("[-−+]", word)]
        if known(word) or not 0 < len(ends) <= _MOST_SIGNS:
            return word
        ends.append(len(word))
        before_star = re.match(r"\s*\*", self._text[self._position :]) is not None
        whole = {len(word)}  # ends behind which all is known
        for number, end in reversed(list(enumerate(ends[:-1]))):
            parts = (word[end + 1 : last] for last in ends[number + 1 :] if last in whole)
            if any(known(part) for part in parts) or (before_star and _NUMBER.fullmatch(word[end + 1 :])):
                whole.add(end)
        return next((word[:end] for end in reversed(ends[:-1]) if end in whole and known(word[:end])), word)

    def accept(self, operators: str) -> str | None:
        value = "-" if self.value == "−" else self.value
        if self.kind == "operator" and value in operators:
            self.advance()
            return value
        return None

    def sum(self, factor: float) -> Iterator[Term]:
        sign = self.accept("+-") or "+"
        while sign:
            yield from self.product(-factor if sign == "-" else factor)
            sign = self.accept("+-") or ""

    def product(self, factor: float) -> Iterator[Term]:
        if self._before_number() and self.accept("+-") == "-":
            factor = -factor
        if self.kind == "number":
            factor *= float(self.value)
            if not math.isfinite(factor):
                raise self.error("a number is too large")
            self.advance()
            if not self.accept("*"):
                raise self.error("a '*' is missing")
        yield from self.term(factor)

    def _before_number(self) -> bool:
        """Whether the next token is a number."""
        following = _TOKEN.match(self._text, self._position)
        return following is not None and following.lastgroup == "number"

    def term(self, factor: float) -> Iterator[Term]:
        if self.kind in ("word", "quoted"):
            word = self.value if self.kind == "word" else self.value[1:-1]
            self.advance()
            yield Term(word, factor)
        elif self.accept("("):
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise self.error("too many brackets")
            yield from self.sum(factor)
            self._depth -= 1
            if not self.accept(")"):
                raise self.error("a ')' is missing")
        else:
            raise self.error(f"a {self._what} is missing")

    def error(self, problem: str) -> ExpressionError:
        where = "at the end" if self.kind is None else f"before {self._text[self.start :]!r}"
        return ExpressionError(f"{problem} {where} of {self._text!r}" if self._text.strip() else "nothing is asked")
