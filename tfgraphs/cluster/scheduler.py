"""Work for other machines, by a scheduler of Dask distributed: a function over many items.

    dask scheduler --tls-ca-file=ca.pem --tls-cert=me.pem --tls-key=me.pem --protocol=tls     on one machine
    dask worker tls://head:8786 --tls-ca-file=... --nthreads=1                                on each, with tfgraphs

    with Scheduler("tls://head:8786", Certificates("ca.pem", "me.pem", "me.pem")) as scheduler:
        for result in scheduler.map_in_order(function, items): ...

Whoever reaches a scheduler without certificates can run programs on all its workers. So it is refused unless it is on
this machine.
"""

import contextlib
import ipaddress
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from tfgraphs.errors import TfgraphsError, summary
from tfgraphs.extras import install_extra
from tfgraphs.graphs.processor import usable_cores
from tfgraphs.version import __version__

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 20.0
"""Seconds in which a scheduler has to answer, and then to have a worker."""
_STARTING = 120  # seconds in which a worker of this machine has to start: it imports Dask, on a busy machine too
_WAITING = 2  # items for each thread of the workers, besides those that they work on
_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}")


class SchedulerError(TfgraphsError):
    """A scheduler cannot be reached, must not be used, or its workers cannot do the work."""


class Certificates(NamedTuple):
    """Files for TLS, in PEM: those that sign, the own certificate, its key."""

    authority: str
    certificate: str
    key: str


class Scheduler:
    """A connection with a scheduler.

    Args:
        address: tls://host:port, or tcp://host:port on this machine.
        certificates: for tls.

    Raises:
        SchedulerError: it does not answer or has no workers, these have another version of tfgraphs, Dask is not
            installed, a certificate cannot be used, or a connection with another machine would not be safe.
    """

    def __init__(self, address: str, certificates: Certificates | None = None) -> None:
        check_address(address, certificates)
        try:
            import distributed
        except ImportError as error:
            raise SchedulerError(f"Dask is not installed: {install_extra('cluster')}") from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it logs tracebacks; errors are raised as well
        self._address = address
        try:
            security = distributed.Security(**_tls_options(certificates), require_encryption=certificates is not None)
            self._client = distributed.Client(address, security=security, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise SchedulerError(f"no scheduler at {address} can be used: {summary(error)}") from error
        try:
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; what is not done yet is not done."""
        self._client.close()

    def map_in_order(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        """Yields task(item) for all items in their order, computed by the workers.

        Only some more items than the workers have threads are in memory. What a worker had to do when it ended, others
        do again.

        Args:
            task: a function at the top level of a module, or a partial of one; items and results can be pickled.
            items: read in this thread.

        Raises:
            SchedulerError: several workers ended with the same item, or the scheduler ended.
            Exception: what the task raised.
        """
        yield from self._map(task, items, lambda pending: pending[0])

    def map_unordered(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        """Yields the same as they are done."""
        yield from self._map(task, items, self._first_done)

    def run_on_workers(self, task: Callable[[], object]) -> None:
        """Runs a function once on each worker."""
        self._client.run(task)

    def _map(
        self, task: Callable[[Item], Result], items: Iterable[Item], next_of: Callable[[list[Any]], Any]
    ) -> Generator[Result, None, None]:
        shared = self._client.submit(_same, task, pure=False)  # scattered, it would be lost with a worker
        pending: list[Any] = []
        try:
            for item in items:
                pending.append(self._client.submit(_call, shared, item, pure=False))
                if len(pending) > _WAITING * self._threads():
                    yield self._take(pending, next_of)
            while pending:
                yield self._take(pending, next_of)
        finally:
            self._client.cancel(pending)

    def _take(self, pending: list[Any], next_of: Callable[[list[Any]], Any]) -> Any:
        future = next_of(pending)
        pending.remove(future)
        return self._result(future)

    def _first_done(self, pending: list[Any]) -> Any:
        from distributed import wait

        with self._client.as_current():
            return next(iter(wait(pending, return_when="FIRST_COMPLETED").done))

    def _threads(self) -> int:
        return max(1, sum(self._client.nthreads().values()))

    def _result(self, future: Any) -> Any:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            return future.result()
        except KilledWorker as error:
            raise SchedulerError(
                "several workers ended with the same part of the work: do they have the memory?"
            ) from error
        except (FutureCancelledError, OSError) as error:
            if isinstance(error, OSError) and self._client.status == "running":
                raise
            raise SchedulerError(f"the scheduler at {self._address} has ended") from error

    def _check_workers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._client.nthreads():
            if time.monotonic() > deadline:
                raise SchedulerError(
                    f"the scheduler at {self._address} has no workers: start some, dask worker {self._address}"
                )
            time.sleep(0.1)
        for worker, version in self._client.run(_version).items():
            if version != __version__:
                raise SchedulerError(f"the worker {worker} has tfgraphs {version}, and this is {__version__}")


@contextlib.contextmanager
def local_scheduler(workers: int) -> Iterator[str]:
    """Starts a scheduler and workers on this machine, and yields its address; they end with the block.

    The cores are shared among the workers.

    Raises:
        SchedulerError: Dask is not installed, or they do not start.
    """
    try:
        from distributed.deploy.subprocess import SubprocessCluster
    except ImportError as error:
        raise SchedulerError(f"Dask is not installed: {install_extra('cluster')}") from error
    threads = str(max(1, usable_cores() // max(1, workers)))
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)]  # tfgraphs need not be installed
    variables = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        cluster = SubprocessCluster(
            host="127.0.0.1",
            dashboard_address=None,  # type: ignore[arg-type]
            n_workers=workers,
            threads_per_worker=1,
            worker_kwargs={"env": variables},
        )
    except (OSError, RuntimeError) as error:
        raise SchedulerError(f"workers of this machine do not start: {summary(error)}") from error
    with cluster:
        if workers:
            _await_worker(cluster)
        yield cluster.scheduler_address


def _await_worker(cluster: "Cluster") -> None:
    try:
        cluster.wait_for_workers(1, timeout=_STARTING)
    except TimeoutError as error:
        raise SchedulerError(f"no worker of this machine has started in {_STARTING} seconds") from error


def check_address(address: str, certificates: Certificates | None) -> None:
    """Raises SchedulerError if an address is none, or connecting with it is not safe."""
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise SchedulerError(f"{address!r} is no address of a scheduler such as tls://head:8786")
    if match[1] == "tls" and certificates is None:
        raise SchedulerError(f"{address} needs certificates: give those that sign, one of this machine, and its key")
    if match[1] == "tcp" and not _is_here(match[2].strip("[]")):
        raise SchedulerError(
            f"{address} is another machine, and whoever reaches its scheduler can run programs there: use TLS, tls://"
        )
    if match[1] == "tcp" and certificates is not None:
        raise SchedulerError(f"{address} is without TLS: leave the certificates out, or use tls://")


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _tls_options(certificates: Certificates | None) -> dict[str, str]:
    if certificates is None:
        return {}
    authority, certificate, key = certificates
    return {"tls_ca_file": authority, "tls_client_cert": certificate, "tls_client_key": key}


def _same(task: Callable[[Item], Result]) -> Callable[[Item], Result]:
    return task


def _call(task: Callable[[Item], Result], item: Item) -> Result:
    return task(item)


def _version() -> str:
    """Runs on a worker."""
    try:
        from tfgraphs import version
    except ImportError:
        return "not at all"
    return version.__version__
