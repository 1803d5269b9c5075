"""The command `words`: questions, answers in three forms, a prompt and a pipe."""

import json
import os
import pty
import re
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from fasttext_files import model_file

from tfgraphs.cli import words as command
from tfgraphs.cli.shared.command import UsageError
from tfgraphs.cli.words_questions import Question, answer, answer_all
from tfgraphs.errors import TfgraphsError
from tfgraphs.files.outputs import OutputError
from tfgraphs.vectors import WordError, WordVectors, load
from tfgraphs.vectors.files.writers import save_binary

WORDS = ["king", "man", "woman", "queen", "New_York", "Boston", "rock'n'roll"]
MATRIX = np.float32(
    [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0.1, 1], [0, -1, 0, 1]]
)
QUESTIONS = """: family
man king woman queen
king man queen woman
: unknown
man king boy prince
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "vectors.bin"
    save_binary(path, WordVectors(WORDS, MATRIX))
    return str(path)


@pytest.fixture
def ask(source, capsys):
    """Runs the command; returns what it printed on stdout and stderr."""

    def run(*arguments, **values):
        with flagsaver.flagsaver(**{"vectors": source, **values}):
            command.main(list(arguments))
        return capsys.readouterr()

    return run


def cells(table):
    """The words and numbers of a printed table, line by line, without its head."""
    return [line.split() for line in table.splitlines()[2:]]


@pytest.mark.parametrize(("form", "head"), [("table", "Cosine"), ("word2vec", "Cosine distance")])
def test_similarities_are_called_what_they_are_or_as_word2vec_calls_them(ask, form, head):
    out = ask("calc", "king - man + woman", topn=2, format=form).out
    assert re.fullmatch(rf" *Word +{head} *", out.splitlines()[0])
    assert cells(out)[0] == ["queen", "0.9586"]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["analogy", "man", "king", "woman"], "queen"),
        (["calc", "woman", "-", "man", "+", "king"], "queen"),
        (["near", "king", "woman"], "queen"),
        (["near", "Boston"], "New_York"),
        (["king", "-", "man", "+", "woman"], "queen"),
        (["king - man + woman"], "queen"),
        (["king-man+woman"], "queen"),
        (["calc", "king−man", "+woman"], "queen"),
        (["king", "woman"], "queen"),
        (["Boston"], "New_York"),
        (["new york"], "Boston"),
    ],
)
@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_answers(ask, arguments, answer, method):
    assert cells(ask(*arguments, method=method, topn=1).out)[0][0] == answer


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["king", "-man", "+woman"], ["king", "-", "man", "+woman"]),
        (["--topn=3", "king", "-man", "--format=json"], ["--topn=3", "king", "-", "man", "--format=json"]),
        (["king", "-topn=3"], ["king", "-topn=3"]),
        (["king", "-topn", "3"], ["king", "-topn", "3"]),
        (["king", "-"], ["king", "-"]),
        (["king", "-h"], ["king", "-h"]),
        (["-tpn=3", "king"], ["-tpn=3", "king"]),
        (["near", "--", "-man"], ["near", "--", "-man"]),
    ],
)
def test_a_sign_before_a_word_is_no_flag(arguments, expected):
    assert command._with_signs_apart(arguments) == expected


def test_the_odd_word_is_named(ask):
    assert cells(ask("odd", "king", "man", "woman", "Boston").out) == [["Boston"]]


def test_similarity_is_a_cosine(ask):
    assert cells(ask("similarity", "king", "man").out) == [["king", "man", "0.7071"]]


def test_another_spelling_is_reported(ask):
    assert ask("near", "new york").err == "words: new york is read as New_York\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of fastText, and a folder that was converted from it."""
    folder = tmp_path_factory.mktemp("fasttext")
    matrix = np.random.default_rng(0).normal(size=(len(WORDS) + 50, 4)).astype(np.float32)
    (folder / "model.bin").write_bytes(model_file(WORDS, matrix))
    with flagsaver.flagsaver(dtype="int8"):
        command.main(["convert", str(folder / "model.bin"), str(folder / "model")])
    return folder


@pytest.mark.parametrize("name", ["model.bin", "model"])
def test_words_outside_a_fasttext_model_are_made_of_their_n_grams(model, ask, name):
    found = ask("kingdom", "-", "king", vectors=str(model / name), topn=3, format="json")
    assert found.err == "words: kingdom is not among the words: its vector is made of its n-grams\n"
    fields = json.loads(found.out)
    assert (len(fields["answer"]), fields["from_ngrams"]) == (3, ["kingdom"])
    assert cells(ask("king-man+woman", vectors=str(model / name), topn=1).out)[0][0] in WORDS
    with pytest.raises(WordError, match="'</s>' is not among the 7 words"):
        ask("similarity", "</s>", "kingdom", vectors=str(model / name))


def test_a_file_cannot_keep_n_grams(model, ask, tmp_path):
    with pytest.warns(
        UserWarning, match=r"out.txt has the words of .*model.bin without the n-grams: a folder keeps both$"
    ):
        ask("convert", str(model / "model.bin"), str(tmp_path / "out.txt"))
    assert list(load(str(tmp_path / "out.txt")).words) == WORDS


