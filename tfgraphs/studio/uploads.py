"""Pictures that people bring to the page, kept as they came, under the hash of their bytes."""

import hashlib
import re
from pathlib import Path
from typing import IO

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import atomic_file
from tfgraphs.pictures import images, samples

MOST_BYTES, MOST_PIXELS = 64 << 20, 50_000_000
_KEY = re.compile(r"[0-9a-f]{16}")


class UploadError(TfgraphsError):
    """A picture is too large, is none, or is not known."""


class Uploads:
    """The pictures, in a folder.

    Args:
        folder: for their files, of which the names are not those that they had on another machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, stream: IO[bytes], length: int) -> str:
        """Stores a picture and returns its key, the same for the same bytes.

        Args:
            stream: the bytes of its file.
            length: how many there are.

        Raises:
            UploadError: there are too many.
            ImageError: they are no picture, or one with too many pixels.
        """
        if length > MOST_BYTES:
            raise UploadError(f"the picture has {length >> 20} MB: at most {MOST_BYTES >> 20} are taken")
        data = stream.read(length)
        if len(data) != length:
            raise UploadError("the upload is incomplete: send the picture again")
        key = hashlib.sha256(data).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / key
        if not path.exists():
            with atomic_file(path) as temporary:
                temporary.write_bytes(data)
                try:
                    height, width = images.read_size(temporary)
                    if height * width > MOST_PIXELS:
                        raise UploadError(f"the picture has {height * width:,} px: at most {MOST_PIXELS:,} are taken")
                    images.load(temporary, 64)  # decoded as a whole, so that it is known to be good
                except images.ImageError as error:
                    raise UploadError(str(error).replace(str(temporary), "the file")) from error
        return key

    def path(self, key: str) -> Path:
        """Returns the file of a picture: one that was brought, or a sample.

        Raises:
            UploadError: there is none of this key.
            SampleError, PackageError: there is no such sample.
        """
        if key.startswith(samples.PREFIX):
            return samples.resolve(key)
        path = self._folder / key
        if not _KEY.fullmatch(key) or not path.exists():
            raise UploadError("that picture is not here any more: choose it again")
        return path
