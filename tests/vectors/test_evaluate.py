import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from royal_words import counts, royal_vectors, write

from tfgraphs.vectors import evaluate
from tfgraphs.vectors.evaluate import AnalogySection, EvaluationError, analogies, word_pairs
from tfgraphs.vectors.word_vectors import WordVectors

OPTIONS = [
    {},
    {"case_insensitive": False},
    {"restrict_vocab": 90},
    {"restrict_vocab": 90, "case_insensitive": False},
]


@pytest.fixture
def royal() -> WordVectors:
    return royal_vectors()


@pytest.fixture(scope="module")
def random_vectors() -> WordVectors:
    """Words w0..w79 and W0..W39, some spellings much alike; analogies between the w(8m + n) hold roughly."""
    rng = np.random.default_rng(5)
    words = [f"w{number}" for number in range(80)] + [f"W{number}" for number in range(40)]
    rows, columns = rng.normal(size=(2, 10, 6))
    matrix = np.stack([rows[number // 8] + columns[number % 8] for number in range(80)])
    matrix += 0.3 * rng.normal(size=matrix.shape)
    matrix = np.concatenate([matrix, matrix[:30] + 0.02 * rng.normal(size=(30, 6)), rng.normal(size=(10, 6))])
    order = rng.permutation(120)
    return WordVectors([words[row] for row in order], matrix[order].astype(np.float32))


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    """Sections of questions about the random words; some words are unknown, some stand twice in a question."""
    rng = np.random.default_rng(6)
    lines = []
    for section in range(4):
        lines.append(f": section {section}")
        for m, n, down, right in rng.integers((0, 0, -4, -3), (11, 8, 5, 4), size=(400, 4)):
            numbers = [8 * m + n, 8 * m + n + right, 8 * (m + down) + n, 8 * (m + down) + n + right]
            lines.append(" ".join(f"{rng.choice(['w', 'W'], p=[0.8, 0.2])}{number}" for number in numbers))
    path = tmp_path_factory.mktemp("evaluate") / "questions.txt"
    path.write_text("\n".join([*lines, ": none"]) + "\n")
    return path


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Path:
    """Judgements of pairs of the random words, some of them twice."""
    rng = np.random.default_rng(7)
    pairs = [
        (f"w{number}", f"W{other}", rng.integers(20) / 2) for number, other in rng.permutation(90)[:88].reshape(-1, 2)
    ]
    pairs += [(other, word, rng.integers(20) / 2) for word, other, _ in pairs[:20]]
    path = tmp_path_factory.mktemp("evaluate") / "judged.tsv"
    path.write_text("# word\tword\thow alike\n" + "".join(f"{a}\t{b}\t{judgement}\n" for a, b, judgement in pairs))
    return path


def gensim_vectors(vectors: WordVectors):
    models = pytest.importorskip("gensim.models", reason="gensim, which is compared with, is in the extra 'test'")
    peer = models.KeyedVectors(vectors.matrix.shape[1])
    peer.add_vectors(list(vectors.words), vectors.matrix)
    return peer


def answer_by_brute_force(vectors: WordVectors, a: str, b: str, c: str, known: int, spelling) -> str | None:
    """The answer to one question in float64, in the spelling under which words count as the same."""
    units = vectors.matrix[:known].astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    spelt = [spelling(word) for word in vectors.words[:known]]
    cosines = units @ (units[spelt.index(b)] - units[spelt.index(a)] + units[spelt.index(c)])
    candidates = [row for row in np.argsort(-cosines) if spelt[row] not in (a, b, c)]
    return spelt[candidates[0]] if candidates else None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("man king woman queen", (1, 1, 0, 0)),
        ("MAN King woman QUEEN", (1, 1, 0, 0)),
        ("king man queen woman", (1, 1, 0, 0)),
        ("man king woman apple", (0, 1, 0, 0)),
        ("man king woman king", (0, 1, 0, 0)),
        ("man king woman duchess", (0, 0, 1, 1)),
        ("man king cow queen", (0, 0, 1, 1)),
    ],
)
def test_analogy_of_six_words(royal, tmp_path, question, expected):
    result = analogies(royal, write(tmp_path, f": royal\n{question}\n"))
    assert counts(result.overall) == expected


def test_sections_are_counted_separately_and_overall(royal, tmp_path):
    text = ": royal\nman king woman queen\nman king woman apple\n\n: fruit\nman king pear plum\n: empty\n"
    result = analogies(royal, write(tmp_path, text))
    assert result.sections == (
        AnalogySection("royal", correct=1, total=2, skipped=0),
        AnalogySection("fruit", correct=0, total=0, skipped=1),
        AnalogySection("empty", correct=0, total=0, skipped=0),
    )
    assert result.overall == AnalogySection("total", correct=1, total=2, skipped=1)


def test_shares(royal, tmp_path):
    text = ": a\nman king woman queen\nman king woman apple\nman king pear plum\n: b\nman king pear plum\n: c\n"
    path = write(tmp_path, text)
    result = analogies(royal, path)
    assert [section.accuracy for section in result.sections] == [1 / 2, None, None]
    assert [section.coverage for section in result.sections] == [pytest.approx(2 / 3), 0, 0]
    assert (result.overall.accuracy, result.overall.coverage) == (1 / 2, 1 / 2)


def test_nothing_known_has_no_accuracy(royal, tmp_path):
    result = analogies(royal, write(tmp_path, ": a\nun deux trois quatre\n"))
    assert (result.overall.accuracy, result.overall.coverage, counts(result.overall)) == (None, 0, (0, 0, 1, 1))


@pytest.mark.parametrize(("known", "expected"), [(3, (0, 0, 1, 1)), (4, (1, 1, 0, 0)), (None, (1, 1, 0, 0))])
def test_only_the_first_words_are_known(royal, tmp_path, known, expected):
    result = analogies(royal, write(tmp_path, ": a\nman king woman queen\n"), restrict_vocab=known)
    assert counts(result.overall) == expected


def test_words_beyond_the_restriction_are_no_answers(royal, tmp_path):
    path = write(tmp_path, ": a\nman king woman apple\n")
    nearer = WordVectors([*royal.words[:3], "apple", "queen"], royal.matrix[[0, 1, 2, 4, 3]])
    assert [analogies(nearer, path, restrict_vocab=known).overall.accuracy for known in (4, 5)] == [1, 0]


def test_case_can_matter(royal, tmp_path):
    path = write(tmp_path, ": a\nman king woman queen\nMan king woman queen\n")
    assert counts(analogies(royal, path, case_insensitive=False).overall) == (1, 1, 1, 1)


def test_other_spelling_of_a_word_of_the_question_is_no_answer(royal, tmp_path):
    king, man, woman = royal.matrix[:3] / np.linalg.norm(royal.matrix[:3], axis=1, keepdims=True)
    vectors = WordVectors(["Prince", *royal.words, "KING"], np.stack([[0, 0, 1], *royal.matrix, king - man + woman]))
    path = write(tmp_path, ": a\nman king woman queen\n")
    assert [analogies(vectors, path, case_insensitive=ignored).overall.accuracy for ignored in (True, False)] == [1, 0]


def test_other_spelling_of_the_expected_word_is_right(royal, tmp_path):
    vectors = WordVectors([*royal.words, "Queen"], np.concatenate([royal.matrix, royal.matrix[3:4]]))
    vectors.matrix[3] = [0, -1, 0]
    assert analogies(vectors, write(tmp_path, ": a\nman king woman queen\n")).overall.accuracy == 1


def test_question_without_another_word_is_wrong(tmp_path):
    vectors = WordVectors(["a", "b", "A"], np.eye(3, dtype=np.float32))
    assert counts(analogies(vectors, write(tmp_path, ": x\na b a a\na b b a\n")).overall) == (0, 2, 0, 0)


@pytest.mark.parametrize("options", OPTIONS)
def test_analogies_agree_with_brute_force(random_vectors, questions, options):
    known = options.get("restrict_vocab", 120)
    spelling = str.upper if options.get("case_insensitive", True) else str
    spelt = {spelling(word) for word in random_vectors.words[:known]}
    correct = []
    for line in questions.read_text().splitlines():
        words = [spelling(word) for word in line.split()]
        if line.startswith(":"):
            correct.append(0)
        elif spelt.issuperset(words):
            correct[-1] += answer_by_brute_force(random_vectors, *words[:3], known, spelling) == words[3]
    result = analogies(random_vectors, questions, **options)
    assert [section.correct for section in result.sections] == correct
    assert sum(correct) > 5


@pytest.mark.parametrize("options", OPTIONS)
def test_analogies_agree_with_gensim(random_vectors, questions, options):
    _, theirs = gensim_vectors(random_vectors).evaluate_word_analogies(str(questions), **options)
    expected = [(len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in theirs]
    result = analogies(random_vectors, questions, **options)
    assert [(s.correct, s.total) for s in (*result.sections, result.overall)] == expected


@pytest.mark.parametrize(("batch", "words"), [(100, 1), (7, 11), (10_000, 10_000)])
def test_batch_sizes_do_not_change_results(random_vectors, questions, monkeypatch, batch, words):
    expected = analogies(random_vectors, questions)
    monkeypatch.setattr(evaluate, "_QUESTIONS", batch)
    monkeypatch.setattr(evaluate, "_WORDS", words)
    assert analogies(random_vectors, questions) == expected


def test_memory_map_gives_the_same_result(random_vectors, questions, tmp_path):
    np.save(tmp_path / "matrix.npy", random_vectors.matrix)
    mapped = WordVectors(random_vectors.words, np.load(tmp_path / "matrix.npy", mmap_mode="r"))
    assert analogies(mapped, questions) == analogies(random_vectors, questions)


def test_memory_does_not_grow_with_questions_times_words(tmp_path):
    rng = np.random.default_rng(0)
    vectors = WordVectors([f"w{n}" for n in range(20_000)], rng.normal(size=(20_000, 4)).astype(np.float32))
    lines = "".join("w{} w{} w{} w{}\n".format(*row) for row in rng.integers(20_000, size=(3000, 4)))
    path = write(tmp_path, f": a\n{lines}")
    tracemalloc.start()
    try:
        analogies(vectors, path)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000  # all cosines at once would be 240 MB
    finally:
        tracemalloc.stop()


def test_the_zero_vector_can_be_an_answer(tmp_path):
    vectors = WordVectors(["a", "b", "c", "zero"], np.float32([[1, 0], [0, 1], [1, 1], [0, 0]]))
    assert counts(analogies(vectors, write(tmp_path, ": x\na b c zero\nzero a b c\n")).overall) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no questions"),
        ("\n\n", "has no questions"),
        (": a\n: b\n", "has no questions"),
        (": a\nking man queen\n", "line 2 does not have four words"),
        (": a\n\nking man queen woman apple\n", "line 3 does not have four words"),
        (b": a\nking man queen woman\nking \xff queen woman\n", "line 3 is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1 is not UTF-8"),
        (b": a\n" + b"\x00" * 100_000, "line 2 is too long"),
        ("word " * 100_000, "line 1 is too long"),
    ],
)
def test_file_that_holds_no_analogies_is_refused_in_one_line(royal, tmp_path, content, message):
    with pytest.raises(EvaluationError, match=rf"\A[^\n]*questions.txt is not a [^\n]*{re.escape(message)}\Z"):
        analogies(royal, write(tmp_path, content))


