"""The commands as people run them: exit codes, one line for each mistake, nothing left behind."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgraphs.pictures import images

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ["deepdream", "neural_style", "studio", "visualize", "word2vec", "words"]


def run(*arguments, cwd, executable=None, **environment):
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "bin" / arguments[0]), *arguments[1:]] if executable is None else arguments,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(path)
    return path


def refused(result, *words):
    """Whether a command said in one line on stderr what is wrong, and left with exit code 2."""
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr
    return True


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_the_flags_without_importing_tensorflow(name, tmp_path):
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['{name}', '--help']\n"
        f"try:\n    runpy.run_module('tfgraphs.cli.{name}', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert not {'tensorflow', 'keras', 'numpy.linalg', 'pyarrow'} & set(sys.modules) - {'numpy.linalg'}\n"
    )
    result = run(sys.executable, "-c", program, cwd=CHECKOUT, executable=sys.executable)
    assert result.returncode == 0, result.stderr
    assert "flags:" in result.stdout
    assert f"{name} " in result.stdout


NEEDED = {  # what each asks for; words reads questions
    "deepdream": "give the picture to dream about",
    "neural_style": "say which photograph to paint",
    "visualize": "unknown or missing command",
    "word2vec": "say what to learn from",
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_command_without_arguments_says_what_it_needs(name, tmp_path):
    assert refused(run(name, cwd=tmp_path), f"{name}: {NEEDED[name]}")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_flag_is_one_line(name, tmp_path):
    assert refused(run(name, "--nonsense=3", cwd=tmp_path), "nonsense")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--input=missing.jpg"], "missing.jpg does not exist"),
        (["--input=text.png"], "text.png is not a picture"),
        (["--input=cut.png"], "cut.png is damaged"),
        (["--input=wide.png"], "too large"),
        (["--input=photo.png", "--output=photo.png"], "is the input itself"),
        (["--input=photo.png", "--output=dream.svg"], "ends in one of"),
        (["--input=photo.png", "--output=photo.png/dream.png"], "cannot write"),
        (["--input=photo.png", "--checkpoint_dir=photo.png/state"], "cannot write photo.png/state"),
        (["--input=photo.png", "--logdir=photo.png"], "cannot write photo.png"),
        (["--input=photo.png", "--size=-1"], "size"),
        (["--input=photo.png", "--iterations=0"], "iterations"),
        (["--input=photo.png", "--resume"], "without --resume"),
        (["--input=sample:dog"], "there are: astronaut"),
        (["--input=photo.png", "more"], "more does not exist"),
    ],
)
def test_bad_input_is_refused_before_tensorflow_is_imported(arguments, word, photo, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:3000])
    Image.new("1", (30_000, 2)).save(tmp_path / "wide.png")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run("deepdream", *arguments, cwd=tmp_path, PYTHONPATH=str(_no_tensorflow(tmp_path.parent)))
    assert refused(result, word)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def _no_tensorflow(folder):
    """A folder that comes first on the path and makes the import of TensorFlow an error."""
    trap = folder / "trap"
    (trap / "tensorflow").mkdir(parents=True, exist_ok=True)
    (trap / "tensorflow" / "__init__.py").write_text("raise RuntimeError('TensorFlow was imported')")
    return trap


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["deepdream", "--input=photo.png", "--layer=fier7"], "fire7"),
        (["deepdream", "--input=photo.png", "--backbone=vgg"], "squeezenet"),
        (["deepdream", "--input=photo.png", "--octave_scale=1"], "octave_scale"),
        (["neural_style", "--content=photo.png", "--style=missing.jpg"], "missing.jpg"),
        (["neural_style", "--content=photo.png", "--size=20"], "which --size=20 reduces to 20 x"),
        (["neural_style", "--content=photo.png", "--style_scale=0"], "style_scale"),
        (["words", "near", "xqzzyx"], "not among the 400,000 words"),
        (["words", "calc", "king -"], "a word is missing"),
        (["words", "near"], "usage: near WORD..."),
        (["words", "--vectors=missing.txt", "near", "king"], "missing.txt"),
        (["words", "--vectors=photo.png", "near", "king"], "photo.png"),
        (["words", "export", "photo.png"], "photo.png"),
        (["word2vec", "--corpus=photo.png", "--optimizer=nonsense"], "adagrad"),
        (["visualize", "layers", "--backbone=vgg"], "squeezenet"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(arguments, word, photo, tmp_path, forked):
    assert refused(forked(*arguments, cwd=tmp_path), word)
    assert list(tmp_path.iterdir()) == [photo]


def test_a_dream_keeps_alpha_and_remembers_its_flags(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 80, 4), np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "photo.png")
    result = run("deepdream", "--input=photo.png", "--layer=fire2", "--iterations=1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    dream = tmp_path / "photo_deepdream.png"
    assert result.stdout == "photo_deepdream.png: 80 x 64 px\n"
    np.testing.assert_array_equal(np.asarray(Image.open(dream))[..., 3], pixels[..., 3])
    origin = images.read_origin(dream)
    assert origin["command"] == "deepdream"
    assert origin["flags"]["layer"] == ["fire2"]
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "photo_deepdream.png"}


LONG_DREAM = ["deepdream", "--input=photo.png", "--iterations=150", "--layer=fire2", "--save_seconds=0.1"]


@pytest.fixture(scope="module")
def whole_dream(tmp_path_factory, forked):
    """A photograph and the dream that it becomes when nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(folder / "photo.png")
    assert forked(*LONG_DREAM, "--output=dream.png", cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize(
    "ending", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGKILL]
)
def test_an_interrupted_dream_resumes_to_the_same_bytes(ending, whole_dream, tmp_path, forked):
    shutil.copy(whole_dream / "photo.png", tmp_path)
    program = [sys.executable, str(CHECKOUT / "bin" / "deepdream"), *LONG_DREAM[1:], "--output=parts.png"]
    process = subprocess.Popen(program, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _wait_for(lambda: list(tmp_path.glob("checkpoints/*/octave0/ckpt-*.index")), process)
    process.send_signal(ending)
    _, errors = process.communicate()
    assert process.returncode in (130, -signal.SIGKILL)
    assert ending == signal.SIGKILL or "--resume" in errors.splitlines()[-1]
    assert not (tmp_path / "parts.png").exists()

    result = forked(*LONG_DREAM, "--output=parts.png", "--resume", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert _digest(tmp_path / "parts.png") == _digest(whole_dream / "dream.png")
    assert not (tmp_path / "checkpoints").exists()


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _wait_for(condition, process, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_missing_tensorflow_is_explained_in_one_line(tmp_path):
    program = (
        "import sys, importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from tfgraphs.cli import launch\n"
        "launch('words')"
    )
    result = run(sys.executable, "-c", program, cwd=CHECKOUT, executable=sys.executable, TFGRAPHS_HOME=str(tmp_path))
    assert result.returncode != 0
    assert re.fullmatch(r"words: TensorFlow is not installed .* bin/demo .*\n", result.stderr)


def test_a_missing_scipy_is_explained_in_one_line(tmp_path):
    program = (
        "import sys\n"
        "sys.modules['scipy.optimize'] = None\n"
        "sys.argv = ['neural_style', '--content=sample:swirls', '--size=64', '--optimizer=lbfgs']\n"
        "from tfgraphs.cli import launch\n"
        "launch('neural_style')"
    )
    environment = {"TFGRAPHS_HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)}
    result = run(sys.executable, "-c", program, cwd=tmp_path, executable=sys.executable, **environment)
    assert result.returncode == 2
    assert re.fullmatch(r"neural_style: L-BFGS needs SciPy .*/pip install .*\[lbfgs\].\n", result.stderr)


def test_a_pipe_that_closes_early_is_no_error(tmp_path):
    line = f"{sys.executable} {CHECKOUT}/bin/words near king --topn=3000 | head -n 1"
    result = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert "Word" in result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_console_script_is_the_same_command(name, tmp_path):
    script = Path(sys.prefix) / "bin" / f"tfgraphs-{name.replace('_', '-')}"
    if not script.exists():
        pytest.skip("tfgraphs is not installed in this environment: bin/test installs it")
    given = {"words": (["near"], "usage: near WORD"), "studio": (["photo.jpg"], "'photo.jpg' is not a flag")}
    arguments, word = given.get(name) or ([], NEEDED[name])
    assert refused(run(str(script), *arguments, cwd=tmp_path, executable=str(script)), f"{name}: {word}")
