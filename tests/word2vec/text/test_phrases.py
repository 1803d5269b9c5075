"""Phrases against a plain implementation of word2phrase on strings."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.word2vec.settings import TextSettings
from tfgraphs.word2vec.text import vocabulary as vocabulary_module
from tfgraphs.word2vec.text.phrases import Connectors, PairTable, PhraseJoiner, join_phrases, scores
from tfgraphs.word2vec.text.shards import Shards
from tfgraphs.word2vec.text.vocabulary import SENTENCE_END, UNKNOWN, NumberFile, Vocabulary, write_numbers

TEXT = st.lists(st.lists(st.sampled_from("abcd"), max_size=12), min_size=1, max_size=8)
RULES = st.builds(
    TextSettings,
    min_count=st.integers(1, 3),
    phrases=st.integers(1, 3),
    phrase_threshold=st.sampled_from([0.3, 1.0, 2.0]),
    phrase_discount=st.sampled_from([0, 1, 2.5]),
) | st.builds(
    TextSettings,
    min_count=st.integers(1, 3),
    phrases=st.integers(1, 3),
    phrase_threshold=st.sampled_from([-0.2, 0.1, 0.5]),
    phrase_scoring=st.just("npmi"),
)


def plain_score(pair, first, second, total, settings):
    if settings.phrase_scoring == "word2phrase":
        return (pair - settings.phrase_discount) * total / (first * second)
    chance = pair / total
    return math.log(chance / (first / total * second / total)) / -math.log(chance)


def plain_join(sentence, phrases):
    joined, rest = [], list(sentence)
    while rest:
        length = 2 if tuple(rest[:2]) in phrases else 1
        joined.append("_".join(rest[:length]))
        del rest[:length]
    return joined


def plain_phrases(text, settings):
    """word2phrase, as often as asked, on lists of words."""
    for _ in range(settings.phrases):
        words = Counter(word for sentence in text for word in sentence)
        pairs = Counter(pair for sentence in text for pair in pairwise(sentence))
        phrases = {
            (a, b)
            for (a, b), count in pairs.items()
            if min(count, words[a], words[b]) >= settings.min_count
            and plain_score(count, words[a], words[b], words.total(), settings) > settings.phrase_threshold
        }
        text = [plain_join(sentence, phrases) for sentence in text]
    return text


def run(folder, text, settings):
    """The text with phrases joined, as words; rare ones are None."""
    counts = Counter(word for sentence in text for word in sentence)
    words = [word for word, count in counts.items() if count >= settings.min_count]
    vocabulary = Vocabulary(words, np.array([counts[word] for word in words], np.int64))
    file = NumberFile(folder / "numbers")
    with file.path.open("wb") as output:
        for sentence in text:
            numbers = [vocabulary.index.get(word, UNKNOWN) for word in sentence]
            write_numbers(np.array([*numbers, SENTENCE_END], np.int32), output)
    kept, places, _ = join_phrases(Shards([file], None, lambda what, share: None), vocabulary, counts.total(), settings)
    names = dict(enumerate(kept.words)) | {UNKNOWN: None, SENTENCE_END: "\n"}
    places = np.append(places, [UNKNOWN, SENTENCE_END])
    joined = [names[place] for place in places[np.fromfile(file.path, "<i4")]]
    return joined, dict(zip(kept.words, kept.counts.tolist(), strict=True))


def expected(text, settings):
    joined = plain_phrases(text, settings)
    counts = Counter(word for sentence in joined for word in sentence)
    kept = {word: count for word, count in counts.items() if count >= settings.min_count}
    return [word if word in kept or word == "\n" else None for line in joined for word in [*line, "\n"]], kept


@given(TEXT, RULES)
def test_phrases_and_their_counts_are_those_of_plain_word2phrase(tmp_path_factory, text, settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_module, "_CHUNK", 10)
        assert run(tmp_path_factory.mktemp("text"), text, settings) == expected(text, settings)


@given(
    st.lists(st.lists(st.sampled_from("abcdofx"), max_size=12), min_size=1, max_size=8).filter(lambda text: any(text)),
    st.sampled_from([-0.2, 0.1, 0.4]),
)
def test_phrases_with_connectors_are_those_of_gensim(tmp_path_factory, text, threshold):
    gensim = pytest.importorskip("gensim.models.phrases", reason="gensim is only in the extra test")
    theirs = gensim.Phrases(
        text, min_count=1, threshold=threshold, scoring="npmi", connector_words=frozenset("ofx"), delimiter="_"
    )
    settings = TextSettings(
        min_count=1, phrases=1, phrase_threshold=threshold, phrase_scoring="npmi", phrase_connectors="o,f,x"
    )
    joined, _ = run(tmp_path_factory.mktemp("text"), text, settings)
    assert joined == [word for sentence in text for word in [*theirs[sentence], "\n"]]


def test_english_connectors_are_those_of_gensim():
    gensim = pytest.importorskip("gensim.models.phrases", reason="gensim is only in the extra test")
    assert set(TextSettings(phrase_connectors="english").connectors) == gensim.ENGLISH_CONNECTOR_WORDS


def test_connectors_stand_inside_phrases_only(tmp_path):
    text = [["the", "bank", "of", "the", "america"], ["of", "bank"], ["america", "of"]] * 20
    settings = TextSettings(min_count=5, phrases=2, phrase_threshold=0.5, phrase_connectors="english")
    joined, counts = run(tmp_path, text, settings)
    assert joined[:8] == ["the", "bank_of_the_america", "\n", "of", "bank", "\n", "america", "of"]
    assert counts == {"bank_of_the_america": 20, "the": 20, "of": 40, "bank": 20, "america": 20}


def test_more_sequences_of_connectors_than_pairs_have_numbers_are_left_out():
    connectors = Connectors(1 << 30, [0, 1])
    text = np.array([2, 0, 3, -1, 2, 1, 3, -1] + [2, *[0, 1] * 4, 3, -1] + [2, 0, 0, 0, 3, -1] * 9, np.int32)
    *_, keys = connectors.pairs(text)
    assert min(keys) >= 0
    assert {len(connectors.words_of(key)) for key in keys.tolist()} <= {3, 5, 10}
    assert connectors.pairs(np.array([2, *[0] * 9, 3, -1], np.int32))[-1].size == 0


NEWS = [["the", "new", "york", "times"], ["new", "cars"], ["york", "minster"], ["many", "times"]] * 10


@pytest.mark.parametrize(
    ("turns", "phrases"), [(0, set()), (1, {"new_york"}), (2, {"new_york_times"}), (3, {"new_york_times"})]
)
def test_phrases_grow_with_each_turn(tmp_path, turns, phrases):
    text = [*NEWS, *([["new", "york", "times"]] * 30)]
    settings = TextSettings(min_count=5, phrases=turns, phrase_threshold=1.2)
    joined, _ = run(tmp_path, text, settings)
    assert {word for word in joined if word and "_" in word} >= phrases


@pytest.mark.parametrize(
    ("numbers", "joined"),
    [
        ([0, 1, -1], [9, -1]),
        ([0, 0, 0, -1], [8, 0, -1]),
        ([0, 0, 0, 0, 1, -1], [8, 8, 1, -1]),
        ([0, -1, 1, -1], [0, -1, 1, -1]),
        ([0, -2, 1, -1], [0, -2, 1, -1]),
        ([1, 0, -1, -1], [1, 0, -1, -1]),
        ([2, 0, 1, 2, -1], [2, 9, 2, -1]),
        ([], []),
    ],
)
def test_pairs_are_joined_from_left_to_right_within_a_sentence(numbers, joined):
    phrases = PhraseJoiner(Connectors(3), np.array([0 * 3 + 0, 0 * 3 + 1]), np.array([8, 9], np.int32))
    assert phrases.join(np.array(numbers, np.int32)).tolist() == joined


@given(st.lists(st.lists(st.integers(-2, 4)), min_size=1))
def test_pairs_are_counted_over_all_parts(parts):
    table = PairTable(Connectors(5), 1 << 20)
    for part in parts:
        table.add(np.array(part, np.int32))
    keys, counts = table.counted()
    pairs = Counter(pair for part in parts for pair in pairwise(part) if min(pair) >= 0)
    assert dict(zip(zip(*divmod(keys, 5), strict=True), counts, strict=True)) == pairs


def pruned_pairs():
    """Three pairs that come again and again, and very many that come once, in memory for a thousand."""
    table = PairTable(Connectors(1000), 64 * 1000)
    random = np.random.default_rng(0)
    for _ in range(50):
        table.add(np.array([1, 2, 3, 4] * 5, np.int32))
        table.add(random.integers(0, 1000, 300, np.int32))
    return table


def test_counting_pairs_in_little_memory_forgets_rare_ones_and_is_marked_as_pruned():
    table = pruned_pairs()
    assert (table.pruned, len(table.counted()[0]) <= 1000) == (True, True)


def test_counting_pairs_in_little_memory_keeps_frequent_ones():
    keys, counts = pruned_pairs().counted()
    found = dict(zip(keys.tolist(), counts.tolist(), strict=True))
    assert all(250 <= found[pair] <= 251 for pair in (1002, 2003, 3004))


def test_npmi_is_one_for_words_that_only_occur_together_and_zero_for_chance():
    settings = TextSettings(phrase_scoring="npmi", phrase_threshold=0.5)
    together, chance = scores(np.array([10, 4]), np.array([10, 20]), np.array([10, 20]), 100, settings)
    assert (together, chance) == (pytest.approx(1), pytest.approx(0, abs=1e-12))


def test_a_pair_whose_count_is_the_discount_scores_zero():
    settings = TextSettings(phrase_discount=5)
    assert scores(np.array([5]), np.array([5]), np.array([5]), 10**6, settings).tolist() == [0]