def test_cosines_that_follow_the_judgements_correlate_fully(tmp_path):
    angles = np.arccos([1.0, 0.8, 0.4, 0.2])
    vectors = WordVectors(list("abcd"), np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    result = word_pairs(vectors, write(tmp_path, "# words\na\tb\t8\na\tc\t4\na\td\t2\n"))
    assert (result.pearson, result.spearman) == (pytest.approx(1, abs=1e-6), pytest.approx(1))


def test_ranks_that_follow_the_judgements_correlate_fully(tmp_path):
    vectors = WordVectors(list("abcd"), np.float32([[1, 0], [3, 1], [1, 1], [0, 1]]))
    result = word_pairs(vectors, write(tmp_path, "a\tb\t1000\na\tc\t2\na\td\t1\n"))
    assert result.spearman == pytest.approx(1)
    assert result.pearson < 0.9


def test_equal_values_share_their_ranks(tmp_path):
    # Cosines 1, 0, 0, -1 have ranks 4, 2.5, 2.5, 1; judgements 5, 5, 2, 1 have ranks 3.5, 3.5, 2, 1.
    vectors = WordVectors(list("abcd"), np.float32([[1, 0], [0, 1], [-1, 0], [2, 0]]))
    result = word_pairs(vectors, write(tmp_path, "a\td\t5\na\tb\t5\nb\tc\t2\na\tc\t1\n"))
    assert result.spearman == pytest.approx(3.75 / 4.5)


@pytest.mark.parametrize("options", OPTIONS)
def test_pairs_agree_with_gensim(random_vectors, judged, options):
    pearson, spearman, unknown = gensim_vectors(random_vectors).evaluate_word_pairs(str(judged), **options)
    result = word_pairs(random_vectors, judged, **options)
    assert (result.pearson, result.spearman) == (
        pytest.approx(pearson[0], abs=1e-6),
        pytest.approx(spearman[0], abs=1e-6),
    )
    assert 100 * (1 - result.coverage) == pytest.approx(unknown)


def test_pairs_are_counted(royal, tmp_path):
    path = write(tmp_path, "king\tqueen\t9\nKING\tApple\t1\nking\tduchess\t8\n")
    result = word_pairs(royal, path)
    assert (result.total, result.skipped, result.unknown, result.coverage) == (2, 1, 1, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    "content",
    ["un\tdeux\t1\n", "king\tqueen\t1\n", "king\tqueen\t1\nking\tman\t1\n", "king\tqueen\t1\nking\tqueen\t2\n"],
    ids=["nothing known", "one pair", "equal judgements", "equal cosines"],
)
def test_too_few_pairs_have_no_correlation(royal, tmp_path, content):
    result = word_pairs(royal, write(tmp_path, content))
    assert (result.pearson, result.spearman) == (None, None)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e200, 1e307])
def test_judgements_of_any_size_correlate(royal, tmp_path, scale):
    path = write(tmp_path, f"king\tqueen\t{9 * scale}\nking\tman\t{8 * scale}\nking\tapple\t{-9 * scale}\n")
    assert word_pairs(royal, path).pearson > 0.9
