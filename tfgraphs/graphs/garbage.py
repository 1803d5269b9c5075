"""Memory of graphs that nobody uses any more."""

import gc
import itertools

_GRAPHS_PER_COLLECTION = 8

_made = itertools.count(1)


def collect_old_graphs() -> None:
    """Frees unused graphs at every eighth call; to be called whenever a graph is made.

    The graphs of TensorFlow are reference cycles, and hold megabytes of native memory that Python does not see: its own
    collection of old objects would leave twenty graphs of dreams, 200 MB, waiting. A collection takes 0.2 s, so not
    every call does one.
    """
    if next(_made) % _GRAPHS_PER_COLLECTION == 0:
        gc.collect()
