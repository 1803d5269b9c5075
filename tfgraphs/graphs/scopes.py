"""Name scopes of graphs: TensorBoard draws the operations of a scope as one box, with its name."""

import re

import tensorflow as tf


def scope(*names: str) -> tf.name_scope:
    """Returns the scope of some names, one within the other, in the present one.

    It is the same scope each time; `tf.name_scope` would call it `name_1` when it is opened again. Empty names are left
    out, and characters that TensorFlow does not allow become underscores.
    """
    allowed = [re.sub(r"[^\w./-]", "_", name, flags=re.ASCII) for name in names]
    return tf.name_scope("/".join([*filter(None, [tf.get_current_name_scope(), *allowed]), ""]))
