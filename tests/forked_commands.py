"""Commands in processes of their own, without the seconds that it takes to import TensorFlow for each."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

CHECKOUT = Path(__file__).resolve().parents[1]

# Imports TensorFlow once, without using it, and becomes a command's process by a fork.
PROGRAM = """
import json, os, runpy, sys
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tfgraphs, tensorflow, keras

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
            if name == "-c":
                exec(arguments[0], {"__name__": "__main__"})
            else:
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


class ForkedCommands:
    """Runs commands, `forked("words", "near", "king", cwd=folder)`: each in a fork of one process.

    Args:
        folder: for what the commands print.
    """

    def __init__(self, folder: Path) -> None:
        self._outputs = [folder / "stdout", folder / "stderr"]
        clean = {name: value for name, value in os.environ.items() if name != "TFGRAPHS_HOME"}
        self._server = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=clean,
        )

    def __call__(self, name: str, *arguments: str, cwd: Path) -> SimpleNamespace:
        """Returns returncode, stdout and stderr of a command; that of the name "-c" is a program in Python."""
        self._server.stdin.write(json.dumps([name, arguments, str(cwd), *map(str, self._outputs)]) + "\n")
        self._server.stdin.flush()
        returncode = json.loads(self._server.stdout.readline())
        stdout, stderr = (path.read_text(encoding="utf-8") for path in self._outputs)
        return SimpleNamespace(returncode=returncode, stdout=stdout, stderr=stderr)

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()
