"""Pickles run nothing, and cost neither time nor memory that their files do not hold."""

import builtins
import os
import pickle
import struct

import numpy as np
import pytest
from damaged_files import at_most

from tfgraphs.backbones.readers import torch_pickle
from tfgraphs.backbones.readers.torch_pickle import Inert, Other, PickleFile, Unpickler
from tfgraphs.backbones.readers.weights import WeightsError

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


class Called:
    """Pickled as a call."""

    def __init__(self, *call) -> None:
        self.call = call

    def __reduce__(self):
        return self.call


def read(content: bytes) -> object:
    return Unpickler(PickleFile(content)).load()


COMMANDS = {
    "os.system": lambda trace: (os.system, (f"touch '{trace}'",)),
    "eval": lambda trace: (builtins.eval, (f"open({trace!r}, 'w').close()",)),
    "numpy.save": lambda trace: (np.save, (trace, 1)),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_in_the_file_is_executed(tmp_path, command, protocol):
    trace = tmp_path / "trace.npy"
    content = pickle.dumps({"a": [Called(*COMMANDS[command](str(trace)))]}, protocol)
    ((made,),) = read(content).values()
    assert isinstance(made, Other)
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists()


def test_texts_numbers_lists_and_dictionaries_are_read():
    tree = {"a": [1, 2.5, None, True, b"bytes", ("tuple",)], "ü": {"b": {}}}
    assert read(pickle.dumps(tree)) == tree


class PersistentPickler(pickle.Pickler):
    def persistent_id(self, thing: object) -> object:
        return "elsewhere" if thing == 3 else None


def test_persistent_ids_are_refused(tmp_path):
    with (tmp_path / "f").open("wb") as file:
        PersistentPickler(file).dump({"a": 3})
    with pytest.raises(WeightsError, match="it refers to something else than storages"):
        read((tmp_path / "f").read_bytes())


@pytest.mark.parametrize("memo", [b"r\xff\xff\xff\xff", b"p999999999999\n", b"r" + (2**31).to_bytes(4, "little")])
def test_a_memo_index_reserves_no_memory(memo):
    with at_most(10**6):
        assert read(b"\x80\x02}" + memo + b".") == {}


@pytest.mark.parametrize("opcode", [b"\x96", b"\x8e"], ids=["BYTEARRAY8", "BINBYTES8"])
def test_a_promised_length_reserves_no_memory(opcode):
    with at_most(10**6), pytest.raises((WeightsError, EOFError)):
        read(b"\x80\x05" + opcode + struct.pack("<Q", 2_000_000_000) + b".")


def test_frames_reserve_no_memory():
    with at_most(10**6):
        assert read(b"\x80\x04\x95" + struct.pack("<Q", 2_000_000_000) + b"N.") is None


NESTED = b")" + b"2\x86" * 60  # tuples in tuples, each of which would double the time of hashing them


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04(" + NESTED + b"\x91.",
        b"\x80\x04\x8f(" + NESTED + b"\x90.",
        b"\x80\x02(" + NESTED + b"K\x01d.",
        b"\x80\x02}" + NESTED + b"K\x01s.",
        b"\x80\x02}(" + NESTED + b"K\x01u.",
    ],
    ids=["FROZENSET", "ADDITEMS", "DICT", "SETITEM", "SETITEMS"],
)
def test_hashing_takes_no_time(content):
    with pytest.raises(WeightsError):
        read(content)


def test_many_objects_are_refused(monkeypatch):
    monkeypatch.setattr(torch_pickle, "_STEPS", 1000)
    with pytest.raises(WeightsError, match="more objects than arrays need"):
        read(b"\x80\x02" + b"N0" * 600 + b"N.")


def test_a_state_is_given_to_inert_objects_only():
    state = b"}X\x04\x00\x00\x00nameK\x01s"
    assert isinstance(read(b"\x80\x02ccollections\nOrderedDict\n)\x81" + state + b"b."), Inert)
    with pytest.raises(WeightsError, match="gives a state"):
        read(b"\x80\x02ccollections\nOrderedDict\n" + state + b"b.")
