"""`modelyard login`, `logout`, `whoami`."""

from __future__ import annotations

import os
import sys

import click

from modelyard.client import Client
from modelyard.client.address import Address, login_file, to_url, write_login

from .output import json_option, print_facts, print_json, with_client


@click.command()
@click.argument("url")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input instead of asking for it.")
def login(url: str, token_stdin: bool) -> None:
    """Remember the platform at URL and a token for it, in a file that only you can read.

    Make the token on the hub's token page (URL/hub/token).
    """
    address = to_url(url)
    root = "/".join(address.split("/")[:3])
    if not token_stdin:
        click.echo(f"Make a token at {root}/hub/token, and paste it here.", err=True)
    token = sys.stdin.readline().strip() if token_stdin else click.prompt("Token", hide_input=True, err=True)
    with Client(address, token) as yard:
        name = yard.me().name
    file = login_file(os.environ)
    write_login(file, Address(address, token, ""))
    click.echo(f"Logged in to {address} as {name}.")


@click.command()
def logout() -> None:
    """Forget the platform and the token. The token itself goes on until it is revoked on the hub's token page."""
    file = login_file(os.environ)
    click.echo("Logged out." if file.exists() else "There was no login.")
    file.unlink(missing_ok=True)


@click.command()
@json_option
@with_client
def whoami(yard: Client, as_json: bool) -> None:
    """Say who you are, where, and what you may do."""
    me = yard.me()
    if as_json:
        print_json({"name": me.name, "admin": me.admin, "scopes": me.scopes, "url": yard.address.url})
        return
    print_facts(
        [
            ("name", me.name),
            ("administrator", me.admin),
            ("may", ", ".join(scope.rpartition(":")[2] for scope in me.scopes)),
            ("platform", yard.address.url),
            ("known from", yard.address.source),
        ]
    )
