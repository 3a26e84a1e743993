"""Unpacking: what comes out, what is shared, what is refused, and what a kill leaves."""

from __future__ import annotations

import gzip
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelyard.core.errors import Invalid, NotFound, OutOfSpace
from modelyard.oci import media
from modelyard.oci.extract import Limits
from modelyard.oci.image import compose_base, put_image
from modelyard.oci.layer import Entry, LayerDescriptor, write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import chain_ids, unpack

# Unpacks and kills itself in the middle of the second layer.
KILLED = """
import os, signal, sys
from pathlib import Path
from modelyard.oci import extract
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack
class Killed(extract.LayerWriter):
    def finish(self):
        if "second" in str(self._written):
            os.kill(os.getpid(), signal.SIGKILL)
        super().finish()
import modelyard.oci.unpack as unpacking
unpacking.LayerWriter = Killed
unpack(Layout(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
"""
FULL_DISK = """
import resource, sys
from pathlib import Path
from modelyard.core.errors import OutOfSpace
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack
layout = Layout(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    unpack(layout, sys.argv[2], Path(sys.argv[3]))
except OutOfSpace as error:
    print(error.code)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def image_of(layout: Layout, *layers: LayerDescriptor) -> str:
    return put_image(layout, compose_base(layers, "amd64", {}))


def layer(layout: Layout, *entries: Entry, compression: str = "zstd") -> LayerDescriptor:
    return write_layer(entries, layout, kind="base", compression=compression)  # type: ignore[arg-type]


def foreign_layer(layout: Layout, *members: tuple[tarfile.TarInfo, bytes], packed: bool = True) -> LayerDescriptor:
    """A layer that another program made, or an attacker."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stored(layout, raw.getvalue(), packed=packed)


def stored(layout: Layout, raw: bytes, packed: bool = True) -> LayerDescriptor:
    data = gzip.compress(raw, mtime=0) if packed else raw
    with layout.new_blob() as blob:
        blob.write(data)
        blob.commit(media.digest_of(data))
    media_type = media.LAYER_GZIP if packed else media.LAYER_TAR
    return LayerDescriptor(media.digest_of(data), len(data), media.digest_of(raw), len(raw), 0, media_type, "base")


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_root_has_the_files_of_all_layers_with_modes_and_times(layout: Layout, cache: Path, compression: str) -> None:
    first = layer(layout, Entry(b"bin/tool", "file", 0o755, 1_600_000_000, source=b"one"), compression=compression)
    second = layer(
        layout,
        Entry(b"bin", "directory", 0o750, 1_500_000_000),
        Entry(b"bin/link", "symlink", target=b"tool"),
        Entry(b"bin/again", "hardlink", target=b"bin/tool"),
        compression=compression,
    )
    root = unpack(layout, image_of(layout, first, second), cache)
    assert (root / "bin/tool").read_bytes() == b"one"
    assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (root / "bin/tool").stat().st_mtime == 1_600_000_000
    assert (root / "bin").stat().st_mode & 0o7777 == 0o750
    assert (root / "bin").stat().st_mtime == 1_500_000_000
    assert (root / "bin/link").readlink() == Path("tool")
    assert (root / "bin/again").samefile(root / "bin/tool")


def test_a_plain_tar_layer_is_unpacked(layout: Layout, cache: Path) -> None:
    found = foreign_layer(layout, (member("./"), b""), (member("./a"), b"plain"), packed=False)
    assert (unpack(layout, image_of(layout, found), cache) / "a").read_bytes() == b"plain"


def test_an_image_is_unpacked_once_and_its_folder_is_named_by_its_chain(layout: Layout, cache: Path) -> None:
    found = layer(layout, Entry(b"a", "file", source=b"1"))
    digest = image_of(layout, found)
    root = unpack(layout, digest, cache)
    layout.blob_path(found.digest).unlink()  # not read again
    assert unpack(layout, digest, cache) == root
    assert root == cache / found.diff_id.removeprefix("sha256:")


def test_the_chain_id_is_the_one_of_the_specification() -> None:
    first, second = ("sha256:" + digit * 64 for digit in "ab")
    assert chain_ids([first, second])[1] == media.digest_of(f"{first} {second}".encode())


def test_roots_share_the_files_of_their_common_layers(layout: Layout, cache: Path) -> None:
    base = layer(layout, Entry(b"big", "file", source=b"shared"))
    one = unpack(layout, image_of(layout, base, layer(layout, Entry(b"x", "file", source=b"1"))), cache)
    two = unpack(layout, image_of(layout, base, layer(layout, Entry(b"x", "file", source=b"2"))), cache)
    assert (one / "big").samefile(two / "big")
    assert ((one / "x").read_bytes(), (two / "x").read_bytes()) == (b"1", b"2")


