"""Which forms are chosen on which processor."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

from tfgraphs.graphs import processor
from tfgraphs.graphs.processor import Processor, current


@pytest.mark.parametrize(
    ("devices", "onednn", "features", "expected"),
    [
        (["CPU"], True, {"AVX2": True}, Processor(gpus=0, onednn=True, avx512=False)),
        (["CPU"], False, {"AVX2": True, "AVX512F": True}, Processor(gpus=0, onednn=False, avx512=True)),
        (["CPU", "GPU", "GPU"], True, {"AVX512F": False}, Processor(gpus=2, onednn=True, avx512=False)),
    ],
)
def test_a_processor_is_described_by_devices_and_features(monkeypatch, devices, onednn, features, expected):
    found = [tf.config.PhysicalDevice(f"/physical_device:{kind}:0", kind) for kind in devices]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda: found)
    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: onednn)
    monkeypatch.setattr(np._core._multiarray_umath, "__cpu_features__", features)
    assert current() == expected


@pytest.mark.parametrize("onednn", [True, False])
def test_with_a_gpu_every_choice_is_tensorflows_default(onednn):
    processor = Processor(gpus=1, onednn=onednn, avx512=True)
    assert not processor.transposed_convolutions
    assert not processor.gathered_strides
    assert not processor.compiled_losses
    assert processor.rewritten_graphs
    assert processor.loss_threads(large=False) is None


def test_on_a_cpu_losses_are_compiled_and_graphs_are_left_as_they_are():
    processor = Processor(onednn=True)
    assert processor.compiled_losses
    assert not processor.rewritten_graphs
    assert processor.gathered_strides
    assert processor.loss_threads(large=False) == 1
    assert processor.loss_threads(large=True) is None


@pytest.mark.parametrize(
    ("onednn", "avx512", "transposed"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_convolutions_are_transposed_only_where_that_gains(onednn, avx512, transposed):
    assert Processor(onednn=onednn, avx512=avx512).transposed_convolutions == transposed


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


def test_the_memory_of_a_gpu_is_what_the_drivers_tool_says(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$*" > "$0.asked"\necho 143771\n', encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda: [tf.config.PhysicalDevice("GPU:0", "GPU")])
    processor._gpu_bytes.cache_clear()
    found = current()
    assert found.gpu_bytes == 143_771 << 20
    assert found.largest_whole == found.gpu_bytes // 4
    processor._gpu_bytes.cache_clear()
    assert "--id=3" in tool.with_suffix(".asked").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("script", [None, "exit 1", "echo none"])
def test_a_gpu_whose_memory_is_unknown_counts_as_a_cpu(monkeypatch, tmp_path, script):
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    processor._gpu_bytes.cache_clear()
    assert processor._gpu_bytes() == 0
    processor._gpu_bytes.cache_clear()
    assert Processor(gpus=1).largest_whole == processor.LARGEST_WHOLE
