"""Settings of a text: what makes no sense is refused."""

import pytest

from tfgraphs.word2vec import CorpusError, TextSettings


@pytest.mark.parametrize(
    "setting",
    [
        {"tokenizer": "word"},
        {"min_count": 0},
        {"max_vocabulary": 1},
        {"phrases": -1},
        {"phrase_scoring": "pmi"},
        {"phrase_threshold": float("nan")},
        {"phrase_threshold": float("inf")},
        {"phrase_threshold": 10, "phrase_scoring": "npmi"},
        {"phrase_threshold": -1.1, "phrase_scoring": "npmi"},
        {"phrase_discount": -1},
        {"phrase_discount": float("nan")},
        {"max_counting_memory": 1000},
    ],
    ids=str,
)
def test_a_setting_out_of_range_is_named_in_one_line(setting):
    with pytest.raises(CorpusError, match=rf"^{next(iter(setting))} is [^\n]*$"):
        TextSettings(**setting)


@pytest.mark.parametrize(
    "setting",
    [{}, {"max_vocabulary": None}, {"phrase_scoring": "npmi", "phrase_threshold": -1}, {"phrase_discount": 0}],
)
def test_settings_at_the_limits_are_allowed(setting):
    TextSettings(**setting)
