"""`python -m modelyard.builders build NAME --home HOME`: make a base image and say what is being done."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from modelyard.core.errors import YardError
from modelyard.oci.layout import Layout

from .definitions import definitions_folder
from .local import LocalBaseBuilder


@click.group()
def main() -> None:
    """Base images of this machine."""


@main.command()
@click.argument("name")
@click.option("--home", type=click.Path(path_type=Path, resolve_path=True), required=True, help="The home folder.")
def build(name: str, home: Path) -> None:
    """Build base image NAME, or find that it is there."""
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {name}: {step}", flush=True)

    try:
        layout = Layout(home / "images")
        image = LocalBaseBuilder(layout, home / "cache" / "rootfs", definitions_folder(), say).build(name)
    except YardError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    say(f"ready, {image.digest}, {image.size_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
