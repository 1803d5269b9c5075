"""How much memory the process has, for tests that runs do not take more and more of it."""

import ctypes
import gc
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

Size = TypeVar("Size")

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
    """Bytes that a run leaves allocated: the smallest of four runs after a first one. A leak is in each of them."""
    run()
    sizes = [allocated()]
    for _ in range(4):
        run()
        sizes.append(allocated())
    return min(after - before for before, after in itertools.pairwise(sizes))


def check_flat(run: Callable[[Size], object], sizes: Sequence[Size], count: int = 300, first: int = 20) -> None:
    """Checks that `count` runs of mixed sizes take no more memory than the `first` of each size.

    glibc counts what one of its arenas has allocated, so that the memory of the whole process is checked, too. The runs
    of a leaking loop took 1.5 MB each.
    """
    before = (0, 0)
    for number in range(count):
        if number == first * len(sizes):
            before = allocated(), _resident()
        run(sizes[number % len(sizes)])
    assert allocated() - before[0] < 2_000_000
    assert _resident() - before[1] < 60_000_000


def _resident() -> int:
    """Bytes of memory of the process, after glibc has given back what is free."""
    ctypes.CDLL(None).malloc_trim(0)
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])
