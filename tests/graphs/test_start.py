"""How TensorFlow is started, with stand-ins for processors that are not here."""

import dataclasses
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from tfgraphs.graphs import processor
from tfgraphs.graphs.start import DeviceError, set_environment, start


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


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs that are not here: TensorFlow's lists of devices have them."""
    found = [tf.config.PhysicalDevice(f"/physical_device:GPU:{number}", "GPU") for number in range(2)]
    devices = [tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU"), *found]

    def show(used, kind):
        devices[:] = [one for one in devices if one.device_type != kind] + used

    monkeypatch.setattr(
        tf.config, "get_visible_devices", lambda kind=None: [one for one in devices if kind in (None, one.device_type)]
    )
    monkeypatch.setattr(tf.config, "set_visible_devices", show)
    return found


@pytest.mark.parametrize("device", ["auto", "gpu"])
def test_one_gpu_is_used_whose_memory_grows_and_whose_operations_are_deterministic(options, gpus, device, caplog):
    before = processor.current()
    with caplog.at_level("INFO", "tfgraphs"):
        assert start(device=device) == dataclasses.replace(before, gpus=1)
    assert options == {"memory_growth": (gpus[0], True), "determinism": True}
    assert caplog.messages == ["computing on the GPU"]


@pytest.mark.parametrize("asked", [{"device": "cpu"}, {"gpu_gains": False}])
def test_a_gpu_is_left_alone_where_it_is_not_wanted_or_does_not_gain(options, gpus, asked, caplog):
    with caplog.at_level("INFO", "tfgraphs"):
        assert start(**asked) == dataclasses.replace(processor.current(), gpus=0)
    assert options == {"disable_meta_optimizer": True}
    assert caplog.messages == ["computing on the CPU"]


def test_a_gpu_that_does_not_gain_is_used_if_it_is_asked_for(options, gpus):
    assert start(device="gpu", gpu_gains=False).gpus == 1


def test_determinism_can_be_given_up(options, gpus):
    start(deterministic=False)
    assert "determinism" not in options


def test_a_gpu_that_is_not_there_is_an_error(options):
    with pytest.raises(DeviceError, match="no GPU that TensorFlow can use: install the extra gpu"):
        start(device="gpu")


def test_devices_that_tensorflow_has_already_stay_as_they_are(options, gpus, monkeypatch):
    def refuse(*_):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", refuse)
    assert start(device="cpu").gpus == 2


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


BANNER = 'os.write(2, b"banner of C++\\n"); print("message", file=sys.stderr)'


@pytest.mark.parametrize(
    ("after", "code", "shown"),
    [("pass", 0, "message\nafter\n"), ("sys.exit(3)", 3, "message\nbanner of C++\n")],
    ids=["success", "error"],
)
def test_banners_are_hidden_unless_there_is_an_error(after, code, shown):
    program = "import os, sys; from tfgraphs.graphs.start import without_banners\n"
    program += f"with without_banners(): {BANNER}; {after}\nprint('after', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, shown)


def test_messages_of_tensorflow_s_log_are_shown_after_it_was_imported():
    program = "import logging, os; from tfgraphs.graphs.start import without_banners\n"
    program += "with without_banners(): logging.getLogger('tensorflow').addHandler(logging.StreamHandler())\n"
    program += "logging.getLogger('tensorflow').warning('after')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "after\n"


def test_errors_that_explain_themselves_show_no_banners():
    program = "import os; from tfgraphs.graphs.start import without_banners\n"
    program += f"with without_banners(lambda error: True): {BANNER}; sys.exit(3)"
    done = subprocess.run([sys.executable, "-c", f"import sys; {program}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "message\n")


def test_where_there_is_no_stderr_nothing_is_hidden():
    program = "import os; os.close(2); from tfgraphs.graphs.start import without_banners\n"
    program += "with without_banners(): print(1)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "1\n"


NO_FOLDER = """
import os, sys, tempfile
from tfgraphs.graphs.start import without_banners

def refuse(*_):
    raise FileNotFoundError("no usable temporary directory")

tempfile.TemporaryFile = refuse
"""


def run_program(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_banners_are_hidden_where_no_folder_is_writable():
    done = run_program(f"{NO_FOLDER}with without_banners(): {BANNER}")
    assert (done.returncode, done.stderr) == (0, "message\n")


NO_MEMORY = "if hasattr(os, 'memfd_create'): del os.memfd_create\n"


def test_banners_are_hidden_where_there_are_no_files_in_memory():
    program = f"import os, sys; from tfgraphs.graphs.start import without_banners\n{NO_MEMORY}"
    done = run_program(f"{program}with without_banners(): {BANNER}")
    assert (done.returncode, done.stderr) == (0, "message\n")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs the list of open files of Linux")
def test_where_nothing_can_be_hidden_all_is_shown_and_no_file_stays_open():
    program = f"{NO_FOLDER}{NO_MEMORY}before = os.listdir('/proc/self/fd')\n"
    program += f"with without_banners(): {BANNER}\nassert os.listdir('/proc/self/fd') == before"
    done = run_program(program)
    assert (done.returncode, done.stderr) == (0, "banner of C++\nmessage\n")


@pytest.mark.parametrize("without", [f"{NO_FOLDER}{NO_MEMORY}", "import os; os.close(2)\n"], ids=["file", "stderr"])
def test_an_error_where_nothing_can_be_hidden_is_not_that_of_the_missing_file(without):
    program = f"{without}from tfgraphs.graphs.start import without_banners\n"
    program += "try:\n    with without_banners(): 1 / 0\nexcept ZeroDivisionError as error: print(error.__context__)"
    assert run_program(program).stdout == "None\n"
