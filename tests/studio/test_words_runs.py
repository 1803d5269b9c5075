"""Training runs in the tab Words: what is written is shown, and nothing that is written breaks the page."""

import struct
import xml.etree.ElementTree as ElementTree

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from tfgraphs.errors import TfgraphsError
from tfgraphs.studio.words import WordsTab
from tfgraphs.studio.words_runs import SCALARS, Runs, read_table


def record(data):
    head = struct.pack("<Q", len(data))
    return b"".join(
        [head, struct.pack("<I", masked_crc32c(head)), data, struct.pack("<I", masked_crc32c(data))],
    )


def event(step, **scalars):
    made = Event(wall_time=1e9 + step, step=step)
    for name, number in scalars.items():
        value = made.summary.value.add(tag=name.replace("_", " "))
        value.tensor.dtype = 1
        value.tensor.tensor_content = struct.pack("<f", number)
    return record(made.SerializeToString())


def nearest(step, word, others):
    made = Event(wall_time=1e9 + step, step=step)
    value = made.summary.value.add(tag="nearest words")
    value.tensor.dtype = 7
    value.tensor.string_val.append(f"| word | nearest |\n| --- | --- |\n| {word} | {others} |".encode())
    return record(made.SerializeToString())


def watch(folder):
    return WordsTab(lambda: None, folder.parent, logs=folder)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "logs/news/events.out.tfevents.1.host"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(event(step, loss=1 / step, learning_rate=0.1) for step in (10, 20)))
    return path


@pytest.fixture
def watching(tmp_path, log):
    return watch(tmp_path / "logs")


def loss(tab):
    shown = tab.run({"run": "news"})
    return ElementTree.fromstring(shown["drawings"]["loss"]).get("aria-label")


def test_a_run_is_shown_as_it_goes_on(watching, log):
    assert watching.sources({})["runs"] == ["news"]
    assert loss(watching) == "loss, now 0.05 at step 20"
    with log.open("ab") as file:
        file.write(event(30, loss=0.01, words_per_second=250_000) + nearest(30, "king", "queen, man"))
    assert loss(watching) == "loss, now 0.01 at step 30"
    shown = watching.run({})
    assert set(shown["drawings"]) == set(SCALARS)
    assert shown["texts"] == [(30, [["king", "queen, man"]])]
    assert shown["damaged"] == []


def test_a_half_written_event_is_read_when_it_is_complete(watching, log):
    whole = event(30, loss=0.01)
    for end in range(1, len(whole)):
        with log.open("ab") as file:
            file.write(whole[end - 1 : end])
        assert loss(watching) == "loss, now 0.05 at step 20"
    with log.open("ab") as file:
        file.write(whole[-1:])
    assert loss(watching) == "loss, now 0.01 at step 30"


@pytest.mark.parametrize("place", [0, 9, 20, -2])
def test_what_stands_before_damage_is_shown(watching, log, place):
    third = bytearray(event(30, loss=0.01))
    third[place] ^= 255
    with log.open("ab") as file:
        file.write(bytes(third) + event(40, loss=0.001))
    assert loss(watching) == "loss, now 0.05 at step 20"
    assert watching.run({})["damaged"] == [log.name]


@pytest.mark.parametrize("content", [b"", b"not an event file at all", record(b"\xff\xff"), 40 * b"\0"])
def test_a_file_of_something_else_breaks_nothing(tmp_path, log, content):
    log.write_bytes(content)
    shown = watch(tmp_path / "logs").run({"run": "news"})
    assert (shown["drawings"], shown["texts"], shown["age"]) == ({}, [], None)


def test_values_that_are_no_scalars_are_left_out(watching, log):
    with log.open("ab") as file:
        file.write(event(30, loss=float("nan")) + event(40, loss=float("inf")))
        made = Event(step=50)
        made.summary.value.add(tag="loss").tensor.dtype = 7
        made.summary.value.add(tag="loss").tensor.tensor_shape.dim.add(size=1 << 40)
        file.write(record(made.SerializeToString()))
    assert loss(watching) == "loss, now 0.05 at step 20"


def test_large_records_are_skipped(watching, log):
    large = bytes(2 << 20)
    head = struct.pack("<Q", len(large))
    with log.open("ab") as file:
        file.write(head + struct.pack("<I", masked_crc32c(head)) + large + bytes(4) + event(30, loss=0.01))
    assert loss(watching) == "loss, now 0.01 at step 30"


def test_a_resumed_run_goes_on_from_where_it_was_resumed(log):
    log.with_name("events.out.tfevents.2.host").write_bytes(event(15, loss=0.5) + event(25, loss=0.25))
    assert Runs(log.parents[1]).read("news").curves["loss"] == [(10, pytest.approx(0.1)), (15, 0.5), (25, 0.25)]


@pytest.mark.parametrize("key", ["..", "/etc", "news/..", "none"])
def test_a_run_that_is_not_in_the_list_is_refused(watching, key):
    with pytest.raises(TfgraphsError, match="choose one from the list"):
        watching.run({"run": key})


def test_a_folder_of_logs_may_come_later(tmp_path):
    tab = watch(tmp_path / "later")
    assert tab.sources({})["runs"] == []
    assert tab.run({})["runs"] == []


def test_a_table_of_nearest_words_is_read():
    text = "| word | nearest |\n| --- | --- |\n| king | queen, prince |\n| a|b | c |"
    assert read_table(text) == [["king", "queen, prince"], ["a|b", "c"]]
    assert read_table("nothing") == []
