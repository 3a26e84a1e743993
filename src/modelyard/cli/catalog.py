"""`modelyard hardware`, `images`, `prices`."""

from __future__ import annotations

from dataclasses import replace

import click

from modelyard.client import Client
from modelyard.core.catalog import BaseImage, Hardware
from modelyard.core.errors import NotFound

from .output import json_option, print_facts, print_json, print_table, with_client
from .text import moment, money, size


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def hardware(ctx: click.Context, as_json: bool) -> None:
    """Hardware to choose from, with its price per hour. Without a command: list it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_hardware, as_json=as_json)


@click.command()
@with_client
def list_hardware(yard: Client, as_json: bool) -> None:
    found = yard.list_hardware()
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "title", "cores", "memory", "gpu", "price per hour"),
        [(h.name, h.title, h.cpu, size(h.memory_mb << 20), h.gpu, money(h.price_per_hour)) for h in found],
        empty="There is no hardware in the catalog. An administrator adds it with `modelyard hardware set`.",
    )


@hardware.command("show")
@click.argument("name")
@json_option
@with_client
def show_hardware(yard: Client, name: str, as_json: bool) -> None:
    """Show one hardware."""
    show_one_hardware(yard.get_hardware(name), as_json)


@hardware.command("set")
@click.argument("name")
@click.option("--title", help="What people read.")
@click.option("--cpu", type=click.FloatRange(min=0, min_open=True), help="Cores.")
@click.option("--memory-mb", type=click.IntRange(min=1), help="Memory in MiB.")
@click.option("--gpu", type=click.IntRange(min=0), help="Number of GPUs.")
@click.option("--price", "price_per_hour", type=click.FloatRange(min=0), help="US dollars per hour, from now on.")
@click.option("--description", help="A sentence about what it is for.")
@click.option("--deprecated/--not-deprecated", default=None, help="Keep it, but offer it no more.")
@json_option
@with_client
def set_hardware(yard: Client, name: str, as_json: bool, **given: object) -> None:
    """Add hardware, or change what is given of it (administrators)."""
    changes = {key: value for key, value in given.items() if value is not None}
    try:
        fresh = replace(yard.get_hardware(name), **changes)  # type: ignore[arg-type]
    except NotFound:
        if "cpu" not in changes or "memory_mb" not in changes:
            raise click.UsageError("New hardware needs --cpu and --memory-mb.") from None
        fresh = Hardware(**{"name": name, "title": name, **changes})  # type: ignore[arg-type]
    show_one_hardware(yard.put_hardware(fresh), as_json)


@hardware.command("delete")
@click.argument("name")
@with_client
def delete_hardware(yard: Client, name: str) -> None:
    """Take hardware out of the catalog (administrators)."""
    yard.delete_hardware(name)


def show_one_hardware(found: Hardware, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("name", found.name),
            ("title", found.title),
            ("cores", found.cpu),
            ("memory", size(found.memory_mb << 20)),
            ("gpu", found.gpu),
            ("price per hour", money(found.price_per_hour)),
            ("description", found.description),
            ("deprecated", found.deprecated),
        ]
    )


@click.command()
@json_option
@with_client
def prices(yard: Client, as_json: bool) -> None:
    """The price book: what an hour of each hardware costs from when on."""
    found = yard.list_prices()
    if as_json:
        print_json(found)
        return
    print_table(
        ("hardware", "US dollars per hour", "valid from"),
        [(p.hardware, f"{p.per_hour:.4f}", moment(p.valid_from)) for p in found],
        empty="The price book is empty.",
    )


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def images(ctx: click.Context, as_json: bool) -> None:
    """Base images to choose from. Without a command: list them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_images, as_json=as_json)


@click.command()
@with_client
def list_images(yard: Client, as_json: bool) -> None:
    found = yard.list_images()
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "title", "state", "size", "packages"),
        [(i.name, i.title, i.state, size(i.size_bytes) if i.size_bytes else "", ", ".join(i.packages)) for i in found],
        empty="There are no base images in the catalog.",
    )


@images.command("show")
@click.argument("name")
@json_option
@with_client
def show_image(yard: Client, name: str, as_json: bool) -> None:
    """Show one base image."""
    show_one_image(yard.get_image(name), as_json)


@images.command("set")
@click.argument("name")
@click.option("--title", help="What people read.")
@click.option("--description", help="A sentence about what it is for.")
@click.option("--digest", help="Of its manifest, for an image that the platform doesn't build.")
@click.option("--package", "packages", multiple=True, help="A package worth naming; can be given often.")
@click.option("--default/--not-default", default=None, help="Choose it in forms where nothing is chosen.")
@click.option("--deprecated/--not-deprecated", default=None, help="Keep it, but offer it no more.")
@json_option
@with_client
def set_image(yard: Client, name: str, packages: tuple[str, ...], as_json: bool, **given: object) -> None:
    """Add a base image to the catalog, or change what is given of it (administrators)."""
    changes = {key: value for key, value in given.items() if value is not None}
    if packages:
        changes["packages"] = list(packages)
    try:
        fresh = replace(yard.get_image(name), **changes)  # type: ignore[arg-type]
    except NotFound:
        fresh = BaseImage(**{"name": name, "title": name, **changes})  # type: ignore[arg-type]
    show_one_image(yard.put_image(fresh), as_json)


@images.command("build")
@click.argument("name")
@json_option
@with_client
def build_image(yard: Client, name: str, as_json: bool) -> None:
    """Ask for its build (administrators). It goes on in the platform; `images show` says how."""
    show_one_image(yard.build_image(name), as_json)


@images.command("delete")
@click.argument("name")
@with_client
def delete_image(yard: Client, name: str) -> None:
    """Take a base image out of the catalog (administrators)."""
    yard.delete_image(name)


def show_one_image(found: BaseImage, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("name", found.name),
            ("title", found.title),
            ("description", found.description),
            ("state", found.state),
            ("reason", found.reason),
            ("digest", found.digest),
            ("size", size(found.size_bytes)),
            ("packages", ", ".join(found.packages)),
            ("default", found.default),
            ("deprecated", found.deprecated),
        ]
    )
