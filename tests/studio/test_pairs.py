"""The tab Pairs: the numbers of a state, however it is reached, its drawings, and what is refused."""

import csv
import json
import shlex
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tfgraphs.errors import TfgraphsError
from tfgraphs.studio.pairs import MOST_STEPS, PairsTab, write_pairs
from tfgraphs.studio.pairs_presets import PRESETS
from tfgraphs.word2vec.pairs.model import PairModel
from tfgraphs.word2vec.pairs.pair_format import LOSSES, PairSettings, pair_vocabulary, parse_pairs
from tfgraphs.word2vec.pairs.training import train_pairs

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def tab(tmp_path):
    return PairsTab(lambda: None, tmp_path)


def classes(drawing):
    return [element.get("class") for element in ElementTree.fromstring(drawing).iter()]


def matrices(tab, state, folder):
    with (folder / tab.export(state)["result"]).open(newline="") as file:
        return {tuple(row[:2]): np.array(row[2:], float) for row in csv.reader(file)}


def test_a_new_model_has_the_weights_of_wevi_and_predicts_nothing(tab):
    shown = tab.draw({})
    assert (shown["step"], shown["rate"], shown["probabilities"]) == (0, 0.2, [])
    assert shown["pair"] == {"number": 1, "count": 12, "text": "eat|apple", "active": False}
    assert shown["loss"] == pytest.approx(np.log(8), abs=0.01)


def test_twenty_steps_end_at_the_digits_that_wevi_shows(tab, tmp_path):
    vector = matrices(tab, {"step": 20}, tmp_path)["input", "apple"]
    expected = [
        0.0484801170657814,
        -0.08819741430387953,
        0.05854227841719559,
        0.01648443183610962,
        -0.07083145052927338,
    ]
    np.testing.assert_allclose(vector, expected, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_state_is_the_same_however_it_is_reached(tab, tmp_path, loss):
    last = {"step": 30, "loss": loss, "rates": [[7, 0.05], [20, 0.4]], "axes": 10, "active": ["eat"]}
    steps = [tab.draw({**last, "step": step}) for step in (3, 10, 11, 30)]
    assert steps[-1] == PairsTab(lambda: None, tmp_path).draw(last)
    assert tab.draw({**last, "step": 10}) == steps[1]  # back


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_preset_is_trained_as_the_command_trains_it(tab, tmp_path, preset, loss):
    pairs = parse_pairs(PRESETS[preset])
    model, settings = None, PairSettings(loss=loss, passes=2)
    model = PairModel(pair_vocabulary(pairs), settings)
    for _ in train_pairs(model, pairs, settings):
        pass
    found = matrices(tab, {"data": PRESETS[preset], "loss": loss, "step": 2 * len(pairs)}, tmp_path)
    for word, vector in zip(model.vocabulary.words, model.inputs.numpy(), strict=True):
        np.testing.assert_allclose(found["input", word], vector, rtol=1e-9)


def test_the_presets_of_wevi_are_there():
    fruit = ["Fruit and juice", "Fruit and juice (CBOW)", "Fruit and juice (Skip-gram)"]
    loops = [f"{kind} loop (5-point)" for kind in ("Self", "Directed", "Undirected")]
    assert list(PRESETS)[:8] == [*fruit, *loops, "King and queen", "King and queen (symbol)"]
    assert parse_pairs(PRESETS["Directed loop (5-point)"])[4].target == ("A",)


def test_half_a_step_activates_the_pair_and_moves_nothing(tab, tmp_path):
    before, half = matrices(tab, {}, tmp_path), tab.draw({"half": 1})
    assert half["pair"]["active"]
    assert classes(half["drawings"]["network"]).count("arrow") == 2
    assert sum(chance for _, chance in half["probabilities"]) == pytest.approx(1)
    after = matrices(tab, {"half": 1}, tmp_path)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_active_words_predict_together(tab):
    one, both = (
        dict(tab.draw({"step": 200, "active": active})["probabilities"]) for active in (["eat"], ["eat", "drink"])
    )
    assert max(one, key=one.get) in ("apple", "orange", "rice")
    assert one["milk"] < both["milk"]


def test_words_that_are_not_there_any_more_are_not_active(tab):
    assert tab.draw({"active": ["king"]})["probabilities"] == []


def test_the_axes_stay_until_they_are_asked_anew(tab):
    first = tab.draw({"step": 100})["drawings"]["plane"]
    anew = tab.draw({"step": 100, "axes": 100})["drawings"]["plane"]
    assert first != anew
    assert classes(anew).count("input-vector") >= 8


def test_every_drawing_is_xml_with_a_name_for_screen_readers(tab):
    for loss in LOSSES:
        drawings = tab.draw({"loss": loss, "half": 1, "data": 'a&b|<c>, "d"|a&b'})["drawings"]
        assert (drawings["tree"] is None) == (loss != "hierarchical_softmax")
        for drawing in filter(None, drawings.values()):
            assert ElementTree.fromstring(drawing).get("aria-label")


def test_strange_words_are_drawn_and_exported(tab, tmp_path):
    state = {"data": 'a\ufffeb|"c", "c"|\ud800'}
    for drawing in filter(None, tab.draw(state)["drawings"].values()):
        ElementTree.fromstring(drawing)
    assert ("input", '"c"') in matrices(tab, state, tmp_path)


def test_inputs_can_be_reached_by_the_keyboard(tab):
    root = ElementTree.fromstring(tab.draw({"active": ["eat"]})["drawings"]["network"])
    inputs = [element for element in root.iter() if element.get("data-word")]
    assert [element.get("data-word") for element in inputs] == sorted(element.get("data-word") for element in inputs)
    assert {element.get("tabindex") for element in inputs} == {"0"}
    assert [element.get("data-word") for element in inputs if element.get("aria-pressed") == "true"] == ["eat"]


def test_the_way_to_a_target_is_lit_in_the_tree(tab):
    shown = tab.draw({"loss": "hierarchical_softmax", "half": 1, "step": 3})  # drink|juice
    lit = classes(shown["drawings"]["tree"]).count("way lit")
    assert 1 <= lit < 8


@pytest.mark.parametrize(
    ("state", "flags"),
    [
        ({"step": 25}, ["--passes=3"]),
        ({"loss": "negative_sampling", "negatives": 3}, ["--loss=negative_sampling", "--negatives=3"]),
        ({"tied": "yes", "compat": "wevi"}, ["--tied", "--compat=wevi"]),
    ],
)
def test_the_command_says_the_same(tab, state, flags):
    first, second = tab.draw(state)["command"].split("\n")
    echo, data, redirected, name = shlex.split(first)
    assert (echo, redirected, name) == ("echo", ">", "pairs.txt")
    assert parse_pairs(data) == parse_pairs(PRESETS["Fruit and juice"])
    words = shlex.split(second)
    assert words[0] == "bin/word2vec"
    assert json.loads(words[2].removeprefix("--config=")) == {"hidden_size": 5, "random_state": 1, "learning_rate": 0.2}
    assert set(flags) <= set(words)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"data": "a"}, "is not context|target"),
        ({"data": ""}, "there are no pairs"),
        ({"data": 5}, "data has to be a text"),
        ({"data": ",".join(f"a{n}|b{n}" for n in range(40))}, "80 words are too many to draw: at most 60"),
        ({"data": ",".join(["a|b"] * 501)}, "501 pairs are too many to draw"),
        ({"config": "{"}, "is not JSON such as"),
        ({"config": '{"hidden_size": 41}'}, "41 hidden units are too many"),
        ({"step": MOST_STEPS + 1}, "step is '20001': it has to be a number from 0 to 20000"),
        ({"step": 0.5}, "it has to be a whole number"),
        ({"loss": "nce"}, "loss is 'nce': choose one of"),
        ({"rates": [[0, -1]]}, "learning_rate is -1"),
        ({"rates": [1]}, "rates have to be pairs"),
        ({"active": "eat"}, "active has to be a list"),
        ({"tied": "yes", "loss": "hierarchical_softmax"}, "tied is not for"),
    ],
)
def test_a_mistake_is_one_line(tab, state, message):
    with pytest.raises(TfgraphsError, match=message.replace("|", r"\|")) as error:
        tab.draw(state)
    assert "\n" not in str(error.value)


