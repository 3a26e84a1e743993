"""`modelyard save`: a folder of code becomes a version, by the same steps as the button in JupyterLab."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path, PurePosixPath

import click

from modelyard.capture.entrypoints import detect, detect_command
from modelyard.capture.environment import EnvironmentDir
from modelyard.capture.folder import environment_for_folder
from modelyard.capture.git import read_git, suggest_label
from modelyard.capture.save import Saved, SaveRequest
from modelyard.capture.save import save as capture
from modelyard.client import Client
from modelyard.client.patience import patiently
from modelyard.core.catalog import BaseImage
from modelyard.core.contract import PYTHON
from modelyard.core.errors import Invalid, NotFound, Unavailable, YardError
from modelyard.core.model import Detected, Save, SaveState, Version
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack

from .models import show_version
from .output import json_option, print_json, with_client
from .text import size

BUILD_SECONDS = 1800.0
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120.0  # a platform that restarts at the end of a save is waited for: the image is stored already
REPORT_SECONDS = 0.5  # the platform is told of bytes no more often


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--model", required=True, help="Its name, or OWNER/NAME; a new one is made.")
@click.option("--label", help="The version's label; default: Git's branch and commit.")
@click.option("--message", "-m", default="", help="What is new in it.")
@click.option("--entrypoint", help="What a run starts: train.py, train.ipynb or train.py:fit.")
@click.option("--command", help="What a run starts, as a command; {name} in it is a parameter.")
@click.option(
    "--requirements",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Packages to install over the base image.",
)
@click.option("--base", help="The base image; default: the catalog's.")
@click.option("--exclude", multiple=True, metavar="PATH", help="Leave this out; can be given often.")
@click.option("--accept-warnings", is_flag=True, help="Save although something looks like a secret.")
@json_option
@with_client
def save(
    yard: Client,
    folder: Path,
    model: str,
    label: str | None,
    message: str,
    entrypoint: str | None,
    command: str | None,
    requirements: Path | None,
    base: str | None,
    exclude: tuple[str, ...],
    accept_warnings: bool,
    as_json: bool,
) -> None:
    """Save FOLDER as a new version of a model, on the machine where the platform runs.

    For example: modelyard save --model delay --label v1 --entrypoint train.py --requirements requirements.txt .
    """
    found = find_entrypoint(folder, entrypoint, command)
    image = ready_image(yard, base)
    save = yard.begin_save(model, label or label_of(folder), message, "cli")
    try:
        home = home_of(save)
        request = SaveRequest(
            path=found.entrypoint.path,
            entrypoint=found.entrypoint,
            parameters=found.parameters,
            exclude=list(exclude),
            accept_warnings=accept_warnings,
            owner=save.owner,
            model=save.model,
        )
        layout = Layout(home / "images")
        environment = prepare(home, layout, image, folder, requirements)
        saved = capture(environment, request, layout, Reporter(yard, save))
        version = complete(yard, save, saved)
    except BaseException as error:
        # Also when interrupted: the label is free again at once, and nobody wonders where the version is.
        give_up(yard, save, error)
        raise
    if as_json:
        print_json(version)
    else:
        show_version(version, as_json=False)
        click.echo(f"Stored {size(saved.uploaded_bytes)} in {saved.seconds:.1f} s.", err=True)


def find_entrypoint(folder: Path, entrypoint: str | None, command: str | None) -> Detected:
    """What a run starts, with the parameters found in it. Raises Invalid and NotFound."""
    if (entrypoint is None) == (command is None):
        raise click.UsageError("Give either --entrypoint or --command.")
    if command is not None:
        try:
            return detect_command(shlex.split(command))
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="--command") from None
    assert entrypoint is not None
    path, _, function = entrypoint.partition(":")
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts or not (folder / inside).is_file():
        raise NotFound(
            f"There is no file {path[:200]!r} in {folder}.", hint="Give the entrypoint's path relative to the folder."
        )
    offered = detect(folder, str(inside), functions=bool(function))
    for one in offered:
        if one.entrypoint.function == function:
            return one
    if function or not offered:
        names = ", ".join(one.entrypoint.function for one in offered if one.entrypoint.function)
        raise Invalid(
            f"{path} has no function {function!r}." if function else f"{path} can't be an entrypoint.",
            hint=f"Its functions are: {names}." if names else "Use a .py or .ipynb file, or --command.",
            code="entrypoint_missing",
        )
    return offered[0]


def label_of(folder: Path) -> str:
    git = read_git(folder)
    label = suggest_label(git.git) if git is not None else ""
    if not label:
        raise click.UsageError("Give --label: the folder is at no commit of Git that could name the version.")
    return label


def ready_image(yard: Client, name: str | None) -> BaseImage:
    """The base image to save on, built first where that was not done yet."""
    if name is None:
        offered = [image for image in yard.list_images() if not image.deprecated]
        if not offered:
            raise NotFound("There is no base image in the catalog.", hint="An administrator adds one.")
        name = next((image.name for image in offered if image.default), offered[0].name)
    image = yard.get_image(name)
    if image.state == "ready":
        return image
    click.echo(f"Building the base image {name}, which is done once.", err=True)
    deadline = time.monotonic() + BUILD_SECONDS
    image = yard.build_image(name)
    while image.state not in ("ready", "failed"):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The base image {name} is not built after 30 minutes.", hint="Look at the platform's log."
            )
        time.sleep(POLL_SECONDS)
        image = yard.get_image(name)
    if image.state == "failed":
        raise Unavailable(f"The base image {name} can't be built: {image.reason}", hint="Choose another with --base.")
    return image


def home_of(save: Save) -> Path:
    """The platform's home, which has to be a folder of this machine that this user may write."""
    sink = save.sink
    layout = Path(sink.location) if sink is not None and sink.kind == "layout" else None
    if layout is None or not os.access(layout, os.W_OK):
        raise Invalid(
            "The platform keeps its images where this machine can't write.",
            hint="Run `modelyard save` on the platform's machine, or press Save Model in an environment.",
            code="sink_elsewhere",
        )
    return layout.parent


