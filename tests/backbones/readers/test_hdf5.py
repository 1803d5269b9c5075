import io
import struct
import zlib
from collections.abc import Callable

import h5py
import numpy as np
import pytest
from damaged_files import at_most

from tfgraphs.backbones.readers.hdf5 import Hdf5File, Node
from tfgraphs.backbones.readers.weights import WeightsError
from tfgraphs.files.trust import plausible_size

RANDOM = np.random.default_rng(0)
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)


def written(write: Callable[[h5py.File], object], **options: object) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", **options) as root:
        write(root)
    return file.getvalue()


def opened(content: bytes) -> Node:
    return Hdf5File(io.BytesIO(content)).root


def dataset(**arguments: object) -> Node:
    """What is read of a dataset that h5py makes."""
    return opened(written(lambda root: root.create_dataset("a", **arguments))).members["a"]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", "i1", "<i2", ">i4", "<i8", "u1", "<u2", ">u8"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (5, 6), (3, 3, 2, 4)])
def test_every_type_and_shape_of_numbers_is_read(dtype, shape):
    array = (RANDOM.random(shape) * 100).astype(dtype)
    found = dataset(data=array).array()
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("shape", [(5,), (20, 30), (130, 70), (3, 3, 4, 5)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True},
        {"shuffle": True, "fletcher32": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "gzip", "fletcher32": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
@pytest.mark.parametrize("sides", [3, 8])
def test_numbers_in_pieces_are_put_together(shape, options, sides):
    array = RANDOM.normal(size=shape).astype(np.float32)
    found = dataset(data=array, chunks=tuple(min(side, sides) for side in shape), **options)
    np.testing.assert_array_equal(found.array(), array)


def test_empty_arrays_are_read():
    assert dataset(data=np.zeros((0, 3), np.float32)).array().shape == (0, 3)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (b"one", ["one"]),
        ("dïe", ["dïe"]),
        ([b"a", b"bcd"], ["a", "bcd"]),
        (["a", "", "bcd"], ["a", "", "bcd"]),
        ([], []),
        (np.array([b"x" * 300]), ["x" * 300]),
        ("y" * 30_000, ["y" * 30_000]),
        ([f"layer_{number}" for number in range(1500)], [f"layer_{number}" for number in range(1500)]),
    ],
    ids=range(8),
)
def test_texts_are_read(value, texts):
    assert opened(written(lambda root: root.attrs.create("name", value))).texts("name") == texts


def test_many_attributes_and_members_are_read():
    def write(root):
        for number in range(300):
            root.create_group(f"group_{number}").attrs["name"] = f"name {number}"
            root.attrs[f"attribute_{number}"] = str(number)

    root = opened(written(write))
    assert sorted(root.members) == sorted(f"group_{number}" for number in range(300))
    assert root.members["group_271"].texts("name") == ["name 271"]
    assert root.texts("attribute_271") == ["271"]
    assert root.texts("attribute") is None


def test_attributes_of_other_types_stay_where_they_are():
    def write(root):
        root.attrs["numbers"], root.attrs["nothing"], root.attrs["name"] = np.arange(5), h5py.Empty("f4"), "a"

    root = opened(written(write))
    assert root.texts("name") == ["a"]
    for name in ("numbers", "nothing"):
        with pytest.raises(WeightsError):
            root.texts(name)


def part(root):
    root.create_dataset("a", shape=(100, 100), dtype="f4", chunks=(10, 10))[:10, :10] = 1


def elsewhere(root):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    root.create_virtual_dataset("a", layout)


def of_named_type(root):
    root["type"] = np.dtype("f4")
    root.create_dataset("a", data=MATRIX, dtype=root["type"])


