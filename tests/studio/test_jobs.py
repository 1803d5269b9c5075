"""Jobs: their order, their events, what is kept when they are cancelled, and that they do not pile up."""

import threading

import numpy as np
import pytest
from PIL import Image

from tfgraphs.errors import TfgraphsError
from tfgraphs.monitor.progress import Progress
from tfgraphs.studio import jobs as jobs_module
from tfgraphs.studio.jobs import Jobs, Work

PATIENCE = 30.0


def picture(value):
    return np.full((8, 12, 3), value, np.float32)


def steps(count, **values):
    return (Progress(n, f"step {n}", n / count, 1 / n, **values) for n in range(1, count + 1))


def work(run, finish=lambda last: {"step": last.step}):
    return Work(run, finish)


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path / "history")


def all_events(job):
    known = []
    while not known or known[-1]["kind"] not in ("done", "cancelled", "failed"):
        new = job.events(len(known), PATIENCE)
        assert new, f"nothing after {known}"
        known += [event for _, event in new]
    return known


class Gate:
    """A run that waits before each step until it is let through."""

    def __init__(self, count=100):
        self.closed, self.reached, self.ended = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
        self._count = count

    def run(self):
        try:
            for number in range(1, self._count + 1):
                self.reached.release()
                assert self.closed.acquire(timeout=PATIENCE)
                yield Progress(number, f"step {number}", number / self._count, 0.5, picture=picture(number / 200))
        finally:
            self.ended.set()


def test_a_job_tells_its_progress_and_its_result(jobs):
    events = all_events(jobs.submit(work(lambda: steps(3))))
    assert [event["kind"] for event in events][:2] == ["waiting", "started"]
    assert events[-1] == {
        "kind": "done",
        "step": 3,
        "stage": "step 3",
        "done": 1.0,
        "loss": 1 / 3,
        "frame": None,
        "seconds": events[-1]["seconds"],
        "result": {"step": 3},
    }


def test_a_loss_that_is_no_number_is_left_out(jobs):
    last = all_events(jobs.submit(work(lambda: iter([Progress(1, "one", 1.0, float("nan"))]))))[-1]
    assert last["loss"] is None


def test_pictures_on_the_way_are_files_that_events_name(jobs):
    job = jobs.submit(work(lambda: steps(2, picture=picture(0.5))))
    frames = [event["frame"] for event in all_events(job) if event.get("frame")]
    assert len(frames) == len(set(frames)) >= 2
    for name in frames:
        with Image.open(job.folder / name) as image:
            assert image.size == (12, 8)


def test_jobs_are_done_one_after_the_other_and_the_others_know_their_place(jobs):
    first, second, third = Gate(1), Gate(1), Gate(1)
    started = jobs.submit(work(first.run))
    assert first.reached.acquire(timeout=PATIENCE)
    others = [jobs.submit(work(gate.run)) for gate in (second, third)]
    assert [job.events(0)[-1][1] for job in others] == [
        {"kind": "waiting", "place": 1},
        {"kind": "waiting", "place": 2},
    ]
    assert not second.reached.acquire(blocking=False)
    first.closed.release()
    all_events(started)
    assert second.reached.acquire(timeout=PATIENCE)
    assert others[1].events(0)[-1][1] == {"kind": "waiting", "place": 1}
    for gate in (second, third):
        gate.closed.release()
    assert [all_events(job)[-1]["kind"] for job in others] == ["done", "done"]


def test_a_cancelled_job_keeps_what_there_is_and_does_not_wait_for_its_step(jobs):
    gate, finished, following = Gate(), [], Gate(1)
    job = jobs.submit(work(gate.run, lambda last: finished.append(last.step) or {"name": "kept.png"}))
    for _ in range(3):
        assert gate.reached.acquire(timeout=PATIENCE)
        gate.closed.release()
    assert gate.reached.acquire(timeout=PATIENCE)  # in its fourth step
    later = jobs.submit(work(following.run))
    jobs.cancel(job)
    last = all_events(job)[-1]
    assert (last["kind"], last["step"], last["result"]) == ("cancelled", 3, {"name": "kept.png"})
    assert not following.reached.acquire(blocking=False)
    gate.closed.release()
    assert gate.ended.wait(PATIENCE)
    following.closed.release()
    assert all_events(later)[-1]["kind"] == "done"
    assert finished == [3]
    assert all_events(job)[-1] == last


