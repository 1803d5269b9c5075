"""The command `word2vec`: what it writes, and that interrupted runs resume."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfgraphs.cli.shared import run_state
from tfgraphs.files.outputs import OutputError
from tfgraphs.vectors import load
from tfgraphs.word2vec import results
from tfgraphs.word2vec.text.vocabulary import Vocabulary

CHECKOUT = Path(__file__).resolve().parents[2]
TOPICS = [[f"{start}{end}" for end in "abcdefghij"] for start in "xy"]
QUESTIONS = ": first\nxa xb xc xd\nya yb yc yd\n: second\nxa xb ya nobody\n"


@pytest.fixture(scope="module")
def train(forked):
    """Runs the command, which must succeed, and returns what it prints."""

    def run(*flags, cwd):
        result = forked("word2vec", *flags, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a text of two topics, a file of questions, and the files of a training on it."""
    folder = tmp_path_factory.mktemp("word2vec")
    random = np.random.default_rng(0)
    lines = [" ".join(random.choice(TOPICS[number % 2], 10)) for number in range(6000)]
    (folder / "text.txt").write_text("\n".join(lines))
    (folder / "questions.txt").write_text(QUESTIONS)
    return folder


TRAINING = ["--corpus=text.txt", "--epochs=6", "--dim=20", "--subsample=0"]


@pytest.fixture(scope="module")
def printed(folder, train):
    """What a training prints that writes everything that it can."""
    extra = ["--output=vectors", "--evaluate=questions.txt", "--export_dir=embedding", "--logdir=logs", "--probe=xa"]
    return train(*TRAINING, *extra, cwd=folder)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_output_folder_holds_everything(folder, printed):
    files = {"inputs.npy", "outputs.npy", "training.json", "vectors.bin", "vectors.txt", "vocabulary.tsv"}
    assert {path.name for path in (folder / "vectors").iterdir()} == files


@pytest.mark.parametrize("name", ["vectors.bin", "vectors.txt"])
def test_the_vectors_are_the_input_matrix(folder, printed, name):
    inputs = np.load(folder / "vectors" / "inputs.npy")
    np.testing.assert_array_equal(load(str(folder / "vectors" / name)).matrix, inputs)


def test_words_of_one_topic_are_near(folder, printed):
    neighbours = {neighbour.word for neighbour in load(str(folder / "vectors")).nearest(["xa"], 9)}
    assert neighbours == set(TOPICS[0]) - {"xa"}


def test_gensim_reads_the_vectors(folder, printed):
    gensim = pytest.importorskip("gensim.models", reason="gensim is only in the extra bench")
    read = gensim.KeyedVectors.load_word2vec_format(str(folder / "vectors" / "vectors.bin"), binary=True)
    np.testing.assert_array_equal(read["xa"], load(str(folder / "vectors")).vector("xa"))


def test_flags_and_figures_are_kept(folder, printed):
    about = json.loads((folder / "vectors" / "training.json").read_text())
    assert about["flags"]["dim"] == 20
    assert about["figures"]["words of the text"] == 60_000
    assert about["figures"]["analogies asked"] == 2


def test_analogies_are_printed_by_section_with_their_number(printed):
    rows = {row[0]: row[2] for row in map(str.split, printed.splitlines()) if len(row) >= 3}
    assert (rows["first"], rows["second"], rows["total"]) == ("2", "0", "2")


def test_the_saved_model_has_the_same_vectors(folder, printed):
    embed = tf.saved_model.load(str(folder / "embedding"))
    np.testing.assert_array_equal(embed(tf.constant(["xa"]))[0], load(str(folder / "vectors")).vector("xa"))


@pytest.mark.parametrize("tag", ["loss", "learning rate", "words per second", "nearest words", "flags"])
def test_tensorboard_has(folder, printed, tag):
    (events,) = (folder / "logs").glob("events.*")
    records = tf.data.TFRecordDataset(str(events)).as_numpy_iterator()
    summaries = [tf.compat.v1.Event.FromString(record).summary for record in records]
    assert tag in {value.tag for summary in summaries for value in summary.value}


