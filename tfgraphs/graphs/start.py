"""Starts TensorFlow with the options that suit this machine.

    from tfgraphs.graphs.start import start
    start()

Commands do this, and the functions of `tfgraphs` itself. Programs that use the modules below them start TensorFlow as
they like: each form of an operation is chosen by what TensorFlow finds, see `processor`.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Literal, TextIO

from tfgraphs.errors import TfgraphsError
from tfgraphs.graphs import processor

Device = Literal["auto", "cpu", "gpu"]

_log = logging.getLogger(__name__)


class DeviceError(TfgraphsError):
    """There is no GPU that TensorFlow can use."""


def set_environment() -> None:
    """Sets what TensorFlow reads when it is imported, where the environment says nothing else.

    Convolutions and poolings are computed with oneDNN, which TensorFlow does by itself only on x86 processors with
    AVX-512: on others a gradient of SqueezeNet takes 80 ms with it instead of 112. CUDA loads a kernel when it is
    first used, not all of them at the start.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        os.environ.setdefault("CUDA_MODULE_LOADING", "LAZY")


@contextlib.contextmanager
def without_banners(is_expected: Callable[[BaseException], bool] = lambda error: False) -> Iterator[None]:
    """Hides what TensorFlow's C++ code writes to stderr while it starts. Python's messages are shown.

    These banners are about the processor and the libraries that TensorFlow finds, and no level of its log hides them.
    What it writes later is hidden up to warnings, unless TF_CPP_MIN_LOG_LEVEL says something else.

    Args:
        is_expected: whether an error explains itself; after any other one what was hidden is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with contextlib.ExitStack() as opened:
        hidden: tuple[TextIO, IO[bytes]] | None
        try:
            shown = opened.enter_context(os.fdopen(os.dup(2), "w", 1, errors="backslashreplace"))
            hidden = shown, opened.enter_context(_unnamed_file())
        except OSError:  # there is no stderr, or no place for what is hidden
            hidden = None
        with _redirected(*hidden, is_expected) if hidden else contextlib.nullcontext():
            yield


@contextlib.contextmanager
def _redirected(shown: TextIO, banners: IO[bytes], is_expected: Callable[[BaseException], bool]) -> Iterator[None]:
    """Lets C++ write to one file instead of stderr, and Python to a copy of stderr."""
    os.dup2(banners.fileno(), 2)
    try:
        with contextlib.redirect_stderr(shown if _writes_to_descriptor(sys.stderr, 2) else sys.stderr):
            yield
    except BaseException as error:
        if not is_expected(error):
            banners.seek(0)
            os.write(shown.fileno(), banners.read())
        raise
    finally:
        os.dup2(shown.fileno(), 2)
        for handler in logging.getLogger("tensorflow").handlers:  # made while TensorFlow was imported
            if isinstance(handler, logging.StreamHandler) and handler.stream is shown:
                handler.setStream(sys.stderr)


def _unnamed_file() -> IO[bytes]:
    """Opens a file in memory; on systems that have none a temporary one, for which there may be no writable folder."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("banners"), "w+b")
    return tempfile.TemporaryFile()


def _writes_to_descriptor(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (AttributeError, OSError, ValueError):  # none, one in memory, or a closed one
        return False


def start(
    threads: Callable[[processor.Processor], int | None] | None = None,
    operations: int | None = None,
    device: Device = "auto",
    gpu_gains: bool = True,
    deterministic: bool = True,
    connect: Callable[[], None] = lambda: None,
) -> processor.Processor:
    """Imports TensorFlow, sets its options for the whole process, and creates its devices.

    Of several GPUs the first one is used, and CUDA_VISIBLE_DEVICES says which that is. Its memory is taken as it is
    needed rather than all at once. In a process where TensorFlow has devices already, these stay as they are.

    Args:
        threads: number of threads that share the work of one operation, by what TensorFlow finds. Default: one for
            each core.
        operations: how many operations run at once. Default: one for each core.
        device: on what to compute; "auto" takes a GPU if there is one and `gpu_gains`.
        gpu_gains: whether this work is faster on a GPU.
        deterministic: whether operations on a GPU are those that give the same bytes each time. On a CPU all do.
        connect: called after the options are set and before there are devices, to connect with other processes.

    Returns:
        What TensorFlow uses.

    Raises:
        DeviceError: `device` is "gpu", and there is none.
    """
    set_environment()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # TensorFlow has its devices already
        gpus = tf.config.get_visible_devices("GPU")
        used = gpus[:1] if device == "gpu" or (device == "auto" and gpu_gains) else []
        if used != gpus:
            tf.config.set_visible_devices(used, "GPU")
        for gpu in used:
            tf.config.experimental.set_memory_growth(gpu, True)
    found = processor.current()
    if device == "gpu" and not found.gpus:
        raise DeviceError("there is no GPU that TensorFlow can use: install the extra gpu, or leave --device=gpu out")
    if not found.rewritten_graphs:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with contextlib.suppress(RuntimeError):
        if threads and (count := threads(found)) is not None:
            tf.config.threading.set_intra_op_parallelism_threads(count)
        if operations is not None:
            tf.config.threading.set_inter_op_parallelism_threads(operations)
    if found.gpus and deterministic:
        tf.config.experimental.enable_op_determinism()
    connect()
    tf.config.list_logical_devices()
    _log.info("computing on the %s", "GPU" if found.gpus else "CPU")
    return found
