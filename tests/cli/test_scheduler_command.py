"""word2vec with a scheduler: the same text in numbers, and what is refused."""

import numpy as np
import pytest

from tfgraphs.cluster.scheduler import local_scheduler

pytest.importorskip("distributed", reason="needs the extra cluster")

FLAGS = ["--dim=4", "--epochs=1", "--min_count=1", "--subsample=0", "--words_per_step=64", "--workers=1"]


@pytest.fixture
def text(tmp_path):
    random = np.random.default_rng(0)
    lines = [" ".join(f"w{number}" for number in random.zipf(1.5, 12) % 50) for _ in range(400)]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    return tmp_path


def test_counted_by_workers_the_vectors_are_the_same(forked, text):
    alone = forked("word2vec", "text.txt", *FLAGS, "--output=alone", cwd=text)
    with local_scheduler(2) as address:
        flags = [f"--scheduler={address}", "--checkpoint_dir=other", "--output=together"]
        together = forked("word2vec", "text.txt", *FLAGS, *flags, cwd=text)
    assert (alone.returncode, together.returncode) == (0, 0), together.stderr
    for name in ("inputs.npy", "vocabulary.tsv"):
        assert (text / "together" / name).read_bytes() == (text / "alone" / name).read_bytes()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--scheduler=tcp://head:8786"], "is another machine"),
        (["--scheduler=tls://head:8786"], "needs certificates"),
        (["--tls_ca=ca.pem"], "--tls_ca is for --scheduler"),
        (["--scheduler=tls://head:8786", "--tls_ca=ca.pem"], "TLS needs all of"),
        (["--scheduler=head"], "is no address of a scheduler"),
    ],
)
def test_wrong_flags_are_refused(forked, text, flags, message):
    done = forked("word2vec", "text.txt", *flags, cwd=text)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert sorted(path.name for path in text.iterdir()) == ["text.txt"]
