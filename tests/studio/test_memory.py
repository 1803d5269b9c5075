"""Many dreams in one server take no more memory than a few."""

from studio_works import blocks, bring

from tests.allocated_memory import growth
from tfgraphs.studio.dream import DreamTab
from tfgraphs.studio.jobs import KEPT, Jobs
from tfgraphs.studio.uploads import Uploads

KEPT_BYTES = 150_000  # of a dream: names that TensorFlow keeps for ever, and the events of the last jobs


def test_memory_is_flat_after_the_first_dreams(tmp_path):
    uploads = Uploads(tmp_path / "uploads")
    state = {"picture": bring(uploads, blocks()), "layer": "fire2", "steps": 3}
    tab, jobs = DreamTab(lambda: None, tmp_path, uploads), Jobs(tmp_path / "history")

    def dream(seed=0):
        job = jobs.submit(tab.dream({**state, "seed": seed}))
        known = 0
        while not job.ended or job.events(known):
            known += len(job.events(known, 60))
        assert job.events(known - 1)[0][1]["kind"] == "done"

    for seed in range(KEPT + 4):  # of which the dreamers are made anew
        dream(seed)
    assert growth(dream) < KEPT_BYTES
    assert len(list((tmp_path / "history").iterdir())) <= KEPT
