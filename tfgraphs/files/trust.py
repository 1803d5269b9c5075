"""What files from outside may do.

Data (pictures, vectors, weights) can run nothing, and takes no more memory than its file makes plausible. It is read
from regular files only: a pipe, a device, or a file that consists of holes never ends.
"""

import os
import stat
from pathlib import Path

from tfgraphs.errors import TfgraphsError, reason

_SLACK = 64 * 2**20  # bytes that any file may stand for: small arrays of zeros shrink a thousandfold
_RATIO = 32  # bytes that a stored byte may stand for beyond that; weights hardly shrink at all


class TrustError(TfgraphsError):
    """A file from outside is refused."""


def plausible_size(stored: int) -> int:
    """Returns how many bytes a file of `stored` bytes may stand for, when it is inflated or its holes are filled."""
    return _SLACK + _RATIO * stored


def check_regular_file(path: str | Path, kind: type[TfgraphsError] = TrustError) -> int:
    """Checks that a file from outside can be read to its end, and returns its size in bytes.

    Args:
        path: the file. Links are followed.
        kind: class of the error.

    Raises:
        TfgraphsError: of `kind`: there is no such file; it is a folder, a pipe, a device or a socket; or it claims far
            more bytes than it stores (a sparse file).
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise kind(f"cannot read {path}: it is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise kind(f"cannot read {path}: it is a pipe, a device or a socket; copy its content into a file")
        if found.st_size > plausible_size(512 * found.st_blocks) and not _stores(path, found.st_size):
            raise kind(f"cannot read {path}: it claims {found.st_size:,} bytes, but stores next to none")
    except OSError as error:
        raise kind(f"cannot read {path}: {reason(error)}") from error
    return found.st_size


def _stores(path: str | Path, size: int) -> bool:
    """Whether the data between the holes of a file makes its size plausible; some file systems count no blocks."""
    with open(path, "rb", buffering=0) as file:
        place = stored = 0
        while place < size:
            try:
                start = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:  # there is no data behind
                return False
            place = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            stored += place - start
            if plausible_size(stored) >= size:
                return True
    return False
