"""The layer writer, read back by the standard library's tar reader."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest
import zstandard

from modelyard.oci.layer import Entry, LayerDescriptor, write_layer
from modelyard.oci.layout import Layout


def read_back(layout: Layout, layer: LayerDescriptor) -> tuple[bytes, dict[str, tarfile.TarInfo]]:
    packed = layout.blob_path(layer.digest).read_bytes()
    if layer.media_type.endswith("zstd"):
        raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read()
    else:
        raw = gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(raw)) as members:
        return raw, {member.name: member for member in members}


def test_digest_diff_id_and_sizes_are_those_of_what_was_stored(layout: Layout) -> None:
    layer = write_layer([Entry(b"a", "file", source=b"hello")], layout, kind="code")
    raw, members = read_back(layout, layer)
    assert layer.diff_id == "sha256:" + hashlib.sha256(raw).hexdigest()
    assert layer.raw_size == len(raw)
    assert layer.size == layout.blob_path(layer.digest).stat().st_size
    assert layer.digest == "sha256:" + hashlib.sha256(layout.blob_path(layer.digest).read_bytes()).hexdigest()
    assert (layer.entries, list(members)) == (1, ["a"])


def test_every_kind_of_entry_comes_back_with_its_attributes(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "tool"
    source.write_bytes(b"#!" * 700)
    entries = [
        Entry(b"bin/tool", "file", 0o4755, 1_700_000_000, 10, 20, source=source),
        Entry(b"bin", "directory", 0o750, 5),
        Entry(b"bin/link", "symlink", 0o777, target=b"../elsewhere"),
        Entry(b"bin/again", "hardlink", 0o4755, target=b"bin/tool"),
        Entry(b"bin/gone", "whiteout"),
    ]
    _, members = read_back(layout, write_layer(entries, layout, kind="packages"))
    tool = members["bin/tool"]
    assert (tool.mode, tool.mtime, tool.uid, tool.gid, tool.size) == (0o4755, 1_700_000_000, 10, 20, 1400)
    assert (tool.uname, tool.gname) == ("", "")
    assert members["bin"].isdir()
    assert members["bin"].mode == 0o750
    assert members["bin/link"].linkname == "../elsewhere"
    assert members["bin/again"].islnk()
    assert members["bin/again"].linkname == "bin/tool"
    assert members["bin/.wh.gone"].size == 0


def test_whiteouts_come_before_their_siblings_and_hardlinks_after_everything(layout: Layout) -> None:
    entries = [
        Entry(b"d/-first", "file", source=b""),
        Entry(b"d/gone", "whiteout"),
        Entry(b"d/a-link", "hardlink", target=b"d/z"),
        Entry(b"d/z", "file", source=b"z"),
        Entry(b"d.txt", "file", source=b""),
    ]
    _, members = read_back(layout, write_layer(entries, layout, kind="code"))
    assert list(members) == ["d", "d/.wh.gone", "d/-first", "d/z", "d.txt", "d/a-link"]


def test_missing_ancestors_are_added(layout: Layout) -> None:
    _, members = read_back(layout, write_layer([Entry(b"opt/model/code/a", "file", source=b"")], layout, kind="code"))
    assert list(members) == ["opt", "opt/model", "opt/model/code", "opt/model/code/a"]
    assert members["opt/model"].mode == 0o755


@pytest.mark.parametrize(
    "name",
    [b"x" * 101, b"d/" + b"n" * 250, "grün/日本".encode(), b"\xff\xfe-latin", b"\xff" * 150, b" spaces and\nlines "],
)
def test_long_and_strange_names_are_kept_byte_for_byte(layout: Layout, name: bytes) -> None:
    entries = [Entry(name, "file", source=b"1"), Entry(b"~link", "symlink", target=name)]
    _, members = read_back(layout, write_layer(entries, layout, kind="code"))
    assert os.fsdecode(name) in members
    assert members["~link"].linkname == os.fsdecode(name)


def test_numbers_that_do_not_fit_the_old_header_are_kept(layout: Layout) -> None:
    entry = Entry(b"a", "file", 0o644, -5, 3_000_000, 4_000_000_000, source=b"")
    _, members = read_back(layout, write_layer([entry], layout, kind="code"))
    assert (members["a"].mtime, members["a"].uid, members["a"].gid) == (-5, 3_000_000, 4_000_000_000)


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_the_same_entries_in_any_order_and_with_any_threads_have_the_same_digest(
    layout: Layout, compression: str
) -> None:
    content = os.urandom(1 << 20) * 20  # several of zstd's jobs
    entries = [Entry(b"big", "file", source=content), Entry(b"a/small", "file", source=b"x")]
    digests = {
        write_layer(order, layout, kind="code", compression=compression, threads=threads).digest  # type: ignore[arg-type]
        for order in (entries, entries[::-1])
        for threads in (1, 2, 4)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "path", [b"", b"/etc", b"a//b", b"../a", b"a/..", b"./a", b"a/", b"a\0b", b".wh.a", b".wh.d/x"]
)
def test_a_path_that_no_layer_can_hold_is_refused_and_nothing_stored(layout: Layout, path: bytes) -> None:
    with pytest.raises(ValueError, match=r"path|deletion"):
        write_layer([Entry(path, "file", source=b"")], layout, kind="code")
    assert not list((layout.path / "blobs" / "sha256").iterdir())


def test_two_entries_for_one_path_are_refused(layout: Layout) -> None:
    with pytest.raises(ValueError, match="two entries"):
        write_layer([Entry(b"a", "file", source=b"1"), Entry(b"a", "file", source=b"2")], layout, kind="code")


def test_a_file_that_shrinks_while_it_is_read_is_filled_with_zeros_and_reported(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"x" * (3 << 20))
    layer = write_layer(
        [Entry(b"log", "file", source=source), Entry(b"next", "file", source=b"n")],
        layout,
        kind="code",
        on_bytes=lambda _: os.truncate(source, 1 << 20),
    )
    _, members = read_back(layout, layer)
    assert members["log"].size == 3 << 20
    assert "next" in members
    assert layer.changed == ["log"]


def test_a_file_that_grows_while_it_is_read_is_cut_at_its_first_size_and_reported(
    layout: Layout, tmp_path: Path
) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"x" * (2 << 20))

    def grow(_: int) -> None:
        with source.open("ab") as file:
            file.write(b"more")

    layer = write_layer([Entry(b"log", "file", source=source)], layout, kind="code", on_bytes=grow)
    _, members = read_back(layout, layer)
    assert members["log"].size == 2 << 20
    assert layer.changed == ["log"]


def test_what_vanished_or_became_a_link_or_pipe_is_left_out_with_its_hardlinks_and_reported(
    layout: Layout, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"not to be followed")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "pipe")
    entries = [
        Entry(b"gone", "file", source=tmp_path / "gone"),
        Entry(b"gone-too", "hardlink", target=b"gone"),
        Entry(b"link", "file", source=tmp_path / "link"),
        Entry(b"pipe", "file", source=tmp_path / "pipe"),
    ]
    layer = write_layer(entries, layout, kind="code")
    _, members = read_back(layout, layer)
    assert members == {}
    assert sorted(layer.changed) == ["gone", "gone-too", "link", "pipe"]


def test_progress_adds_up_to_the_raw_size(layout: Layout) -> None:
    seen: list[int] = []
    entry = Entry(b"a", "file", source=os.urandom(5 << 20))
    layer = write_layer([entry], layout, kind="code", on_bytes=seen.append)
    assert sum(seen) == layer.raw_size
    assert len(seen) >= 5


def test_the_writer_makes_at_least_40_megabytes_a_second_of_ordinary_files(layout: Layout, tmp_path: Path) -> None:
    """A guard against an accident, far below the 200 MB/s that one quiet core makes: the test machine is shared."""
    text = b"".join(b"%d: some line of an ordinary source file\n" % i for i in range(2000))
    for i in range(400):
        (tmp_path / f"{i}.py").write_bytes(text)
    entries = [Entry(b"%d.py" % i, "file", source=tmp_path / f"{i}.py") for i in range(400)]
    began = time.monotonic()
    layer = write_layer(entries, layout, kind="packages")
    assert layer.raw_size / (time.monotonic() - began) > 40e6
