"""Groups of workers: one alone, and what several agree on."""

from types import SimpleNamespace

import pytest

from tfgraphs.cluster import group as group_module
from tfgraphs.cluster.group import ALONE, Agreement
from tfgraphs.cluster.threads import ThreadGroup, run_workers


def test_a_worker_alone_has_its_own_sums_and_numbers():
    assert (ALONE.total([1, 2]), ALONE.mean([3.0]), ALONE.least(4, 5)) == ([1, 2], [3.0], [4, 5])


@pytest.mark.parametrize("due", [True, False])
def test_a_worker_alone_saves_when_it_is_due(due):
    assert Agreement(ALONE)(due) == (due, False)


def test_workers_save_and_stop_in_the_same_round(monkeypatch):
    monkeypatch.setattr(group_module, "SECONDS", 0)  # in every round

    def work(group):
        agreement, decisions = Agreement(group), []
        for number in range(6):
            group.stopping = group.rank == 1 and number >= 4
            decisions.append(agreement(due=number == 2 and group.rank == 0))
        return decisions

    nothing = (False, False)
    wanted = [nothing, nothing, (True, False), nothing, (False, True), (False, True)]
    assert run_workers(3, work) == [wanted] * 3


def test_workers_ask_each_other_about_once_a_second(monkeypatch):
    """Rounds of ten milliseconds."""
    clock, asked = [0.0], []
    monkeypatch.setattr(group_module.time, "monotonic", lambda: clock[0])
    group = ThreadGroup(0, SimpleNamespace(barrier=SimpleNamespace(parties=2)))
    monkeypatch.setattr(group, "least", lambda *numbers: asked.append(clock[0]) or list(numbers))
    agreement = Agreement(group)
    for _ in range(500):
        clock[0] += 0.01
        agreement(False)
    assert asked == pytest.approx([0.01, 1.01, 2.01, 3.01, 4.01])
