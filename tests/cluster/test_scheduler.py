"""Work by a scheduler of Dask: order, errors, ended workers, and what is refused."""

import operator
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from free_ports import free_ports

from tfgraphs.cluster import scheduler as scheduler_module
from tfgraphs.cluster.scheduler import Certificates, Scheduler, SchedulerError, check_address, local_scheduler

distributed = pytest.importorskip("distributed", reason="needs the extra cluster")


@pytest.fixture(scope="module")
def address():
    with local_scheduler(2) as found:
        yield found


@pytest.fixture
def scheduler(address):
    with Scheduler(address) as found:
        yield found


def test_results_come_in_the_order_of_the_items(scheduler):
    assert list(scheduler.map_in_order(partial(operator.mul, 2), range(30))) == list(range(0, 60, 2))


def test_results_come_as_they_are_done(tmp_path):
    released = tmp_path / "released"
    slow, fast = shell(f"until [ -e {released} ]; do sleep 0.1; done; echo slow"), shell("echo fast")
    with local_scheduler(2) as fresh, Scheduler(fresh) as scheduler:  # one that knows no short tasks moves them
        scheduler._client.wait_for_workers(2, timeout=60)
        results = scheduler.map_unordered(subprocess.check_output, [slow, fast])
        assert next(results) == b"fast\n"
        released.touch()
        assert list(results) == [b"slow\n"]


def test_items_are_read_only_some_ahead(scheduler):
    read = []

    def items():
        for number in range(1000):
            read.append(number)
            yield number

    results = scheduler.map_in_order(operator.neg, items())
    assert next(results) == 0
    assert len(read) < 20
    results.close()


def test_an_error_of_the_task_is_raised(scheduler):
    with pytest.raises(ZeroDivisionError):
        list(scheduler.map_in_order(partial(operator.floordiv, 1), [1, 0, 2]))


def shell(text):
    """A command for `subprocess.check_output`, which is a task that every worker knows; $PPID is the worker."""
    return ["sh", "-c", text]


def test_what_a_killed_worker_had_to_do_others_do(scheduler, tmp_path):
    ended = tmp_path / "ended"
    commands = [
        shell(f"[ {number} != 3 ] || (mkdir {ended} 2>/dev/null && kill -9 $PPID); echo {number}")
        for number in range(7)
    ]
    assert list(scheduler.map_in_order(subprocess.check_output, commands)) == [b"%d\n" % number for number in range(7)]
    assert ended.exists()


def test_work_that_ends_every_worker_is_one_clear_error(scheduler):
    with pytest.raises(SchedulerError, match=r"^several workers ended with the same part of the work[^\n]*$"):
        list(scheduler.map_in_order(subprocess.check_output, [shell("kill -9 $PPID; sleep 60")]))


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(scheduler_module, "PATIENCE", 0.5)
    with pytest.raises(SchedulerError, match=r"no scheduler at tcp://127\.0\.0\.1:9 can be used"):
        Scheduler("tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_named(monkeypatch):
    monkeypatch.setattr(scheduler_module, "PATIENCE", 2)
    with local_scheduler(0) as empty, pytest.raises(SchedulerError, match="has no workers"):
        Scheduler(empty)


CERTIFICATES = Certificates("ca.pem", "me.pem", "me.key")


@pytest.mark.parametrize(
    ("address", "certificates", "message"),
    [
        ("tcp://head:8786", None, "another machine"),
        ("tcp://10.0.0.1:8786", None, "another machine"),
        ("tcp://[2001:db8::1]:8786", None, "another machine"),
        ("tls://head:8786", None, "needs certificates"),
        ("tcp://localhost:8786", CERTIFICATES, "without TLS"),
        ("head:8786", None, "no address of a scheduler"),
        ("http://head:8786", None, "no address of a scheduler"),
    ],
)
def test_connections_that_are_not_safe_are_refused(address, certificates, message):
    with pytest.raises(SchedulerError, match=message):
        check_address(address, certificates)


@pytest.mark.parametrize(
    ("address", "certificates"),
    [
        ("tcp://127.0.0.1:8786", None),
        ("tcp://localhost:8786", None),
        ("tcp://[::1]:8786", None),
        ("tls://head:8786", CERTIFICATES),
    ],
)
def test_this_machine_and_encrypted_connections_are_safe(address, certificates):
    check_address(address, certificates)


def make_certificates(folder):
    """A key and a certificate that signs itself, in one place, by OpenSSL."""
    files = [folder / "me.pem", folder / "me.key"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=tfgraphs",
        "-out",
    ]
    subprocess.run([*command, str(files[0]), "-keyout", str(files[1])], check=True, capture_output=True)
    return Certificates(str(files[0]), *map(str, files))


@pytest.fixture
def encrypted(tmp_path):
    """The address of a scheduler with TLS and a worker, and certificates."""
    certificates = make_certificates(tmp_path)
    flags = [f"--tls-{name}={path}" for name, path in zip(("ca-file", "cert", "key"), certificates, strict=True)]
    (port,) = free_ports(1)
    address = f"tls://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    head = [*dask, "scheduler", "--host=127.0.0.1", f"--port={port}", "--protocol=tls", "--no-dashboard", *flags]
    worker = [*dask, "worker", address, "--nthreads=1", "--no-dashboard", *flags]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    started = [subprocess.Popen(one, stderr=subprocess.DEVNULL, cwd=tmp_path, env=variables) for one in (head, worker)]
    names = ("tls_ca_file", "tls_client_cert", "tls_client_key")
    security = distributed.Security(**dict(zip(names, certificates, strict=True)), require_encryption=True)
    with distributed.Client(address, security=security, timeout=120, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=120)
    yield address, certificates
    for one in started:
        one.terminate()
        one.wait()


def test_workers_are_reached_by_tls(encrypted):
    with Scheduler(*encrypted) as found:
        assert list(found.map_in_order(operator.neg, [1, 2])) == [-1, -2]


def test_wrong_certificates_are_one_clear_error(encrypted, tmp_path, monkeypatch):
    monkeypatch.setattr(scheduler_module, "PATIENCE", 5)
    address, certificates = encrypted
    (tmp_path / "wrong").write_text("no certificate")
    with pytest.raises(SchedulerError, match=r"^no scheduler at tls://[^\n]*$"):
        Scheduler(address, certificates._replace(authority=str(tmp_path / "wrong")))
