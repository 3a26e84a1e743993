"""What every blob store must do."""

from __future__ import annotations

import hashlib
import io
import threading

import pytest

from modelyard.core.errors import Invalid, NotFound, TooLarge
from modelyard.core.ports import BlobStore


class CutStream(io.RawIOBase):
    """Breaks off in the middle, like a client that goes away."""

    def __init__(self) -> None:
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        self._reads += 1
        if self._reads > 2:
            raise ConnectionResetError("gone")
        return b"x" * 1000


def test_what_was_put_is_read_back(blobs: BlobStore) -> None:
    data = bytes(range(256)) * 9000
    assert blobs.put("runs/1/log", io.BytesIO(data)) == (len(data), hashlib.sha256(data).hexdigest())
    with blobs.open("runs/1/log") as stream:
        assert stream.read() == data
    assert blobs.size("runs/1/log") == len(data)


def test_reading_begins_at_an_offset(blobs: BlobStore) -> None:
    blobs.put("a", io.BytesIO(b"0123456789"))
    with blobs.open("a", 7) as stream:
        assert stream.read() == b"789"
    with blobs.open("a", 50) as stream:
        assert stream.read() == b""


def test_an_empty_blob_is_one(blobs: BlobStore) -> None:
    assert blobs.put("a", io.BytesIO(b"")) == (0, hashlib.sha256().hexdigest())
    assert blobs.size("a") == 0


def test_a_second_put_replaces_the_first(blobs: BlobStore) -> None:
    blobs.put("a", io.BytesIO(b"first"))
    blobs.put("a", io.BytesIO(b"second"))
    with blobs.open("a") as stream:
        assert stream.read() == b"second"
    assert list(blobs.keys("")) == ["a"]


def test_a_missing_blob_is_not_found(blobs: BlobStore) -> None:
    assert blobs.size("runs/nothing") is None
    with pytest.raises(NotFound):
        blobs.open("runs/nothing")


def test_deleting_twice_is_no_error(blobs: BlobStore) -> None:
    blobs.put("runs/1/log", io.BytesIO(b"x"))
    blobs.delete("runs/1/log")
    blobs.delete("runs/1/log")
    assert list(blobs.keys("")) == []


def test_a_blob_over_the_limit_leaves_nothing_and_keeps_what_was_there(blobs: BlobStore) -> None:
    blobs.put("kept", io.BytesIO(b"before"))
    for key in ("new", "kept"):
        with pytest.raises(TooLarge):
            blobs.put(key, io.BytesIO(b"x" * 11), limit=10)
    assert list(blobs.keys("")) == ["kept"]
    with blobs.open("kept") as stream:
        assert stream.read() == b"before"
    assert blobs.put("exact", io.BytesIO(b"x" * 10), limit=10)[0] == 10


def test_a_stream_that_breaks_off_leaves_nothing(blobs: BlobStore) -> None:
    with pytest.raises(ConnectionResetError):
        blobs.put("a", CutStream())  # type: ignore[arg-type]
    assert blobs.size("a") is None
    assert list(blobs.keys("")) == []


def test_keys_are_listed_by_prefix_in_order(blobs: BlobStore) -> None:
    for key in ("runs/2/log", "runs/1/log", "runs/1/artifacts/b", "runs/10/log", "other"):
        blobs.put(key, io.BytesIO(b"x"))
    assert list(blobs.keys("runs/1/")) == ["runs/1/artifacts/b", "runs/1/log"]
    assert list(blobs.keys("runs/1")) == ["runs/1/artifacts/b", "runs/1/log", "runs/10/log"]
    assert list(blobs.keys("none/")) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "a\0b", "x" * 300, "a/"])
def test_a_key_that_leads_elsewhere_is_refused(blobs: BlobStore, key: str) -> None:
    with pytest.raises(Invalid):
        blobs.put(key, io.BytesIO(b"x"))
    with pytest.raises(Invalid):
        blobs.open(key)


def test_a_name_of_any_letters_is_a_key(blobs: BlobStore) -> None:
    key = "runs/1/artifacts/Ergebnis – größer 🚀 %2e%2e.txt"
    blobs.put(key, io.BytesIO(b"x"))
    assert list(blobs.keys("runs/")) == [key]


def test_puts_of_one_key_at_once_leave_one_of_them_whole(blobs: BlobStore) -> None:
    contents = [bytes([65 + i]) * 300_000 for i in range(8)]
    threads = [threading.Thread(target=blobs.put, args=("a", io.BytesIO(c))) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with blobs.open("a") as stream:
        assert stream.read() in contents
