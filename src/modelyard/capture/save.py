"""One save: what the user installed and wrote becomes two layers over the base, and an image.

    base layers │ packages layer (userbase.py) │ code layer (code, model.json, runner)

Everything that can refuse comes before the first byte is written: the entrypoint, the parameters, credentials. Blobs
become visible whole or not at all and the manifest comes last, so a save that is killed leaves no image, and the next
one finds the layers that were finished. Nothing in the image depends on when, where or under which label it is saved.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from modelyard.core.contract import CODE_DIR, CONTRACT_FILE, Contract, Entrypoint
from modelyard.core.errors import Invalid
from modelyard.core.model import CodeFile, Git, Layer, Package, SaveState, Warning
from modelyard.core.parameters import Parameter, check_schema
from modelyard.oci.image import compose_version, put_image, read_image, version_tag
from modelyard.oci.layer import Entry, LayerDescriptor, LayerKind, write_layer
from modelyard.oci.library import library_entries
from modelyard.oci.sink import ImageSink

from .code import Code, read_code, shown
from .entrypoints import detect
from .environment import EnvironmentDir
from .fingerprint import fingerprint, last_digest, recall_layer, remember_layer
from .packages import list_packages, warn_of_links_out
from .project import find_project
from .secrets import scan_code
from .userbase import find_installed, packages_entries

# One time for all code, since a checkout sets times at random. Not 0: ZIP, and so a wheel, has no years before 1980.
_CODE_TIME = 946_684_800

Report = Callable[[SaveState, int, int], None]


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """`path` is the open file, relative to `work/`, and says which project; `entrypoint.path` is relative to that.

    `exclude` are files and folders as a preview shows them. `accept_warnings` saves in spite of what blocks. With
    `owner` and `model` the image also gets a name in the sink.
    """

    path: str
    entrypoint: Entrypoint
    parameters: list[Parameter] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    accept_warnings: bool = False
    owner: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """The image, as it is in the sink. `layers` are all of them, the base's first; `uploaded_bytes` are compressed."""

    digest: str
    layers: list[Layer]
    packages: list[Package]
    code: list[CodeFile]
    warnings: list[Warning]
    git: Git
    seconds: float
    uploaded_bytes: int
    base_name: str
    base_digest: str
    entrypoint: Entrypoint
    parameters: list[Parameter]


def save(
    environment: EnvironmentDir,
    request: SaveRequest,
    sink: ImageSink,
    report: Report,
    environ: Mapping[str, str] | None = None,
) -> Saved:
    """Put the image into `sink`. `report` gets the state and raw bytes done of all; raising in it cancels the save.

    `environ` holds the variables whose secret values are looked for (this process's own for None). Raises Invalid for
    an entrypoint that isn't among what is saved, for parameters that contradict themselves and for warnings that block;
    NotFound when the base isn't in the sink; OutOfSpace.
    """
    began = time.monotonic()
    report(SaveState.SCANNING, 0, 0)
    base = read_image(sink, environment.base_digest)
    project = find_project(environment, request.path)
    code = read_code(project.folder, exclude=request.exclude, below=project.below)
    check_schema(request.parameters)
    _check_entrypoint(request.entrypoint, code)
    found = [*code.warnings, *scan_code(code, os.environ if environ is None else environ)]
    if not request.accept_warnings:
        _refuse_blocking(found)

    packer = _Packer(environment, sink, report)
    packages, contract = _pack_packages(environment), _pack_code(code, Contract(request.entrypoint, request.parameters))
    layers = packer.pack([part for part in (packages, contract) if part is not None])
    image = compose_version(base, environment.base_name, layers)
    tag = version_tag(request.owner, request.model, image.digest) if request.owner and request.model else None
    report(SaveState.VERIFYING, packer.total, packer.total)
    digest = put_image(sink, image, tag)
    links = warn_of_links_out(environment.site_packages)
    return Saved(
        digest=digest,
        layers=image.layers,
        packages=list_packages(environment),
        code=code.files(),
        warnings=[*found, *links, *code.left_out, *_changed(layers)],
        git=code.git,
        seconds=time.monotonic() - began,
        uploaded_bytes=packer.uploaded,
        base_name=environment.base_name,
        base_digest=environment.base_digest,
        entrypoint=request.entrypoint,
        parameters=request.parameters,
    )