def test_subwords_are_exported_only_from_vectors_that_have_some(ask, tmp_path):
    with pytest.raises(
        UsageError, match="--oov=subwords needs a fastText model with n-grams: choose zero, mean or hash"
    ):
        ask("export", str(tmp_path / "out"), oov="subwords")


def test_json_is_one_object(ask):
    answer = json.loads(ask("near", "new york", format="json", topn=1).out)
    assert answer == {
        "answer": [{"word": "Boston", "cosine": pytest.approx(0.995, abs=1e-3)}],
        "read_as": {"new york": "New_York"},
    }


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "Zürich"), ("ascii", r"Z\u00fcrich"), ("latin-1", r"Z\u00fcrich")]
)
def test_json_is_json_in_every_locale(tmp_path, encoding, shown):
    save_binary(tmp_path / "v.bin", WordVectors(["a", "Zürich"], np.ones((2, 3), np.float32)))
    environment = os.environ | {"PYTHONIOENCODING": f"{encoding}:backslashreplace"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    printed, _ = start(tmp_path / "v.bin", env=environment, **pipes).communicate(b"near a\n")
    assert shown.encode(encoding) in printed
    assert json.loads(printed.decode(encoding))["answer"][0]["word"] == "Zürich"


def test_vectors_may_come_through_a_pipe(source):
    pipe = subprocess.Popen(["cat", source], stdout=subprocess.PIPE)
    printed, _ = start("-", "near", "Boston", "--topn=1", stdin=pipe.stdout, stdout=subprocess.PIPE).communicate()
    assert pipe.wait() == 0
    assert b"New_York" in printed


def test_tsv_has_no_head(ask):
    assert ask("near", "New_York", format="tsv", topn=1).out == "Boston\t0.9950\n"


@pytest.mark.parametrize("format", ["table", "tsv", "json"])
def test_no_answer_can_control_the_terminal(tmp_path, capsys, format):
    save_binary(tmp_path / "vectors.bin", WordVectors(["a", "b\x1b[2J"], np.ones((2, 3), np.float32)))
    with flagsaver.flagsaver(vectors=str(tmp_path / "vectors.bin"), format=format):
        command.main(["near", "a"])
        command.main(["odd", "a", "B\x1b[2J", "b\x1b[2J"])
    printed = capsys.readouterr()
    assert "[2J" in printed.out
    assert "\x1b" not in printed.out + printed.err


def test_answers_can_be_restricted_to_frequent_words(ask):
    assert {row[0] for row in cells(ask("near", "Boston", restrict_vocab=3).out)} == {"king", "man", "woman"}


def test_the_limit_drops_rare_words(ask):
    with pytest.raises(WordError, match="'Boston' is not among the 4 words"):
        ask("near", "Boston", limit=4)


INCOMPLETE = ["near", "analogy a b", "similarity a", "odd a b", "calc", "convert x", "export", "plot"]


@pytest.mark.parametrize("arguments", [line.split() for line in INCOMPLETE], ids=INCOMPLETE)
def test_an_incomplete_question_is_explained(ask, arguments):
    with pytest.raises(TfgraphsError, match=r"^usage: "):
        ask(*arguments)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["evalute", "questions.txt"], "'evalute' is not among the 7 words.*; the command is evaluate$"),
        (["king-man+wooman"], "a sum of other words needs spaces around . and -$"),
        ([__file__], "is a file, not a word: --vectors=.* asks the vectors in it"),
    ],
)
def test_what_is_neither_word_nor_command_is_explained(ask, arguments, problem):
    with pytest.raises(TfgraphsError, match=problem):
        ask(*arguments)


@pytest.mark.parametrize(
    ("arguments", "given", "what"),
    [
        (["near", "king"], "method", "near"),
        (["king"], "dtype", "near"),
        (["similarity", "king", "man"], "topn", "similarity"),
        (["convert", "a", "b"], "vectors", "convert"),
        (["project", "a"], "output", "project"),
        (["evaluate", "a"], "oov", "evaluate"),
        ([], "format", "a pipe, which is answered in JSON"),
        ([], "dtype", "a pipe, which is answered in JSON"),
    ],
)
def test_flags_without_effect_are_refused(monkeypatch, arguments, given, what):
    monkeypatch.setattr(flags.FLAGS[given], "present", 1)
    with pytest.raises(UsageError, match=f"--{given} has no effect on {what}: leave it out"):
        command.main(arguments)


def test_analogies_are_counted_by_section(ask, tmp_path):
    (tmp_path / "questions.txt").write_text(QUESTIONS)
    rows = cells(ask("evaluate", str(tmp_path / "questions.txt")).out)
    assert rows[0] == ["family", "2", "2", "100.0%", "0"]
    assert rows[2] == ["total", "2", "2", "100.0%", "1"]
    fields = json.loads(ask("evaluate", str(tmp_path / "questions.txt"), format="json").out)
    assert (fields["total"]["correct"], fields["sections"][1]["skipped"]) == (2, 1)


