"""The page about several machines: its commands and files, as far as one machine can run them."""

import os
import re
import shlex
import subprocess
import sys

import kubernetes_validate
import numpy as np
import pytest
import yaml
from documents import CHECKOUT, DOCS, blocks
from free_ports import first_of_two, free_addresses

from tfgraphs.cluster.addresses import find_place

HOW_TO = DOCS / "how-to"
PAGE = (HOW_TO / "cluster.md").read_text(encoding="utf-8")
CONSOLES = [block.text for block in blocks(PAGE) if block.language == "console"]
COMMANDS = [re.sub(r"^\$ ", "", text, flags=re.MULTILINE) for text in CONSOLES]
LOOP = next(command for command in COMMANDS if command.startswith("until "))
DASK_WORKER = next(line for line in "\n".join(COMMANDS).splitlines() if line.startswith("dask worker "))
FILES = HOW_TO / "cluster"
OBJECTS = {one["kind"]: one for one in yaml.safe_load_all((FILES / "word2vec.yaml").read_text())}
SRUN = """#!/bin/sh
# Starts two tasks of this machine as srun does, and returns the larger code.
shift
for task in 0 1; do
    SLURM_PROCID=$task SLURM_STEP_NODELIST=localhost SLURM_STEP_TASKS_PER_NODE=2 "$@" &
    tasks="$tasks $!"
done
code=0
for task in $tasks; do wait $task || code=$?; done
exit $code
"""


@pytest.fixture
def place(tmp_path):
    """A folder as /shared, with a text, and commands as they are installed."""
    random = np.random.default_rng(0)
    (tmp_path / "wiki").mkdir()
    lines = (" ".join(f"w{number}" for number in random.zipf(1.5, 12) % 50) for _ in range(2000))
    (tmp_path / "wiki" / "text.txt").write_text("\n".join(lines))
    scripts = {"srun": SRUN}
    for name in ("word2vec", "neural-style"):
        module = name.replace("-", "_")
        program = f"from tfgraphs.cli.{module} import run; run()"
        more = " --dim=4 --epochs=1 --words_per_step=64 --workers=1" if name == "word2vec" else ""
        scripts[f"tfgraphs-{name}"] = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{program}" "$@"{more}\n'
    (tmp_path / "bin").mkdir()
    for name, text in scripts.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def start(place, text, **variables):
    """Starts a shell with a text, in which /shared is the place."""
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        **variables,
    }
    text = text.replace("/shared", str(place))
    return subprocess.Popen(["sh", "-c", text], cwd=place, env=environment, stderr=subprocess.PIPE, text=True)


def test_the_loops_of_two_machines_train(place):
    loop = LOOP.replace("a:2222,b:2222", ",".join(free_addresses(2)))
    both = [start(place, loop.replace("--rank=0", f"--rank={rank}")) for rank in (0, 1)]
    errors = [one.communicate()[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], errors
    assert (place / "vectors" / "vectors.bin").exists()


def test_the_loop_ends_after_a_mistake(place):
    loop = LOOP.replace("a:2222,b:2222", "nowhere")
    one = start(place, loop)
    assert "'nowhere' is not an address" in one.communicate()[1]


def test_the_batch_file_trains_by_srun(place):
    one = start(place, (FILES / "word2vec.sbatch").read_text(), TFGRAPHS_PORT=str(first_of_two()))
    assert one.communicate() is not None
    assert one.returncode == 0
    assert (place / "vectors" / "vectors.bin").exists()


@pytest.mark.parametrize("version", ["1.31", "1.33"])
@pytest.mark.parametrize("kind", ["Service", "NetworkPolicy", "Job"])
def test_the_objects_of_kubernetes_are_valid(kind, version):
    assert kubernetes_validate.validate(OBJECTS[kind], version, strict=True) == version


def test_the_pods_find_each_other():
    spec = OBJECTS["Job"]["spec"]
    pod = spec["template"]["spec"]
    name = OBJECTS["Job"]["metadata"]["name"]
    own = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    given = {"JOB_COMPLETION_INDEX": "3", "HOSTNAME": f"{name}-3"}  # by Kubernetes
    addresses, rank = find_place("env", environment={**own, **given})
    assert (len(addresses), rank) == (spec["completions"], 3)
    service = OBJECTS["Service"]
    assert {address.partition(".")[2] for address in addresses} == {
        f"{pod['subdomain']}:{service['spec']['ports'][0]['port']}"
    }
    assert service["metadata"]["name"] == pod["subdomain"]
    for selector in (service["spec"]["selector"], OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]):
        assert selector == {"job-name": name}


def test_the_flags_of_the_page_exist():
    known = subprocess.run(
        [sys.executable, "-m", "dask", "worker", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for flag in re.findall(r"--[\w-]+", DASK_WORKER):
        assert flag in known
