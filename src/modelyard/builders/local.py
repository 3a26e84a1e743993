"""Make the base images of one machine: `python` from its own interpreter, others over that from locked packages.

A base is found again by its key, the hash of everything that it was made from: it is part of the image's name in the
layout. A changed definition or another interpreter is another key, so the next build makes a new image; versions
saved over the old one keep it, as they name it by digest.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from modelyard.core.catalog import BaseImage
from modelyard.core.errors import NotFound
from modelyard.oci.image import Image, append_layers, compose_base, put_image, read_image
from modelyard.oci.layer import write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.locks import locked
from modelyard.oci.space import space_needed
from modelyard.oci.unpack import adopt, chain_ids, copy_by_links, unpack, work_folder

from . import machine, packages
from .definitions import Definition, get_definition, read_definitions
from .tree import set_times, tree_entries

log = logging.getLogger(__name__)

_FORMAT = "1"  # raise it when this code makes another image of the same definition
_LOCK_SECONDS = 1800.0
_SETTINGS = {
    "Env": [
        "PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        f"SSL_CERT_FILE=/{machine.CERTIFICATES}",
    ],
    "Cmd": ["python3"],
    "WorkingDir": "/",
}


class LocalBaseBuilder:
    """Implements `core.ports.BaseBuilder`. `on_step` is told in a few words what is being done.

    Two builds of one image, in whatever processes, are one: the second waits and takes the first's result.
    """

    def __init__(
        self, layout: Layout, cache_root: Path, definitions: Path, on_step: Callable[[str], None] | None = None
    ):
        self._layout = layout
        self._cache = cache_root
        self._definitions = definitions
        self._on_step = on_step

    def known(self) -> list[BaseImage]:
        definitions = read_definitions(self._definitions)
        return [self._as_base(each, self._find(each, definitions)) for each in definitions.values()]

    def build(self, name: str) -> BaseImage:
        """Raises NotFound for a name that is not defined, Unavailable when packages can't be had, OutOfSpace."""
        definitions = read_definitions(self._definitions)
        definition = get_definition(definitions, name)
        return self._as_base(definition, self._build(definition, definitions))

    def _build(self, definition: Definition, definitions: dict[str, Definition]) -> Image:
        """The image of a definition, with its root in the cache; its parent's first."""
        parent = self._build(definitions[definition.parent], definitions) if definition.parent else None
        image = self._find(definition, definitions)
        if image is None:
            lock = self._cache / ".locks" / f"base-{definition.name}"
            with locked(lock, f"building base image {definition.name}", _LOCK_SECONDS):
                image = self._find(definition, definitions) or self._make(definition, parent)
        unpack(self._layout, image.digest, self._cache)
        return image

    def _make(self, definition: Definition, parent: Image | None) -> Image:
        with space_needed(self._cache), work_folder(self._cache, f"base-{definition.name}") as work:
            root = work / "root"
            root.mkdir()
            below = None
            if parent is None:
                self._say("copying this machine's Python")
                machine.make_root(root)
            else:
                below = unpack(self._layout, parent.digest, self._cache)
                copy_by_links(below, root)
            self._install(definition, root, work)
            set_times(root)
            self._say("writing the layer")
            layer = write_layer(tree_entries(root, below), self._layout, kind="base")
            if parent is None:
                image = compose_base([layer], machine.architecture(), _SETTINGS)
            else:
                image = append_layers(parent, [layer], {}, f"modelyard base {definition.name}")
            adopt(root, chain_ids(image.diff_ids)[-1], self._cache)
        put_image(self._layout, image, _tag(definition, parent))
        log.info("base image %s: built %s, %d entries", definition.name, image.digest, layer.entries)
        return image

    def _install(self, definition: Definition, root: Path, work: Path) -> None:
        """Packages are installed and compiled apart, then moved in: files of the parent are never written to."""
        self._say("installing packages")
        python = machine.python_of(root)
        site = packages.site_packages(python, root)
        fresh = work / "site"
        fresh.mkdir()
        packages.install_locked(python, definition.lock, fresh, definition.name)
        packages.move_scripts(fresh, python.parent, os.path.relpath(python.parent, root / site))
        self._say("compiling")
        packages.byte_compile(python, fresh, f"/{site}")
        if not definition.parent:
            library = python.parent.parent / "lib"
            packages.byte_compile(python, library, f"/{library.relative_to(root)}")
        missing = machine.add_libraries(root, machine.python_binaries(fresh))
        if missing:
            log.warning("base image %s: this machine lacks %s", definition.name, ", ".join(sorted(missing)))
        _merge(fresh, root / site)

    def _find(self, definition: Definition, definitions: dict[str, Definition]) -> Image | None:
        """The image that was built of this definition, when all of it is still there."""
        parent = None
        if definition.parent:
            parent = self._find(definitions[definition.parent], definitions)
            if parent is None:
                return None
        try:
            image = read_image(self._layout, _tag(definition, parent))
        except NotFound:
            return None
        whole = all(self._layout.has(layer.digest) == layer.size for layer in image.layers)
        return image if whole else None

    def _as_base(self, definition: Definition, image: Image | None) -> BaseImage:
        base = BaseImage(
            definition.name,
            definition.title,
            definition.description,
            packages=definition.named_packages(),
            default=definition.default,
            state="absent",
        )
        if image is None:
            return base
        return replace(base, digest=image.digest, size_bytes=sum(x.size for x in image.layers), state="ready")

    def _say(self, step: str) -> None:
        if self._on_step is not None:
            self._on_step(step)


def _tag(definition: Definition, parent: Image | None) -> str:
    """The name of a base in the layout: what it was made from, so that finding it means that nothing changed."""
    origin = parent.digest if parent is not None else machine.interpreter_identity()
    key = hashlib.sha256(f"{_FORMAT}\0{definition.hash}\0{origin}".encode()).hexdigest()
    return f"bases/{definition.name}:key-{key[:24]}"


def _merge(source: Path, destination: Path) -> None:
    """Move what is below `source` into place; a file that is there with the same content is left as it is."""
    destination.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        target = destination / path.name
        if path.is_dir() and not path.is_symlink():
            if target.is_dir() and not target.is_symlink():
                _merge(path, target)
                continue
        elif target.is_file() and target.read_bytes() == path.read_bytes():
            continue
        target.unlink(missing_ok=True)
        path.rename(target)