def test_tensorboard_gets_the_vectors_for_its_projector(folder, printed):
    config = (folder / "logs" / "projector_config.pbtxt").read_text()
    rows = (folder / "logs" / "vectors.tsv").read_text().splitlines()
    labels = (folder / "logs" / "words.tsv").read_text().splitlines()
    assert "vectors.tsv" in config
    assert (len(rows), len(labels), labels[0]) == (20, 21, "word\tcount")


@pytest.mark.parametrize("end", [pytest.param(signal.SIGKILL, marks=pytest.mark.long), signal.SIGINT])
def test_an_interrupted_run_ends_with_the_same_bytes(folder, train, printed, end):
    output = [f"--output={end.name}", "--save_seconds=0"]
    command = [sys.executable, str(CHECKOUT / "bin" / "word2vec"), *TRAINING, *output]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    states = folder / "checkpoints"
    until = time.monotonic() + 100
    while not list(states.glob("word2vec-*/ckpt-*.index")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(end)
    _, errors = process.communicate()
    assert not (folder / end.name).exists()
    assert end == signal.SIGKILL or "--resume continues from here" in errors
    train(*TRAINING, *output, "--resume", cwd=folder)
    assert digest(folder / end.name / "vectors.bin") == digest(folder / "vectors" / "vectors.bin")


@pytest.mark.long
def test_the_vectors_are_the_same_if_tensorflow_starts_while_the_text_is_read(folder):
    for large in (0, 1 << 30):
        code = f"from tfgraphs.cli import word2vec; word2vec._LARGE = {large}; word2vec.run()"
        flags = [*TRAINING, f"--output=beside{large}", f"--checkpoint_dir=states{large}"]
        result = subprocess.run([sys.executable, "-c", code, *flags], cwd=folder, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    assert digest(folder / "beside0" / "vectors.bin") == digest(folder / f"beside{1 << 30}" / "vectors.bin")


def test_a_finished_run_leaves_no_state_but_the_text_as_numbers(folder, printed):
    kinds = {path.name.partition("-")[0] for path in (folder / "checkpoints").iterdir()}
    assert kinds == {"corpus"}


def test_pairs_are_learnt_in_the_format_of_wevi(tmp_path, train):
    (tmp_path / "pairs.txt").write_text("drink|juice, eat|apple^rice,\neat|rice")
    train("--pairs=pairs.txt", '--config={"hidden_size":3}', "--output=fruit", cwd=tmp_path)
    assert load(str(tmp_path / "fruit")).matrix.shape == (5, 3)


def test_pairs_have_the_losses_of_texts_too(train, tmp_path):
    (tmp_path / "pairs.txt").write_text("drink|juice, eat|apple, drink|milk")
    for loss, rows in (("softmax", 5), ("negative_sampling", 5), ("hierarchical_softmax", 4)):
        train("--pairs=pairs.txt", f"--loss={loss}", "--passes=3", f"--output={loss}", cwd=tmp_path)
        assert np.load(tmp_path / loss / "outputs.npy").shape == (rows, 5)
    inputs = [(tmp_path / loss / "inputs.npy").read_bytes() for loss in ("softmax", "negative_sampling")]
    assert inputs[0] != inputs[1]


WITHOUT_TENSORFLOW = """
import runpy, sys
from tfgraphs.cli.shared import command
def refuse(*_, **__):
    raise RuntimeError("TensorFlow was started")
command.import_tensorflow = refuse
sys.argv = ["word2vec", *{arguments}]
runpy.run_module("tfgraphs.cli.word2vec", run_name="__main__")
"""
HAN = "我来到北京清华大学，他来到网易杭研大厦。\n" * 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to learn from: text.txt, or --pairs"),
        (["missing.txt"], "cannot read missing.txt: no such file"),
        (["--corpus=missing.txt"], "cannot read missing.txt: no such file"),
        (["-"], "there is no word in the standard input"),
        (["text.txt", "--pairs=pairs.txt"], "say what to learn from"),
        (["photo.png"], "photo.png is a picture"),
        (["--pairs=photo.png"], "photo.png is not a text"),
        (["text.txt", "--output=text.txt"], "text.txt exists and is not an earlier result"),
        (["text.txt", "--formats=glove"], "binary, text"),
        (["text.txt", "--evaluate=missing.txt"], "missing.txt"),
        (["text.txt", "--logdir=logs", "--probe=nobody"], "'nobody' is not in the vocabulary"),
        (["words.txt"], "no line has two words"),
        (["han.txt"], "--tokenizer=jieba"),
        (["han.txt", "--tokenizer=jieba", "--jieba_dictionary=none"], "cannot read none"),
        (["text.txt", "--jieba_dictionary=pairs.txt"], "--jieba_dictionary has no effect on the tokenizer unicode"),
        (["text.txt", "--phrase_threshold=9"], "--phrase_threshold has no effect on a text without --phrases"),
        (["text.txt", "--phrases=1", "--phrase_scoring=npmi", "--phrase_discount=1"], "no effect on npmi"),
        (["text.txt", "--loss=hierarchical_softmax", "--negatives=9"], "--negatives has no effect on hierarchical"),
        (["text.txt", "--noise=log_uniform", "--noise_exponent=1"], "--noise_exponent has no effect on log-uniform"),
        (["text.txt", "--deep_nodes=3"], "--deep_nodes has no effect on negative_sampling"),
        (["text.txt", "--cbow_gradient=mean"], "--cbow_gradient has no effect on skip-gram"),
        (["text.txt", "--tokenizer=letters", "--nofold_case"], "--fold_case has no effect on the tokenizer letters"),
        (["text.txt", "--passes=3"], "--passes has no effect on a training on text"),
        (["text.txt", "--probe=xa"], "--probe has no effect on a training without --logdir"),
        (["text.txt", "--restrict_vocab=9"], "no effect on a training without --evaluate"),
        (["text.txt", "--freeze"], "--freeze has no effect on a training without --from"),
        (["text.txt", "--from=all.txt", "--freeze"], "there is nothing to learn"),
        (["text.txt", "--from=none"], "cannot read none"),
        (["text.txt", "--from=few.txt", "--dim=9"], "--dim=9: few.txt has 2: leave it out"),
        (["text.txt", "--from=few.txt"], "no word of the text is among those to start from"),
        (["--pairs=pairs.txt", "--from=few.txt"], "--from has no effect on a training on pairs"),
        (["--pairs=pairs.txt", "--dim=3"], "--dim has no effect on a training on pairs"),
        (["--pairs=pairs.txt", "--loss=nce"], "loss is 'nce': choose one of softmax, negative_sampling"),
        (["--pairs=pairs.txt", "--negatives=3"], "--negatives has no effect on softmax"),
        (["--pairs=pairs.txt", "--tied", "--loss=hierarchical_softmax"], "tied is not for hierarchical_softmax"),
        (["--pairs=pairs.txt", "--tokenizer=letters"], "--tokenizer has no effect on a training on pairs"),
    ],
)
def test_a_mistake_is_one_line_before_tensorflow_starts(forked, tmp_path, arguments, message):
    texts = {"text.txt": "xa xb xc\n" * 50, "words.txt": "king\nqueen\n" * 50, "han.txt": HAN, "pairs.txt": "a|b"}
    texts["all.txt"] = "xa 1 2\nxb 1 2\nxc 3 4\n"
    texts["few.txt"] = "1 2\nking 1 2\n"
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    result = forked("-c", WITHOUT_TENSORFLOW.format(arguments=arguments), cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert message in result.stderr
    assert {path.name for path in tmp_path.iterdir()} - {"checkpoints"} == {*texts, "photo.png"}


def test_all_flags_of_the_published_algorithm_may_be_given_with_each_loss(forked, folder):
    published = ["--window_sampling=dynamic", "--words_per_step=1", "--damping=0", "--shared_negatives=0"]
    program = WITHOUT_TENSORFLOW.format(arguments=["text.txt", *published, "--deep_nodes=0"])
    assert "TensorFlow was started" in forked("-c", program, cwd=folder).stderr


def test_a_training_that_could_not_be_saved_keeps_its_figures(folder, forked, printed, train):
    """As when the disk was full at the end: everything but the time of preparation is as it was."""
    (folder / "full").mkdir()
    (folder / "full" / "training.json").write_text("{}")
    program = (
        "import sys, runpy\nfrom tfgraphs.word2vec import results\n"
        "def full(*_): raise OSError(28, 'No space left on device')\n"
        f"results.write_vocabulary = full\nsys.argv = ['word2vec', *{[*TRAINING, '--output=full']}]\n"
        "runpy.run_module('tfgraphs.cli.word2vec', run_name='__main__')"
    )
    result = forked("-c", program, cwd=folder)
    assert (result.returncode, "no space left" in result.stderr) == (2, True), result.stderr
    train(*TRAINING, "--output=full", "--resume", cwd=folder)
    first, again = (json.loads((folder / name / "training.json").read_text()) for name in ("vectors", "full"))
    same = ("loss of a pair", "words of the text", "sentences")
    assert [again["figures"][name] for name in same] == [first["figures"][name] for name in same]
    assert again["figures"]["seconds to train"] > 0.5
    assert digest(folder / "full" / "vectors.bin") == digest(folder / "vectors" / "vectors.bin")


def test_the_standard_input_is_learnt_and_forgotten(folder, forked, printed):
    program = (
        "import os, runpy, subprocess, sys\n"
        "packed = subprocess.Popen(['gzip', '-c', 'text.txt'], stdout=subprocess.PIPE)\n"
        f"os.dup2(packed.stdout.fileno(), 0)\nsys.argv = ['word2vec', '-', *{[*TRAINING[1:], '--output=piped']}]\n"
        "runpy.run_module('tfgraphs.cli.word2vec', run_name='__main__')"
    )
    result = forked("-c", program, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert digest(folder / "piped" / "vectors.bin") == digest(folder / "vectors" / "vectors.bin")
    assert len(list((folder / "checkpoints").iterdir())) == 1


def test_a_training_goes_on_with_another_text(folder, train, printed, forked):
    """Known words are frozen here, so that they are easily told; the new ones of the text have learnt."""
    random = np.random.default_rng(1)
    lines = [" ".join(random.choice([*TOPICS[number % 2][:5], f"new{number % 2}"], 10)) for number in range(900)]
    (folder / "more.txt").write_text("\n".join(lines))
    arguments = ["more.txt", "--from=vectors", "--freeze", "--subsample=0", "--output=more"]
    result = forked("word2vec", *arguments, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "10 of 12 words have vectors; 10 of vectors are not in the text and stay as they are" in result.stderr
    old, new = load(str(folder / "vectors")), load(str(folder / "more"))
    assert set(new.words) == {*old.words, "new0", "new1"}
    for word in old.words:
        np.testing.assert_array_equal(new.vector(word), old.vector(word))
    for number, name in enumerate(("new0", "new1")):
        assert {near.word for near in new.nearest([name], 5)} <= set(TOPICS[number])
    counts = [int(line.split("\t")[1]) for line in (folder / "more" / "vocabulary.tsv").read_text().splitlines()]
    assert (sum(counts), counts) == (69_000, sorted(counts, reverse=True))


def test_a_full_disk_leaves_no_output(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write_vocabulary", full)
    vocabulary = Vocabulary(["a", "b"], np.array([2, 1]))
    with pytest.raises(OutputError, match="space"):
        results.save_results(tmp_path / "out", vocabulary, np.zeros((2, 3)), np.zeros((2, 3)), {})
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_states_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("TFGRAPHS_HOME", str(tmp_path))
    assert run_state.states_folder() == tmp_path / "checkpoints"
