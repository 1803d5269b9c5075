"""Text as word numbers, in memory and in folders that may be damaged."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec import CorpusError, EncodedCorpus, TextSettings, encode_sentences, prepare
from tfgraphs.word2vec.text.corpus import MARKER, NUMBERS, WORDS

SENTENCES = st.lists(st.lists(st.sampled_from(["a", "b", "c", "new york"])))


def decoded(corpus):
    """The sentences of a corpus as words."""
    sentences = [[]]
    for token in corpus.tokens.tolist():
        if token < 0:
            sentences.append([])
        else:
            sentences[-1].append(corpus.vocabulary.words[token])
    assert sentences.pop() == []
    return sentences


def has_neighbours(text):
    """Whether there are two different words, and a sentence of two: without them there is nothing to learn."""
    return len({word for sentence in text for word in sentence}) > 1 and any(len(sentence) > 1 for sentence in text)


@given(SENTENCES.filter(has_neighbours))
def test_decoding_gives_the_sentences_back_that_have_words(text):
    assert decoded(encode_sentences(text)) == [sentence for sentence in text if sentence]


def test_rare_words_are_left_out_and_sentences_of_nothing_else():
    text = [["a", "rare", "b"], ["rarer"], [], ["a", "b", "a"]]
    assert decoded(encode_sentences(text, min_count=2)) == [["a", "b"], ["a", "b", "a"]]


def test_figures_count_all_words_and_the_sentences_that_are_left():
    corpus = encode_sentences([["a", "rare", "b"], ["rarer"], [], ["a", "b", "a"]], min_count=2)
    assert (corpus.raw_words, corpus.sentences) == (7, 2)


def test_numbers_are_of_32_bits_and_read_only():
    tokens = encode_sentences([["a", "b"]]).tokens
    assert (tokens.dtype, tokens.flags.writeable) == (np.int32, False)


@pytest.mark.parametrize(
    ("text", "min_count"),
    [([], 1), ([[]], 1), ([["a"]], 1), ([["a", "a"]], 1), ([["a", "b"], ["a", "c"]], 2)],
    ids=["empty", "an empty line", "one word", "one word twice", "all but one rare"],
)
def test_a_text_of_too_few_words_is_refused_in_one_line(text, min_count):
    with pytest.raises(CorpusError, match=r"^[^\n]*min_count[^\n]*$"):
        encode_sentences(text, min_count)


@pytest.fixture
def folder(tmp_path):
    """An encoded text: a b a, c a b."""
    path = tmp_path / "text.txt"
    path.write_text("a b a\nc a b\n")
    prepare([str(path)], TextSettings(min_count=1), tmp_path / "encoded")
    return tmp_path / "encoded"


def test_a_folder_opens_to_the_text_that_was_encoded(folder):
    assert decoded(EncodedCorpus.open(folder)) == [["a", "b", "a"], ["c", "a", "b"]]


def test_the_vocabulary_is_a_line_for_each_word_and_its_count(folder):
    assert (folder / WORDS).read_bytes() == b"a\t3\nb\t2\nc\t1\n"


def test_the_numbers_are_little_endian_32_bit_integers(folder):
    assert (folder / NUMBERS).read_bytes()[:12] == bytes([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])


def test_opened_numbers_are_read_only(folder):
    with pytest.raises(ValueError, match="read-only"):
        EncodedCorpus.open(folder).tokens[0] = 1


def numbers(*values):
    return np.array(values, "<i4").tobytes()


DAMAGE = {
    "no numbers": (NUMBERS, b""),
    "cut numbers": (NUMBERS, numbers(0, 1, 0, -1, 2, 0, 1)),
    "half a number": (NUMBERS, numbers(0, 1, 0, -1, 2, 0, 1, -1)[:-2]),
    "a number too high": (NUMBERS, numbers(0, 1, 0, -1, 3, 0, 1, -1)),
    "a number too low": (NUMBERS, numbers(0, 1, 0, -1, -2, 0, 1, -1)),
    "no last end": (NUMBERS, numbers(0, 1, 0, -1, 2, 0, -1, 1)),
    "no words": (WORDS, b""),
    "a word less": (WORDS, b"a\t3\nb\t2\n"),
    "a word without count": (WORDS, b"a\t3\nb\t2\nc\n"),
    "a count of letters": (WORDS, b"a\t3\nb\t2\nc\tx\n"),
    "a negative count": (WORDS, b"a\t5\nb\t2\nc\t-1\n"),
    "a huge count": (WORDS, b"a\t%d\nb\t2\nc\t1\n" % 2**70),
    "counts that overflow": (WORDS, b"a\t%d\nb\t%d\nc\t8\n" % (2**63 - 1, 2**63 - 1)),
    "counts out of order": (WORDS, b"a\t2\nb\t3\nc\t1\n"),
    "a word twice": (WORDS, b"a\t3\nb\t2\nb\t1\n"),
    "words that are not UTF-8": (WORDS, b"\xff\t3\nb\t2\nc\t1\n"),
    "no note": (MARKER, b""),
    "a note of something else": (MARKER, b"[1]"),
    "a deep note": (MARKER, b"[" * 100_000),
    "another version": (MARKER, b'{"format": 0}'),
    "a note without figures": (MARKER, b'{"format": 1}'),
    "figures of letters": (MARKER, json.dumps({"format": 1, "sentences": "2"}).encode()),
}


@pytest.mark.parametrize(("name", "content"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_folder_is_refused_in_one_line(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(CorpusError, match=rf"^[^\n]*{folder}[^\n]*$"):
        EncodedCorpus.open(folder)


@pytest.mark.parametrize("name", [MARKER, WORDS, NUMBERS])
def test_a_folder_without_one_of_its_files_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(CorpusError, match=rf"^[^\n]*{folder}[^\n]*no such file[^\n]*$"):
        EncodedCorpus.open(folder)
