"""From files to folders of word numbers: the same however it is done, done once, and whole or not there."""

import errno
import functools
import gzip
import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tfgraphs.cluster.processes import map_in_order
from tfgraphs.files.outputs import OutputError
from tfgraphs.word2vec import CorpusError, EncodedCorpus, TextSettings, encode_sentences, prepare
from tfgraphs.word2vec.text import encoding, reading
from tfgraphs.word2vec.text.corpus import MARKER, NUMBERS, WORDS

EVERYTHING = TextSettings(min_count=1)


def sentences(count, words=500, seed=0):
    """Sentences of words that are as unevenly frequent as those of a language."""
    random = np.random.default_rng(seed)
    return [
        [f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}" for n in random.zipf(1.5, 12) % words] for _ in range(count)
    ]


def write(path, lines):
    path.write_text("".join(" ".join(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def in_small_blocks(monkeypatch):
    """So that a small text goes to other processes, too."""
    monkeypatch.setattr(reading, "_PIECE", 1000)
    monkeypatch.setattr(encoding, "read_blocks", functools.partial(reading.read_blocks, size=3000))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("min_count", [1, 5])
def test_a_file_is_encoded_like_its_sentences(tmp_path, min_count):
    lines = sentences(300)
    corpus = prepare([write(tmp_path / "text", lines)], TextSettings(min_count=min_count), tmp_path / "out")
    same = encode_sentences(lines, min_count)
    assert (corpus.vocabulary.words, corpus.tokens.tolist()) == (same.vocabulary.words, same.tokens.tolist())
    assert corpus.vocabulary.counts.tolist() == same.vocabulary.counts.tolist()
    assert (corpus.sentences, corpus.raw_words) == (same.sentences, same.raw_words)


@pytest.mark.usefixtures("in_small_blocks")
@pytest.mark.parametrize(
    "settings", [EVERYTHING, TextSettings(phrases=2, phrase_threshold=3)], ids=["words", "phrases"]
)
def test_the_number_of_processes_does_not_change_the_result(tmp_path, settings):
    source = write(tmp_path / "text", sentences(1000))
    for processes in (1, 2):
        prepare([source], settings, tmp_path / str(processes), processes=processes)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def twice(task, items):
    """Does everything twice, as a scheduler may whose worker ended before its result was taken."""
    for item in items:
        task(item)
        yield task(item)


@pytest.mark.parametrize("map_in_order", [twice, map_in_order], ids=["twice", "processes"])
@pytest.mark.parametrize(
    "settings",
    [EVERYTHING, TextSettings(), TextSettings(phrases=2, phrase_threshold=3, phrase_connectors="waa,wab")],
    ids=["words", "frequent words", "phrases"],
)
def test_parts_that_other_machines_count_give_the_same_bytes(tmp_path, monkeypatch, settings, map_in_order):
    monkeypatch.setattr(encoding, "PART", 5000)
    sources = [
        write(tmp_path / f"text{number}", sentences(count, seed=number)) for number, count in enumerate((900, 2, 300))
    ]
    (tmp_path / "packed.gz").write_bytes(gzip.compress(Path(sources[0]).read_bytes()[::-1]))
    sources.append(str(tmp_path / "packed.gz"))
    prepare(sources, settings, tmp_path / "alone", processes=1)
    prepare(sources, settings, tmp_path / "parts", map_in_order=map_in_order)
    assert len(contents(tmp_path / "alone")[NUMBERS]) > 20_000
    assert contents(tmp_path / "parts") == contents(tmp_path / "alone")


def test_other_machines_cannot_read_the_standard_input(tmp_path):
    with pytest.raises(CorpusError, match="cannot read the standard input"):
        prepare(["-"], EVERYTHING, tmp_path / "out", map_in_order=twice)


def test_the_size_of_blocks_does_not_change_the_result(tmp_path, monkeypatch):
    source = write(tmp_path / "text", sentences(1000))
    prepare([source], EVERYTHING, tmp_path / "large")
    monkeypatch.setattr(encoding, "read_blocks", functools.partial(reading.read_blocks, size=700))
    prepare([source], EVERYTHING, tmp_path / "small", processes=1)
    assert contents(tmp_path / "large") == contents(tmp_path / "small")


def test_a_limit_of_the_vocabulary_keeps_the_most_frequent_words(tmp_path):
    lines = sentences(300)
    corpus = prepare([write(tmp_path / "text", lines)], TextSettings(max_vocabulary=7), tmp_path / "out")
    assert corpus.vocabulary.words == encode_sentences(lines).vocabulary.words[:7]


def test_phrases_are_words(tmp_path):
    lines = [[*line, "new", "york", "times"] for line in sentences(100)]
    settings = TextSettings(phrases=2, phrase_threshold=3)
    corpus = prepare([write(tmp_path / "text", lines)], settings, tmp_path / "out")
    assert "new_york_times" in corpus.vocabulary.words


def test_a_text_of_a_single_line_is_several_sentences_of_the_same_words(tmp_path):
    words = [word for sentence in sentences(3000) for word in sentence]
    corpus = prepare([write(tmp_path / "text", [words])], EVERYTHING, tmp_path / "out")
    ends = np.flatnonzero(corpus.tokens < 0)
    assert [corpus.vocabulary.words[token] for token in corpus.tokens if token >= 0] == words
    assert 1 < len(ends) < 5


def test_bytes_that_are_not_utf8_are_counted(tmp_path):
    (tmp_path / "text").write_bytes(b"gr\xfcn gr\xfcn\nblau\n" * 10)
    corpus = prepare([str(tmp_path / "text")], TextSettings(), tmp_path / "out")
    assert (corpus.bad_bytes, corpus.vocabulary.words) == (20, ["gr", "n", "blau"])


@pytest.mark.usefixtures("in_small_blocks")
def test_counting_in_little_memory_is_reported_and_keeps_frequent_words(tmp_path):
    lines = [
        ["often", "seen", f"rare{chr(97 + n % 26)}{'xyz'[n // 26 % 3]}" + "ab"[n % 2] * (n // 78)] for n in range(9000)
    ]
    settings = TextSettings(min_count=100, max_counting_memory=1 << 20)
    corpus = prepare([write(tmp_path / "text", lines)], settings, tmp_path / "out", processes=1)
    assert (corpus.pruned, corpus.vocabulary.words) == (True, ["often", "seen"])
    assert corpus.vocabulary.counts.tolist() == [9000, 9000]


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "text", sentences(100))


@pytest.fixture
def readings(monkeypatch):
    """The files of each reading of a text."""
    calls = []

    def read_blocks(files, **others):
        calls.append(files)
        return reading.read_blocks(files, **others)

    monkeypatch.setattr(encoding, "read_blocks", read_blocks)
    return calls


def test_an_encoded_text_is_reused(tmp_path, source, readings):
    first = prepare([source], EVERYTHING, tmp_path / "out")
    second = prepare([source], EVERYTHING, tmp_path / "out")
    assert len(readings) == 1
    assert (first.tokens.tolist(), first.raw_words) == (second.tokens.tolist(), second.raw_words)


def change_text(source, folder):
    Path(source).write_text("another text, another text")


def touch_text(source, folder):
    os.utime(source, ns=(0, 0))


def damage(source, folder):
    (folder / NUMBERS).write_bytes(b"1234")


def lose(source, folder):
    (folder / WORDS).unlink()


@pytest.mark.parametrize("change", [change_text, touch_text, damage, lose])
def test_a_changed_text_or_a_damaged_folder_is_encoded_again(tmp_path, source, readings, change):
    prepare([source], EVERYTHING, tmp_path / "out")
    change(source, tmp_path / "out")
    corpus = prepare([source], EVERYTHING, tmp_path / "out")
    assert len(readings) == 2
    assert corpus.tokens.tolist() == prepare([source], EVERYTHING, tmp_path / "fresh").tokens.tolist()


@pytest.mark.parametrize(
    "settings", [TextSettings(min_count=2), TextSettings(min_count=1, phrases=1), TextSettings("letters", min_count=1)]
)
def test_other_settings_encode_again(tmp_path, source, readings, settings):
    prepare([source], EVERYTHING, tmp_path / "out")
    prepare([source], settings, tmp_path / "out")
    assert len(readings) == 2


def test_an_additional_file_encodes_again(tmp_path, source, readings):
    prepare([source], EVERYTHING, tmp_path / "out")
    prepare([source, write(tmp_path / "more", sentences(10))], EVERYTHING, tmp_path / "out")
    assert len(readings) == 2


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("king\nqueen\nman\n" * 300, EVERYTHING, "no line has two words"),
        ("king rare\nqueen once\n" + "king\nqueen\n" * 300, TextSettings(min_count=5), "no line has two words"),
        ("我来到北京清华大学，他来到网易杭研大厦。\n" * 300, EVERYTHING, "no spaces between words.*--tokenizer=jieba"),
        ("我喝茶，他喝咖啡，她爱吃面条。\n" * 300, EVERYTHING, "no spaces between words.*--tokenizer=jieba"),
        ("ทรัพยากรมนุษย์เป็นสิ่งสำคัญ มากที่สุดในโลกของเรา\n" * 300, EVERYTHING, "no spaces between words"),
        ("これはペンです。あれは本です。日本語のテキストを学習します。\n" * 300, EVERYTHING, "no spaces between words"),
        ("画蛇添足 守株待兔 亡羊补牢\n" * 300, EVERYTHING, "no spaces between words.*--tokenizer=whitespace"),
        ("123 456\n" * 300, EVERYTHING, "there is no word in .*text"),
    ],
    ids=["words", "rare words", "Chinese", "short clauses", "Thai", "Japanese", "idioms", "numbers"],
)
def test_a_text_from_which_nothing_can_be_learnt_is_refused(tmp_path, text, settings, message):
    (tmp_path / "text").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        prepare([str(tmp_path / "text")], settings, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_chinese_text_that_is_cut_into_words_needs_no_other_tokenizer(tmp_path):
    (tmp_path / "text").write_text("国王 和 王后 住 在 宫殿 里 。\n" * 9, encoding="utf-8")
    corpus = prepare([str(tmp_path / "text")], TextSettings(), tmp_path / "out")
    assert set(corpus.vocabulary.words) == {"国王", "和", "王后", "住", "在", "宫殿", "里"}


@pytest.mark.parametrize(
    "text", ["画蛇添足 守株待兔 亡羊补牢", "乌鲁木齐市 呼和浩特市 齐齐哈尔市", "กรุงเทพมหานคร สมุทรปราการ"]
)
def test_words_between_spaces_may_be_long(tmp_path, text):
    (tmp_path / "text").write_text(f"{text}\n" * 300, encoding="utf-8")
    corpus = prepare([str(tmp_path / "text")], TextSettings("whitespace"), tmp_path / "out")
    assert set(corpus.vocabulary.words) == set(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "我 来到 北京 清华大学 他 来到 网易 杭研 大厦",
        "これ は ペン です あれ は 本 です コンピューター",
        "ทรัพยากร มนุษย์ เป็น สิ่ง สำคัญ มหาวิทยาลัย",
        "the word 我来到北京清华大学他来到网易杭研大厦 is long",
    ],
)
def test_a_text_that_is_cut_into_words_is_accepted(tmp_path, text):
    (tmp_path / "text").write_text(f"{text}\n" * 300, encoding="utf-8")
    corpus = prepare([str(tmp_path / "text")], EVERYTHING, tmp_path / "out")
    assert set(corpus.vocabulary.words) == set(text.split())


@pytest.mark.parametrize("phrases", [0, 1])
def test_known_words_may_be_rare(tmp_path, readings, phrases):
    source = write(tmp_path / "text", [["often", "seen"]] * 9 + [["often", "rare", "rarer"]])
    for known in ((), ("rare", "missing"), ("missing", "rare")):
        corpus = prepare([source], TextSettings(phrases=phrases), tmp_path / "out", known=known)
        assert ("rare" in corpus.vocabulary.words, "rarer" in corpus.vocabulary.words) == (bool(known), False)
    assert len(readings) == 2


def test_sentences_of_one_word_are_refused():
    with pytest.raises(CorpusError, match="no line has two words"):
        encode_sentences([["king"], ["queen"]])


def test_the_standard_input_is_encoded_like_a_file(tmp_path, monkeypatch):
    source = write(tmp_path / "text", sentences(100))
    for _ in range(2):  # it is read again each time
        with open(source, "rb") as file:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
            prepare(["-"], EVERYTHING, tmp_path / "piped")
    prepare([source], EVERYTHING, tmp_path / "named")
    for name in (NUMBERS, WORDS):
        assert (tmp_path / "piped" / name).read_bytes() == (tmp_path / "named" / name).read_bytes()


def test_another_dictionary_encodes_again(tmp_path, readings):
    (tmp_path / "text").write_text("李小福是创新办主任\n" * 9, encoding="utf-8")
    settings = TextSettings("jieba", min_count=1, jieba_dictionary=str(tmp_path / "words.txt"))
    found = []
    for words in ("创新办", "创新办主任", "创新办主任"):
        (tmp_path / "words.txt").write_text(words, encoding="utf-8")
        found.append(prepare([str(tmp_path / "text")], settings, tmp_path / "out").vocabulary.words)
    assert (len(readings), "创新办" in found[0], "创新办主任" in found[1], found[1] == found[2]) == (
        2,
        True,
        True,
        True,
    )


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["vocabulary.write_numbers", "corpus.write_vocabulary"])
def test_a_full_disk_keeps_the_earlier_result_and_leaves_nothing_else(tmp_path, source, monkeypatch, step):
    prepare([source], EVERYTHING, tmp_path / "out")
    before = contents(tmp_path / "out")
    monkeypatch.setattr(f"tfgraphs.word2vec.text.{step}", full)
    with pytest.raises(OutputError, match=r"^[^\n]*out: no space left on device$"):
        prepare([source], TextSettings(min_count=2), tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert {path.name for path in tmp_path.iterdir()} == {"text", "out"}


@pytest.mark.parametrize("content", [b"1 2 3", b"a", b"a a a", b"\n\n", gzip.compress(b"a b" * 9999, mtime=0)[:-9]])
def test_a_text_that_cannot_be_used_leaves_nothing_behind(tmp_path, content):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(CorpusError, match=r"^[^\n]+$"):
        prepare([str(tmp_path / "text")], TextSettings(), tmp_path / "deep" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"text"}


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, source):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("precious")
    with pytest.raises(OutputError, match=MARKER):
        prepare([source], EVERYTHING, tmp_path / "out")
    assert contents(tmp_path / "out") == {"precious": b"precious"}


@pytest.mark.parametrize("phrases", [0, 2])
def test_each_stage_goes_from_its_beginning_to_its_end(tmp_path, phrases):
    stages = {}
    prepare(
        [write(tmp_path / "text", sentences(3000))],
        TextSettings(phrases=phrases, phrase_threshold=3),
        tmp_path / "out",
        on_progress=lambda stage, share: stages.setdefault(stage, []).append(share),
    )
    assert len(stages) >= 2 + phrases
    for shares in stages.values():
        assert (shares == sorted(shares), shares[-1]) == (True, 1)


def test_four_times_the_text_needs_hardly_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_PIECE", 1 << 15)
    monkeypatch.setattr(encoding, "read_blocks", functools.partial(reading.read_blocks, size=1 << 16))
    peaks = []
    for length in (5000, 20_000):
        source = write(tmp_path / f"text{length}", sentences(length))
        tracemalloc.start()
        prepare([source], EVERYTHING, tmp_path / "out", processes=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_tensorflow_is_not_needed():
    code = "import sys, tfgraphs.word2vec; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0


def test_the_written_folder_can_be_opened(tmp_path, source):
    corpus = prepare([source], EVERYTHING, tmp_path / "out")
    assert EncodedCorpus.open(tmp_path / "out").tokens.tolist() == corpus.tokens.tolist()
