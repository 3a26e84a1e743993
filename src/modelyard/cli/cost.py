"""`modelyard cost`."""

from __future__ import annotations

from datetime import datetime

import click

from modelyard.client import Client

from .output import json_option, print_json, print_table, with_client
from .text import duration, moment, money


@click.command()
@click.option(
    "--by",
    type=click.Choice(["model", "user", "day", "kind", "hardware"]),
    default="model",
    show_default=True,
    help="What each line is for.",
)
@click.option("--since", type=click.DateTime(), help="From here on, in local time; default: 30 days ago.")
@click.option("--until", type=click.DateTime(), help="Up to here, in local time; default: now.")
@json_option
@with_client
def cost(yard: Client, by: str, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Show what runs have cost. Administrators see everybody's."""
    local = [moment.astimezone() if moment else None for moment in (since, until)]
    report = yard.report_costs(by, *local)  # type: ignore[arg-type]
    if as_json:
        print_json(report)
        return
    rows = [(line.key, money(line.amount, report.currency), duration(line.seconds), line.runs) for line in report.lines]
    print_table((by, "cost", "use", "runs"), rows, empty="Nothing was used in this time.")
    span = f"{moment(report.since)} to {moment(report.until)}"
    click.echo(f"Total {money(report.total, report.currency)}, {span}", err=True)
