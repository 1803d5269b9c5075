import hashlib
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgraphs.backbones.networks import googlenet
from tfgraphs.backbones.networks.googlenet import extract
from tfgraphs.backbones.readers.weights import WeightsError

CONTENTS = {"GRAPH": b"a graph " * 1000, "LABELS": b"dummy\nkit fox\n"}


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


def test_graph_and_labels_alone_are_taken_out_of_the_archive(tmp_path, members):
    archive = packed(
        tmp_path / "released.zip", members | {"LICENSE": b"text", "../evil": b"evil", "/tmp/evil": b"evil"}
    )
    graph = extract(archive, tmp_path / "deep" / "folder")
    assert graph == tmp_path / "deep" / "folder" / googlenet.GRAPH.name
    assert {path.name: path.read_bytes() for path in graph.parent.iterdir()} == members
    assert {path.name for path in tmp_path.iterdir()} == {"released.zip", "deep"}


def test_known_files_that_are_there_are_left_and_others_replaced(tmp_path, members):
    archive = packed(tmp_path / "released.zip", members)
    graph, labels = (tmp_path / name for name in members)
    extract(archive, tmp_path)
    labels.write_bytes(b"other")
    before = graph.stat().st_ino
    extract(archive, tmp_path)
    assert graph.stat().st_ino == before
    assert labels.read_bytes() == CONTENTS["LABELS"]


def spoiled(members: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    graph, labels = members
    return {
        "is missing": {graph: members[graph]},
        "is not the known file": members | {labels: b"dummy\nkit foxes\n"},
        "claims more bytes": members | {graph: bytes(10_001)},
    }


@pytest.mark.parametrize("message", ["is missing", "is not the known file", "claims more bytes"])
def test_wrong_archive_is_refused_in_one_line_and_leaves_what_was_there(tmp_path, members, message):
    graph = tmp_path / googlenet.GRAPH.name
    graph.write_bytes(b"earlier")
    archive = packed(tmp_path / "released.zip", spoiled(members)[message])
    with pytest.raises(WeightsError, match=rf"\A[^\n]*released\.zip[^\n]*{message}[^\n]*\Z"):
        extract(archive, tmp_path)
    assert graph.read_bytes() == b"earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"released.zip", graph.name}


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archive_packed_in_another_way_is_refused(tmp_path, members, kind):
    with pytest.raises(WeightsError, match="compressed in a way"):
        extract(packed(tmp_path / "released.zip", members, kind), tmp_path)


@pytest.mark.parametrize("name", ["missing.zip", "."])
def test_missing_archive_and_folder_are_refused(tmp_path, name):
    with pytest.raises(WeightsError, match=re.escape(str(tmp_path))):
        extract(tmp_path / name, tmp_path)


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
        graph, refused = extract(archive, folder), ""
    except WeightsError as error:
        graph, refused = None, str(error)
    assert "\n" not in refused
    assert graph is None or graph.read_bytes() == CONTENTS["GRAPH"]
