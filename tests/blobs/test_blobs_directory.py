"""What only the folder can get wrong: a full disk, and what is left of it."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.blobs.directory import DirectoryBlobs
from modelyard.core.errors import Invalid, OutOfSpace


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    blobs = DirectoryBlobs(small_disk)
    blobs.put("small", io.BytesIO(b"x" * 1000))
    with pytest.raises(OutOfSpace) as caught:
        blobs.put("large", io.BytesIO(b"x" * 1_000_000))
    assert "large" in caught.value.message
    assert list(blobs.keys("")) == ["small"]
    blobs.put("after", io.BytesIO(b"x" * 100_000))


def test_what_is_being_written_is_no_key(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    (tmp_path / ".incoming/half").write_bytes(b"half")
    assert list(blobs.keys("")) == []
    with pytest.raises(Invalid):
        blobs.open(".incoming/half")


def test_a_folder_is_no_blob(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    blobs.put("runs/1/log", io.BytesIO(b"x"))
    assert blobs.size("runs/1") is None
    blobs.delete("runs/1")
    assert list(blobs.keys("")) == ["runs/1/log"]
    blobs.delete("runs/1/log")
    assert [path.name for path in tmp_path.iterdir()] == [".incoming"]
