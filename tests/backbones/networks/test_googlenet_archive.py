import hashlib
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.networks import googlenet
from tfgraphs.backbones.networks.googlenet import read_archive
from tfgraphs.backbones.readers.weights import WeightsError

CONTENTS = {"GRAPH": b"a graph " * 1000, "LABELS": b"dummy\nkit fox\n"}
CLASSES = ("dummy", "kit fox")


@pytest.fixture(scope="module")
def members():
    """Small stand-ins of the two files of the release, {name: content}."""
    with pytest.MonkeyPatch.context() as patch:
        contents = {}
        for kind, content in CONTENTS.items():
            member = googlenet.Member(getattr(googlenet, kind).name, hashlib.sha256(content).hexdigest(), 10_000)
            patch.setattr(googlenet, kind, member)
            contents[member.name] = content
        yield contents


def packed(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_graph_and_labels_alone_are_read_and_nothing_is_written(tmp_path, members):
    others = {"LICENSE": b"text", "../evil": b"evil", "/tmp/evil": b"evil"}
    graph, classes = read_archive(packed(tmp_path / "released.zip", members | others))
    assert graph == CONTENTS["GRAPH"]
    assert classes == CLASSES
    assert {path.name for path in tmp_path.iterdir()} == {"released.zip"}


def spoiled(members: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    graph, labels = members
    return {
        "is missing": {graph: members[graph]},
        "is not the known file": members | {labels: b"dummy\nkit foxes\n"},
        "claims more bytes": members | {graph: bytes(10_001)},
    }


@pytest.mark.parametrize("message", ["is missing", "is not the known file", "claims more bytes"])
def test_wrong_archive_is_refused_in_one_line(tmp_path, members, message):
    archive = packed(tmp_path / "released.zip", spoiled(members)[message])
    with pytest.raises(WeightsError, match=rf"\A[^\n]*released\.zip[^\n]*{message}[^\n]*\Z"):
        read_archive(archive)
    assert {path.name for path in tmp_path.iterdir()} == {"released.zip"}


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archive_packed_in_another_way_is_refused(tmp_path, members, kind):
    with pytest.raises(WeightsError, match="compressed in a way"):
        read_archive(packed(tmp_path / "released.zip", members, kind))


@pytest.mark.parametrize("name", ["missing.zip", "."])
def test_missing_archive_and_folder_are_refused(tmp_path, name):
    with pytest.raises(WeightsError, match=re.escape(str(tmp_path))):
        read_archive(tmp_path / name)


@given(st.data())
def test_damaged_archive_is_refused_in_one_line_or_gives_the_known_files(tmp_path_factory, members, data):
    folder = tmp_path_factory.mktemp("damaged")
    archive = packed(folder / "released.zip", members)
    damaged = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        damaged[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    archive.write_bytes(damaged[: data.draw(st.one_of(st.none(), st.integers(0, len(damaged))))])
    try:
        read, refused = read_archive(archive), ""
    except WeightsError as error:
        read, refused = None, str(error)
    assert "\n" not in refused
    assert read is None or read == (CONTENTS["GRAPH"], CLASSES)