def refusal(tab, state):
    """Why a state is not drawn, or nothing."""
    try:
        tab.draw(state)
    except TfgraphsError as error:
        return str(error)
    return ""


def test_weights_that_grow_without_bound_are_an_error_and_not_a_crash(tab):
    state = {"data": "a|b^c, b|a^c, c|a^b", "compat": "wevi", "config": '{"learning_rate": 1000}'}
    with pytest.raises(TfgraphsError, match="finite"):
        tab.draw({**state, "step": 500})
    assert "finite" in next(filter(None, (refusal(tab, {**state, "step": step}) for step in range(500))))
    assert tab.draw(state)["step"] == 0


@pytest.mark.parametrize(
    ("state", "data"),
    [
        ({"text": "a b c"}, "a|b, b|a^c, c|b"),
        ({"text": "a b c", "architecture": "cbow"}, "b|a, a^c|b, b|c"),
        ({"text": "a b c. d, e!\nf", "window": 2}, "a|b^c, b|a^c, c|a^b, d|e, e|d"),
    ],
)
def test_pairs_are_made_of_a_text(state, data):
    assert write_pairs(state)["data"] == data


def test_a_text_without_neighbours_is_refused():
    with pytest.raises(TfgraphsError, match="no two words side by side"):
        write_pairs({"text": "a. b."})


def test_the_learning_rate_of_a_configuration_is_read(tab):
    assert tab.questions["rate"]({"config": '{"learning_rate": 0.05}'}) == {"rate": 0.05}
    with pytest.raises(TfgraphsError, match="is not JSON such as"):
        tab.questions["rate"]({"config": "0.05"})


def test_only_some_models_are_kept(tab):
    for state in range(20):
        tab.draw({"config": json.dumps({"random_state": state})})
    assert len(tab._models) == 8
