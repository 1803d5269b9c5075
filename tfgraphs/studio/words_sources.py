"""Which word vectors the tab Words can show: those named when the page was started, GloVe, and results of trainings.

A page names vectors by a key of this list, so that it reaches no other file of the machine.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tfgraphs.errors import TfgraphsError
from tfgraphs.files import hub
from tfgraphs.files.outputs import SAVED_MODEL
from tfgraphs.studio.states import StateError
from tfgraphs.vectors.files.writers import BINARY, TEXT
from tfgraphs.vectors.loading import GLOVE, STANDARD_INPUT, load
from tfgraphs.vectors.word_vectors import FormatError, WordVectors
from tfgraphs.word2vec.results import ABOUT

KEPT = 2  # sets of vectors
_DEPTH, _MOST_FOLDERS = 4, 200  # of the search for results


class Sources:
    """Word vectors that can be shown; the last ones are kept in memory.

    Args:
        given: sources that `tfgraphs.vectors.load` takes, named when the page was started.
        folders: below which results of trainings are searched.
        start: starts TensorFlow, which a SavedModel needs.

    Raises:
        FormatError: a given file does not exist, or is the standard input, which can be read only once.
    """

    def __init__(self, given: Sequence[str], folders: Sequence[Path], start: Callable[[], None]) -> None:
        if STANDARD_INPUT in given:
            raise FormatError("--vectors=- cannot be the standard input of a page: name a file or a folder")
        for source in given:
            if source != GLOVE and not source.startswith(hub.PREFIX) and not os.path.exists(source):
                raise FormatError(f"--vectors={source} does not exist: name a file or a folder, or leave it out")
        self._given, self._folders, self._start = tuple(given), tuple(folders), start
        self._opened: OrderedDict[tuple[str, int], WordVectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def first(self) -> str:
        """The first key, of what is shown when nothing is chosen."""
        return (*self._given, GLOVE)[0]

    def keys(self) -> list[str]:
        """Returns the names of all vectors that are there now."""
        found = (str(folder) for top in self._folders for folder in find_results(top))
        return list(dict.fromkeys([*self._given, GLOVE, *found]))

    def open(self, key: str) -> WordVectors:
        """Returns vectors, loaded the first time and when a training has replaced them.

        Args:
            key: one of `keys`; `first` if it is empty.

        Raises:
            StateError: there is no such key.
            FormatError, PackageError, HubError: the vectors cannot be loaded.
        """
        key = key or self.first
        with self._lock:
            name = key, _changed(key)
            if name not in self._opened:
                if key not in self.keys():
                    raise StateError(f"there are no vectors {key[:80]!r}: choose them from the list")
                while len(self._opened) >= KEPT:
                    self._opened.popitem(last=False)
                self._opened[name] = self._load(key)
            self._opened.move_to_end(name)
            return self._opened[name]

    def _load(self, key: str) -> WordVectors:
        if key.startswith(hub.PREFIX) or (Path(key) / SAVED_MODEL).is_file():
            self._start()
        vectors = load(key)
        vectors.knows("\0")  # builds the index of spellings
        with suppress(TfgraphsError):
            vectors.nearest(vectors.words[:1], 1)  # brings the matrix into memory, so that later answers are quick
        return vectors


def find_results(top: Path) -> Iterator[Path]:
    """Yields folders that a training has written, as `tfgraphs.vectors.load` takes them, sorted by name."""
    count = 0
    for folder, folders, files in os.walk(top):
        depth = len(Path(folder).relative_to(top).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEPTH else []
        if ABOUT in files and (BINARY in files or TEXT in files):
            yield Path(folder)
            count += 1
            if count == _MOST_FOLDERS:
                return


def _changed(key: str) -> int:
    """Returns when the vectors were written, in nanoseconds; 0 for a package or a handle."""
    with suppress(OSError, ValueError):  # the latter of a null character
        path = Path(key)
        about = path / ABOUT
        return (about if about.is_file() else path).stat().st_mtime_ns
    return 0
