"""The sides of a benchmark: processes that are asked in turns, so that a busy machine treats them alike."""

import json
import subprocess
import sys
from typing import Any

_SERVER = """
import json, sys, time
import numpy as np

def timed(ask):
    time.sleep(0.2)  # for the other side's threads, which wait for more work for a while without resting
    begun = time.perf_counter()
    answer = ask()
    return time.perf_counter() - begun, answer

def resident(name="VmRSS"):
    return int([line for line in open("/proc/self/status") if line.startswith(name)][0].split()[1]) / 1000

sys.stdout, answers = sys.stderr, sys.stdout
for line in sys.stdin:
    question, *arguments = json.loads(line)
    print(json.dumps(globals()[question](*arguments)), file=answers, flush=True)
"""


class Side:
    """A process that answers questions.

    Args:
        program: defines a function for each question; it may use `timed`, seconds of a call and its answer, and
            `resident`, megabytes of memory. Arguments and answers are what JSON can hold.
    """

    def __init__(self, program: str) -> None:
        command = [sys.executable, "-c", program + _SERVER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def __call__(self, *question: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"a side of the benchmark has failed at {question}: its error stands above")
        return json.loads(answer)
