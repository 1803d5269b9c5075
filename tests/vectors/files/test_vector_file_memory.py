"""Files of word vectors, hostile and large ones, are read in little memory."""

import itertools
import tracemalloc
import zlib

import numpy as np
import pytest
from vector_files import FORMATS, attempt

from tfgraphs.vectors.files.vector_file import VectorFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


def peak_memory(action):
    """Bytes that an action needs at most."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("first_line", ["2 1000000", "1000000000000 2", "2 1000000000000", f"{10**17} {10**17}"])
@pytest.mark.parametrize("rest", [b"a 1 2\n", b"a " + bytes(range(8)), b""], ids=["text", "binary", "nothing"])
def test_a_wrong_header_costs_no_memory(path, first_line, rest):
    path.write_bytes(first_line.encode() + b"\n" + rest)
    assert peak_memory(lambda: attempt(path)) < 2_500_000


STARTS, BYTES = [b"", b"1 2\n", b"2 1000000\n\xff ", b"a 1 2\na"], [b"a", b"1", b"\0", b" "]
SHORT = list(zip(STARTS, BYTES, strict=True))
LONG = [pytest.param(*pair, marks=pytest.mark.long) for pair in itertools.product(STARTS, BYTES) if pair not in SHORT]


@pytest.mark.parametrize(("start", "byte"), [*SHORT, *LONG], ids=str)
def test_files_that_unpack_to_very_much_cost_little_memory(path, start, byte):
    packer = zlib.compressobj(1, wbits=31)
    path.write_bytes(packer.compress(start) + b"".join(packer.compress(byte * 2**20) for _ in range(150)))
    assert peak_memory(lambda: attempt(path)) < 120_000_000


def test_reading_needs_memory_for_a_few_blocks_only(path):
    matrix = np.zeros((60_000, 60), np.float32)  # 15 MB
    path.write_bytes(FORMATS["gensim_binary"]([f"w{row}" for row in range(len(matrix))], matrix))
    sizes = []
    assert peak_memory(lambda: sizes.extend(len(block.words) for block in VectorFile(path).blocks())) < 11_000_000
    assert sum(sizes) == len(matrix)
    assert max(sizes) < 10_000
