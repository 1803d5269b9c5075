import builtins
import os
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from damaged_files import at_most, damaged, error_of, read_harmlessly
from hypothesis import given
from torch_files import (
    DTYPES,
    NUMBERS,
    SAVED_LEGACY,
    SAVED_ZIP,
    Call,
    Name,
    Storage,
    legacy_file,
    tensor,
    whole,
    zip_file,
)

from tfgraphs.backbones.readers import torch_file, torch_pickle
from tfgraphs.backbones.readers.torch_pickle import Other
from tfgraphs.backbones.readers.weight_files import read_arrays
from tfgraphs.backbones.readers.weights import WeightsError

FORMS = {"zip": zip_file, "legacy": legacy_file}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def read(folder, content):
    (folder / "weights.pth").write_bytes(content)
    return read_arrays(folder / "weights.pth")


@pytest.mark.parametrize("content", [SAVED_ZIP, SAVED_LEGACY], ids=["zip", "legacy"])
def test_what_pytorch_saved_is_read(tmp_path, content):
    arrays = read(tmp_path, content)
    weight = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    expected = {
        "conv.weight": weight,
        "conv.turned": weight.T[1:],
        "half": np.array([1.5, -2], np.float32),
        "bfloat": np.array([1.5, -2], np.float32),
        "count": np.array(7),
        "parameter": np.ones(2, np.float32),
    }
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@every_form
@pytest.mark.parametrize("kind", DTYPES)
def test_every_type_of_numbers_is_read(tmp_path, form, kind):
    array = (NUMBERS.reshape(2, 3, 4) - 5).astype(DTYPES[kind])
    found = read(tmp_path, form({"a": whole(array)}))["a"]
    expected = array.astype(np.float32) if kind in ("HalfStorage", "BFloat16Storage") else array
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", DTYPES)
def test_big_endian_archives_are_read(tmp_path, kind):
    numbers = NUMBERS.astype(DTYPES[kind])
    swapped = Storage(numbers.view(f"u{numbers.itemsize}").byteswap().view(numbers.dtype))
    found = read(tmp_path, zip_file({"a": tensor(swapped, 0, (24,), (1,))}, "big"))["a"]
    np.testing.assert_array_equal(found, numbers.astype(found.dtype))


def test_archives_that_do_not_say_an_order_are_little_endian(tmp_path):
    np.testing.assert_array_equal(read(tmp_path, zip_file({"a": whole(NUMBERS)}, None))["a"], NUMBERS)


VIEWS = {
    "whole": (NUMBERS.reshape(2, 3, 4), (0, (2, 3, 4), (12, 4, 1))),
    "transposed": (NUMBERS.reshape(2, 3, 4).T, (0, (4, 3, 2), (1, 4, 12))),
    "part": (NUMBERS[5:11], (5, (6,), (1,))),
    "steps": (NUMBERS.reshape(4, 6)[1:, ::2], (6, (3, 3), (6, 2))),
    "repeated": (np.broadcast_to(NUMBERS[3:4], (5,)), (3, (5,), (0,))),
    "last one": (NUMBERS[23], (23, (), ())),
    "nothing": (np.zeros((0, 4), np.float32), (0, (0, 4), (4, 1))),
}


@every_form
@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("function", ["_rebuild_tensor", "_rebuild_tensor_v2"])
def test_a_tensor_is_a_view_of_its_storage(tmp_path, form, kind, function):
    expected, arguments = VIEWS[kind]
    storage = Storage(NUMBERS)
    found = read(tmp_path, form({"a": tensor(storage, *arguments, function), "b": tensor(storage, 0, (24,), (1,))}))
    np.testing.assert_array_equal(found["a"], expected)
    np.testing.assert_array_equal(found["b"], NUMBERS)


def test_a_tensor_may_be_a_view_of_a_part_of_a_storage(tmp_path):
    part = Storage(NUMBERS, part=("1", 4, 8))
    found = read(
        tmp_path, legacy_file({"a": tensor(part, 2, (3,), (1,)), "b": tensor(Storage(NUMBERS), 0, (24,), (1,))})
    )
    np.testing.assert_array_equal(found["a"], NUMBERS[6:9])
    np.testing.assert_array_equal(found["b"], NUMBERS)


def parameter(value: object) -> Call:
    return Call(Name("torch._utils", "_rebuild_parameter"), (value, True, OrderedDict()))


def old_parameter(value: object) -> Call:
    return Call(Name("torch.nn.parameter", "Parameter"), (value,), (True, False, OrderedDict()))


