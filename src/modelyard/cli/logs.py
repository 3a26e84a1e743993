"""`modelyard logs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from modelyard.client import Client

from .output import with_client
from .text import plain

PIECE = 1 << 20


@click.command()
@click.argument("run")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt; default: the last.")
@click.option("--raw", is_flag=True, help="With its escape sequences, colours and all.")
@with_client
def logs(yard: Client, run: str, follow: bool, attempt: int | None, raw: bool) -> None:
    """Print what RUN has printed. Escape sequences, which could do more than colour, are left out unless --raw."""
    if follow and attempt is None:
        print_log(yard.follow_log(run), raw=raw)
        return
    for data in read_pieces(yard, run, attempt):
        if raw:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            click.echo(plain(data.decode("utf-8", "replace")), nl=False)


def read_pieces(yard: Client, run: str, attempt: int | None) -> Iterator[bytes]:
    """Up to the last whole line each time, so that neither a character nor an escape sequence is cut in two."""
    offset, rest = 0, b""
    while data := yard.read_log(run, offset, PIECE, attempt):
        offset += len(data)
        whole, newline, rest = (rest + data).rpartition(b"\n")
        if len(rest) > PIECE:  # a line without an end
            whole, newline, rest = whole + newline + rest, b"", b""
        yield whole + newline
    yield rest


def print_log(pieces: Iterable[str], *, raw: bool = False, err: bool = False) -> None:
    for text in pieces:
        click.echo(text if raw else plain(text), nl=False, err=err)