def test_a_changed_file_leaves_the_root_below_as_it_was(layout: Layout, cache: Path) -> None:
    base = layer(layout, Entry(b"f", "file", source=b"old"), Entry(b"d/f", "file", source=b"old"))
    below = unpack(layout, image_of(layout, base), cache)
    change = layer(layout, Entry(b"f", "file", 0o600, source=b"new"), Entry(b"d", "file", source=b"no folder any more"))
    root = unpack(layout, image_of(layout, base, change), cache)
    assert (root / "f").read_bytes() == b"new"
    assert (root / "d").is_file()
    assert (below / "f").read_bytes() == b"old"
    assert (below / "d/f").read_bytes() == b"old"


def test_a_whiteout_removes_a_file_and_a_tree(layout: Layout, cache: Path) -> None:
    base = layer(
        layout, Entry(b"d/f", "file", source=b""), Entry(b"g", "file", source=b""), Entry(b"h", "symlink", target=b"d")
    )
    gone = layer(layout, *(Entry(name, "whiteout") for name in (b"d", b"g", b"h", b"never-was")))
    assert everything_below(unpack(layout, image_of(layout, base, gone), cache)) == set()


def test_an_opaque_whiteout_hides_what_was_below_and_keeps_its_own(layout: Layout, cache: Path) -> None:
    base = layer(layout, Entry(b"d/old", "file", source=b""), Entry(b"d/sub/old", "file", source=b""))
    over = foreign_layer(layout, (member("d/new"), b"new"), (member("d/.wh..wh..opq"), b""), (member("d/.wh.new"), b""))
    root = unpack(layout, image_of(layout, base, over), cache)
    assert everything_below(root) == {"d", "d/new"}


def test_an_absolute_link_stays_inside_the_root(layout: Layout, cache: Path) -> None:
    found = layer(
        layout,
        Entry(b"etc/passwd", "file", source=b"the image's"),
        Entry(b"a/b/link", "symlink", target=b"/etc/passwd"),
    )
    root = unpack(layout, image_of(layout, found), cache)
    assert (root / "a/b/link").readlink() == Path("../../etc/passwd")
    assert (root / "a/b/link").read_bytes() == b"the image's"


def test_a_file_below_a_linked_folder_is_written_inside_the_root(layout: Layout, cache: Path, tmp_path: Path) -> None:
    base = layer(layout, Entry(b"lib", "symlink", target=b"usr/lib"), Entry(b"usr/lib/a", "file", source=b""))
    over = foreign_layer(layout, (member("lib/b"), b"b"))
    root = unpack(layout, image_of(layout, base, over), cache)
    assert (root / "usr/lib/b").read_bytes() == b"b"
    assert (root / "lib").is_symlink()


