"""What a command prints: a table or facts for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelyard.client import Client
from modelyard.core.run import Run
from modelyard.core.sweep import Sweep

from .text import cell

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def with_client(command: Callable[..., Any]) -> Callable[..., Any]:
    """Calls the command with a connected `Client` before its options, and closes it after."""

    @click.pass_context
    def connected(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        with Client(ctx.find_root().obj) as yard:
            return ctx.invoke(command, yard, *args, **kwargs)

    return update_wrapper(connected, command)


def print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_found(found: T, as_json: bool, for_people: Callable[[T], None]) -> None:
    if as_json:
        print_json(found)
    else:
        for_people(found)


def print_state(found: Run | Sweep) -> None:
    click.echo(f"{found.id} {found.state}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A drawn table on a terminal; elsewhere columns two spaces apart, whole. `empty` says what to do."""
    lines = [[cell(value) for value in row] for row in rows]
    if not lines:
        click.echo(empty, err=True)
    elif sys.stdout.isatty():
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for line in lines:
            table.add_row(*(Text(value, style=_STYLES.get(value, "")) for value in line))
        Console().print(table)
    else:
        lines.insert(0, [column.upper() for column in columns])
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        for line in lines:
            padded = (value.ljust(width) for value, width in zip(line, widths, strict=True))
            click.echo("  ".join(padded).rstrip())


def print_facts(facts: Iterable[tuple[str, Any]], *, err: bool = False) -> None:
    """Name and value, one per line; what is empty is left out."""
    shown = [(name, cell(value)) for name, value in facts if value not in (None, "", [], {})]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        click.echo(f"{name.ljust(width)}  {value}", err=err)


_STYLES = {
    "succeeded": "green",
    "ready": "green",
    "running": "cyan",
    "starting": "cyan",
    "failed": "red",
    "timed_out": "red",
    "lost": "red",
    "cancelled": "yellow",
    "preempted": "yellow",
}
