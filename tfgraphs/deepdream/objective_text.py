"""The text of objectives, `fire5 - 0.5*fire9:17`; what its names mean, the networks know."""

import re

from tfgraphs.expression import Term, parse

_CLASS_OF_WORDS = re.compile(r"""(?<!['"\w])class:[^\s()*"]+(?:\s+[^\s()*"+−-][^\s()*"]*)+""")


def read_terms(text: str) -> list[Term]:
    """Reads names and their factors; the name of a class needs quotes only if it has brackets.

    >>> read_terms("fire5 - 0.5*class:tiger cat")
    [Term(word='fire5', weight=1.0), Term(word='class:tiger cat', weight=-0.5)]

    Raises ExpressionError for a syntax error.
    """
    return parse(_CLASS_OF_WORDS.sub(r'"\g<0>"', text), "layer")