REFUSED = {
    "never written": lambda root: root.create_dataset("a", shape=(10**6, 10**6), dtype="f4"),
    "never written in pieces": lambda root: root.create_dataset("a", (10**6, 10**6), "f4", chunks=(10, 10)),
    "written in part": part,
    "bomb": lambda root: root.create_dataset("a", data=np.zeros(2 * 10**7, "f4"), compression="gzip"),
    "other compression": lambda root: root.create_dataset("a", data=MATRIX, compression="lzf"),
    "rounded": lambda root: root.create_dataset("a", data=MATRIX.astype(int), scaleoffset=3),
    "numbers elsewhere": lambda root: root.create_dataset("a", (4,), "u1", external=[("/etc/passwd", 0, 4)]),
    "view of elsewhere": elsewhere,
    "type elsewhere": of_named_type,
    "text": lambda root: root.create_dataset("a", data=b"text"),
    "long text": lambda root: root.create_dataset("a", data="text"),
    "wide text": lambda root: root.create_dataset("a", data=np.array([b"x" * 10_000])),
    "booleans": lambda root: root.create_dataset("a", data=MATRIX > 0),
    "complex": lambda root: root.create_dataset("a", data=MATRIX.astype("c8")),
    "records": lambda root: root.create_dataset("a", data=np.zeros(3, "f4,i4")),
    "references": lambda root: root.create_dataset("a", data=root.ref, dtype=h5py.ref_dtype),
    "nothing": lambda root: root.create_dataset("a", data=h5py.Empty("f4")),
    "group": lambda root: root.create_group("a"),
    "type": lambda root: root.__setitem__("a", np.dtype("f4")),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_array_of_numbers_in_the_file_takes_no_memory(kind):
    content = written(REFUSED[kind])
    with at_most(2 * 10**6), pytest.raises(WeightsError):
        opened(content).members["a"].array()


def test_links_by_name_lead_nowhere():
    def write(root):
        root["there"] = MATRIX
        root["a"] = h5py.SoftLink("/there")

    assert opened(written(write)).members["a"] is None


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"libver": "v108"}, {"track_order": True}])
def test_newer_layouts_are_refused(options):
    with pytest.raises(WeightsError, match="newer"):
        _ = opened(written(lambda root: root.create_group("a"), **options)).members


def test_links_to_other_files_are_refused():
    content = written(lambda root: root.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/x")))
    with pytest.raises(WeightsError, match="lead elsewhere"):
        _ = opened(content).members


def test_a_truncated_file_is_refused():
    content = written(lambda root: root.create_dataset("a", data=MATRIX))
    for length in (96, 1000, len(content) - 1):
        with pytest.raises(WeightsError, match="truncated"):
            opened(content[:length])


def test_one_dataset_under_many_names_is_read_as_often_as_the_file_is_large():
    def write(root):
        for number in range(50):
            root[f"a{number}"] = root["a0"] if number else np.zeros(100_000, np.float32)

    members = opened(written(write)).members
    with at_most(10**6), pytest.raises(WeightsError, match="more numbers"):
        [member.array() for member in members.values()]


def test_one_text_many_times_takes_no_memory():
    content = written(lambda root: root.attrs.create("name", ["x" * 100_000] + [str(n) for n in range(3000)]))
    place = content.index(struct.pack("<I", 100_000))  # the first of 3001 references, 16 bytes each
    forged = bytearray(content)
    forged[place : place + 3001 * 16] = content[place : place + 16] * 3001
    root = opened(bytes(forged))
    with at_most(40 * 10**6), pytest.raises(WeightsError, match="structure"):
        root.texts("name")


def test_a_group_that_holds_itself_ends():
    def write(root):
        group = root.create_group("a")
        group["a"] = group

    def descend(node):
        while True:
            node = node.members["a"]

    with at_most(100 * 10**6), pytest.raises(WeightsError, match="circles"):
        descend(opened(written(write)))


def test_a_piece_that_inflates_beyond_its_size_takes_no_memory():
    bomb = zlib.compress(bytes(50_000_000))
    noise = RANDOM.bytes(len(bomb) + 1000)  # of which h5py makes a piece that is longer, to be replaced

    def write(root):
        root.create_dataset("a", data=np.frombuffer(noise, np.uint8), chunks=(len(noise),), compression="gzip")

    content = bytearray(written(write))
    with h5py.File(io.BytesIO(content)) as root:
        place = root["a"].id.get_chunk_info(0).byte_offset
    content[place : place + len(bomb)] = bomb
    with at_most(2 * 10**6), pytest.raises(WeightsError, match="does not have its size"):
        opened(bytes(content)).members["a"].array()


def test_a_piece_may_inflate_as_far_as_is_plausible_only():
    size = plausible_size(0) // 4 + 10**6
    content = written(
        lambda root: root.create_dataset("a", data=np.zeros(size, "f4"), chunks=(size,), compression="gzip")
    )
    with at_most(2 * 10**6), pytest.raises(WeightsError, match="more numbers"):
        opened(content).members["a"].array()