HOSTILE: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
    "a path that leads up": [(member("../evil"), b"x")],
    "a path that leads up later": [(member("a/../../evil"), b"x")],
    "an absolute path": [(member("/evil"), b"x")],
    "a link that leads up": [(member("l", tarfile.SYMTYPE, "../evil"), b"")],
    "a link that leads up from a folder": [(member("a/b/l", tarfile.SYMTYPE, "../../../evil"), b"")],
    "a hardlink that leads up": [(member("l", tarfile.LNKTYPE, "../../secret"), b"")],
    "a hardlink to an absolute path": [(member("l", tarfile.LNKTYPE, "/etc/passwd"), b"")],
    "a hardlink to a symlink": [(member("s", tarfile.SYMTYPE, "x"), b""), (member("l", tarfile.LNKTYPE, "s"), b"")],
    "a loop of links": [
        (member("a", tarfile.SYMTYPE, "b"), b""),
        (member("b", tarfile.SYMTYPE, "a"), b""),
        (member("a/x"), b"x"),
    ],
    "a character device": [(member("dev", tarfile.CHRTYPE), b"")],
    "a block device": [(member("dev", tarfile.BLKTYPE), b"")],
    "a pipe": [(member("pipe", tarfile.FIFOTYPE), b"")],
    "a whiteout of the folder itself": [(member("d/.wh.."), b"")],
    "a whiteout of the folder above": [(member("d/.wh..."), b"")],
    "a thousand folders deep": [(member("d/" * 1000 + "f"), b"")],
    "a name that is too long": [(member("n" * 300), b"")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_layer_is_refused_and_leaves_nothing(
    layout: Layout, cache: Path, tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    (tmp_path / "secret").write_text("mine")
    digest = image_of(layout, foreign_layer(layout, *members))
    before = everything_below(tmp_path) - everything_below(cache)
    with pytest.raises(Invalid):
        unpack(layout, digest, cache)
    outside = {path for path in everything_below(tmp_path) if not path.startswith("cache")}
    assert outside == {path for path in before if not path.startswith("cache")}
    assert not [path for path in cache.iterdir() if not path.name.startswith(".")]
    assert not list((cache / ".work").iterdir())


def test_a_write_through_a_link_to_an_absolute_folder_stays_inside(layout: Layout, cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "outside"
    target.mkdir()
    found = foreign_layer(layout, (member("d", tarfile.SYMTYPE, str(target)), b""), (member("d/evil"), b"x"))
    root = unpack(layout, image_of(layout, found), cache)
    assert list(target.iterdir()) == []
    assert (root / str(target).lstrip("/") / "evil").read_bytes() == b"x"


def test_links_that_lead_out_only_together_do_not(layout: Layout, cache: Path, tmp_path: Path) -> None:
    """`d/up` is the root, so `d/up/..` would be what lies above it on this machine."""
    found = foreign_layer(
        layout,
        (member("d/up", tarfile.SYMTYPE, ".."), b""),
        (member("out", tarfile.SYMTYPE, "d/up/../../evil"), b""),
        (member("out/x"), b"x"),
    )
    try:
        root = unpack(layout, image_of(layout, found), cache)
    except Invalid:
        return
    assert (root / "out/x").resolve().is_relative_to(root)


def test_set_user_bits_are_not_given_on_this_machine(layout: Layout, cache: Path) -> None:
    found = layer(layout, Entry(b"su", "file", 0o4755, source=b""), Entry(b"tmp", "directory", 0o1777))
    root = unpack(layout, image_of(layout, found), cache)
    assert (root / "su").stat().st_mode & 0o7777 == 0o755
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("limits", [Limits(raw_size=2 << 20), Limits(entries=2)])
def test_a_layer_that_unpacks_to_more_than_is_allowed_is_refused(layout: Layout, cache: Path, limits: Limits) -> None:
    bomb = layer(layout, *(Entry(b"%d" % i, "file", source=bytes(1 << 20)) for i in range(3)))
    with pytest.raises(Invalid, match="more than"):
        unpack(layout, image_of(layout, bomb), cache, limits)


def test_a_header_that_would_fill_the_memory_is_refused(layout: Layout, cache: Path) -> None:
    huge = member("pax", tarfile.XHDTYPE)
    huge.size = 1 << 30
    raw = huge.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 20)
    with pytest.raises(Invalid):
        unpack(layout, image_of(layout, stored(layout, raw)), cache)


def _other_content(layout: Layout, found: LayerDescriptor) -> None:
    blob = layout.blob_path(found.digest)
    other = layer(layout, Entry(b"a", "file", source=b"other"))
    blob.write_bytes(layout.blob_path(other.digest).read_bytes().ljust(found.size, b"\0")[: found.size])


def _cut(layout: Layout, found: LayerDescriptor) -> None:
    os.truncate(layout.blob_path(found.digest), found.size // 2)


def _garbage(layout: Layout, found: LayerDescriptor) -> None:
    layout.blob_path(found.digest).write_bytes(os.urandom(found.size))


@pytest.mark.parametrize("damage", [_other_content, _cut, _garbage])
def test_a_damaged_layer_is_refused(
    layout: Layout, cache: Path, damage: Callable[[Layout, LayerDescriptor], None]
) -> None:
    found = layer(layout, Entry(b"a", "file", source=b"12345"))
    digest = image_of(layout, found)
    damage(layout, found)
    with pytest.raises(Invalid):
        unpack(layout, digest, cache)
    assert not list((cache / ".work").iterdir())


def test_an_image_that_is_not_there_is_not_found(layout: Layout, cache: Path) -> None:
    with pytest.raises(NotFound):
        unpack(layout, media.digest_of(b"nobody"), cache)


def test_unpacking_the_same_image_at_once_gives_one_root(layout: Layout, cache: Path) -> None:
    entries = [Entry(b"%d" % i, "file", source=b"%d" % i) for i in range(300)]
    digest = image_of(layout, layer(layout, *entries), layer(layout, Entry(b"x", "file", source=b"")))
    with ThreadPoolExecutor(8) as pool:
        roots = set(pool.map(lambda _: unpack(layout, digest, cache), range(8)))
    (root,) = roots
    assert len(everything_below(root)) == 301
    assert not list((cache / ".work").iterdir())


def test_after_a_kill_in_the_middle_the_next_one_cleans_up_and_finishes(layout: Layout, cache: Path) -> None:
    first = layer(layout, Entry(b"first", "file", source=b"1"))
    digest = image_of(layout, first, layer(layout, Entry(b"second", "file", source=b"2")))
    done = subprocess.run([sys.executable, "-c", KILLED, layout.path, digest, cache], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in cache.iterdir() if len(path.name) == 64] == [first.diff_id[7:]]
    assert len(list((cache / ".work").iterdir())) == 1
    root = unpack(layout, digest, cache)
    assert everything_below(root) == {"first", "second"}
    assert not list((cache / ".work").iterdir())


def test_a_full_disk_is_out_of_space_and_leaves_nothing(layout: Layout, cache: Path) -> None:
    digest = image_of(layout, layer(layout, Entry(b"big", "file", source=os.urandom(3 << 20))))
    command = [sys.executable, "-c", FULL_DISK, layout.path, digest, cache]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == OutOfSpace.code
    assert [path for path in cache.iterdir() if not path.name.startswith(".")] == []
    assert not list((cache / ".work").iterdir())
