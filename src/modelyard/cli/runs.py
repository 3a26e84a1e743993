"""`modelyard runs`."""

from __future__ import annotations

import json
from itertools import islice

import click

from modelyard.client import Client
from modelyard.core.run import Run, RunState

from .models import limit_option
from .output import json_option, print_facts, print_found, print_json, print_state, print_table, with_client
from .text import cell, duration, moment, money


@click.group(invoke_without_command=True)
@click.option("--model", help="Of this model: NAME, or OWNER/NAME.")
@click.option("--owner", help="Whose, for administrators.")
@click.option("--version", type=click.IntRange(min=1), help="Of this version.")
@click.option("--sweep", help="Of this sweep.")
@click.option("--state", type=click.Choice([state.value for state in RunState]), help="In this state.")
@click.option("--kind", type=click.Choice(["train", "predict", "evaluate", "trial", "notebook"]), help="Of this kind.")
@limit_option
@json_option
@click.pass_context
def runs(ctx: click.Context, /, as_json: bool, limit: int, **filters: object) -> None:
    """Runs. Without a command: list them, newest first."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_runs, limit=limit, as_json=as_json, **filters)


@click.command()
@with_client
def list_runs(yard: Client, limit: int, as_json: bool, **filters: object) -> None:
    found = list(islice(yard.every(yard.list_runs, limit=min(limit, 1000), **filters), limit))
    print_found(found, as_json, print_runs)


def print_runs(found: list[Run]) -> None:
    print_table(
        ("run", "model", "version", "state", "parameters", "metrics", "took", "cost", "created"),
        [
            (
                r.id,
                f"{r.owner}/{r.model}",
                r.version_label or r.version,
                r.state,
                " ".join(f"{name}={cell(value)}" for name, value in r.parameters.items()),
                " ".join(f"{m.key}={m.last:.4g}" for m in r.metrics),
                duration(r.seconds),
                money(r.cost.amount, r.cost.currency),
                moment(r.created),
            )
            for r in found
        ],
        empty="There are no such runs.",
    )


@runs.command("show")
@click.argument("run")
@json_option
@with_client
def show_run(yard: Client, run: str, as_json: bool) -> None:
    """Show one run."""
    print_found(yard.get_run(run), as_json, show_one)


@runs.command("cancel")
@click.argument("run")
@json_option
@with_client
def cancel_run(yard: Client, run: str, as_json: bool) -> None:
    """Ask for the end of a run."""
    print_found(yard.cancel_run(run), as_json, print_state)


@runs.command("rerun")
@click.argument("run")
@json_option
@with_client
def rerun_run(yard: Client, run: str, as_json: bool) -> None:
    """Start a new run with the same version, parameters and hardware."""
    print_found(yard.rerun_run(run), as_json, print_state)


@runs.command("wait")
@click.argument("run")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after so long.")
@json_option
@with_client
def wait_for_run(yard: Client, run: str, timeout: float | None, as_json: bool) -> int:
    """Wait until a run has ended; exit 1 unless it succeeded."""
    ended = yard.wait(yard.get_run(run), timeout)
    print_found(ended, as_json, show_one)
    return 0 if ended.state is RunState.SUCCEEDED else 1


@runs.command("events")
@click.argument("run")
@json_option
@with_client
def list_events(yard: Client, run: str, as_json: bool) -> None:
    """Show what happened to a run, oldest first."""
    found = list(yard.every(yard.list_events, run))
    if as_json:
        print_json(found)
        return
    print_table(
        ("time", "by", "what", "details"),
        [(moment(e.time), e.actor, e.action, json.dumps(e.data) if e.data else "") for e in found],
        empty="Nothing has happened to it yet.",
    )


def show_one(found: Run, *, err: bool = False) -> None:
    """A failed run begins with the verdict."""
    facts = [
        ("run", found.id),
        ("state", found.state),
        ("what happened", found.verdict.what if found.verdict else ""),
        ("what to do", found.verdict.hint if found.verdict else ""),
        ("waits for", found.waiting_for),
        ("model", f"{found.owner}/{found.model} version {found.version} ({found.version_label})"),
        ("digest", found.digest),
        ("hardware", found.hardware),
        ("created", f"{moment(found.created)} by {found.created_by}"),
        ("started", moment(found.started)),
        ("took", duration(found.seconds)),
        ("exit code", found.exit_code),
        ("cost", _cost(found)),
        *((f"param {name}", value) for name, value in found.parameters.items()),
        *(
            (f"metric {m.key}", f"{m.last:.6g} (least {m.minimum:.6g}, greatest {m.maximum:.6g})")
            for m in found.metrics
        ),
    ]
    print_facts(facts, err=err)


def _cost(run: Run) -> str:
    cost = run.cost
    price = money(cost.price_per_hour, cost.currency)
    return f"{money(cost.amount, cost.currency)} = {cost.seconds:.1f} s x {price} per hour"