def test_pairs_are_correlated(ask, tmp_path):
    (tmp_path / "pairs.tsv").write_text("king\tman\t5\nking\twoman\t1\nNew_York\tBoston\t9\n")
    fields = json.loads(ask("evaluate", str(tmp_path / "pairs.tsv"), format="json").out)
    assert (fields["spearman"], fields["total"]) == (1.0, 3)


@pytest.mark.parametrize("target", ["out", "out.bin", "out.txt", "out.vec.gz", "out.TXT.GZ", "out.bin.gz", "glove.6B"])
def test_vectors_are_converted(ask, source, tmp_path, target):
    ask("convert", source, str(tmp_path / target))
    converted = load(str(tmp_path / target))
    assert list(converted.words) == WORDS
    np.testing.assert_array_equal(converted.matrix, MATRIX)


@pytest.mark.parametrize("target", ["out.gz", "out.tsv", "out.npy", "out.txt.bz2", "out.zip", "out.kv"])
def test_other_names_of_files_are_refused(ask, source, tmp_path, target):
    with pytest.raises(OutputError, match="is not a file that can be written: names of files end in"):
        ask("convert", source, str(tmp_path / target))
    assert not list(tmp_path.iterdir())


def test_the_type_of_numbers_is_for_folders(monkeypatch, ask, source, tmp_path):
    monkeypatch.setattr(flags.FLAGS["dtype"], "present", 1)
    with pytest.raises(UsageError, match=r"--dtype has no effect on files such as .*out.bin: leave it out"):
        ask("convert", source, str(tmp_path / "out.bin"))


def test_the_projector_gets_its_files(ask, tmp_path):
    ask("project", str(tmp_path / "logs"))
    assert (tmp_path / "logs" / "words.tsv").read_text().split("\n")[:-1] == WORDS


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("king - man", ("calc", ["king - man"])),
        (" calc a + b ", ("calc", ["a + b"])),
        ("near 'New York' b", ("near", ["New York", "b"])),
        ("near rock'n'roll", ("near", ["rocknroll"])),
        ("near rock'n", ("near", ["rock'n"])),
        ("nearly", ("calc", ["nearly"])),
        ("near", ("near", [])),
        ("king queen", ("near", ["king", "queen"])),
        ("'New York' - king-man", ("calc", ["'New York' - king-man"])),
    ],
)
def test_lines_are_parsed_to_questions(line, question):
    assert Question.from_line(line) == Question(*question)


def test_questions_asked_together_have_the_answers_of_each():
    vectors, options = WordVectors(WORDS, MATRIX), {"count": 3, "method": "cosmul"}
    lines = ["near king woman", "king - man + woman", "analogy man king woman", "odd king man Boston"]
    questions = [Question.from_line(line) for line in lines]
    assert answer_all(vectors, questions, **options) == [answer(vectors, question, **options) for question in questions]


def test_questions_asked_together_fail_one_by_one():
    questions = [Question.from_line(line) for line in ["near x", "near king", "near"]]
    results = answer_all(WordVectors(WORDS, MATRIX), questions)
    assert [type(result).__name__ for result in results] == ["WordError", "Answer", "UsageError"]


def start(source, *arguments, **options):
    program = "from tfgraphs.cli.words import run; run()"
    return subprocess.Popen([sys.executable, "-c", program, f"--vectors={source}", *arguments], **options)


def test_a_pipe_gets_an_object_for_each_line(source):
    process = start(
        source, "--topn=1", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write("king - man + woman\n")  # a program that waits for its answer gets it
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["answer"][0]["word"] == "queen"
    out, err = process.communicate("near Boston\n\nnear nowhere\nsimilarity king man\nanalogy man king woman")
    answers = [json.loads(line) for line in out.splitlines()]
    queries = ["near Boston", "near nowhere", "similarity king man", "analogy man king woman"]
    assert [answer["query"] for answer in answers] == queries
    assert answers[0]["answer"][0]["word"] == "New_York"
    assert "'nowhere' is not among the 7 words" in answers[1]["error"]
    assert answers[2]["cosine"] == pytest.approx(0.7071, abs=1e-4)
    assert answers[3]["answer"][0]["word"] == "queen"
    assert (process.returncode, err) == (2, "words: 1 of 5 questions have no answer: see their 'error'\n")


def test_a_prompt_answers_completes_and_remembers(source, tmp_path):
    ours, theirs = pty.openpty()
    home = os.environ | {"HOME": str(tmp_path), "TERM": "dumb"}
    process = start(source, "--topn=1", stdin=theirs, stdout=theirs, stderr=theirs, env=home)
    os.close(theirs)
    os.write(ours, b"near Bos\t\nking - man + woman\nnear nowhere\nexit\n")
    shown = b""
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:  # what Linux says when the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "near Boston" in text
    assert re.search(r"New_York +0\.9950", text)
    assert re.search(r"queen +0\.9586", text)
    assert "'nowhere' is not among" in text
    kept = (tmp_path / ".local" / "state" / "tfgraphs" / "words_history").read_text()
    assert "king - man + woman" in kept


def test_plot_needs_an_output():
    with flagsaver.flagsaver(output=None), pytest.raises(UsageError, match="--output"):
        command.main(["plot", "a", "b"])
