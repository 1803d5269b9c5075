"""Pictures that tabs make for the page to look at: the last ones, in memory."""

import hashlib
import threading

from tfgraphs.studio.recent import Recent

MOST = 200  # pictures; a page asks for one right after it was made


class Views:
    """The pictures, under names that are made of their bytes."""

    def __init__(self) -> None:
        self._files, self._lock = Recent[str, bytes](MOST), threading.Lock()

    def add(self, data: bytes, ending: str = ".jpg") -> str:
        """Keeps the file of a picture.

        Args:
            data: the file.
            ending: of its format, ".jpg" or ".png".

        Returns:
            The name by which the page asks for it, the same for the same bytes.
        """
        name = hashlib.sha256(data).hexdigest()[:32] + ending
        with self._lock:
            self._files.put(name, data)
        return name

    def get(self, name: str) -> bytes | None:
        """Returns the file of a picture, or None if it is not kept."""
        with self._lock:
            return self._files.get(name)
