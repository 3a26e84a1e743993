"""`modelyard environments`."""

from __future__ import annotations

import click

from modelyard.client import Client
from modelyard.core.environment import Environment

from .output import json_option, print_facts, print_json, print_table, with_client
from .text import ago, moment, money

owner_option = click.option("--owner", help="Whose, for administrators.")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def environments(ctx: click.Context, as_json: bool) -> None:
    """Your environments. Without a command: list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_environments, as_json=as_json)


@click.command()
@with_client
def list_environments(yard: Client, as_json: bool) -> None:
    found = yard.list_environments()
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "title", "state", "image", "hardware", "per hour", "last used", "owner"),
        [
            (
                e.name,
                e.title,
                e.state,
                e.image,
                e.hardware,
                money(e.price_per_hour),
                ago(e.last_activity) if e.last_activity else "",
                e.owner,
            )
            for e in found
        ],
        empty="You have no environments. Make one with `modelyard environments create NAME --image python`.",
    )


@environments.command("show")
@click.argument("name")
@owner_option
@json_option
@with_client
def show_environment(yard: Client, name: str, owner: str | None, as_json: bool) -> None:
    """Show one environment."""
    show_one(yard.get_environment(name, owner), as_json)


@environments.command("create")
@click.argument("name")
@click.option("--image", default="python", show_default=True, help="The base image.")
@click.option("--hardware", default="small", show_default=True, help="The hardware.")
@click.option("--title", default="", help="What people read; default: the name.")
@click.option("--start/--no-start", default=False, help="Start it at once.")
@json_option
@with_client
def create_environment(
    yard: Client, name: str, image: str, hardware: str, title: str, start: bool, as_json: bool
) -> None:
    """Make an environment."""
    show_one(yard.create_environment(name, image, hardware, title=title, start=start), as_json)


@environments.command("start")
@click.argument("name")
@owner_option
@json_option
@with_client
def start_environment(yard: Client, name: str, owner: str | None, as_json: bool) -> None:
    """Start an environment."""
    show_one(yard.start_environment(name, owner), as_json)


@environments.command("stop")
@click.argument("name")
@owner_option
@json_option
@with_client
def stop_environment(yard: Client, name: str, owner: str | None, as_json: bool) -> None:
    """Stop an environment; its files stay."""
    show_one(yard.stop_environment(name, owner), as_json)


@environments.command("delete")
@click.argument("name")
@owner_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_client
def delete_environment(yard: Client, name: str, owner: str | None, yes: bool) -> None:
    """Delete an environment and all of its files."""
    if not yes:
        click.confirm(f"Delete the environment {name} and all of its files?", abort=True, err=True)
    yard.delete_environment(name, owner)


def show_one(found: Environment, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("name", found.name),
            ("title", found.title),
            ("owner", found.owner),
            ("state", found.state),
            ("reason", found.reason),
            ("image", found.image),
            ("hardware", found.hardware),
            ("limits", found.limits),
            ("price per hour", money(found.price_per_hour)),
            ("started", moment(found.started)),
            ("last used", moment(found.last_activity)),
            ("opens at", found.url),
        ]
    )
