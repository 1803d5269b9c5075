import ml_dtypes
import numpy as np
import pytest
from caffe_files import blob, layer
from damaged_files import at_most, damaged, error_of, read_harmlessly
from hypothesis import given
from onnx_files import TYPES, exported_by_keras, header, listed_tensor, model, tensor
from protocol_messages import number, piece, varint

from tfgraphs.backbones.readers.weight_files import read_arrays

KERNEL = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
BIAS = KERNEL[:, 0, 0, 0]
HUGE = 10**12
GOOD = model(tensor("features.0.weight", KERNEL), tensor("features.0.bias", BIAS))


def read(folder, content):
    (folder / "weights").write_bytes(content)
    return read_arrays(folder / "weights")


def test_initializers_are_read_by_their_names(tmp_path):
    arrays = read(tmp_path, GOOD)
    assert list(arrays) == ["features.0.weight", "features.0.bias"]
    for found, expected in zip(arrays.values(), [KERNEL, BIAS], strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("write", [tensor, listed_tensor])
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_numbers_of_every_type_are_read(tmp_path, dtype, write):
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    numbers = [limits.min, 0, 1, 100, limits.max] if limits else [-1.5, 0, 1, 100, 0.25]
    array = np.array([numbers], dtype)
    found = read(tmp_path, model(write("a", array)))["a"]
    assert found.dtype == (np.float32 if dtype in (np.float16, ml_dtypes.bfloat16) else dtype)
    np.testing.assert_array_equal(found, array.astype(found.dtype))


def test_an_array_may_have_no_side_or_no_number(tmp_path):
    arrays = read(tmp_path, model(tensor("a", np.float32(2.5)), tensor("b", BIAS[:0]), header("c", BIAS[:0])))
    assert (arrays["a"].shape, float(arrays["a"])) == ((), 2.5)
    assert arrays["b"].shape == arrays["c"].shape == (0,)


def test_types_that_no_network_here_needs_are_left_out(tmp_path):
    """Such as texts (8), complex numbers (14) and those of four bits (22)."""
    others = (tensor(f"of type {code}", BIAS, code=code) for code in (0, 8, 14, 17, 22, HUGE))
    assert list(read(tmp_path, model(*others, tensor("a", BIAS)))) == ["a"]
    assert "holds no arrays" in error_of(tmp_path / "f", model(tensor("a", BIAS, code=8)))


@pytest.mark.parametrize(
    "content",
    [
        piece(7, piece(5, tensor("a", BIAS))) + number(1, 8),
        number(1, 10) + piece(7, piece(5, tensor("a", BIAS))),
        piece(8, number(2, 17)) + number(1, 3) + piece(7, piece(5, tensor("a", BIAS))),
    ],
    ids=["graph first", "without producer", "operations first"],
)
def test_a_model_is_known_by_its_fields_in_any_order(tmp_path, content):
    assert list(read(tmp_path, content)) == ["a"]


@pytest.mark.parametrize("beginning", [piece(1, "VGG") + number(7, 1), number(7, 1), number(1, 8) + number(7, 1)])
def test_a_network_of_caffe_is_no_model_of_onnx(tmp_path, beginning):
    """There a name and a switch have the numbers of the version and the graph."""
    assert list(read(tmp_path, beginning + layer("conv1", blob(BIAS)))) == ["conv1/0"]


def test_numbers_in_another_file_are_not_read(tmp_path):
    """Not even if the file is there."""
    (tmp_path / "model.onnx.data").write_bytes(BIAS.tobytes())
    place = piece(13, piece(1, "location") + piece(2, "model.onnx.data"))
    text = error_of(tmp_path / "model.onnx", model(header("a", BIAS) + place + number(14, 1)))
    assert text.startswith("the numbers of 'a' are in another file, which is not read: onnx.save(onnx.load(")


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("scope", ["", "functional_1/", "StatefulPartitionedCall/sequential_1/vgg16_1/"])
def test_names_of_keras_are_those_before_the_export(tmp_path, numbered, scope):
    matrix = KERNEL.reshape(4, 12).T
    others = {"Const__96": np.arange(4), "functional_1/batch_normalization_1/batchnorm/mul:0": BIAS}
    arrays = exported_by_keras("block1_conv1", KERNEL, BIAS, numbered)
    arrays |= exported_by_keras("fc1", matrix, BIAS, numbered)
    arrays = {scope + name.partition("/")[2]: array for name, array in arrays.items()} | others
    found = read(tmp_path, model(*(tensor(name, array) for name, array in arrays.items())))
    kernels = {"block1_conv1/kernel": KERNEL.transpose(2, 3, 1, 0), "fc1/kernel": matrix}
    expected = kernels | {"block1_conv1/bias": BIAS, "fc1/bias": BIAS} | others
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_the_number_of_a_layer_is_part_of_its_name_in_keras_2(tmp_path):
    arrays = exported_by_keras("conv2d_1", KERNEL, BIAS, False) | exported_by_keras("conv2d_2", KERNEL, BIAS, False)
    found = read(tmp_path, model(*(tensor(name, array) for name, array in arrays.items())))
    assert list(found) == ["conv2d_1/kernel", "conv2d_1/bias", "conv2d_2/kernel", "conv2d_2/bias"]


def test_two_networks_with_the_same_layers_are_refused(tmp_path):
    names = [f"{part}/block1_conv1_1/convolution/ReadVariableOp:0" for part in ("left", "right")]
    text = error_of(tmp_path / "f", model(*(tensor(name, KERNEL) for name in names)))
    assert text == "it has two layers with the name 'block1_conv1'"


WRONG = {
    "huge shape": tensor("a", BIAS, [HUGE]),
    "huge shape without numbers": tensor("a", BIAS[:0], [HUGE]),
    "huge product": tensor("a", BIAS, [2**62, 2**62]),
    "negative shape": tensor("a", BIAS, [-1, -4]),
    "shape too small": tensor("a", BIAS, [3]),
    "many sides": tensor("a", BIAS, [1] * 64 + [4]),
    "no numbers": header("a", BIAS),
    "numbers of another type": header("a", BIAS) + piece(10, KERNEL.tobytes()),
    "part of a number": header("a", BIAS, [1]) + piece(9, b"abc"),
    "number without end": header("a", np.arange(1), [1]) + piece(7, b"\xff" * 11),
    "name that is no text": tensor(b"\xff\xfe", BIAS),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_together_is_refused_without_taking_memory(tmp_path, kind):
    with at_most(2 * 10**6):
        assert error_of(tmp_path / "f", model(tensor("b", BIAS), WRONG[kind]))


WRONG_MODELS = {
    "two names": model(tensor("a", BIAS), tensor("a", BIAS)),
    "length beyond the end": number(1, 8) + piece(7, b"")[:-1] + varint(HUGE) + b"abc",
    "graph that is none": number(1, 8) + piece(7, piece(5, b"")[:-1] + varint(HUGE)),
    "group without end": GOOD + varint(9 << 3 | 3),
    "deep groups": GOOD + varint(9 << 3 | 3) * 100_000,
    "without a graph": number(1, 8) + piece(2, "pytorch"),
    "without arrays": model(),
}


@pytest.mark.parametrize("kind", WRONG_MODELS)
def test_what_is_no_model_is_refused_without_taking_memory(tmp_path, kind):
    with at_most(2 * 10**6):
        assert error_of(tmp_path / "f", WRONG_MODELS[kind])


def test_more_arrays_than_any_network_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tfgraphs.backbones.readers.protocol_buffers._MOST", 3)
    assert len(read(tmp_path, model(*(tensor(f"a{n}", BIAS) for n in range(3))))) == 3
    assert "more arrays than any network" in error_of(tmp_path / "f", model(*(tensor(f"a{n}", BIAS) for n in range(4))))


@pytest.mark.parametrize("length", range(1, len(GOOD), 41))
def test_a_truncated_file_is_refused(tmp_path, length):
    assert error_of(tmp_path / "f", GOOD[:length])


@given(
    content=damaged(
        GOOD,
        model(listed_tensor("a", BIAS), listed_tensor("b", np.arange(-3, 3)), listed_tensor("c", np.ones(5, "e"))),
        model(*(tensor(*item) for item in exported_by_keras("block1_conv1", KERNEL, BIAS, True).items())),
    )
)
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "onnx", content)
