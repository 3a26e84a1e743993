"""A group that imports a command's module when the command is used, so that `--help` is there at once.

The HTTP client and the table writer take a third of a second to import; none of it is needed to say what there is.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """`where` is module:attribute of the command; `summary` is its line in the group's help."""

    where: str
    summary: str


class LazyGroup(click.Group):
    def __init__(self, *args: object, entries: Mapping[str, Mapping[str, Entry]], **kwargs: object):
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sections = entries
        self.entries = {name: entry for section in entries.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.where.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])