@every_form
@pytest.mark.parametrize("wrap", [parameter, old_parameter])
def test_parameters_are_their_tensors(tmp_path, form, wrap):
    np.testing.assert_array_equal(read(tmp_path, form({"a": wrap(whole(NUMBERS))}))["a"], NUMBERS)


def state_dict(prefix: str = "") -> OrderedDict:
    state = OrderedDict([(f"{prefix}fc.weight", whole(NUMBERS, "0")), (f"{prefix}fc.bias", whole(NUMBERS[:3], "1"))])
    state._metadata = OrderedDict([("", {"version": 1})])
    return state


def python2_dict(prefix: str = "") -> Call:
    return Call(Name("collections", "OrderedDict"), ([[name, value] for name, value in state_dict(prefix).items()],))


def network(state: OrderedDict) -> Call:
    """A `torch.nn.Module` as torch.save(model) pickles it, with one module within and hooks."""
    inner = {
        "training": False,
        "_parameters": OrderedDict((name.removeprefix("fc."), tensor) for name, tensor in state.items()),
        "_buffers": OrderedDict(),
        "_modules": OrderedDict(),
        "in_features": 3,
    }
    linear = Call(Name("torch.nn.modules.linear", "Linear"), (), inner)
    hooks = OrderedDict([(0, Name("mine", "hook"))])
    outer = {"_parameters": OrderedDict(), "_modules": OrderedDict(fc=linear), "_forward_hooks": hooks}
    return Call(Name("torchvision.models.resnet", "ResNet"), (), outer)


def settings() -> dict:
    """What training programs save beside weights."""
    namespace = Call(Name("argparse", "Namespace"), (), {"lr": 0.1})
    path = Call(Name("pathlib", "PosixPath"), ("data", "train"))
    accuracy = Call(Name("numpy._core.multiarray", "scalar"), (Call(Name("numpy", "dtype"), ("f8",)), b"12345678"))
    callbacks = {Name("pytorch_lightning.callbacks", "ModelCheckpoint"): {"best": 0.5}}
    losses = Call(Name("collections", "defaultdict"), (Name("__builtin__", "list"),))
    return {"args": namespace, "path": path, "best": accuracy, "callbacks": callbacks, "losses": losses}


def zeros(state: OrderedDict) -> OrderedDict:
    return OrderedDict((name, whole(np.zeros(3, np.float32), f"{number}0")) for number, name in enumerate(state))


CHECKPOINTS = {
    "model_state_dict": lambda state: {"epoch": 3, "model_state_dict": state, "optimizer_state_dict": {"state": {}}},
    "net": lambda state: {"net": state, "acc": 93.1, **settings()},
    "any name": lambda state: {
        "trained": {"generator": {"weights": state}, "discriminator": {"a": whole(NUMBERS, "5")}}
    },
    "average": lambda state: {"state_dict": zeros(state), "state_dict_ema": state},
    "list": lambda state: [state, 3],
    "object": network,
    "object within": lambda state: {"model": network(state), "epoch": 3, **settings()},
    "averaged model": lambda state: {"n_averaged": tensor(Storage(NUMBERS[:1], "6"), 0, (), ()), **state},
    "state dict": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "best": whole(NUMBERS[:1], "2"), "arch": "resnet18"},
    "model": lambda state: {"model": state, "optimizer": {"state": {0: {"step": 1, "m": whole(NUMBERS, "3")}}}},
}


@every_form
@pytest.mark.parametrize("make", [state_dict, python2_dict])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_the_state_dict_of_a_checkpoint_is_found(tmp_path, form, make, prefix, kind):
    if (make is python2_dict and kind in ("object", "object within", "average", "averaged model")) or (
        "object" in kind and prefix
    ):
        pytest.skip("is not made like this")
    arrays = read(tmp_path, form(CHECKPOINTS[kind](make(prefix))))
    if kind == "averaged model" and not prefix:
        del arrays["n_averaged"]
    assert list(arrays) == ["fc.weight", "fc.bias"]
    assert arrays.prefix == prefix
    np.testing.assert_array_equal(arrays["fc.bias"], NUMBERS[:3])


@pytest.mark.parametrize("prefix", ["_orig_mod.", "model.", "net.", "module._orig_mod.backbone."])
def test_what_all_names_share_is_left_out(tmp_path, prefix):
    counter = tensor(Storage(NUMBERS[:1], "6"), 0, (), ())
    arrays = read(tmp_path, zip_file({"n_averaged": counter, **state_dict(prefix)}))
    assert list(arrays) == ["fc.weight", "fc.bias"]
    assert arrays.prefix == prefix


