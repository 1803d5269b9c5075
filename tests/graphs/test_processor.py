"""Which forms are chosen on which processor."""

import subprocess
import sys

import pytest

from tfgraphs.graphs.processor import Processor, current, describe


@pytest.mark.parametrize(
    ("devices", "onednn", "features", "expected"),
    [
        (["CPU"], True, ["AVX2"], Processor(gpus=0, onednn=True, avx512=False)),
        (["CPU"], False, ["AVX2", "AVX512F"], Processor(gpus=0, onednn=False, avx512=True)),
        (["CPU", "GPU", "GPU"], True, [], Processor(gpus=2, onednn=True, avx512=False)),
    ],
)
def test_a_processor_is_described_by_devices_and_features(devices, onednn, features, expected):
    assert describe(devices, onednn, features) == expected


@pytest.mark.parametrize("onednn", [True, False])
def test_with_a_gpu_every_choice_is_tensorflows_default(onednn):
    processor = describe(["CPU", "GPU"], onednn, ["AVX512F"])
    assert not processor.transposed_convolutions
    assert not processor.gathered_strides
    assert not processor.compiled_losses
    assert processor.rewritten_graphs
    assert processor.loss_threads is None


def test_on_a_cpu_losses_are_compiled_and_graphs_are_left_as_they_are():
    processor = describe(["CPU"], onednn=True)
    assert processor.compiled_losses
    assert not processor.rewritten_graphs
    assert processor.gathered_strides


@pytest.mark.parametrize(
    ("onednn", "features", "transposed"), [(True, [], True), (False, [], False), (True, ["AVX512F"], False)]
)
def test_convolutions_are_transposed_only_where_that_gains(onednn, features, transposed):
    assert describe(["CPU"], onednn, features).transposed_convolutions == transposed


def test_this_process_runs_on_a_cpu():
    assert current().gpus == 0


def test_importing_tfgraphs_changes_nothing():
    """Neither the environment nor what is imported, whatever comes first."""
    program = (
        "import os, sys; before = dict(os.environ); import tfgraphs; print(before == dict(os.environ), *sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert output[0] == "True"
    assert not {"tensorflow", "numpy", "keras"} & set(output)
