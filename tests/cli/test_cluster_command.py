"""Commands as workers that train together, on the loopback interface: results, kills, interruptions, refusals."""

import hashlib
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from free_ports import free_addresses
from PIL import Image

WORDS = [f"w{number}" for number in range(60)]
TRAIN = "text.txt --dim=8 --epochs=6 --min_count=1 --subsample=0 --words_per_step=64 --workers=1 --output=out"
KILLED_BEFORE_ITS_SECOND_CHECKPOINT = """
import glob, os, signal, sys, time
from tfgraphs.optimize import reports
save, saved = reports.Checkpoints.save, []

def save_or_die(self):
    saved.append(self)
    if len(saved) == 2:
        while not glob.glob("state0/word2vec-*/ckpt-2.index"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    save(self)

reports.Checkpoints.save = save_or_die
sys.argv = ["word2vec", *{arguments!r}]
from tfgraphs.cli.word2vec import run
run()
"""

KILLED_AT_THE_END = """
import os, signal, sys
from tfgraphs.cli.shared import cluster_flags
finish = cluster_flags.Membership.finish

def finish_and_die(*arguments):
    finish(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

cluster_flags.Membership.finish = finish_and_die
sys.argv = ["word2vec", *{arguments!r}]
from tfgraphs.cli.word2vec import run
run()
"""


def write_text(folder):
    """Sentences of twelve words, each from one of two topics."""
    random = np.random.default_rng(0)
    lines = [" ".join(random.choice(WORDS[half * 30 : half * 30 + 30], 12)) for half in random.integers(0, 2, 1500)]
    (folder / "text.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_text(tmp_path)


def start(forked, folder, *more, count=2, addresses=None):
    """Starts all workers of one training."""
    cluster = f"--cluster={','.join(addresses or free_addresses(count))}"
    return [
        forked.start(
            "word2vec", *TRAIN.split(), cluster, f"--rank={rank}", f"--checkpoint_dir=state{rank}", *more, cwd=folder
        )
        for rank in range(count)
    ]


def wait(workers):
    return [worker.wait() for worker in workers]


def digest(folder):
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in ("inputs.npy", "outputs.npy"))).hexdigest()


def wait_for(path, pattern):
    deadline = time.monotonic() + 300
    while not list(path.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern} in {path}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def together(forked, tmp_path_factory):
    """The folder of two workers' training that nothing interrupted, and how they ended."""
    place = write_text(tmp_path_factory.mktemp("together"))
    return place, wait(start(forked, place, "--save_seconds=0"))


def test_two_workers_train_and_the_first_writes(together):
    folder, (first, second) = together
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == "out: 60 words of 8 dimensions\n"
    assert second.stdout == ""
    vectors = np.load(folder / "out" / "inputs.npy")
    normed = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [line.split("\t")[0] for line in (folder / "out" / "vocabulary.tsv").read_text().splitlines()]
    topic = np.array([WORDS.index(word) < 30 for word in words])
    cosines = normed @ normed.T
    assert cosines[topic][:, topic].mean() > 0.5 > 0.2 > cosines[topic][:, ~topic].mean()


def test_no_state_is_left_in_the_end(together):
    folder, _ = together
    assert [path for rank in (0, 1) for path in (folder / f"state{rank}").glob("word2vec-*")] == []


def test_workers_say_that_the_network_has_to_be_private(together):
    assert all("without authentication" in worker.stderr for worker in together[1])


@pytest.mark.parametrize("killed", [0, 1])
def test_after_a_kill_the_others_leave_and_all_go_on_to_the_same_bytes(together, forked, folder, killed):
    addresses, flags = free_addresses(2), ("--save_seconds=0", "--resume")
    workers = start(forked, folder, *flags, addresses=addresses)
    wait_for(folder, f"state{killed}/word2vec-*/ckpt-*.index")
    os.kill(workers[killed].pid, signal.SIGKILL)
    begun = time.monotonic()
    other = workers[1 - killed].wait()
    assert time.monotonic() - begun < 60
    workers[killed].wait()
    assert other.returncode == 75
    assert other.stderr.strip().splitlines()[-1].endswith("start all workers again, with --resume to go on")
    again = wait(start(forked, folder, *flags, addresses=addresses))
    assert [one.returncode for one in again] == [0, 0], again[0].stderr
    assert digest(folder / "out") == digest(together[0] / "out")


