"""One function for many blocks, on all cores.

The processes are plain Pythons that read pickles from a pipe. The standard library's pools would either fork, which
TensorFlow's threads do not survive, or run the main script again in each process, which not every script survives.
"""

import itertools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tfgraphs.errors import reason
from tfgraphs.word2vec.text.reading import CorpusError

Item = TypeVar("Item")
Result = TypeVar("Result")

_START = """\
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from tfgraphs.word2vec.workers import serve
serve()
"""


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    task: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Generator[Result, None, None]:
    """Yields task(item) for all items, in their order, computed side by side in other processes.

    At most `processes` + 2 items and results are in memory. The processes end with this generator, and also when this
    process is killed. An item that is the only one is not worth them and is done here, as is everything if `processes`
    is 1.

    Args:
        task: a function at the top level of a module, or a partial of one; items and results can be pickled.
        items: read in this thread, and only as fast as they are worked on.
        processes: how many.

    Raises:
        CorpusError: a process was killed, or could not start.
        Exception: what the task raised.
    """
    items = iter(items)
    first = list(itertools.islice(items, 2))
    items = itertools.chain(first, items)
    if processes == 1 or len(first) < 2 or not sys.executable:
        yield from map(task, items)
        return
    pool = _Pool(task, processes)
    try:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(item))
            if len(pending) > processes + 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.close()


class _Pool:
    """Processes, and as many threads that wait for their answers."""

    def __init__(self, task: Callable, processes: int) -> None:
        self._workers: list[_Worker] = []
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(processes)
        try:
            for _ in range(processes):
                self._workers.append(_Worker())
            for worker in self._workers:
                worker.send(task)
                self._idle.put(worker)
        except BaseException:
            self.close()
            raise

    def submit(self, item: Any) -> Future:
        return self._threads.submit(self._ask, item)

    def _ask(self, item: Any) -> Any:
        worker = self._idle.get()
        try:
            return worker.ask(item)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Ends the processes, whatever they do."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()


class _Worker:
    """A process, seen from the one that started it."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-c", _START]
        try:
            # In a process group of its own, it does not see the terminal's Ctrl-C.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0 if os.name == "posix" else None
            )
        except OSError as error:
            raise CorpusError(f"cannot start a process to read the text: {reason(error)}") from error
        self.send(sys.path)

    def send(self, message: Any) -> None:
        assert self._process.stdin
        try:
            pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._death() from error

    def ask(self, item: Any) -> Any:
        assert self._process.stdout
        self.send(item)
        try:
            answer, error = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as end:
            raise self._death() from end
        if error:
            raise error
        return answer

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:  # something was still to be sent
                pass

    def _death(self) -> CorpusError:
        code = self._process.wait()
        cause = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return CorpusError(f"a process that reads the text ended {cause}: if memory ran out, use fewer processes")


def serve() -> None:
    """The life of a worker process: takes a task, then items, until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody wants the answer: no reason to complain
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what libraries print stays out of the answers
    requests: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    task = requests.get()
    while True:
        pickle.dump(_outcome(task, requests.get()), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _receive(requests: queue.SimpleQueue) -> None:
    """Passes on what comes, and ends the process at once, in the middle of its work, when nothing can come any more."""
    try:
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    except (EOFError, pickle.UnpicklingError):
        signal.raise_signal(signal.SIGTERM)


def _outcome(task: Callable, item: Any) -> tuple[Any, Exception | None]:
    try:
        return task(item), None
    except Exception as error:
        error.add_note(traceback.format_exc())
        return None, error
