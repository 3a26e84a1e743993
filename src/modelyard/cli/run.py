"""`modelyard run`."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.client import Client
from modelyard.core.run import Run, RunState

from .logs import print_log
from .output import json_option, print_json, with_client
from .runs import show_one
from .values import read_parameters

hardware_option = click.option("--hardware", default="small", show_default=True, help="The hardware.")
timeout_option = click.option(
    "--timeout", "timeout_seconds", type=click.IntRange(min=1), metavar="SECONDS", help="Stop a run after so long."
)
param_option = click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter's value.")


@click.command()
@click.argument("model")
@click.option("--version", default="latest", show_default=True, help="Its number or label.")
@param_option
@click.option(
    "--params-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON object with values; --param goes before it.",
)
@hardware_option
@click.option(
    "--kind", type=click.Choice(["train", "predict", "evaluate"]), default="train", show_default=True, help="What for."
)
@timeout_option
@click.option("--follow", "-f", is_flag=True, help="Show the log until the end; exit 1 unless the run succeeds.")
@click.option("--key", help="An idempotency key: with the same one, no second run is made.")
@json_option
@with_client
def run(
    yard: Client,
    model: str,
    version: str,
    params: tuple[str, ...],
    params_file: Path | None,
    hardware: str,
    kind: str,
    timeout_seconds: int | None,
    follow: bool,
    key: str | None,
    as_json: bool,
) -> int:
    """Start a run of MODEL (NAME, or OWNER/NAME).

    For example: modelyard run delay --version 3 --param origin=JFK --hardware small --follow
    """
    started = yard.submit_run(
        model,
        version,
        read_parameters(params, params_file),
        hardware=hardware,
        kind=kind,  # type: ignore[arg-type]
        timeout_seconds=timeout_seconds,
        key=key,
    )
    if follow:
        return follow_to_end(yard, started, as_json)
    if as_json:
        print_json(started)
    else:
        click.echo(f"{started.id} {started.state}: {started.owner}/{started.model} version {started.version}")
        click.echo(f"Follow it with: modelyard logs -f {started.id}", err=True)
    return 0


def follow_to_end(yard: Client, started: Run, as_json: bool) -> int:
    """With JSON, standard output holds the run alone, and the log goes to standard error."""
    click.echo(f"Run {started.id}", err=True)
    print_log(yard.follow_log(started.id), err=as_json)
    ended = yard.wait(started)
    if as_json:
        print_json(ended)
    else:
        show_one(ended, err=True)
    return 0 if ended.state is RunState.SUCCEEDED else 1
