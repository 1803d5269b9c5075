"""N-grams and their hashes, against their definition and against what fastText 0.9.3 printed."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.vectors.subwords import Subwords, ngram_hashes

BY_FASTTEXT = {  # its get_subwords with minn 2, maxn 4 or 5 and 1000 buckets, without the words before them
    "x": (5, [513, 917, 91]),
    "": (5, [367]),
    "</s>": (5, []),
    "北京市": (5, [543, 847, 664, 2, 609, 10, 308, 646, 96, 568]),
    "née": (5, [655, 143, 46, 272, 165, 544, 330, 452, 86, 490]),
    "😀": (5, [818, 420, 514]),
    "ไ": (5, [156, 246, 244]),
    "w3x": (5, [84, 77, 639, 659, 615, 541, 905, 990, 568, 91]),
}


def by_definition(word, minn, maxn):
    """The hashes of the n-grams of a word, as the docstring of the module defines them."""
    if word == b"</s>":
        return []
    characters = []
    for byte in b"<" + word + b">":
        if byte & 0xC0 == 0x80:
            characters[-1].append(byte)
        else:
            characters.append([byte])
    hashes = []
    for start in range(len(characters)):
        for length in range(max(minn, 1), min(maxn, len(characters) - start) + 1):
            if length == 1 and start in (0, len(characters) - 1):
                continue
            value = 2166136261
            for byte in itertools.chain(*characters[start : start + length]):
                value = (value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 % 2**32
            hashes.append(value)
    return hashes


@pytest.mark.parametrize("word", BY_FASTTEXT)
def test_hashes_are_those_of_fasttext(word):
    maxn, buckets = BY_FASTTEXT[word]
    hashes, _ = ngram_hashes([word.encode()], 2, maxn)
    assert (hashes % 1000).tolist() == buckets


words = st.lists(st.one_of(st.text(max_size=6).map(lambda text: text.encode(errors="replace")), st.binary(max_size=8)))


@given(words=words, minn=st.integers(0, 4), maxn=st.integers(1, 6))
def test_hashes_follow_the_definition(words, minn, maxn):
    hashes, numbers = ngram_hashes(words, minn, maxn)
    expected = [by_definition(word, minn, maxn) for word in words]
    assert hashes.tolist() == list(itertools.chain(*expected))
    assert numbers.tolist() == [number for number, found in enumerate(expected) for _ in found]


def test_n_grams_without_a_row_do_not_count():
    matrix = np.float32([[1, 0], [0, 1]])
    buckets = BY_FASTTEXT["x"][1]
    pruned = Subwords(2, 5, 1000, matrix, np.sort(np.int32([buckets[0], buckets[2]])))
    np.testing.assert_array_equal(pruned.vector("x"), [0.5, 0.5])
    assert pruned.vector("ไ") is None
    assert Subwords(2, 5, 1000, matrix[:0], np.zeros(0, np.int32)).vector("x") is None
