"""The CLI's reference from its help: `python -m modelyard.cli.reference docs/reference` writes cli.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .lazy import LazyGroup
from .main import cli

WIDTH = 100


def cli_markdown() -> str:
    lines = [
        "# The command line",
        "",
        "Written by `python -m modelyard.cli.reference docs/reference`; do not edit.",
        "",
        "Tables are for people; `--json` prints the API's values. Errors are a sentence and a hint on standard error.",
    ]
    for name, command in _walk(cli, "modelyard"):
        lines += ["", f"## {name}", "", "```text", _help(command, name), "```"]
    return "\n".join(lines) + "\n"


def _walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        names = command.list_commands(context)
        for inner in names if isinstance(command, LazyGroup) else sorted(names):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _walk(found, f"{name} {inner}")


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    return command.get_help(context).rstrip()


def write_reference(folder: Path) -> None:
    (folder / "cli.md").write_text(cli_markdown())


if __name__ == "__main__":
    write_reference(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
