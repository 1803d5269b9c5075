"""Where the workers of a cluster are: from flags, TF_CONFIG, Kubernetes and SLURM."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.cluster.addresses import ClusterError, expand_nodes, expand_tasks, find_place


def test_addresses_and_a_rank_are_a_place():
    assert find_place("a:2222, [2001:db8::1]:1", 1) == (("a:2222", "[2001:db8::1]:1"), 1)


def tf_config(cluster, kind, index):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "place"),
    [
        ({"worker": ["a:1", "b:2"]}, "worker", 1, (("a:1", "b:2"), 1)),
        ({"chief": ["c:3"], "worker": ["a:1", "b:2"]}, "worker", 1, (("c:3", "a:1", "b:2"), 2)),
        ({"chief": ["c:3"], "worker": ["a:1"]}, "chief", 0, (("c:3", "a:1"), 0)),
    ],
)
def test_tf_config_is_read(cluster, kind, index, place):
    assert find_place("env", environment=tf_config(cluster, kind, index)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '{"cluster": {}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        "[" * 9999,
    ],
)
def test_a_damaged_tf_config_is_one_clear_error(text):
    with pytest.raises(ClusterError, match=r"^[^\n]*$"):
        find_place("env", environment={"TF_CONFIG": text})


def test_a_task_that_trains_nothing_is_refused():
    with pytest.raises(ClusterError, match="TF_CONFIG does not describe workers"):
        find_place("env", environment=tf_config({"worker": ["a:1"]}, "ps", 0))


POD = {"JOB_COMPLETION_INDEX": "2", "HOSTNAME": "wiki-2", "TFGRAPHS_WORKERS": "3", "TFGRAPHS_SERVICE": "vectors"}


def test_a_pod_finds_the_others_of_its_job():
    assert find_place("env", environment=POD) == (
        ("wiki-0.vectors:2222", "wiki-1.vectors:2222", "wiki-2.vectors:2222"),
        2,
    )


def test_a_pod_may_have_another_port():
    assert find_place("env", environment={**POD, "TFGRAPHS_PORT": "77"}).addresses[0] == "wiki-0.vectors:77"


@pytest.mark.parametrize("change", [{"HOSTNAME": "other"}, {"TFGRAPHS_WORKERS": "x"}, {"TFGRAPHS_SERVICE": ""}])
def test_an_incomplete_pod_is_refused(change):
    with pytest.raises(ClusterError):
        find_place("env", environment={**POD, **change})


SLURM = {"SLURM_PROCID": "3", "SLURM_STEP_NODELIST": "n[2,10]", "SLURM_STEP_TASKS_PER_NODE": "2(x2)"}


def test_tasks_of_srun_are_numbered_as_its_nodes_are_listed():
    assert find_place("slurm", environment=SLURM) == (("n2:2222", "n2:2223", "n10:2222", "n10:2223"), 3)


@pytest.mark.parametrize(
    "change", [{"SLURM_PROCID": "x"}, {"SLURM_PROCID": "4"}, {"SLURM_STEP_NODELIST": "n[2"}, {"TFGRAPHS_PORT": "x"}]
)
def test_tasks_that_are_not_understood_are_refused(change):
    with pytest.raises(ClusterError):
        find_place("slurm", environment={**SLURM, **change})


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("a", ["a"]),
        ("a,b-1.c", ["a", "b-1.c"]),
        ("a[08-10,12],b", ["a08", "a09", "a10", "a12", "b"]),
        ("gpu-a[1-2],gpu-b[7]", ["gpu-a1", "gpu-a2", "gpu-b7"]),
    ],
)
def test_lists_of_nodes_are_expanded(text, nodes):
    assert expand_nodes(text) == nodes


@pytest.mark.parametrize("text", ["", ",", "a[", "a[]", "a[2-1", "a[x]", "a b", "a[1]b"])
def test_what_is_no_list_of_nodes_is_refused(text):
    with pytest.raises(ValueError, match="no list of nodes"):
        expand_nodes(text)


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z][a-z-]{0,5}", fullmatch=True), st.integers(0, 99), st.integers(0, 20)),
        min_size=1,
    )
)
def test_tensorflow_expands_lists_of_nodes_to_the_same(parts):
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver

    text = ",".join(f"{name}[{first:03}-{first + more:03}]" for name, first, more in parts)
    assert expand_nodes(text) == slurm_cluster_resolver.expand_hostlist(text)


@pytest.mark.parametrize(("text", "counts"), [("1", [1]), ("2(x3),1", [2, 2, 2, 1])])
def test_numbers_of_tasks_are_expanded(text, counts):
    assert expand_tasks(text) == counts


@pytest.mark.parametrize("text", ["", "x", "2(3)", "1,"])
def test_what_are_no_numbers_of_tasks_is_refused(text):
    with pytest.raises(ValueError, match="no number of tasks"):
        expand_tasks(text)
