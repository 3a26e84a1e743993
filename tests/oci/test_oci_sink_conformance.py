"""What every image sink must do. A new sink is added to `SINKS` and must pass all of this."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.core.errors import Invalid, NotFound
from modelyard.oci import media
from modelyard.oci.layout import Layout
from modelyard.oci.sink import ImageSink

SINKS: dict[str, Callable[[Path], ImageSink]] = {"layout": lambda folder: Layout(folder / "images")}


@pytest.fixture(params=list(SINKS))
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSink:
    return SINKS[request.param](tmp_path)


def store(sink: ImageSink, data: bytes) -> str:
    with sink.new_blob() as blob:
        blob.write(data)
        blob.commit(media.digest_of(data))
    return media.digest_of(data)


def test_a_blob_comes_back_as_it_was_written(sink: ImageSink) -> None:
    data = os.urandom(3 << 20)
    with sink.new_blob() as blob:
        for start in range(0, len(data), 1 << 20):
            blob.write(memoryview(data)[start : start + (1 << 20)])
        assert blob.commit(media.digest_of(data)) == len(data)
    assert sink.has(media.digest_of(data)) == len(data)
    with sink.open_blob(media.digest_of(data)) as stream:
        assert stream.read() == data


def test_a_blob_that_is_there_already_may_be_written_again(sink: ImageSink) -> None:
    assert store(sink, b"twice") == store(sink, b"twice")
    assert sink.has(media.digest_of(b"twice")) == 5


def test_a_blob_is_not_there_before_its_commit_nor_without_one(sink: ImageSink) -> None:
    with sink.new_blob() as blob:
        blob.write(b"half")
        assert sink.has(media.digest_of(b"half")) is None
    assert sink.has(media.digest_of(b"half")) is None


def test_a_writer_that_fails_leaves_nothing(sink: ImageSink) -> None:
    def fail() -> None:
        with sink.new_blob() as blob:
            blob.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sink.has(media.digest_of(b"half")) is None


def test_a_blob_whose_bytes_have_another_digest_is_refused(sink: ImageSink) -> None:
    wanted = media.digest_of(b"what was meant")
    with sink.new_blob() as blob:
        blob.write(b"what was sent")
        with pytest.raises(Invalid):
            blob.commit(wanted)
    assert sink.has(wanted) is None


def test_an_unknown_blob_has_no_size_and_is_not_found(sink: ImageSink) -> None:
    assert sink.has(media.digest_of(b"nobody")) is None
    with pytest.raises(NotFound):
        sink.open_blob(media.digest_of(b"nobody"))


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "md5:" + "0" * 32, "sha256:" + "G" * 64])
def test_what_is_no_digest_is_refused(sink: ImageSink, digest: str) -> None:
    with pytest.raises(Invalid):
        sink.has(digest)


def test_a_manifest_is_read_by_digest_and_by_tag(sink: ImageSink) -> None:
    digest = sink.put_manifest(b'{"a":1}', media.MANIFEST, "ann/delay:v1")
    assert sink.read_manifest(digest) == (b'{"a":1}', media.MANIFEST)
    assert sink.read_manifest("ann/delay:v1") == (b'{"a":1}', media.MANIFEST)


def test_a_manifest_without_a_tag_is_read_by_digest(sink: ImageSink) -> None:
    digest = sink.put_manifest(b"{}", media.MANIFEST)
    assert sink.read_manifest(digest) == (b"{}", media.MANIFEST)


def test_a_tag_moves_and_both_manifests_stay(sink: ImageSink) -> None:
    first = sink.put_manifest(b'{"a":1}', media.MANIFEST, "one/of:us")
    sink.put_manifest(b'{"a":1}', media.MANIFEST, "one/of:them")
    second = sink.put_manifest(b'{"a":2}', media.MANIFEST, "one/of:us")
    assert sink.read_manifest("one/of:us")[0] == b'{"a":2}'
    assert sink.read_manifest(first)[0] == b'{"a":1}'
    assert sink.read_manifest(second)[0] == b'{"a":2}'


def test_an_unknown_manifest_is_not_found(sink: ImageSink) -> None:
    for reference in ("no/such:tag", media.digest_of(b"nobody")):
        with pytest.raises(NotFound):
            sink.read_manifest(reference)


def test_writers_at_the_same_time_lose_nothing(sink: ImageSink) -> None:
    def write(number: int) -> None:
        store(sink, b"the same for all")
        sink.put_manifest(b'{"n":%d}' % number, media.MANIFEST, f"a/b:t{number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number in range(16):
        assert sink.read_manifest(f"a/b:t{number}")[0] == b'{"n":%d}' % number
