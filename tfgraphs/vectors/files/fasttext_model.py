"""Reads models of fastText, .bin and .ftz: words, and the n-grams from which words outside the vocabulary are made.

A model is, in little-endian numbers (saveModel in fastText's fasttext.cc, and what it calls):

magic, version    int32 each
settings          12 int32 and a float64, see `_SETTINGS`
dictionary        entries, words, labels int32, tokens and pruned n-grams int64; each entry with a zero byte behind it,
                  its count int64 and its type int8; pairs of hash and row int32 of those n-grams that are not pruned
input matrix      a byte, 1 if it is quantized; its rows and columns int64, then float32 rows of words and n-grams
output matrix     which is not read

Models of before 2017 lack magic, version, the number of pruned n-grams and the byte of the matrix; there fastText added
n-grams to the end of a line, "</s>", too, which are left out here. A quantized matrix has a code of one byte for each
few numbers of a row (Jégou et al. 2011), see `_dequantize`.
"""

import contextlib
import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfgraphs.files.trust import check_regular_file, plausible_size
from tfgraphs.vectors.files.vector_file import Block
from tfgraphs.vectors.subwords import LONGEST_NGRAM, Subwords, mean_rows
from tfgraphs.vectors.word_vectors import FormatError

MAGIC = (793712314).to_bytes(4, "little")
_START = re.compile(  # the magic number, or plausible settings up to the kind of the model
    re.escape(MAGIC) + rb"|..\0\0[^\0]\0\0\0(..\0\0){2}.\0\0\0[\1-\x09]\0\0\0[\1-\4]\0\0\0[\1-\3]\0\0\0", re.DOTALL
)
_VERSION = 12
_SUPERVISED = 3
_SETTINGS = struct.Struct("<12id")  # dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate t
_CENTROIDS = 256
_LONGEST_WORD = 10_000  # bytes
_WORDS, _BYTES = 1024, 1 << 15  # composed at once, at most


def is_model(path: Path) -> bool:
    """Returns whether a path is that of a file which begins as a model does."""
    try:
        with path.open("rb") if path.is_file() else contextlib.nullcontext() as file:
            return file is not None and _START.match(file.read(_SETTINGS.size)) is not None
    except (OSError, ValueError):
        return False