def prepare(home: Path, layout: Layout, image: BaseImage, folder: Path, requirements: Path | None) -> EnvironmentDir:
    rootfs = unpack(layout, image.digest, home / "cache" / "rootfs")
    return environment_for_folder(
        home / "cache" / "folders",
        folder,
        requirements,
        base_name=image.name,
        base_digest=image.digest,
        rootfs=rootfs,
        python=rootfs / PYTHON.lstrip("/"),
    )


class Reporter:
    """Tells the platform how far the save is, so that its page shows it too."""

    def __init__(self, yard: Client, save: Save):
        self._yard = yard
        self._save = save.id
        self._said: tuple[SaveState | None, float] = (None, 0.0)

    def __call__(self, state: SaveState, done_bytes: int, total_bytes: int) -> None:
        before, at = self._said
        if state is before and time.monotonic() - at < REPORT_SECONDS:
            return
        self._said = (state, time.monotonic())
        try:
            self._yard.report_save(self._save, state, done_bytes, total_bytes)
        except Unavailable as error:
            click.echo(f"{error.message} The save goes on.", err=True)
        click.echo(f"{state.value} {size(done_bytes)} of {size(total_bytes)}" if total_bytes else state.value, err=True)


def complete(yard: Client, save: Save, saved: Saved) -> Version:
    return patiently(
        lambda: yard.complete_save(
            save.id,
            digest=saved.digest,
            base_name=saved.base_name,
            base_digest=saved.base_digest,
            entrypoint=saved.entrypoint,
            parameters=saved.parameters,
            packages=saved.packages,
            code=saved.code,
            warnings=saved.warnings,
            git=saved.git,
            seconds=saved.seconds,
        ),
        PATIENCE_SECONDS,
    )


def give_up(yard: Client, save: Save, error: BaseException) -> None:
    """Say why there is no version. When that can't be said either, the first error is the one that counts."""
    reason, hint = f"The save was interrupted ({type(error).__name__}).", "Save again."
    if isinstance(error, YardError):
        reason, hint = error.message, error.hint
    try:
        yard.fail_save(save.id, reason, hint)
    except YardError as second:
        click.echo(f"The platform could not be told of it: {second.message}", err=True)