def _check_entrypoint(entrypoint: Entrypoint, code: Code) -> None:
    if entrypoint.kind == "command":
        if not entrypoint.command or not all(entrypoint.command):
            raise Invalid("The entrypoint's command is empty.", hint="Give a program and its arguments.")
        return
    if os.fsencode(entrypoint.path) not in {found.path for found in code.paths}:
        raise Invalid(
            f"The entrypoint {entrypoint.path[:200]!r} is not among the files that are saved.",
            hint="Choose another entrypoint, or look in the preview why the file is left out.",
            code="entrypoint_missing",
        )
    if entrypoint.kind in ("notebook", "script", "function"):
        offered = detect(code.folder, entrypoint.path, functions=True)  # raises for what can't be run
        names = [item.entrypoint.function for item in offered if item.entrypoint.function]
        if entrypoint.kind == "function" and entrypoint.function not in names:
            raise Invalid(
                f"{entrypoint.path} has no function {entrypoint.function[:100]!r}.",
                hint=f"Its functions are: {', '.join(names)}."
                if names
                else "It has no public function at its top level.",
                code="entrypoint_missing",
            )


def _refuse_blocking(warnings: Iterable[Warning]) -> None:
    blocking = [warning for warning in warnings if warning.blocks]
    if blocking:
        more = f" There are {len(blocking) - 1} more like it." if len(blocking) > 1 else ""
        raise Invalid(
            f"{blocking[0].message} A saved version keeps it for good.{more}",
            hint="Remove it (and clear the cell's output), exclude the file, or accept the warning if it is no secret.",
            code="secrets_found",
            details={"paths": sorted({warning.path for warning in blocking})},
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A layer to be: its entries are made only when the fingerprint is not that of the last save."""

    kind: LayerKind
    fingerprint: str
    size: int
    entries: Callable[[], Iterable[Entry]]


def _pack_packages(environment: EnvironmentDir) -> _Part | None:
    installed = find_installed(environment)
    if not installed:
        return None
    # The base is part of it: which shared libraries are added depends on what it has.
    of = fingerprint(
        [environment.base_digest.encode(), environment.python_version.encode(), *(item.key for item in installed)]
    )
    size = sum(item.status.st_size for item in installed)
    return _Part("packages", of, size, lambda: packages_entries(environment, installed))


def _pack_code(code: Code, contract: Contract) -> _Part:
    library = list(library_entries())
    own_bytes = (entry.path + b" " + repr(entry.source).encode() for entry in library)
    document = json.dumps(contract.as_json(), indent=1, sort_keys=True).encode() + b"\n"
    of = fingerprint([os.fsencode(code.folder), document, *own_bytes, *(found.key for found in code.paths)])
    own = [*library, Entry(CONTRACT_FILE.lstrip("/").encode(), "file", size=len(document), source=document)]
    return _Part("code", of, code.size + len(document), lambda: [*own, *_code_entries(code)])


def _code_entries(code: Code) -> Iterator[Entry]:
    top = CODE_DIR.lstrip("/").encode()
    yield Entry(top, "directory", 0o755, _CODE_TIME)  # where runs start, also when there is no code at all
    for found in code.paths:
        place = top + b"/" + found.path
        if stat.S_ISLNK(found.mode):
            yield Entry(place, "symlink", 0o777, _CODE_TIME, target=found.target)
        else:
            mode = 0o755 if found.mode & 0o100 else 0o644  # the umask of whoever wrote it is not content
            source = code.folder / os.fsdecode(found.path)
            yield Entry(place, "file", mode, _CODE_TIME, size=found.size, source=source)


class _Packer:
    """Writes the parts that changed and counts bytes for the progress display."""

    def __init__(self, environment: EnvironmentDir, sink: ImageSink, report: Report):
        self._state = environment.state
        self._sink = sink
        self._report = report
        self._done = 0
        self.total = 0
        self.uploaded = 0

    def pack(self, parts: list[_Part]) -> list[LayerDescriptor]:
        recalled = {part.kind: recall_layer(self._state, part.kind, part.fingerprint, self._sink) for part in parts}
        self.total = sum(part.size for part in parts if recalled[part.kind] is None)
        self._report(SaveState.PUSHING, 0, self.total)
        return [recalled[part.kind] or self._write(part) for part in parts]

    def _write(self, part: _Part) -> LayerDescriptor:
        before = last_digest(self._state, part.kind, self._sink)
        layer = write_layer(part.entries(), self._sink, kind=part.kind, on_bytes=self._count)
        if layer.digest != before:
            self.uploaded += layer.size
        if not layer.changed:
            remember_layer(self._state, part.kind, part.fingerprint, layer)
        return layer

    def _count(self, size: int) -> None:
        # A tar is a little larger than its files.
        self._done = min(self._done + size, self.total)
        self._report(SaveState.PUSHING, self._done, self.total)


def _changed(layers: Iterable[LayerDescriptor]) -> Iterator[Warning]:
    for layer in layers:
        for path in layer.changed:
            name = shown(os.fsencode(path)).removeprefix(CODE_DIR.lstrip("/") + "/")
            yield Warning(
                "changed", name, f"{name} changed or went away while it was saved. Save again to be sure of it."
            )
