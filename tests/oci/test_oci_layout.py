"""The layout folder itself: what lies in it, and what a crash or a full disk leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.core.errors import Invalid, OutOfSpace
from modelyard.oci import media
from modelyard.oci.layer import Entry, write_layer
from modelyard.oci.layout import Layout

# Writes a file size limit's worth and more: the kernel answers like a full disk does.
FULL_DISK = """
import resource, sys
from pathlib import Path
from modelyard.core.errors import OutOfSpace
from modelyard.oci.layer import Entry, write_layer
from modelyard.oci.layout import Layout
layout = Layout(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    write_layer([Entry(b"a", "file", source=__import__("os").urandom(8 << 20))], layout, kind="code")
except OutOfSpace as error:
    print(error.message, error.hint, sep="\\n")
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from modelyard.oci.layout import Layout
with Layout(Path(sys.argv[1])).new_blob() as blob:
    blob.write(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left_over(layout: Layout) -> list[Path]:
    return [*(layout.path / "ingest").iterdir(), *(layout.path / "blobs" / "sha256").iterdir()]


def test_a_new_layout_has_the_files_of_the_specification(layout: Layout) -> None:
    assert json.loads((layout.path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((layout.path / "index.json").read_text())["manifests"] == []


def test_opening_a_layout_again_changes_nothing(layout: Layout) -> None:
    layout.put_manifest(b"{}", media.MANIFEST, "a/b:c")
    before = (layout.path / "index.json").read_bytes()
    Layout(layout.path)
    assert (layout.path / "index.json").read_bytes() == before


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(layout: Layout) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, layout.path], capture_output=True, text=True, check=True)
    message, hint = done.stdout.splitlines()
    assert "no space left" in message
    assert "Free some space" in hint
    assert left_over(layout) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_error_of_a_full_disk_becomes_out_of_space(layout: Layout) -> None:
    with layout.new_blob() as blob:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, blob._handle)
        os.close(full)
        with pytest.raises(OutOfSpace):
            blob.write(b"x")
    assert left_over(layout) == []


def test_what_a_killed_writer_left_is_no_blob_and_is_removed_later(layout: Layout) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, layout.path], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = left_over(layout)
    assert left.parent.name == "ingest"
    with layout.new_blob():
        assert left.exists()  # it might still be somebody's
    os.utime(left, (0, 0))
    with layout.new_blob():
        assert not left.exists()


def test_an_old_file_that_is_still_being_written_is_left_alone(layout: Layout) -> None:
    with layout.new_blob() as slow:
        slow.write(b"slow")
        os.utime(slow._path, (0, 0))
        with layout.new_blob():
            pass
        slow.commit(media.digest_of(b"slow"))
    assert layout.has(media.digest_of(b"slow")) == 4


def test_a_blob_cut_short_by_a_crash_is_healed_by_the_next_write(layout: Layout) -> None:
    layer = write_layer([Entry(b"a", "file", source=b"content")], layout, kind="code")
    os.truncate(layout.blob_path(layer.digest), 3)
    write_layer([Entry(b"a", "file", source=b"content")], layout, kind="code")
    assert layout.has(layer.digest) == layer.size


def test_a_damaged_manifest_is_refused(layout: Layout) -> None:
    digest = layout.put_manifest(b'{"a":1}', media.MANIFEST)
    layout.blob_path(digest).write_bytes(b'{"a":2}')
    with pytest.raises(Invalid, match="damaged"):
        layout.read_manifest(digest)


def test_an_index_that_is_not_json_is_named_and_not_overwritten(layout: Layout) -> None:
    index = layout.path / "index.json"
    index.write_text("{")
    with pytest.raises(Invalid, match=r"index\.json"):
        layout.put_manifest(b"{}", media.MANIFEST, "a/b:c")
    assert index.read_text() == "{"
