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


def test_a_finished_run_leaves_no_state_but_the_text_as_numbers(folder, printed):
    kinds = {path.name.partition("-")[0] for path in (folder / "checkpoints").iterdir()}
    assert kinds == {"corpus"}


def test_pairs_are_learnt_in_the_format_of_wevi(tmp_path, train):
    (tmp_path / "pairs.txt").write_text("drink|juice, eat|apple^rice,\neat|rice")
    train("--pairs=pairs.txt", '--config={"hidden_size":3}', "--output=fruit", cwd=tmp_path)
    assert load(str(tmp_path / "fruit")).matrix.shape == (5, 3)


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