def test_a_worker_that_hangs_is_given_up(forked, folder):
    workers = start(forked, folder, "--save_seconds=0")
    wait_for(folder, "state1/word2vec-*/ckpt-*.index")
    os.kill(workers[1].pid, signal.SIGSTOP)
    begun = time.monotonic()
    assert workers[0].wait().returncode == 75
    assert time.monotonic() - begun < 60
    os.kill(workers[1].pid, signal.SIGKILL)
    workers[1].wait()


def test_a_kill_between_a_merge_and_a_checkpoint_loses_nothing(together, forked, folder):
    addresses, flags = free_addresses(2), ("--save_seconds=0", "--resume")
    first, second = (
        [*TRAIN.split(), f"--cluster={','.join(addresses)}", f"--rank={rank}", f"--checkpoint_dir=state{rank}", *flags]
        for rank in (0, 1)
    )
    program = KILLED_BEFORE_ITS_SECOND_CHECKPOINT.format(arguments=second)
    workers = [forked.start("word2vec", *first, cwd=folder), forked.start("-c", program, cwd=folder)]
    assert [one.returncode for one in wait(workers)] == [75, -signal.SIGKILL]
    newest = [max(path.name for path in (folder / f"state{rank}").glob("word2vec-*/ckpt-*.index")) for rank in (0, 1)]
    assert newest == ["ckpt-2.index", "ckpt-1.index"]
    again = wait(start(forked, folder, *flags, addresses=addresses))
    assert [one.returncode for one in again] == [0, 0], again[0].stderr
    assert digest(folder / "out") == digest(together[0] / "out")


@pytest.mark.parametrize("killed", [0, 1])
def test_a_worker_that_was_killed_at_the_end_needs_the_others_no_more(together, forked, folder, killed):
    cluster = f"--cluster={','.join(free_addresses(2))}"
    first, second = ([*TRAIN.split(), cluster, f"--rank={rank}", f"--checkpoint_dir=state{rank}"] for rank in (0, 1))
    commands = [["word2vec", *first], ["word2vec", *second]]
    again = commands[killed]
    commands[killed] = ["-c", KILLED_AT_THE_END.format(arguments=again[1:])]
    ended = wait([forked.start(*one, cwd=folder) for one in commands])
    assert (ended[killed].returncode, ended[1 - killed].returncode) == (-signal.SIGKILL, 0), ended[1 - killed].stderr
    done = forked(*again, "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "waits for the others" not in done.stderr
    assert digest(folder / "out") == digest(together[0] / "out")
    assert not list(folder.glob("state*/word2vec-*"))


def test_an_interruption_of_one_stops_all_and_all_go_on(together, forked, folder):
    addresses = free_addresses(2)
    workers = start(forked, folder, "--save_seconds=0", addresses=addresses)
    wait_for(folder, "state1/word2vec-*/ckpt-*.index")
    os.kill(workers[1].pid, signal.SIGINT)
    ended = wait(workers)
    assert [one.returncode for one in ended] == [130, 130], ended[0].stderr + ended[1].stderr
    again = wait(start(forked, folder, "--save_seconds=0", "--resume", addresses=addresses))
    assert [one.returncode for one in again] == [0, 0], again[0].stderr
    assert digest(folder / "out") == digest(together[0] / "out")


def test_a_port_that_is_in_use_is_one_clear_error(forked, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = f"127.0.0.1:{taken.getsockname()[1]}"
        done = forked("word2vec", *TRAIN.split(), f"--cluster={own},127.0.0.1:1", "--rank=0", cwd=folder)
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith(f"word2vec: worker 0 cannot listen on {own}, is its port in use?")
    )


def test_workers_with_different_flags_refuse_to_train(forked, folder):
    cluster = f"--cluster={','.join(free_addresses(2))}"
    workers = [
        forked.start("word2vec", *TRAIN.split(), cluster, f"--rank={rank}", f"--seed={rank}", cwd=folder)
        for rank in (0, 1)
    ]
    for one in wait(workers):
        assert one.returncode == 2
        assert "the workers have different flags or inputs" in one.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rank=1"], "--rank is for --cluster"),
        (["--cluster=a:1,b:2"], "--cluster needs the number of this worker"),
        (["--cluster=a:1,b:2", "--rank=2"], "there is no worker 2"),
        (["--cluster=a:1,a:1", "--rank=0"], "an address occurs twice"),
        (["--cluster=a:1,b", "--rank=0"], "'b' is not an address"),
        (["--cluster=env"], "--cluster=env needs TF_CONFIG"),
        (["--cluster=slurm"], "--cluster=slurm is for tasks that srun starts"),
        (["--merge_bytes=9"], "--merge_bytes has no effect on a training without --cluster"),
    ],
)
def test_wrong_flags_are_refused(forked, folder, flags, message):
    done = forked("word2vec", "text.txt", *flags, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in Path(folder).iterdir()) == ["text.txt"]