class FastTextModel:
    """A model, whose vectors stay in the file unless they are quantized.

    Attributes:
        dimensions: of each vector.
        count: number of words.
        subwords: the n-grams, None if the model has none.

    Raises:
        FormatError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = check_regular_file(path, FormatError)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            self._content, self._position = content, 0
            self._old = content[: len(MAGIC)] != MAGIC
            _, version = (0, 0) if self._old else self._numbers("<2i")
            settings = self._numbers(_SETTINGS.format)
            self.dimensions, kind, buckets, minn, maxn = settings[0], *settings[7:11]
            if version > _VERSION:
                raise FormatError(f"{path} was written by a newer fastText: version {version}, known is {_VERSION}")
            if version < _VERSION and kind == _SUPERVISED:
                maxn = 0  # which did not use n-grams, as fastText's loadModel says
            kept = self._read_dictionary()
            self._check("its numbers of n-grams are wrong", maxn <= 0 or (buckets > 0 and maxn <= LONGEST_NGRAM))
            self._matrix = self._read_matrix(kept)
            del self._content
        rows = self._matrix[self.count :]
        self.subwords: Subwords | None = None
        if max(minn, 1) <= maxn:
            self._check(f"it has {len(rows):,} n-grams", len(rows) >= (buckets if kept is None else len(kept)))
            self.subwords = Subwords(minn, maxn, buckets, rows, None if kept is None else kept[:, 0])

    def blocks(self, position: int | None = None, read: int = 0, limit: int | None = None) -> Iterator[Block]:
        """Composes the vectors of words, see `VectorFile.blocks`; the position is the number of the word."""
        total = self.count if limit is None else min(self.count, limit)
        last = position or 0
        while last < total:
            first, words = last, self._words[last : min(last + _WORDS, total)]
            words = words[: max(1, int(np.searchsorted(np.cumsum([len(word) for word in words]), _BYTES)))]
            last = first + len(words)
            texts = [word.decode(errors="replace") for word in words]
            yield Block(texts, self._compose(first, words), last, last, last / total).finite()

    def _compose(self, first: int, words: list[bytes]) -> np.ndarray:
        own = np.arange(len(words))
        if self.subwords is None:
            return np.asarray(self._matrix[first + own], np.float32)
        rows, numbers = self.subwords.rows(words)
        order = np.argsort(np.concatenate([own, numbers]), kind="stable")  # own rows come first
        rows = np.concatenate([first + own, self.count + rows])[order]
        starts = np.searchsorted(np.sort(np.concatenate([own, numbers])), own)
        return mean_rows(self._matrix, rows, starts)

    # --- reading

    def _check(self, problem: str, right: bool) -> None:
        if not right:
            raise FormatError(f"{self._path} is a damaged fastText model: {problem}")

    def _take(self, size: int) -> int:
        """Returns the position, and goes on behind `size` bytes."""
        start = self._position
        self._check(f"it ends at byte {self._size:,}, too early", 0 <= size <= self._size - start)
        self._position += size
        return start

    def _numbers(self, form: str) -> tuple:
        return struct.unpack_from(form, self._content, self._take(struct.calcsize(form)))

    def _array(self, dtype: str, count: int) -> np.ndarray:
        """Returns a copy of the next numbers."""
        start = self._take(np.dtype(dtype).itemsize * count)
        return np.frombuffer(self._content, dtype, count, start).copy()

    def _read_dictionary(self) -> np.ndarray | None:
        """Reads the words, and returns the pairs of hash and row of n-grams if some are pruned, int32 [n-grams, 2]."""
        entries, self.count, labels, _ = self._numbers("<3iq")
        (pruned,) = (-1,) if self._old else self._numbers("<q")
        self._check("its numbers of words are wrong", 0 < self.count <= entries == self.count + labels)
        self._check("it announces too many words", entries <= self._size // 10)
        self._words: list[bytes] = []
        for number in range(entries):
            end = self._content.find(b"\0", self._position, self._position + _LONGEST_WORD)
            self._check(f"entry {number + 1:,} has no end", end >= 0)
            word = self._content[self._position : end]
            self._position = end + 1
            _, label = self._numbers("<qb")
            self._check(f"word {number + 1:,} is empty or a label", number >= self.count or (word != b"" and not label))
            if number < self.count:
                self._words.append(word)
        if pruned < 0:
            return None
        pairs = self._array("<i4", 2 * pruned).reshape(-1, 2)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        right = np.array_equal(np.sort(pairs[:, 1]), np.arange(pruned)) and (np.diff(pairs[:, 0], prepend=-1) > 0).all()
        self._check("its list of n-grams is wrong", bool(right))
        return pairs

    def _read_matrix(self, kept: np.ndarray | None) -> np.ndarray:
        """Returns the rows of words and n-grams, those of n-grams in the order of `kept`."""
        (quantized,) = (False,) if self._old else self._numbers("<?")
        if quantized:
            matrix = self._dequantize()
        else:
            rows, columns = self._numbers("<2q")
            self._check("its matrix has another width", columns == self.dimensions > 0 and rows >= 0)
            start = self._take(4 * rows * columns)
            matrix = np.memmap(self._path, "<f4", "r", start, (rows, columns)) if rows else np.zeros((0, columns))
        needed = self.count + (0 if kept is None else len(kept))
        self._check(f"its matrix has {len(matrix):,} rows", len(matrix) >= needed and (quantized or kept is None))
        return matrix if kept is None else matrix[np.concatenate([np.arange(self.count), self.count + kept[:, 1]])]

    def _dequantize(self) -> np.ndarray:
        """Returns the rows of a quantized matrix, float32: of centroids by codes, times a length that is coded, too."""
        with_lengths, rows, columns, size = self._numbers("<?2qi")
        self._check("its matrix has another width", columns == self.dimensions > 0 and rows > 0)
        self._check("its matrix is too large for its codes", 4 * rows * columns <= plausible_size(self._size))
        codes = self._array("u1", size)
        numbers = self._decode(codes, rows, columns)
        if with_lengths:
            with np.errstate(over="ignore", invalid="ignore"):
                numbers *= self._decode(self._array("u1", rows), rows, 1)
        return numbers

    def _decode(self, codes: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Reads a product quantizer, and returns the numbers that it codes, float32 [rows, columns]."""
        dimensions, parts, width, last_width = self._numbers("<4i")
        self._check("its quantizer has another width", dimensions == columns and width > 0)
        right = parts == -(-columns // width) and last_width == columns - (parts - 1) * width
        self._check("its quantizer is wrong", right and len(codes) == rows * parts)
        centroids = self._array("<f4", columns * _CENTROIDS)
        numbers, codes = np.empty((rows, columns), np.float32), codes.reshape(rows, parts)
        for part in range(parts):
            first, last = part * width, min((part + 1) * width, columns)
            book = centroids[first * _CENTROIDS : last * _CENTROIDS].reshape(_CENTROIDS, last - first)
            numbers[:, first:last] = book[codes[:, part]]
        return numbers
