"""The workers of a cluster and their addresses: from flags, TF_CONFIG, Kubernetes or SLURM.

find_place("a:2222,b:2222", 0)     the first of two workers
find_place("env")                  from TF_CONFIG, or from what Kubernetes says to the pods of an Indexed Job
find_place("slurm")                from what srun says to its tasks
"""

import json
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from tfgraphs.errors import TfgraphsError

PORT = 2222
_NODES = r"([A-Za-z0-9_.-]+)(?:\[(\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*)\])?"  # a name, and numbers after it
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})")


class ClusterError(TfgraphsError):
    """The workers of a cluster are not described well."""


class Place(NamedTuple):
    """A worker's place among all.

    Attributes:
        addresses: host:port of all workers, by their ranks.
        rank: of this worker.
    """

    addresses: tuple[str, ...]
    rank: int


def find_place(cluster: str, rank: int | None = None, environment: Mapping[str, str] = os.environ) -> Place:
    """Returns the place of this process.

    Args:
        cluster: addresses separated by commas, or "env" or "slurm".
        rank: of this worker, if there are addresses.
        environment: variables.

    Raises:
        ClusterError: an address is none or occurs twice, the rank is missing or too large, or variables are missing.
    """
    if cluster == "env":
        place = _from_tf_config(environment) if "TF_CONFIG" in environment else _from_kubernetes(environment)
    elif cluster == "slurm":
        place = _from_slurm(environment)
    else:
        if rank is None:
            raise ClusterError("--cluster needs the number of this worker: --rank=0 for the first, and so on")
        place = Place(tuple(part.strip() for part in cluster.split(",")), rank)
    if rank is not None and cluster in ("env", "slurm"):
        raise ClusterError(f"--cluster={cluster} says which worker this is: leave --rank out")
    _check(place)
    return place


def _check(place: Place) -> None:
    for address in place.addresses:
        match = _ADDRESS.fullmatch(address)
        if not match or not 0 < int(match[2]) < 1 << 16:
            raise ClusterError(f"{address!r} is not an address such as host:{PORT}")
    if len(set(place.addresses)) < len(place.addresses):
        raise ClusterError("an address occurs twice among those of the workers")
    if not 0 <= place.rank < len(place.addresses):
        raise ClusterError(f"there is no worker {place.rank}: {len(place.addresses)} workers have the ranks from 0 on")


def _from_tf_config(environment: Mapping[str, str]) -> Place:
    """What TensorFlow's own programs read: {"cluster": {"worker": [addresses]}, "task": {"type", "index"}}."""
    try:
        config = json.loads(environment["TF_CONFIG"])
        jobs, task = config["cluster"], config["task"]
        addresses = [*jobs.get("chief", []), *jobs["worker"]]
        before = len(jobs.get("chief", [])) if task["type"] == "worker" else 0
        if task["type"] not in ("chief", "worker") or not all(isinstance(address, str) for address in addresses):
            raise ValueError(task["type"])
        return Place(tuple(addresses), before + int(task["index"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ClusterError(f"TF_CONFIG does not describe workers: {type(error).__name__} {error}") from error


def _from_kubernetes(environment: Mapping[str, str]) -> Place:
    """Pods of an Indexed Job are called JOB-INDEX, and have addresses in its headless service."""
    names = ("JOB_COMPLETION_INDEX", "HOSTNAME", "TFGRAPHS_WORKERS", "TFGRAPHS_SERVICE")
    if missing := [name for name in names if not environment.get(name)]:
        raise ClusterError(
            f"--cluster=env needs TF_CONFIG, or what a pod of an Indexed Job has: {', '.join(missing)} is not set"
        )
    index, host, workers, service = (environment[name] for name in names)
    if not (index.isdecimal() and workers.isdecimal() and host.endswith(f"-{index}")):
        raise ClusterError(f"the pod {host} is not number {index} of {workers} in an Indexed Job")
    job, port = host.removesuffix(f"-{index}"), environment.get("TFGRAPHS_PORT", PORT)
    return Place(tuple(f"{job}-{number}.{service}:{port}" for number in range(int(workers))), int(index))


def _from_slurm(environment: Mapping[str, str]) -> Place:
    """Each task of srun is a worker; those of one node have ports in a row.

    TensorFlow's `SlurmClusterResolver` asks for GPUs, and mistakes the ranks where node10 follows node2.
    """
    names = ("SLURM_PROCID", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
    if missing := [name for name in names if not environment.get(name)]:
        raise ClusterError(f"--cluster=slurm is for tasks that srun starts: {', '.join(missing)} is not set")
    rank, nodes, tasks = (environment[name] for name in names)
    try:
        port = int(environment.get("TFGRAPHS_PORT", PORT))
        places = zip(expand_nodes(nodes), expand_tasks(tasks), strict=True)
        return Place(tuple(f"{node}:{port + task}" for node, count in places for task in range(count)), int(rank))
    except ValueError as error:
        raise ClusterError(f"the tasks {tasks} on the nodes {nodes} of srun are not understood: {error}") from error


def expand_nodes(text: str) -> list[str]:
    """Returns the nodes of a list of SLURM: `a[08-10,12],b` is a08, a09, a10, a12 and b."""
    if not re.fullmatch(rf"{_NODES}(,{_NODES})*", text):
        raise ValueError(f"{text!r} is no list of nodes")
    nodes = []
    for prefix, ranges in re.findall(_NODES, text):
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            numbers = range(int(first), int(last or first) + 1) if part else [""]
            nodes += [f"{prefix}{str(number).zfill(len(first))}" for number in numbers]
    return nodes


def expand_tasks(text: str) -> list[int]:
    """Returns how many tasks each node has, from a text such as `2(x3),1`."""
    counts: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,6})(?:\(x(\d{1,6})\))?", part)
        if not match:
            raise ValueError(f"{part!r} is no number of tasks")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts
