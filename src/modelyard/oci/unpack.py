"""Unpack images into folders, once per chain of layers.

`CACHE/CHAIN/` is the root of everything up to one layer, named by the chain id of the image specification: it depends
on the content of that layer and of all below it. The next layer's root begins as a copy of its parent's made of
hardlinks, so the cache costs one inode a directory and the changed files. A root is made in `CACHE/.work/` under the
chain's lock and renamed into place when the layer's digests were right: what is there is whole, whoever was killed.

Nobody may write into a root afterwards: its files are shared with other roots.
"""

# Strings and os in what is done for every file: Path doubles the time.
# ruff: noqa: PTH102
from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelyard.core.errors import Invalid
from modelyard.core.model import Layer

from . import media
from .extract import BoundedInfo, LayerWriter, Limits
from .image import read_image
from .locks import locked
from .sink import ImageSink
from .space import space_needed
from .stream import READ_ERRORS, HashingReader, decompressed

_WORK = ".work"
_LOCKS = ".locks"
_LOCK_SECONDS = 900.0
_TAR_BUFFER = 1 << 16  # tarfile copies what is left of it for every header


def unpack(sink: ImageSink, digest: str, cache_root: Path, limits: Limits = Limits()) -> Path:
    """The root folder of the image, unpacked now or before.

    Raises NotFound for an unknown image, Invalid for a damaged or hostile one, OutOfSpace, and Unavailable when
    another process has been unpacking the same for too long.
    """
    image = read_image(sink, digest)
    chains = chain_ids(image.diff_ids)
    cached = [(cache_root / name(chain)) for chain in chains]
    if not cached:
        raise Invalid(f"Image {digest} has no layers.", code="invalid_image")
    first = max((i + 1 for i, root in enumerate(cached) if root.is_dir()), default=0)
    for i in range(first, len(cached)):
        parent = cached[i - 1] if i else None
        _unpack_layer(sink, image.layers[i], image.diff_ids[i], chains[i], parent, cache_root, limits)
    return cached[-1]


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """The chain id of every layer of an image (image-spec, "Layer ChainID")."""
    chains: list[str] = []
    for diff_id in diff_ids:
        below = f"{chains[-1]} {diff_id}" if chains else None
        chains.append(f"sha256:{hashlib.sha256(below.encode()).hexdigest()}" if below else diff_id)
    return chains


def name(chain: str) -> str:
    """The folder of a chain id in the cache."""
    return media.check_digest(chain).removeprefix("sha256:")


@contextmanager
def work_folder(cache_root: Path, purpose: str) -> Iterator[Path]:
    """A new folder on the cache's file system, removed at the end unless it was renamed away.

    The caller holds the lock of `purpose`: folders of the same purpose are what a killed process left.
    """
    work = cache_root / _WORK
    work.mkdir(parents=True, exist_ok=True)
    for left in work.glob(f"{purpose}-*"):
        _remove(left)
    folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=work))
    try:
        yield folder
    finally:
        _remove(folder)


def adopt(root: Path, chain: str, cache_root: Path) -> Path:
    """Make a folder that was built elsewhere in the cache's file system the root of `chain`, by renaming it."""
    destination = cache_root / name(chain)
    with locked(cache_root / _LOCKS / name(chain), f"unpacking {chain}", _LOCK_SECONDS):
        if not destination.is_dir():
            root.rename(destination)
    return destination


def copy_by_links(source: Path, destination: Path) -> None:
    """Copy a tree into an existing folder: new directories, the same files."""
    _copy_folder(str(source), str(destination))


def _copy_folder(source: str, destination: str) -> None:
    with os.scandir(source) as found:
        for item in found:
            target = f"{destination}/{item.name}"
            if item.is_dir(follow_symlinks=False):
                os.mkdir(target)
                _copy_folder(item.path, target)
            else:
                _link(item.path, target)
    shutil.copystat(source, destination)


def _unpack_layer(
    sink: ImageSink,
    layer: Layer,
    diff_id: str,
    chain: str,
    parent: Path | None,
    cache_root: Path,
    limits: Limits,
) -> None:
    destination = cache_root / name(chain)
    with space_needed(cache_root), locked(cache_root / _LOCKS / name(chain), f"unpacking {chain}", _LOCK_SECONDS):
        if destination.is_dir():
            return
        with work_folder(cache_root, name(chain)) as work:
            root = work / "root"
            root.mkdir()
            if parent is not None:
                copy_by_links(parent, root)
            _apply(sink, layer, diff_id, root, limits)
            root.rename(destination)


def _apply(sink: ImageSink, layer: Layer, diff_id: str, root: Path, limits: Limits) -> None:
    with sink.open_blob(layer.digest) as blob:
        packed = HashingReader(blob, max(layer.size, 0))
        with decompressed(packed, layer.media_type) as stream:  # type: ignore[arg-type]
            plain = HashingReader(stream, limits.raw_size)
            _write_members(plain, LayerWriter(root, limits), layer)
        packed.drain()
    for found, expected in ((packed.digest, layer.digest), (plain.digest, diff_id)):
        if found != expected:
            raise Invalid(
                f"Layer {layer.digest} is damaged: its content has the digest {found} and should have {expected}.",
                hint="Save the version again, or restore the layer from a backup.",
                code="invalid_layer",
            )


def _write_members(plain: HashingReader, writer: LayerWriter, layer: Layer) -> None:
    try:
        with tarfile.open(fileobj=plain, mode="r|", bufsize=_TAR_BUFFER, tarinfo=BoundedInfo) as members:
            for member in members:
                writer.write(member, members)
        writer.finish()
        plain.drain()
    except (tarfile.TarError, ValueError, *READ_ERRORS) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENAMETOOLONG, errno.EINVAL):
            raise  # the disk's, not the layer's
        raise Invalid(f"Layer {layer.digest} can't be read: {error}.", code="invalid_layer") from error


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EMLINK, errno.EPERM):
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=False)
