"""The plan of a training: how many places of the text a step reads, its parts, and how many steps are taken at once.

Parts of a step run side by side and are added up, so the same plan gives the same vectors. In free training each worker
takes steps of its own on the shared matrices.
"""

from typing import NamedTuple

from tfgraphs.word2vec.damping import FREE_PLACES
from tfgraphs.word2vec.settings import TrainingSettings

PARTS = (2, 4, 8, 16)  # of a step: as few of these as the workers need, or as many as there are places for
COLUMN_BLOCKS = 4  # of a matrix at most
CORES_PER_BLOCK = 4  # from which another block gains more than it costs, by the figures below
LEAST_PLACES = {"hierarchical_softmax": 4}  # of a worker in free training; with other losses FREE_PLACES


class Plan(NamedTuple):
    """How a text is trained on.

    Attributes:
        places: that a step reads at once.
        parts: of a step, which run side by side.
        threads: how many steps are taken at once, in free training.
    """

    places: int
    parts: int
    threads: int


def make_plan(settings: TrainingSettings, most: int, grouped: int) -> Plan:
    """Return the plan for some settings.

    Args:
        settings: `workers`, `free` and `loss` are used here.
        most: how many places can be read at once, by all steps that are taken at once.
        grouped: how many places share noise words, and so belong into one part of a step.
    """
    workers = settings.cores
    if settings.free:
        threads = max(1, min(workers, most // LEAST_PLACES.get(settings.loss, FREE_PLACES)))
        return Plan(_rounded_down(most // threads, grouped), 1, threads)
    enough = next((parts for parts in PARTS if parts >= workers), PARTS[-1])
    parts = next((parts for parts in reversed(PARTS) if parts <= enough and most >= parts * grouped), 1)
    return Plan(_rounded_down(most, parts * grouped), parts, 1)


def column_blocks(settings: TrainingSettings) -> int:
    """Return into how many blocks of columns each matrix is cut, which are updated side by side.

    On a few cores the parts of a step take longest, on many the updates, a quarter of the work, which would keep two
    cores busy. Two blocks take 18 % more of the cores' time for a step, four 51 %. In free training each worker updates
    both matrices anyway.
    """
    return 1 if settings.free else max(1, min(settings.cores // CORES_PER_BLOCK, COLUMN_BLOCKS))


def _rounded_down(number: int, unit: int) -> int:
    """The largest multiple of a unit up to a number; a number that is less than the unit."""
    return number - number % unit if number >= unit else number
