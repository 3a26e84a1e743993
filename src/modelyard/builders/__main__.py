"""`python -m modelyard.builders build NAME --home HOME`: make a base image and say what is being done."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from modelyard.core.errors import YardError
from modelyard.oci.layout import Layout
from modelyard.processes.tree import die_with_parent

from .definitions import definitions_folder
from .local import LocalBaseBuilder


@click.group()
def main() -> None:
    """Base images of this machine."""


@main.command()
@click.argument("name")
@click.option("--home", type=click.Path(path_type=Path, resolve_path=True), required=True, help="The home folder.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing but the error, as JSON, when there is one.")
@click.option("--parent", type=int, help="End when this process does.")
def build(name: str, home: Path, as_json: bool, parent: int | None) -> None:
    """Build base image NAME, or find that it is there."""
    began = time.monotonic()
    if parent is not None:
        die_with_parent(parent)

    def say(step: str) -> None:
        if not as_json:
            print(f"{time.monotonic() - began:5.1f} s  {name}: {step}", flush=True)

    try:
        layout = Layout(home / "images")
        image = LocalBaseBuilder(layout, home / "cache" / "rootfs", definitions_folder(), say).build(name)
    except YardError as error:
        if as_json:
            print(json.dumps({"status": error.status, **error.as_json()}))
        else:
            print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    say(f"ready, {image.digest}, {image.size_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
