"""Starts TensorFlow with the options that suit this processor.

    from tfgraphs.graphs.start import start
    start()

Commands do this, and the functions of `tfgraphs` itself. Programs that use the modules below them start TensorFlow as
they like: each form of an operation is chosen by what TensorFlow finds, see `processor`.
"""

import contextlib
import os
import sys
from collections.abc import Callable

from tfgraphs.graphs import processor


def set_environment() -> None:
    """Asks for convolutions and poolings with oneDNN, where the environment says nothing else.

    TensorFlow uses oneDNN by itself only on x86 processors with AVX-512. On others a gradient of SqueezeNet takes 80 ms
    with it instead of 112. TensorFlow reads this when it is imported; later there is nothing to set.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def start(
    threads: Callable[[processor.Processor], int | None] | None = None, operations: int | None = None
) -> processor.Processor:
    """Imports TensorFlow, sets its options for the whole process, and creates its devices.

    With a GPU, memory is taken as it is needed rather than all at once, and operations are deterministic, so that the
    same flags give the same bytes. In a process where TensorFlow has devices already, these keep their threads and
    memory. It can be called again.

    Args:
        threads: number of threads that share the work of one operation, by what TensorFlow finds. Default: one for
            each core.
        operations: how many operations run at once. Default: one for each core.

    Returns:
        What TensorFlow found.
    """
    set_environment()
    import tensorflow as tf

    found = processor.current()
    if not found.rewritten_graphs:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with contextlib.suppress(RuntimeError):  # TensorFlow has its devices already
        if threads and (count := threads(found)) is not None:
            tf.config.threading.set_intra_op_parallelism_threads(count)
        if operations is not None:
            tf.config.threading.set_inter_op_parallelism_threads(operations)
        for gpu in tf.config.get_visible_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    if found.gpus:
        tf.config.experimental.enable_op_determinism()
    tf.config.list_logical_devices()
    return found
