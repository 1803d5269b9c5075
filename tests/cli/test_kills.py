"""Commands that are killed at random moments, and pairs of the same command at once: always the right bytes."""

import hashlib
import http.server
import os
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgraphs.vectors.files.writers import save_binary
from tfgraphs.vectors.word_vectors import WordVectors

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
FILE = random.Random(0).randbytes(3_000_000)
DOWNLOAD = """
import sys, threading
from pathlib import Path
from tfgraphs.files.downloads import Download, fetch
fetch(Download("http://127.0.0.1:{port}/file.bin", "sha256:{digest}"), Path("cache"))
"""
COMMANDS = {  # what to run, what it writes, how often it is killed
    "dream": (
        "deepdream --input=photo.png --layer=fire2 --iterations=40 --save_seconds=0 --output=out.png",
        ["out.png"],
        9,
    ),
    "film": (
        "deepdream --input=photo.png --layer=fire2 --steps=4 --frame_steps=2 --zoom_frames=8 --save_seconds=0 "
        "--output=out.webp",
        ["out.webp"],
        9,
    ),
    "painting": (
        "neural_style --input=photo.png --style=painting.png --size=64 --steps=30 --save_seconds=0 --output=out.png",
        ["out.png"],
        8,
    ),
    "network": (
        "neural_style --train_style=painting.png --photos=large*.png --train_steps=3 --train_batch=1 --train_size=64 "
        "--save_seconds=0 --export_dir=out",
        ["out/variables/variables.data-00000-of-00001"],
        4,
    ),
    "word2vec": (
        "word2vec --corpus=text.txt --epochs=5 --dim=30 --save_seconds=0 --output=out",
        ["out/inputs.npy", "out/outputs.npy", "out/vectors.bin", "out/vocabulary.tsv"],
        9,
    ),
    "feature": (
        "visualize feature --objective=fire8:14 --size=64 --steps=24 --save_seconds=0 --output=out.png",
        ["out.png"],
        8,
    ),
    "convert": (
        "words convert vectors.bin out --dtype=int8",
        [f"out/{name}" for name in ("matrix.npy", "fine.npy", "norms.npy", "words.txt", "word_order.npy")],
        10,
    ),
    "download": (None, ["cache/file.bin"], 10),
}
LEFT = {"photo.png", "painting.png", "large1.png", "large2.png", "text.txt", "vectors.bin", "checkpoints"}


class SlowFile(http.server.BaseHTTPRequestHandler):
    """Sends the file, or what is left of it, in a quarter of a second."""

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(FILE) - 1}/{len(FILE)}")
        self.send_header("Content-Length", str(len(FILE) - start))
        self.end_headers()
        for place in range(start, len(FILE), len(FILE) // 25):
            time.sleep(0.01)
            try:
                self.wfile.write(FILE[place : place + len(FILE) // 25])
            except OSError:  # it was killed
                return

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowFile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture
def folder(tmp_path):
    """A folder with something to read for each command."""
    random_numbers = np.random.default_rng(0)
    for name, side in {"photo.png": 70, "painting.png": 80, "large1.png": 260, "large2.png": 257}.items():
        Image.fromarray(random_numbers.integers(0, 255, (side, side + 20, 3), np.uint8)).save(tmp_path / name)
    words = [f"word{number}" for number in random_numbers.zipf(1.3, 40_000) % 300]
    (tmp_path / "text.txt").write_text("\n".join(" ".join(words[start : start + 20]) for start in range(0, 40_000, 20)))
    matrix = random_numbers.normal(size=(60_000, 40)).astype(np.float32)
    save_binary(tmp_path / "vectors.bin", WordVectors([f"word{row}" for row in range(len(matrix))], matrix))
    return tmp_path


def command(kind, port):
    line, outputs, kills = COMMANDS[kind]
    download = ["-c", DOWNLOAD.format(port=port, digest=hashlib.sha256(FILE).hexdigest())]
    return line.split() if line else download, outputs, kills


def take(folder, outputs):
    """The digests of what a run has written, which is deleted; nothing else may be there."""
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in outputs]
    for name in outputs:
        top = folder / Path(name).parts[0]
        for path in sorted([top, *top.rglob("*")], reverse=True):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    assert {path.name for path in folder.iterdir()} <= LEFT
    assert all(path.name.startswith("corpus-") for path in folder.glob("checkpoints/*"))
    return digests


@pytest.mark.long
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_that_is_killed_at_random_moments_ends_with_the_same_bytes(kind, folder, port, forked):
    line, outputs, kills = command(kind, port)
    begun = time.monotonic()
    assert forked(*line, cwd=folder).returncode == 0
    seconds = time.monotonic() - begun
    whole = take(folder, outputs)
    resumable = kind not in ("convert", "download")  # which go on by themselves
    random_moments, killed, more = random.Random(kind), 0, []
    while killed < kills:
        running = forked.start(*line, *more, cwd=folder)
        begun = time.monotonic()
        time.sleep(random_moments.uniform(0, seconds))
        number = random_moments.choice(SIGNALS)
        os.kill(running.pid, number)
        result = running.wait()
        killed += result.returncode in (130, -number)
        more = ["--resume"] if resumable else []
        if result.returncode == 0:  # it was faster
            assert take(folder, outputs) == whole
            more, seconds = [], min(seconds, time.monotonic() - begun)  # the machine may have had other work before
        elif result.returncode == 2:
            assert "without --resume" in result.stderr  # nothing was saved before
            more = []
        else:
            assert killed, result.stderr
    result = forked(*line, *more, cwd=folder)
    if result.returncode == 2 and "without --resume" in result.stderr:
        result = forked(*line, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert take(folder, outputs) == whole


@pytest.mark.long
@pytest.mark.parametrize("kind", COMMANDS)
def test_the_same_command_twice_at_once_writes_the_right_bytes(kind, folder, port, forked):
    line, outputs, _ = command(kind, port)
    assert forked(*line, cwd=folder).returncode == 0
    whole = take(folder, outputs)
    for pause in (0, 0.3):
        first = forked.start(*line, cwd=folder)
        time.sleep(pause)
        results = [running.wait() for running in (first, forked.start(*line, cwd=folder))]
        assert {result.returncode for result in results} <= {0, 2}
        assert any(result.returncode == 0 for result in results)
        for result in results:
            assert result.returncode == 0 or "is being written by process" in result.stderr, result.stderr
            assert kind != "download" or result.returncode == 0
        assert take(folder, outputs) == whole
