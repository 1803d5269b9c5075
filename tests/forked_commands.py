"""Commands in processes of their own, without the seconds that it takes to import TensorFlow for each."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
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
    if name == "wait":
        print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(arguments, 0)[1])), flush=True)
        continue
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
    print(child, flush=True)
"""


class ForkedCommands:
    """Runs commands, `forked("words", "near", "king", cwd=folder)`: each in a fork of one process.

    Args:
        folder: for what the commands print.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, itertools.count()
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
        return self.start(name, *arguments, cwd=cwd).wait()

    def start(self, name: str, *arguments: str, cwd: Path) -> "RunningCommand":
        """Returns a command that runs: its `pid` gets signals, and `wait` returns what the call would return."""
        outputs = [self._folder / f"{stream}{next(self._count)}" for stream in ("stdout", "stderr")]
        return RunningCommand(self, self._ask(name, arguments, str(cwd), *map(str, outputs)), outputs)

    def _ask(self, *request: object) -> int:
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()


@dataclass
class RunningCommand:
    commands: ForkedCommands
    pid: int
    outputs: list[Path]

    def printed(self) -> str:
        """Returns what the command has printed so far."""
        return self.outputs[0].read_text(encoding="utf-8") if self.outputs[0].exists() else ""

    def wait(self) -> SimpleNamespace:
        returncode = self.commands._ask("wait", self.pid, "", "", "")
        for path in self.outputs:
            path.touch()  # it may have been killed before
        stdout, stderr = (path.read_text(encoding="utf-8", errors="replace") for path in self.outputs)
        for path in self.outputs:
            path.unlink()
        return SimpleNamespace(returncode=returncode, stdout=stdout, stderr=stderr)
