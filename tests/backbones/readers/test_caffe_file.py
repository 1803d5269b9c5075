import numpy as np
import pytest
from caffe_files import blob, layer, layer_v1, old_blob
from damaged_files import at_most, damaged, error_of, read_harmlessly
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from protocol_messages import number, piece, varint

from tfgraphs.backbones.readers.weight_files import read_arrays

KERNEL = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
MATRIX, BIAS = KERNEL.reshape(4, 12), KERNEL[:, 0, 0, 0]
HUGE = 10**12
GOOD = piece(1, "AlexNet") + layer("data") + layer("conv1", blob(KERNEL), blob(BIAS)) + layer("fc6", blob(MATRIX))
GENERATIONS = {
    "now": (layer, blob),
    "now, old shapes": (layer, old_blob),
    "V1": (layer_v1, old_blob),
}


def read(folder, content):
    (folder / "weights").write_bytes(content)
    return read_arrays(folder / "weights")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_is_read(tmp_path, generation):
    write, encode = GENERATIONS[generation]
    content = piece(1, "CaffeNet") + piece(3, "data") + number(4, 10) + write("data")
    content += write("conv1", encode(KERNEL), encode(BIAS)) + write("inception_3a/fc", encode(MATRIX))
    arrays = read(tmp_path, content)
    assert list(arrays) == ["conv1/0", "conv1/1", "inception_3a/fc/0"]
    for found, expected in zip(arrays.values(), [KERNEL, BIAS, MATRIX], strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_double_precision_is_read(tmp_path):
    found = read(tmp_path, layer("conv1", blob(KERNEL.astype(np.float64))))["conv1/0"]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, KERNEL)


def test_numbers_in_several_pieces_are_joined(tmp_path):
    """Protocol buffers allow it for packed numbers."""
    shape = piece(7, piece(1, varint(4)) + piece(1, varint(3) + varint(2)) + number(1, 2))
    data = KERNEL.tobytes()
    found = read(tmp_path, layer("conv1", piece(5, data[:40]) + shape + piece(5, data[40:])))["conv1/0"]
    np.testing.assert_array_equal(found, KERNEL)


def test_agrees_with_protobufs_own_packed_numbers(tmp_path):
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="blob.proto", syntax="proto2")
    message = file.message_type.add(name="BlobProto")
    for name, place in [("num", 1), ("channels", 2), ("height", 3), ("width", 4)]:
        message.field.add(name=name, number=place, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    data = message.field.add(name="data", number=5, type=field.TYPE_FLOAT, label=field.LABEL_REPEATED)
    data.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    written = message_factory.GetMessageClass(pool.FindMessageTypeByName("BlobProto"))()
    written.num, written.channels, written.height, written.width = KERNEL.shape
    written.data.extend(KERNEL.ravel().tolist())
    found = read(tmp_path, layer_v1("conv1", written.SerializeToString()))["conv1/0"]
    np.testing.assert_array_equal(found, KERNEL)


WRONG = {
    "huge shape": layer("a", blob(BIAS, [HUGE])),
    "huge shape without numbers": layer("a", blob(BIAS[:0], [HUGE])),
    "huge product": layer("a", blob(BIAS, [2**62, 2**62])),
    "negative shape": layer("a", blob(BIAS, [-1, -4])),
    "shape too small": layer("a", blob(BIAS, [3])),
    "no shape": layer("a", piece(5, BIAS.tobytes())),
    "part of a number": layer("a", piece(7, piece(1, varint(1))) + piece(5, b"abc")),
    "many sides": layer("a", blob(BIAS, [1] * 100 + [4])),
    "one name twice": layer("a", blob(BIAS)) + layer("a", blob(BIAS)),
    "name that is no text": piece(100, piece(1, b"\xff\xfe") + piece(7, blob(BIAS))),
    "length beyond the end": piece(100, b"")[:-1] + varint(HUGE) + b"abc",
    "group without end": layer("a", blob(BIAS)) + varint(9 << 3 | 3),
    "deep groups": layer("a", blob(BIAS)) + varint(9 << 3 | 3) * 100_000,
    "without arrays": piece(1, "AlexNet") + layer("conv1"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_together_is_refused_without_taking_memory(tmp_path, kind):
    with at_most(2 * 10**6):
        assert error_of(tmp_path / "f", WRONG[kind])


@pytest.mark.parametrize("length", range(10, len(GOOD), 53))
def test_a_truncated_file_is_refused(tmp_path, length):
    """But where a layer just ended: the format does not say how many there are."""
    assert error_of(tmp_path / "f", GOOD[:length])


@given(content=damaged(GOOD, layer_v1("conv1", old_blob(KERNEL))))
def test_damaged_files_do_no_harm(tmp_path_factory, content):
    read_harmlessly(tmp_path_factory.getbasetemp() / "caffe", content)
