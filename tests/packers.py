"""Ways to pack the content of a file, by name."""

import bz2
import gzip
import lzma

import zstandard

PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstandard.ZstdCompressor().compress,
}
COMPRESSED = [name for name in PACKERS if name != "plain"]
