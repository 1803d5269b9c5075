"""Name scopes of graphs: TensorBoard draws the operations of a scope as one box, with its name."""

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import tensorflow as tf

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def scope(*names: str) -> tf.name_scope:
    """Returns the scope of some names, one within the other, in the present one.

    It is the same scope each time; `tf.name_scope` would call it `name_1` when it is opened again. Empty names are left
    out, characters that TensorFlow does not allow become underscores, and those with which the first name must not
    begin are left out. Without any name it is the present scope.
    """
    allowed = [re.sub(r"[^\w./-]", "_", name, flags=re.ASCII) for name in names]
    path = "/".join([*filter(None, [tf.get_current_name_scope(), *allowed]), ""])
    return tf.name_scope(path.lstrip("_/-"))


def in_scope(*names: str) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Returns a decorator for functions that are computed in the scope of some names, see `scope`."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @functools.wraps(function)
        def scoped(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
            with scope(*names):
                return function(*arguments, **options)

        if scoped.__name__ == "<lambda>":  # AutoGraph would look for a lambda in the source of `scoped`
            scoped.__name__ = "scoped"
        return scoped

    return decorate
