"""The model of networks, as the benchmark draws it."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "cluster.png"
    command = [sys.executable, "benchmarks/cluster.py", f"--simulate={path}", "--speed=1000000", "--group_speed=700000"]
    return path, subprocess.check_output(
        command, cwd=CHECKOUT, text=True, env={"PYTHONPATH": str(CHECKOUT), "PATH": ""}
    )


def test_the_model_is_a_picture_and_a_table(simulated):
    path, printed = simulated
    with Image.open(path) as picture:
        assert picture.size == (720, 480)
    rows = [line.split() for line in printed.splitlines() if "Gbit/s" in line]
    assert [row[0] for row in rows] == ["1", "10", "25", "100"]


def test_a_faster_network_and_more_workers_train_faster_but_less_than_in_proportion(simulated):
    rates = [list(map(float, line.split()[2:])) for line in simulated[1].splitlines() if "Gbit/s" in line]
    for slower, faster in itertools.pairwise(rates):
        assert all(one <= other for one, other in zip(slower, faster, strict=True))
    for row in rates:
        assert row[1:] == sorted(row[1:])  # two workers that exchange may be slower than one
        assert row[0] == 1.0
        assert row[-1] < 64