@every_form
def test_entries_that_are_no_tensors_are_left_out(tmp_path, form):
    assert list(read(tmp_path, form({"a": whole(NUMBERS), "version": 3, "none": None}))) == ["a"]


def test_a_prefix_that_only_some_have_stays(tmp_path):
    arrays = read(tmp_path, zip_file({"module.a": whole(NUMBERS), "b": whole(NUMBERS[:2], "1")}))
    assert list(arrays) == ["module.a", "b"]


COMMANDS = {
    "os.system": lambda trace: Call(os.system, (f"touch '{trace}'",)),
    "eval": lambda trace: Call(builtins.eval, (f"open({trace!r}, 'w').close()",)),
    "torch.load": lambda trace: Call(Name("torch.serialization", "load"), (trace,)),
    "network": lambda trace: Call(Name("torchvision.models.resnet", "ResNet"), ()),
}
PLACES = {
    "whole": lambda call: call,
    "name": lambda call: {call: whole(NUMBERS)},
    "entry": lambda call: {"a": whole(NUMBERS), "b": call},
    "storage": lambda call: {"a": tensor(call, 0, (1,), (1,))},
    "shape": lambda call: {"a": tensor(Storage(NUMBERS), 0, call, (1,))},
    "hooks": lambda call: {"a": Call(Name("torch._utils", "_rebuild_parameter"), (whole(NUMBERS), True, call))},
    "type of a storage": lambda call: {"a": tensor(Storage(NUMBERS, kind=call), 0, (1,), (1,))},
    "key of a storage": lambda call: {"a": tensor(Storage(NUMBERS, call), 0, (1,), (1,))},
}


@every_form
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_in_the_file_is_executed(tmp_path, form, command, place):
    trace = tmp_path / "trace"
    content = form(PLACES[place](COMMANDS[command](str(trace))))
    if place in ("entry", "hooks"):
        np.testing.assert_array_equal(read(tmp_path, content)["a"], NUMBERS)
    else:
        assert error_of(tmp_path / "f", content)
    assert not trace.exists()


WRONG = {
    "shape too large": tensor(Storage(NUMBERS), 0, (25,), (1,)),
    "huge shape": tensor(Storage(NUMBERS), 0, (10**12,), (1,)),
    "huge repetition": tensor(Storage(NUMBERS), 0, (10**12,), (0,)),
    "shape beyond 64 bits": tensor(Storage(NUMBERS), 0, (10**30,), (0,)),
    "many sides": tensor(Storage(NUMBERS), 0, (1,) * 40, (1,) * 40),
    "strides too large": tensor(Storage(NUMBERS), 0, (2, 2), (30, 1)),
    "negative stride": tensor(Storage(NUMBERS), 5, (2,), (-1,)),
    "negative offset": tensor(Storage(NUMBERS), -1, (2,), (1,)),
    "offset too large": tensor(Storage(NUMBERS), 24, (1,), (1,)),
    "no strides": tensor(Storage(NUMBERS), 0, (2,), ()),
    "list for a shape": tensor(Storage(NUMBERS), 0, [2], (1,)),
    "floats for a shape": tensor(Storage(NUMBERS), 0, (2.0,), (1,)),
    "no storage": tensor(None, 0, (2,), (1,)),
    "storage of another size": tensor(Storage(NUMBERS, size=30), 0, (30,), (1,)),
    "storage of huge size": tensor(Storage(NUMBERS, size=10**12), 0, (10**12,), (1,)),
    "storage without a size": tensor(Storage(NUMBERS, size=None), 0, (1,), (1,)),
    "storage with a number for a key": tensor(Storage(NUMBERS, key=3), 0, (1,), (1,)),
    "storage of another type": tensor(Storage(NUMBERS, kind=Name("torch", "DoubleStorage")), 0, (24,), (1,)),
    "storage of complex numbers": tensor(Storage(NUMBERS, kind=Name("torch", "ComplexFloatStorage")), 0, (2,), (1,)),
    "storage of text for a type": tensor(Storage(NUMBERS, kind="FloatStorage"), 0, (2,), (1,)),
    "parameter of a number": parameter(3),
    "tensor without arguments": Call(Name("torch._utils", "_rebuild_tensor_v2"), ()),
}


@every_form
@pytest.mark.parametrize("kind", WRONG)
def test_a_tensor_that_is_not_in_the_file_takes_no_memory(tmp_path, form, kind):
    with at_most(3 * 10**6):
        assert error_of(tmp_path / "f", form({"a": WRONG[kind]}))


