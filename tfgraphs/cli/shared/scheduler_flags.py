"""Flags for work that a scheduler of Dask gives to other machines."""

import contextlib
from collections.abc import Iterator

from absl import flags

from tfgraphs.cli.shared import common_flags
from tfgraphs.cli.shared.command import UsageError
from tfgraphs.cluster.scheduler import Certificates, Scheduler, check_address

SCHEDULER = flags.DEFINE_string(
    "scheduler", None, "A scheduler of Dask whose workers do the work, tls://host:8786; they see the same files."
)
TLS_CA = common_flags.define_path("tls_ca", None, "For --scheduler: the certificates that sign the others, PEM.")
TLS_CERT = common_flags.define_path("tls_cert", None, "For --scheduler: the certificate of this machine, PEM.")
TLS_KEY = common_flags.define_path("tls_key", None, "For --scheduler: the key of that certificate, PEM.")

NAMES = ("scheduler", "tls_ca", "tls_cert", "tls_key")


def check_flags() -> None:
    """Raises UsageError or SchedulerError if the flags are incomplete or not safe."""
    files = [TLS_CA, TLS_CERT, TLS_KEY]
    for flag in files:
        if flag.value and not SCHEDULER.value:
            raise UsageError(f"--{flag.name} is for --scheduler: leave it out")
    if any(flag.value for flag in files) and not all(flag.value for flag in files):
        raise UsageError("TLS needs all of --tls_ca, --tls_cert and --tls_key")
    if SCHEDULER.value:
        check_address(SCHEDULER.value, _certificates())


@contextlib.contextmanager
def connected() -> Iterator[Scheduler | None]:
    """Connects with the scheduler, if one is given.

    Raises:
        SchedulerError: see `Scheduler`.
    """
    if not SCHEDULER.value:
        yield None
        return
    with Scheduler(SCHEDULER.value, _certificates()) as scheduler:
        yield scheduler


def _certificates() -> Certificates | None:
    if not TLS_CA.value:
        return None
    return Certificates(TLS_CA.value, TLS_CERT.value or "", TLS_KEY.value or "")
