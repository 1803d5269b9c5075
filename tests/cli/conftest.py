"""Commands in processes of their own, without the seconds that it takes to import TensorFlow for each."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# Imports TensorFlow once, without using it, and becomes a command's process by a fork.
PROGRAM = """
import json, os, runpy, sys
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow, keras

for line in sys.stdin:
    name, arguments, folder, output, errors = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, path in ((0, os.devnull), (1, output), (2, errors)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = [name, *arguments]
        status = 0
        try:
            runpy.run_module(f"tfgraphs.cli.{name}", run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            status = 1
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)
    print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])), flush=True)
"""


@pytest.fixture(scope="session")
def forked(tmp_path_factory):
    """Runs a command, `forked("words", "near", "king", cwd=folder)`; returns its returncode, stdout and stderr."""
    texts = tmp_path_factory.mktemp("texts")
    server = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )

    def run(name, *arguments, cwd):
        outputs = [texts / "stdout", texts / "stderr"]
        server.stdin.write(json.dumps([name, arguments, str(cwd), *map(str, outputs)]) + "\n")
        server.stdin.flush()
        returncode = json.loads(server.stdout.readline())
        stdout, stderr = (path.read_text(encoding="utf-8") for path in outputs)
        return SimpleNamespace(returncode=returncode, stdout=stdout, stderr=stderr)

    yield run
    server.kill()
    server.communicate()
