"""Files of analogies and of judged pairs: their forms, and what is refused."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packers import COMPRESSED, PACKERS
from royal_words import counts, royal_vectors, write

from tfgraphs.vectors import evaluate
from tfgraphs.vectors.evaluate import EvaluationError, analogies, word_pairs
from tfgraphs.vectors.word_vectors import WordVectors


@pytest.fixture
def royal() -> WordVectors:
    return royal_vectors()


@pytest.fixture
def shared_eval() -> Path:
    """Folder of the public test sets, which are not part of the project."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "eval"
    if not folder.is_dir():
        pytest.skip(f"the test sets for development are not at {folder}")
    return folder


@pytest.mark.parametrize("ask", [analogies, word_pairs])
@pytest.mark.parametrize(("name", "message"), [("missing", "no such file"), (".", "is a directory")])
def test_file_that_cannot_be_read_is_refused(royal, tmp_path, ask, name, message):
    with pytest.raises(EvaluationError, match=rf"cannot read .*: {message}"):
        ask(royal, tmp_path / name)


@given(st.one_of(st.binary(max_size=40), st.text(":ab\n \t#1.en", max_size=40).map(str.encode)))
@pytest.mark.parametrize("ask", [analogies, word_pairs])
def test_any_file_gives_finite_results_or_a_one_line_error(ask, tmp_path_factory, content):
    vectors = WordVectors(["a", "b", "e"], np.eye(3, dtype=np.float32))
    path = write(tmp_path_factory.getbasetemp(), content)
    outcome = ""
    try:
        outcome = str(dataclasses.asdict(ask(vectors, path)))
    except EvaluationError as error:
        outcome = str(error).replace(str(path), "")
    assert len(outcome.splitlines()) == 1
    assert "nan" not in outcome


@pytest.mark.parametrize("text", ["man king woman queen", "man\tking\twoman\tqueen", "man, king, woman, queen"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_analogies_need_no_section(royal, tmp_path, text, mark):
    result = evaluate.evaluate(royal, write(tmp_path, f"{mark}{text}\n{text}\n"))
    assert [section.name for section in result.sections] == ["questions"]
    assert counts(result.overall) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    "form", ["{}\t{}\t{}", "{} {} {}", "{}   {}  {}", "{},{},{}", "{}, {}, {}", "{};{};{}", '"{}","{}","{}"']
)
@pytest.mark.parametrize("heading", [None, ("Word_1", "Word_2", "Human_(mean)")])
def test_pairs_are_separated_in_any_usual_way(royal, tmp_path, form, heading):
    rows = [*([heading] if heading else []), ("king", "queen", "9.5"), ("king", "man", "8"), ("king", "apple", "-1")]
    result = evaluate.evaluate(royal, write(tmp_path, "".join(form.format(*row) + "\n" for row in rows)))
    assert (result.total, result.skipped) == (3, 0)
    assert result.spearman is not None


def test_a_judgement_may_have_a_decimal_comma(royal, tmp_path):
    path = write(tmp_path, "king;queen;9,5\nking;man;8,25\nking;apple;-1\n")
    result = word_pairs(royal, path)
    assert result == word_pairs(royal, write(tmp_path, "king queen 9.5\nking man 8.25\nking apple -1\n"))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends(royal, tmp_path, ending):
    assert word_pairs(royal, write(tmp_path, "king\tqueen\t9" + ending)).total == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it has no pairs"),
        ("# a\tb\t1\n", "it has no pairs"),
        ("a\tb\t1\n\na\tb\n", "line 3 is not two words and a number, separated by tabs, commas, semicolons or spaces"),
        ("a\tb\t1\nWord 1\tWord 2\tHuman (mean)\n", "line 2 is not two words and a number"),
        ("a\tb\tc\t1\n", "line 1 is not two words and a number"),
        ("a b c d 1\n", "line 1 is not two words and a number"),
        ("Word 1\tWord 2\tHuman (mean)\n", "line 1 is not two words and a number"),
        ("a\tb\tnan\n", "line 1 is not two words and a number"),
        ("a\tb\t-inf\n", "line 1 is not two words and a number"),
        ("a\tb\t1e999\n", "line 1 is not two words and a number"),
        (b"a\t\xff\t1\n", "line 1 is not UTF-8"),
        (b"\x00" * 100_000, "line 1 is too long"),
    ],
)
def test_file_that_holds_no_pairs_is_refused_in_one_line(royal, tmp_path, content, message):
    with pytest.raises(EvaluationError, match=rf"\A[^\n]*questions.txt is not a [^\n]*{re.escape(message)}[^\n]*\Z"):
        word_pairs(royal, write(tmp_path, content))


@pytest.mark.parametrize("packer", COMPRESSED)
def test_packed_questions_are_read_by_their_content(royal, tmp_path, packer):
    result = analogies(royal, write(tmp_path, PACKERS[packer](b"man king woman queen\n")))
    assert (result.overall.correct, result.overall.total) == (1, 1)


def test_public_analogies_are_read_whole(shared_eval):
    result = analogies(WordVectors(["the"], np.ones((1, 2), np.float32)), shared_eval / "questions-words.txt")
    assert (len(result.sections), result.overall.unknown) == (14, 19_544)


@pytest.mark.parametrize(("name", "pairs"), [("wordsim353.tsv", 353), ("simlex999.txt", 999)])
def test_public_pairs_are_read_whole(shared_eval, name, pairs):
    assert word_pairs(WordVectors(["the"], np.ones((1, 2), np.float32)), shared_eval / name).unknown == pairs