TRAIN_NETWORK = """
import sys
import numpy as np
from pathlib import Path
sys.path.insert(0, {tests!r})
from small_networks import small_backbone
from tfgraphs.cluster.addresses import find_place
from tfgraphs.cluster.group import ALONE
from tfgraphs.graphs.start import start
from tfgraphs.neural_style import StyleSettings
from tfgraphs.neural_style.one_pass.network import TransformationNetwork
from tfgraphs.neural_style.one_pass.settings import NetworkSettings
from tfgraphs.neural_style.one_pass.training import train
from tfgraphs.pictures.photographs import Photographs

groups = [ALONE]
def connect():
    from tfgraphs.cluster.workers import Workers
    groups[0] = Workers(find_place({cluster!r}, {rank}))

start(connect=connect if {cluster!r} else lambda: None)
style = StyleSettings(content_layer="conv2", style_layers={{"conv1": 1.0, "conv2": 1.0}}, seed=2)
photographs = Photographs(sorted(Path("photos").iterdir()), side=32)
network = TransformationNetwork(channels=(6, 8), blocks=1, seed=1)
painting = np.random.default_rng(1).random((60, 70, 3)).astype(np.float32)
settings = NetworkSettings(steps=60, batch=2, style_size=48, optimizer="sgd", learning_rate=0.01)
losses = [one.loss for one in train(network, painting, photographs, small_backbone(), style, settings, group=groups[0])]
np.savez({output!r}, losses, *[variable.numpy() for variable in network.trainable_variables])
"""


def test_two_workers_train_a_style_network_as_one_does(forked, tmp_path):
    """By small steps of SGD: others soon show in which order numbers were added."""
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        pixels = random.integers(0, 256, (6, 7, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    cluster, tests = ",".join(free_addresses(2)), str(Path(__file__).parents[1])
    programs = [
        TRAIN_NETWORK.format(tests=tests, cluster=where, rank=rank, output=f"{name}.npz")
        for name, where, rank in (("first", cluster, 0), ("second", cluster, 1), ("alone", "", 0))
    ]
    ended = wait([forked.start("-c", program, cwd=tmp_path) for program in programs])
    assert [one.returncode for one in ended] == [0, 0, 0], ended[0].stderr
    first, second, alone = (list(np.load(tmp_path / f"{name}.npz").values()) for name in ("first", "second", "alone"))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    np.testing.assert_allclose(first[0], alone[0], rtol=1e-4)
    assert abs(alone[0][-1] / alone[0][0] - 1) > 0.003
