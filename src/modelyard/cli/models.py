"""`modelyard models` and `versions`."""

from __future__ import annotations

from itertools import islice

import click

from modelyard.client import Client
from modelyard.core.model import Version

from .output import json_option, print_facts, print_json, print_table, with_client
from .text import duration, moment, size

limit_option = click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many."
)


@click.group(invoke_without_command=True)
@click.option("--search", default="", help="Part of a name or description.")
@limit_option
@json_option
@click.pass_context
def models(ctx: click.Context, search: str, limit: int, as_json: bool) -> None:
    """Models. Without a command: list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models, search=search, limit=limit, as_json=as_json)


@click.command()
@with_client
def list_models(yard: Client, search: str, limit: int, as_json: bool) -> None:
    found = list(islice(yard.every(yard.list_models, search=search, limit=min(limit, 1000)), limit))
    if as_json:
        print_json(found)
        return
    print_table(
        ("model", "latest", "versions", "runs", "updated", "description"),
        [
            (f"{m.owner}/{m.name}", m.latest_version, m.version_count, m.run_count, moment(m.updated), m.description)
            for m in found
        ],
        empty="There are no models yet. Save one with the button in JupyterLab, or with `modelyard save`.",
    )


@models.command("show")
@click.argument("model")
@json_option
@with_client
def show_model(yard: Client, model: str, as_json: bool) -> None:
    """Show one model. MODEL is NAME, or OWNER/NAME for somebody else's."""
    found = yard.get_model(model)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("model", f"{found.owner}/{found.name}"),
            ("description", found.description),
            ("latest version", found.latest_version),
            ("versions", found.version_count),
            ("runs", found.run_count),
            ("created", moment(found.created)),
            ("updated", moment(found.updated)),
        ]
    )


@click.command()
@click.argument("model")
@click.argument("version", required=False)
@limit_option
@json_option
@with_client
def versions(yard: Client, model: str, version: str | None, limit: int, as_json: bool) -> None:
    """List the versions of MODEL, or show one by its number, its label or `latest`."""
    if version is not None:
        show_version(yard.get_version(model, version), as_json)
        return
    found = list(islice(yard.every(yard.list_versions, model, limit=min(limit, 1000)), limit))
    if as_json:
        print_json(found)
        return
    print_table(
        ("version", "label", "saved", "by", "base", "over base", "digest", "message"),
        [
            (
                v.number,
                v.label,
                moment(v.created),
                v.created_by,
                v.base_name,
                size(v.size_over_base),
                v.digest[:19],
                v.message,
            )
            for v in found
        ],
        empty="This model has no version yet.",
    )


def show_version(found: Version, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    entrypoint = " ".join(filter(None, (found.entrypoint.kind, found.entrypoint.path, found.entrypoint.function)))
    print_facts(
        [
            ("version", f"{found.owner}/{found.model} {found.number}"),
            ("label", found.label),
            ("message", found.message),
            ("saved", f"{moment(found.created)} by {found.created_by} in {duration(found.seconds)}"),
            ("digest", found.digest),
            ("reference", found.reference),
            ("base", f"{found.base_name} {found.base_digest}"),
            ("size over base", size(found.size_over_base)),
            ("same as", found.same_as),
            ("git", " ".join(filter(None, (found.git.url, found.git.branch, found.git.commit)))),
            ("entrypoint", entrypoint or " ".join(found.entrypoint.command)),
        ]
    )
    if found.parameters:
        click.echo()
        print_table(
            ("parameter", "type", "default", "choices", "minimum", "maximum"),
            [
                (
                    p.name,
                    p.kind,
                    "required" if p.required else p.default,
                    ", ".join(map(str, p.choices)),
                    p.minimum,
                    p.maximum,
                )
                for p in found.parameters
            ],
            empty="",
        )
