"""Models of fastText, written by hand as its saveModel writes them."""

import struct

import numpy as np

SETTINGS = {"dim": 0, "ws": 5, "epoch": 5, "minCount": 1, "neg": 5, "wordNgrams": 1, "loss": 2, "model": 2}
SETTINGS |= {"bucket": 50, "minn": 2, "maxn": 4, "lrUpdateRate": 100}


def model_file(words, matrix, *, version=12, labels=(), kept=None, codes=None, **settings):
    """The bytes of a model; `matrix` has the rows of words, then those of n-grams; `codes` replace it in the file."""
    settings = SETTINGS | {"dim": matrix.shape[1]} | settings
    head = struct.pack("<2i12id", 793712314, version, *settings.values(), 1e-4)
    pruned = -1 if kept is None else len(kept)
    head += struct.pack("<3i2q", len(words) + len(labels), len(words), len(labels), 99, pruned)
    for kind, entries in enumerate([words, labels]):
        for word in entries:
            head += word.encode() + b"\0" + struct.pack("<qb", 3, kind)
    for row, number in enumerate(kept or []):
        head += struct.pack("<2i", number, row)
    if codes is not None:
        return head + b"\1" + codes
    return head + struct.pack("<?2q", False, *matrix.shape) + matrix.astype("<f4").tobytes() + b"\0"


def quantized(rows, dimensions, width, lengths, seed=0):
    """The bytes of a random quantized matrix, and its numbers, float32 [rows, dimensions]."""
    rng = np.random.default_rng(seed)
    parts = -(-dimensions // width)
    codes = rng.integers(256, size=(rows, parts), dtype=np.uint8)
    books = [rng.normal(size=(256, min(width, dimensions - part * width))).astype("<f4") for part in range(parts)]
    numbers = np.concatenate([book[codes[:, part]] for part, book in enumerate(books)], axis=1)
    quantizer = struct.pack("<4i", dimensions, parts, width, books[-1].shape[1]) + b"".join(map(bytes, books))
    content = struct.pack("<?2qi", lengths, rows, dimensions, codes.size) + codes.tobytes() + quantizer
    if lengths:
        book, picked = rng.normal(size=(256, 1)).astype("<f4"), rng.integers(256, size=rows, dtype=np.uint8)
        content += picked.tobytes() + struct.pack("<4i", 1, 1, 1, 1) + book.tobytes()
        numbers = numbers * book[picked]
    return content, numbers
