"""`modelyard sweep` and `sweeps`."""

from __future__ import annotations

import sys
from itertools import islice
from typing import Any

import click

from modelyard.client import Client
from modelyard.core.sweep import Estimate, Sweep, SweepState

from .models import limit_option
from .output import json_option, print_facts, print_found, print_json, print_state, print_table, with_client
from .run import hardware_option, param_option, timeout_option
from .text import duration, moment, money
from .values import read_grid, read_parameters


@click.command()
@click.argument("model")
@click.option("--version", default="latest", show_default=True, help="Its number or label.")
@param_option
@click.option(
    "--sweep", "-s", "lists", multiple=True, required=True, metavar="NAME=A,B", help="A list, or FROM..TO:STEP."
)
@hardware_option
@click.option("--parallelism", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at once.")
@timeout_option
@click.option("--yes", "-y", is_flag=True, help="Start without asking.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 1 unless all runs succeed.")
@click.option("--key", help="An idempotency key: with the same one, no second sweep is made.")
@json_option
@with_client
def sweep(
    yard: Client,
    model: str,
    version: str,
    params: tuple[str, ...],
    lists: tuple[str, ...],
    hardware: str,
    parallelism: int,
    timeout_seconds: int | None,
    yes: bool,
    wait: bool,
    key: str | None,
    as_json: bool,
) -> int:
    """Start a run of MODEL for each combination of the lists. The number and price of runs are shown before.

    For example: modelyard sweep delay --param depth=3 --sweep origin=EWR,JFK,LGA --sweep leaves=31..63:32
    """
    what: dict[str, Any] = {
        "grid": read_grid(lists),
        "fixed": read_parameters(params),
        "hardware": hardware,
        "parallelism": parallelism,
    }
    if not yes:
        estimate = yard.estimate_sweep(model, version, **what)
        click.echo(sentence(estimate), err=True)
        if not sys.stdin.isatty():
            raise click.UsageError("Nothing was started: give --yes where nobody can be asked.")
        click.confirm("Start it?", abort=True, err=True)
    started = yard.sweep(model, version, **what, timeout_seconds=timeout_seconds, key=key)
    return finish(yard, started, wait, as_json)


def finish(yard: Client, started: Sweep, wait: bool, as_json: bool) -> int:
    if not as_json:
        click.echo(f"{started.id} {started.total} runs")
    ended = yard.wait(started, on_change=lambda now: click.echo(counts(now), err=True)) if wait else started
    if as_json:
        print_json(ended)
    elif wait:
        show_one(ended)
    else:
        click.echo(f"See them with: modelyard runs --sweep {started.id}", err=True)
    return 1 if wait and ended.state is not SweepState.SUCCEEDED else 0


def sentence(estimate: Estimate) -> str:
    text = f"{estimate.runs:,} runs at {money(estimate.price_per_hour)} per hour each"
    if estimate.amount is None or estimate.elapsed_seconds is None:
        return text + "; what they will cost is not known, for no run of this version has ended yet."
    return f"{text}: about {money(estimate.amount)}, done in about {duration(estimate.elapsed_seconds)}."


def counts(found: Sweep) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(found.counts.items()) if count)


@click.group(invoke_without_command=True)
@click.option("--model", help="Of this model: NAME, or OWNER/NAME.")
@click.option("--owner", help="Whose, for administrators.")
@limit_option
@json_option
@click.pass_context
def sweeps(ctx: click.Context, model: str | None, owner: str | None, limit: int, as_json: bool) -> None:
    """Sweeps. Without a command: list them, newest first."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_sweeps, model=model, owner=owner, limit=limit, as_json=as_json)


@click.command()
@with_client
def list_sweeps(yard: Client, model: str | None, owner: str | None, limit: int, as_json: bool) -> None:
    found = list(islice(yard.every(yard.list_sweeps, model=model, owner=owner, limit=min(limit, 1000)), limit))
    if as_json:
        print_json(found)
        return
    print_table(
        ("sweep", "model", "version", "state", "runs", "cost", "created"),
        [
            (
                s.id,
                f"{s.owner}/{s.model}",
                s.version_label or s.version,
                s.state,
                counts(s),
                money(s.cost.amount),
                moment(s.created),
            )
            for s in found
        ],
        empty="There are no sweeps yet.",
    )


@sweeps.command("show")
@click.argument("sweep_id", metavar="SWEEP")
@json_option
@with_client
def show_sweep(yard: Client, sweep_id: str, as_json: bool) -> None:
    """Show one sweep."""
    print_found(yard.get_sweep(sweep_id), as_json, show_one)


@sweeps.command("cancel")
@click.argument("sweep_id", metavar="SWEEP")
@json_option
@with_client
def cancel_sweep(yard: Client, sweep_id: str, as_json: bool) -> None:
    """Ask for the end of all its runs."""
    print_found(yard.cancel_sweep(sweep_id), as_json, print_state)


def show_one(found: Sweep) -> None:
    print_facts(
        [
            ("sweep", found.id),
            ("state", found.state),
            ("runs", f"{found.total}: {counts(found)}"),
            ("model", f"{found.owner}/{found.model} version {found.version} ({found.version_label})"),
            ("hardware", found.hardware),
            ("parallelism", found.parallelism),
            ("created", f"{moment(found.created)} by {found.created_by}"),
            ("ended", moment(found.ended)),
            ("cost", money(found.cost.amount, found.cost.currency)),
        ]
    )
