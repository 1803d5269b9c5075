"""Settings of text and training: what is refused, and what follows from the rest."""

import math

import pytest

from tfgraphs.word2vec import CorpusError, TextSettings
from tfgraphs.word2vec.settings import TrainingSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "glove"),
        ("loss", "hinge"),
        ("noise", "uniform"),
        ("window_sampling", "random"),
        ("cbow_gradient", "max"),
        ("dtype", "float16"),
        ("dim", 0),
        ("window", 0),
        ("negatives", 0),
        ("epochs", 0),
        ("subsample", -1),
        ("subsample", math.nan),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("learning_rate", -0.1),
        ("min_learning_rate", -0.1),
        ("seed", -1),
        ("words_per_step", 0),
        ("damping", -1),
        ("damping", math.nan),
        ("shared_negatives", -1),
        ("deep_nodes", -1),
        ("noise_exponent", math.nan),
        ("noise_exponent", math.inf),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line_with_name_and_value(name, value):
    with pytest.raises(CorpusError, match=rf"^{name} is '?{value}'?: [^\n]+$"):
        TrainingSettings(**{name: value})


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        ({"architecture": "skipgram"}, "expected"),
        ({"architecture": "cbow"}, "dynamic"),
        ({"architecture": "skipgram", "window_sampling": "full"}, "full"),
        ({"architecture": "cbow", "window_sampling": "expected"}, "expected"),
    ],
)
def test_the_default_window_sampling_depends_on_the_architecture(settings, sampling):
    assert TrainingSettings(**settings).sampling == sampling


@pytest.mark.parametrize(
    ("start", "end", "rates"),
    [
        (0.5, None, (0.5, 0.05)),
        (0.5, 0.2, (0.5, 0.2)),
        (0.5, 0.0, (0.5, 0.0)),
        (0.1, 0.2, (0.1, 0.1)),
        (0.0, None, (0, 0)),
    ],
    ids=["a tenth", "as asked", "to nothing", "never rising", "none at all"],
)
def test_the_learning_rate_falls_to_a_tenth_or_to_the_given_minimum(start, end, rates):
    assert TrainingSettings(learning_rate=start, min_learning_rate=end).rates == pytest.approx(rates)


@pytest.mark.parametrize(("epochs", "share"), [(1, 0.3), (2, 0.15), (3, 0.1), (50, 0.1)])
def test_the_rate_of_cbow_falls_less_in_few_epochs(epochs, share):
    start, end = TrainingSettings(architecture="cbow", epochs=epochs).rates
    assert end == pytest.approx(share * start)


@pytest.mark.parametrize("loss", ["negative_sampling", "hierarchical_softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_each_model_has_a_default_learning_rate(architecture, loss):
    start, end = TrainingSettings(architecture=architecture, loss=loss).rates
    assert 0 < end < start < 0.1


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
def test_a_setting_of_a_text_out_of_range_is_named_in_one_line(setting):
    with pytest.raises(CorpusError, match=rf"^{next(iter(setting))} is [^\n]*$"):
        TextSettings(**setting)


@pytest.mark.parametrize(
    "setting",
    [{}, {"max_vocabulary": None}, {"phrase_scoring": "npmi", "phrase_threshold": -1}, {"phrase_discount": 0}],
)
def test_settings_of_a_text_at_the_limits_are_allowed(setting):
    TextSettings(**setting)
