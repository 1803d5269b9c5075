"""How much memory the process has allocated, for tests that runs do not take more and more of it."""

import ctypes
import gc
import itertools
import sys
from collections.abc import Callable

import pytest

FORGOTTEN = 50_000  # bytes that TensorFlow keeps for ever of a run, mostly names: 13,000 of a dream, 30,000 of Adam


class _MallInfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


def allocated():
    """Bytes that the process has allocated and not freed, TensorFlow's among them."""
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("only glibc counts what is allocated")
    library.mallinfo2.restype = _MallInfo
    gc.collect()
    info = library.mallinfo2()
    return info.uordblks + info.hblkhd


def growth(run: Callable[[], None]) -> int:
    """Bytes that a run leaves allocated: the smaller of two runs after a first one. A leak is in each of them."""
    run()
    sizes = [allocated()]
    for _ in range(2):
        run()
        sizes.append(allocated())
    return min(after - before for before, after in itertools.pairwise(sizes))
