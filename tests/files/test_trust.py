import os
import socket

import pytest

from tfgraphs.errors import TfgraphsError
from tfgraphs.files.trust import TrustError, check_regular_file


class MineError(TfgraphsError):
    pass


def refusal(path):
    with pytest.raises(MineError) as caught:
        check_regular_file(path, MineError)
    return str(caught.value)


def test_regular_file_gives_its_size(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"12345")
    assert check_regular_file(path) == 5


def test_links_to_regular_files_are_followed(tmp_path):
    (tmp_path / "weights").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "weights")
    assert check_regular_file(tmp_path / "link") == 5


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "none") == f"cannot read {tmp_path}/none: no such file or directory"


def test_folder(tmp_path):
    assert refusal(tmp_path) == f"cannot read {tmp_path}: it is a folder"


def test_pipes_devices_and_sockets(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
        for path in (tmp_path / "pipe", tmp_path / "socket", "/dev/zero"):
            assert (
                refusal(path) == f"cannot read {path}: it is a pipe, a device or a socket; copy its content into a file"
            )


def test_file_of_holes(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == f"cannot read {path}: it claims 1,099,511,627,776 bytes, but stores next to none"


def test_file_with_some_holes(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"1" * (3 << 20))
        file.truncate(128 << 20)
    assert check_regular_file(path) == 128 << 20


def test_default_error(tmp_path):
    with pytest.raises(TrustError):
        check_regular_file(tmp_path)
