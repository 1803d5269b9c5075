"""How long people wait for the page, as its requests do, on a server of its own.

python benchmarks/studio.py

page              from the start of the command to the first page
first frame       of a dream of 640 px about a photograph of 451: of the first dream, when the page was opened before,
                  and at once; and of the next one
stopped           from the request to stop a dream of 2048 px, whose steps take long, to its result
words             nearest words of an expression in GloVe, after the first
place             which units respond at a place, after the first

Measured on two cores with AVX-512 in November 2026: the page 0.27 s; a first frame 3.8 s at once after the start, of
which TensorFlow takes most, 1.9 s when the page was open before, 0.21 s of the next dream; stopped in 0.06 s, as a run
ends with what there is and its step goes on alone; words 3 ms, a place 1 ms. 300 dreams in a row of seven sizes, four
objectives and five seeds: the process has 1.05 GB after 100 and 1.07 GB after 300.
"""

import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tfgraphs.cli.shared.command import print_table

DREAM = {"picture": "sample:cat", "size": 640}
LARGE = {"picture": "sample:rocket", "size": 2048, "steps": 500}


class Studio:
    """A running server, and requests to it."""

    def __init__(self, folder: Path) -> None:
        self.begun = time.monotonic()
        command = [sys.executable, "-m", "tfgraphs.cli.studio", "--no_browser", "--port=0"]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=variables)
        assert self._process.stdout
        self._host = re.findall(r"//([\d.:]+)/", self._process.stdout.readline())[0]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self._host)
        connection.request("GET", path)
        return connection.getresponse()

    def ask(self, path: str, state: object) -> dict:
        connection = http.client.HTTPConnection(self._host)
        headers = {"Content-Type": "application/json", "Origin": f"http://{self._host}"}
        connection.request("POST", f"/api/{path}", json.dumps(state), headers)
        return json.loads(connection.getresponse().read())

    def events(self, job: str) -> Iterator[dict]:
        for line in self.get(f"/api/jobs/{job}/events"):
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))

    def first_frame(self, state: object) -> float:
        """Seconds until the first picture that the network changed is there; the run is stopped then."""
        begun = time.monotonic()
        job = self.ask("jobs/dream/dream", state)["job"]
        next(event for event in self.events(job) if event.get("step"))
        seconds = time.monotonic() - begun
        self.ask(f"jobs/{job}/cancel", {})
        return seconds


@contextlib.contextmanager
def running() -> Iterator[Studio]:
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Path(folder))
        try:
            yield studio
        finally:
            studio.close()


def median(function: Callable[[], object], count: int = 20) -> float:
    times = []
    for _ in range(count):
        begun = time.monotonic()
        function()
        times.append(time.monotonic() - begun)
    return statistics.median(times)


def main() -> None:
    rows = []
    with running() as studio:
        studio.get("/").read()
        rows.append(("page", time.monotonic() - studio.begun))
        time.sleep(10)
        rows.append(("first frame, page open for 10 s", studio.first_frame(DREAM)))
        rows.append(("first frame of the next dream", studio.first_frame(DREAM)))
        job = studio.ask("jobs/dream/dream", LARGE)["job"]
        events = studio.events(job)
        next(event for event in events if event.get("step", 0) >= 405)  # the last octave
        begun = time.monotonic()
        studio.ask(f"jobs/{job}/cancel", {})
        assert next(event for event in events if event["kind"] == "cancelled")["result"]
        rows.append(("stopped, 2048 px", time.monotonic() - begun))
        studio.ask("words/near", {"query": "king"})
        rows.append(("words", median(lambda: studio.ask("words/near", {"query": "king - man + woman"}))))
        place = {"network": "squeezenet", "layer": "fire5", "picture": "sample:cat", "place": [0.5, 0.4]}
        studio.ask("look/place", place)
        rows.append(("place", median(lambda: studio.ask("look/place", place))))
    with running() as studio:
        rows.insert(1, ("first frame, at once after the start", studio.first_frame(DREAM)))
    print_table(["", "seconds"], [(name, f"{seconds:.3f}") for name, seconds in rows])


if __name__ == "__main__":
    main()
