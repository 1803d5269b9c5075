"""An extension of Griffe: a docstring's `height, width: in pixels` describes two parameters."""

import re
from typing import Any

import griffe

JOINT = re.compile(r"^( {4})(\w+(?:, \w+)+):( .*(?:\n {5,}.*)*)", re.MULTILINE)


def apart(docstring: str) -> str:
    """Returns a docstring in which each parameter has the text of its group."""
    return JOINT.sub(
        lambda found: "\n".join(f"{found[1]}{name}:{found[3]}" for name in found[2].split(", ")), docstring
    )


class JointParameters(griffe.Extension):
    """Rewrites the docstrings of functions and classes."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each object that was read."""
        if obj.docstring:
            obj.docstring.value = apart(obj.docstring.value)