def test_a_job_that_is_cancelled_twice_ends_once(jobs):
    gate = Gate()
    job = jobs.submit(work(gate.run))
    assert gate.reached.acquire(timeout=PATIENCE)
    jobs.cancel(job)
    jobs.cancel(job)
    gate.closed.release()
    assert gate.ended.wait(PATIENCE)
    assert [event["kind"] for event in all_events(job)] == ["waiting", "started", "cancelled"]


def test_nothing_is_written_before_the_first_step(jobs):
    begun = threading.Event()

    def run():
        yield Progress(0, "starting", 0.0, float("nan"), picture=picture(0.5))
        begun.set()
        assert stopped.wait(PATIENCE)
        yield from steps(2)

    stopped = threading.Event()
    job = jobs.submit(work(run, lambda last: pytest.fail("there is no result")))
    assert begun.wait(PATIENCE)
    jobs.cancel(job)
    stopped.set()
    last = all_events(job)[-1]
    assert (last["kind"], last["result"]) == ("cancelled", {})


def test_what_a_job_needed_is_forgotten_at_its_end(jobs):
    job = jobs.submit(work(lambda: steps(2, picture=picture(0.1))))
    all_events(job)
    all_events(jobs.submit(work(lambda: steps(1))))  # the thread is done with the first
    assert (job.work, job._last) == (None, None)


def test_a_result_that_cannot_be_written_is_told(jobs):
    def refuse(last):
        raise TfgraphsError("no space left on device")

    assert all_events(jobs.submit(work(lambda: steps(1), refuse)))[-1] == {
        "kind": "failed",
        "error": "no space left on device",
    }


def test_a_waiting_job_is_cancelled_at_once(jobs):
    gate = Gate(1)
    first = jobs.submit(work(gate.run))
    assert gate.reached.acquire(timeout=PATIENCE)
    never = jobs.submit(work(lambda: pytest.fail("it was cancelled")))
    jobs.cancel(never)
    assert all_events(never)[-1] == {"kind": "cancelled"}
    gate.closed.release()
    assert all_events(first)[-1]["kind"] == "done"


def test_errors_of_a_run_are_told_and_the_next_one_is_done(jobs, caplog):
    def refuse(error):
        def run():
            raise error
            yield

        return run

    for error, text in (
        (TfgraphsError("no such layer"), "no such layer"),
        (MemoryError(), "out of memory: try something smaller"),
        (ValueError("shape"), "internal error: shape"),
    ):
        assert all_events(jobs.submit(work(refuse(error))))[-1] == {"kind": "failed", "error": text}
    assert all_events(jobs.submit(work(lambda: steps(1))))[-1]["kind"] == "done"


def test_a_page_that_comes_back_reads_what_it_missed(jobs):
    job = jobs.submit(work(lambda: steps(3, picture=picture(0.1))))
    events = all_events(job)
    assert job.events(0) == list(enumerate(events, start=1))
    assert job.events(len(events) - 1) == [(len(events), events[-1])]
    assert job.events(len(events), PATIENCE) == []  # without waiting, as it has ended


def test_old_jobs_are_forgotten_with_their_pictures(jobs, tmp_path):
    keys = []
    for _ in range(jobs_module.KEPT + 5):
        job = jobs.submit(work(lambda: steps(1, picture=picture(0.3))))
        all_events(job)
        keys.append(job.key)
    kept = [key for key in keys if jobs.get(key)]
    assert kept == keys[-len(kept) :]
    assert len(kept) <= jobs_module.KEPT
    assert {path.name for path in (tmp_path / "history").iterdir()} == set(kept)


def test_pictures_of_an_earlier_server_are_deleted(tmp_path):
    (tmp_path / "history" / "old").mkdir(parents=True)
    Jobs(tmp_path / "history")
    assert not (tmp_path / "history").exists()


def test_long_runs_have_some_hundreds_of_events(jobs, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(jobs_module.time, "monotonic", lambda: clock[0])

    def run():
        for number in range(1, 20_000):
            clock[0] += 0.1
            yield Progress(number, "", number / 20_000, 0.0)

    events = all_events(jobs.submit(work(run)))
    assert 100 < len(events) < 1000
    assert events[-1]["step"] == 19_999
