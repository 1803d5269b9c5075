"""How TensorFlow is started, with stand-ins for processors that are not here."""

import dataclasses
import os
import sys

import pytest
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.start import set_environment, start


@pytest.fixture
def options(monkeypatch):
    """Records the options that `start` sets instead of setting them."""
    found = {}
    monkeypatch.setattr(tf.config.optimizer, "set_experimental_options", found.update)
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, grows: found.update(memory_growth=(gpu, grows))
    )
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: found.update(determinism=True))
    monkeypatch.setattr(
        tf.config.threading, "set_intra_op_parallelism_threads", lambda threads: found.update(threads=threads)
    )
    return found


def test_on_a_cpu_only_the_graph_optimizer_is_switched_off(options):
    start()
    assert options == {"disable_meta_optimizer": True}


def test_threads_are_those_asked_for(options):
    start(threads=lambda found: 1)
    assert options["threads"] == 1


def test_with_a_gpu_memory_grows_and_operations_are_deterministic(options, monkeypatch):
    before = processor.current()
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    devices = [tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU"), gpu]
    monkeypatch.setattr(
        tf.config, "get_visible_devices", lambda kind=None: [one for one in devices if kind in (None, one.device_type)]
    )
    assert start() == dataclasses.replace(before, gpus=1)
    assert options == {"memory_growth": (gpu, True), "determinism": True}


def test_a_started_tensorflow_keeps_its_threads(monkeypatch):
    def refuse(threads):
        raise RuntimeError("Intra op parallelism cannot be modified after initialization.")

    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", refuse)
    start(threads=lambda found: 1)


@pytest.mark.parametrize(("imported", "expected"), [(False, "1"), (True, None)])
def test_the_environment_is_set_only_before_tensorflow_is_imported(imported, expected, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if not imported:
        monkeypatch.delitem(sys.modules, "tensorflow")
    set_environment()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == expected


def test_the_environment_of_the_user_stays(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.delitem(sys.modules, "tensorflow")
    set_environment()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
