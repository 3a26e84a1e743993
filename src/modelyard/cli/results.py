"""`modelyard metrics` and `artifacts`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from modelyard.client import Client

from .output import json_option, print_json, print_table, with_client
from .text import moment, size


@click.command()
@click.argument("run")
@click.option("--key", help="This metric alone, with all of its points.")
@json_option
@with_client
def metrics(yard: Client, run: str, key: str | None, as_json: bool) -> None:
    """Show what RUN has measured: the last, least and greatest value of each metric, or the points of one."""
    if as_json or key is not None:
        points = yard.read_metrics(run, key)
        if as_json:
            print_json(points)
            return
        rows = [(p.step, p.value, p.time) for values in points.values() for p in values]
        print_table(("step", "value", "time"), rows, empty="There are no points of that metric.")
        return
    print_table(
        ("metric", "last", "least", "greatest", "step", "points"),
        [(m.key, m.last, m.minimum, m.maximum, m.step, m.count) for m in yard.get_run(run).metrics],
        empty="This run has measured nothing.",
    )


@click.command()
@click.argument("run")
@click.argument("path", required=False)
@click.option("--to", type=click.Path(path_type=Path), help="Where to put it; '-' is standard output.")
@json_option
@with_client
def artifacts(yard: Client, run: str, path: str | None, to: Path | None, as_json: bool) -> None:
    """List the files that RUN has made, or fetch the one at PATH into this folder."""
    if path is not None:
        fetch(yard, run, path, to or Path(Path(path).name))
        return
    found = yard.list_artifacts(run)
    if as_json:
        print_json(found)
        return
    print_table(
        ("path", "size", "made", "sha256"),
        [(a.path, size(a.size), moment(a.created), a.sha256[:12]) for a in found],
        empty="This run has made no files.",
    )


def fetch(yard: Client, run: str, path: str, target: Path) -> None:
    """A download that breaks off leaves nothing behind under the target's name."""
    if str(target) == "-":
        yard.read_artifact(run, path, sys.stdout.buffer)
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as stream:
            count = yard.read_artifact(run, path, stream)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{target} ({size(count)})")