@pytest.mark.parametrize("part", [("1", 20, 8), ("1", -1, 8), ("1", 0), "part", ("1", 0, 10**30)])
def test_a_part_beyond_its_storage_is_refused(tmp_path, part):
    content = legacy_file({"a": tensor(Storage(NUMBERS, part=part), 0, (4,), (1,))})
    assert "part beyond the storage" in error_of(tmp_path / "f", content)


@every_form
def test_a_storage_of_two_types_is_refused(tmp_path, form):
    other = Storage(NUMBERS, kind=Name("torch", "IntStorage"))
    tree = {"a": tensor(Storage(NUMBERS), 0, (1,), (1,)), "b": tensor(other, 0, (1,), (1,))}
    assert "contradicts itself" in error_of(tmp_path / "f", form(tree))


def test_an_object_without_weights_is_named(tmp_path):
    text = error_of(tmp_path / "f", zip_file({"model": Call(Name("mine.networks", "Wrapped"), (), {"a": 1})}))
    assert "an object (mine.networks.Wrapped), whose code is not run: save torch.save(model.state_dict(), FILE)" in text


def test_tensors_of_numbers_that_are_not_read_are_left_out(tmp_path):
    other = tensor(Storage(NUMBERS, "7", kind=Name("torch", "ComplexFloatStorage")), 0, (2,), (1,))
    eighths = Call(Name("torch._utils", "_rebuild_tensor_v3"), (Storage(NUMBERS, "8"), 0, (2,), (1,)))
    assert list(read(tmp_path, zip_file({"a": whole(NUMBERS), "b": other, "c": eighths}))) == ["a"]


def test_quantized_tensors_are_told(tmp_path):
    quantized = Call(Name("torch._utils", "_rebuild_qtensor"), (Storage(NUMBERS), 0, (2,), (1,), (), False, None))
    assert "its tensors are quantized" in error_of(tmp_path / "f", zip_file({"a": quantized}))


def test_objects_in_circles_and_many_classes_take_no_time(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_pickle, "_NAMES", 10)
    names = [Name("mine", f"Class{number}") for number in range(11)]
    assert "more classes" in error_of(tmp_path / "f", zip_file({"a": whole(NUMBERS), "b": names}))
    modules: dict = {"_modules": {}}
    circle = Other()
    circle.state = modules
    modules["_modules"] |= {"a": circle, "b": circle}
    with pytest.raises(WeightsError):
        torch_file.state_dict({"model": circle, "again": {"model": circle}})


OTHERS = {
    "list": [1, 2],
    "number": 3,
    "no tensors": {"a": 1},
    "tensor": whole(NUMBERS),
    "tensors without names": {0: whole(NUMBERS)},
    "float for a name": {0.5: whole(NUMBERS)},
}


@every_form
@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_state_dict_is_refused(tmp_path, form, kind):
    assert error_of(tmp_path / "f", form(OTHERS[kind]))


def test_programs_are_refused_with_advice(tmp_path):
    text = error_of(tmp_path / "f", zip_file({"a": whole(NUMBERS)}, **{"constants.pkl": b""}))
    assert "save the network's state_dict()" in text


def test_an_unknown_order_of_bytes_is_refused(tmp_path):
    assert "order" in error_of(tmp_path / "f", zip_file({"a": whole(NUMBERS)}, "middle"))


def test_a_huge_pickle_in_an_archive_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "f", "w") as archive:
        archive.writestr("archive/data.pkl", bytes(17 * 2**20))
    with at_most(2 * 10**6):
        assert "more bytes" in error_of(tmp_path / "f")


def test_a_list_is_not_copied_again_and_again(tmp_path):
    pairs, sides = [[f"a{number}", None] for number in range(2000)], tuple(range(2000))
    dicts = [Call(Name("collections", "OrderedDict"), (pairs,)) for _ in range(1000)]
    sizes = [Call(Name("torch", "Size"), (sides,)) for _ in range(1000)]
    content = zip_file({"a": dicts, "b": sizes, "c": whole(NUMBERS)})
    with at_most(3 * 10**6):
        assert list(read(tmp_path, content)) == ["c"]


@pytest.mark.parametrize("content", [SAVED_ZIP, SAVED_LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path, content, share):
    assert error_of(tmp_path / "f", content[: int(share * len(content))])


SAVED_OBJECT = legacy_file({"model": network(state_dict()), **settings()})


@given(content=damaged(SAVED_ZIP, SAVED_LEGACY, SAVED_OBJECT))
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "torch", content)
