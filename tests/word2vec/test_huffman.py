import heapq
import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.hierarchical_softmax import HuffmanTree, huffman_tree

ZIPF = [100_000 // rank for rank in range(1, 301)]
FIBONACCI = [89, 55, 34, 21, 13, 8, 5, 3, 2, 1, 1]
CASES = [[7], [5, 5], [9, 1], [3, 2, 1], [1] * 8, [1] * 13, [0, 0, 0], [10**15, 1, 1], FIBONACCI, ZIPF]

counts_of_words = st.lists(st.integers(0, 50), min_size=1, max_size=40).map(lambda counts: sorted(counts)[::-1])


def tree_of(counts: list[int]) -> HuffmanTree:
    return huffman_tree(np.array(counts, np.int64))


def lengths(tree: HuffmanTree) -> np.ndarray:
    """The number of decisions that lead to each word, by the children alone, int32 [words]."""
    depths = np.zeros(2 * len(tree.children) + 1, np.int32)
    for node, pair in enumerate(tree.children):  # a parent before its children
        depths[pair] = depths[node] + 1
    return depths[len(tree.children) :]


def codes(tree: HuffmanTree) -> list[str]:
    """The code of each word, "0" for left and "1" for right."""
    _, signs = tree.paths()
    return ["".join({1: "0", -1: "1", 0: ""}[sign] for sign in row) for row in signs.tolist()]


def least_weighted_length(counts: list[int]) -> int:
    """Sum of count times code length over the words, of the best code that there is: Huffman's, from a heap."""
    heap, total = sorted(counts), 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        heapq.heappush(heap, joined)
        total += joined
    return total


def word2vec_codes(counts: list[int]) -> list[str]:
    """CreateBinaryTree of word2vec.c, statement by statement."""
    size = len(counts)
    count, binary, parent = counts + [10**18] * size, [0] * 2 * size, [0] * 2 * size
    word, node = size - 1, size
    for new in range(size, 2 * size - 1):
        pair = []
        for _ in range(2):
            if word >= 0 and count[word] < count[node]:
                pair.append(word)
                word -= 1
            else:
                pair.append(node)
                node += 1
        count[new] = count[pair[0]] + count[pair[1]]
        parent[pair[0]] = parent[pair[1]] = new
        binary[pair[1]] = 1
    found = []
    for place in range(size):
        code = ""
        while place != 2 * size - 2:
            code = f"{binary[place]}{code}"
            place = parent[place]
        found.append(code)
    return found


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([7], [""]),
        ([9, 1], ["1", "0"]),
        # e=1 d=2 -> 3; of c=3 and the inner 3 the inner one first -> 6; a=4 b=4 -> 8, b first; 6 and 8 -> 14.
        ([4, 4, 3, 2, 1], ["11", "10", "01", "001", "000"]),
        # d=1 c=1 -> 2, d first; b=1 a=1 -> 2, b first; the older 2 first -> 4.
        ([1, 1, 1, 1], ["11", "10", "01", "00"]),
    ],
)
def test_codes_are_those_worked_out_by_hand(counts, expected):
    assert codes(tree_of(counts)) == expected


@given(counts_of_words)
def test_codes_are_those_of_word2vec(counts):
    assert codes(tree_of(counts)) == word2vec_codes(counts)


@given(counts_of_words)
def test_weighted_length_is_the_least_possible(counts):
    tree = tree_of(counts)
    assert lengths(tree) @ np.array(counts) == least_weighted_length(counts)


@pytest.mark.parametrize("counts", CASES)
def test_weighted_length_is_the_sum_of_the_inner_counts(counts):
    tree = tree_of(counts)
    assert lengths(tree) @ np.array(counts) == tree.counts.sum()


@given(counts_of_words)
def test_no_code_begins_with_another(counts):
    ordered = sorted(codes(tree_of(counts)))
    assert not any(later.startswith(code) for code, later in itertools.pairwise(ordered))


@pytest.mark.parametrize("counts", CASES)
def test_lengths_fulfil_krafts_equality(counts):
    assert np.sum(0.5 ** lengths(tree_of(counts))) == 1


@pytest.mark.parametrize("counts", CASES)
def test_lengths_are_those_of_the_paths(counts):
    tree = tree_of(counts)
    _, signs = tree.paths()
    assert np.count_nonzero(signs, axis=1).tolist() == lengths(tree).tolist()


@pytest.mark.parametrize("counts", CASES)
def test_probabilities_add_up_to_one_for_any_scores(counts):
    tree = tree_of(counts)
    scores = np.random.default_rng(len(counts)).normal(scale=3, size=len(counts) - 1)
    nodes, signs = tree.paths()
    decisions = np.where(signs == 0, 1, 1 / (1 + np.exp(-signs * scores[nodes])))
    assert decisions.prod(axis=1).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("counts", CASES)
def test_inner_counts_are_those_of_the_words_below(counts):
    tree = tree_of(counts)
    nodes, signs = tree.paths()
    visits = [int(np.array(counts) @ ((nodes == node) & (signs != 0)).any(axis=1)) for node in range(len(counts) - 1)]
    assert tree.counts.tolist() == visits


@given(counts_of_words)
def test_inner_nodes_are_in_order_of_falling_count(counts):
    assert np.all(np.diff(tree_of(counts).counts) <= 0)


@given(counts_of_words)
def test_first_inner_nodes_are_a_tree_with_the_root(counts):
    children, inner = tree_of(counts).children, np.arange(len(counts) - 1)
    assert np.all((children > inner[:, None]) | (children >= len(counts) - 1))


@pytest.mark.parametrize("counts", CASES[1:])
def test_paths_lead_from_the_root_to_the_word(counts):
    tree = tree_of(counts)
    nodes, signs = tree.paths()
    for word, (way, sides) in enumerate(zip(nodes.tolist(), signs.tolist(), strict=True)):
        place = 0
        for node, sign in list(zip(way, sides, strict=True))[: lengths(tree)[word]]:
            assert node == place
            place = tree.children[node][0 if sign > 0 else 1]
        assert place == len(counts) - 1 + word


@pytest.mark.parametrize("counts", CASES)
def test_paths_end_in_zeros(counts):
    tree = tree_of(counts)
    nodes, signs = tree.paths()
    behind = np.arange(lengths(tree).max()) >= lengths(tree)[:, None]
    assert not nodes[behind].any()
    assert not signs[behind].any()


def test_dtypes_and_shapes():
    tree = tree_of(ZIPF)
    nodes, signs = tree.paths()
    assert {"nodes": (nodes.dtype, nodes.shape), "signs": (signs.dtype, signs.shape)} == {
        "nodes": (np.int32, (300, lengths(tree).max())),
        "signs": (np.int8, (300, lengths(tree).max())),
    }
    assert (tree.counts.dtype, tree.counts.shape) == (np.int64, (299,))


def test_counts_beyond_those_of_word2vec_do_not_overflow():
    assert tree_of([2**61] * 3).counts.tolist() == [3 * 2**61, 2**62]


@pytest.mark.parametrize("counts", [[], [1, 2], [3, 3, 4], [1, -1], [[2, 1]]])
def test_counts_out_of_order_are_refused(counts):
    with pytest.raises(ValueError, match="the largest first"):
        huffman_tree(np.array(counts, np.int64))


def test_vocabulary_of_a_hundred_thousand_words_takes_no_time():
    counts = 10**7 // np.arange(1, 100_001) + 5
    start = time.process_time()
    tree = huffman_tree(counts)
    tree.paths()
    assert time.process_time() - start < 2
