"""Reads zip archives within the memory that their size makes plausible."""

import zipfile
from pathlib import Path

from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import check_regular_file, plausible_size


class Archive:
    """A zip archive for reading, a context manager.

    Members are stored or deflated. Each is read up to the size that its header states, all together up to a plausible
    size. No file is written. `names` are those of the members.
    """

    def __init__(self, path: Path, inflate: bool = True) -> None:
        """Opens an archive, whose members may be compressed only with `inflate`; WeightsError if it is damaged."""
        self._size = check_regular_file(path, WeightsError)
        self._left = plausible_size(self._size) if inflate else self._size
        self._methods = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} if inflate else {zipfile.ZIP_STORED}
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError) as error:
            raise WeightsError(f"it is a damaged or truncated zip archive ({error})") from error
        self.names = self._zip.namelist()
        if len(set(self.names)) < len(self.names):
            raise WeightsError("it is a zip archive with two members of one name")

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str, most: int | None = None) -> bytes:
        """Reads a member of at most `most` bytes, and checks its checksum.

        Raises:
            WeightsError: it is missing, damaged, compressed in another way, or larger than plausible.
        """
        if name not in self.names:
            raise WeightsError(f"its member {name!r} is missing")
        info = self._zip.getinfo(name)
        if info.compress_type not in self._methods:
            raise WeightsError(f"its member {name!r} is compressed in a way that is not read")
        self._left -= info.file_size
        if self._left < 0 or info.compress_size > self._size or (most is not None and info.file_size > most):
            raise WeightsError(f"its member {name!r} claims more bytes than the file can hold")
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size)  # bounded: a member could inflate beyond this
        except Exception as error:  # zipfile raises what its parts do
            raise WeightsError(f"its member {name!r} is damaged ({error or type(error).__name__})") from error
        if len(content) != info.file_size:
            raise WeightsError(f"its member {name!r} is truncated")
        return content
