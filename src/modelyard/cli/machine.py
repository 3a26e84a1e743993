"""`modelyard up`, `down`, `status`, `doctor`, `login-link`: the yard on this machine."""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

import click
import platformdirs

from modelyard.core.errors import Unavailable, YardError
from modelyard.core.names import check_name
from modelyard.supervisor.home import Home, machine_user, open_home
from modelyard.supervisor.part import answers, answers_socket
from modelyard.supervisor.parts import PREFIX, find_node, proxy_script
from modelyard.supervisor.record import Yard, holder, running_yard
from modelyard.supervisor.yard import login_link, run_yard, stop_yard

_HEALTH = {"proxy": "/_chp_healthz", "hub": "/hub/api/", "platform": f"{PREFIX}/api/v1/health"}


def default_home() -> Path:
    return platformdirs.user_data_path("modelyard")


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_home,
    envvar="MODELYARD_HOME",
    show_default="your data folder",
    help="The folder that holds all state.",
)


@click.command()
@home_option
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Where browsers go.")
@click.option("--browser/--no-browser", default=False, show_default=True, help="Open the login link in a browser.")
@click.option("--verbose", is_flag=True, help="Say what the supervisor does.")
def up(home: Path, port: int, browser: bool, verbose: bool) -> None:
    """Start hub, proxy and platform, and stay until Ctrl-C.

    Prints a login link that works once. Ctrl-C, SIGTERM and `modelyard down` stop everything, environments and runs
    too; a part that dies is started again and leaves them alone.
    """
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(message)s")
    began = time.monotonic()

    def ready(yard: Yard, link: str) -> None:
        click.echo(f"modelyard {yard.version} is ready in {time.monotonic() - began:.1f} s. State is in {home}.")
        click.echo(f"\n  Log in (this link works once):  {link}\n")
        click.echo("Stop it with Ctrl-C or: modelyard down. Another link: modelyard login-link.")
        sys.stdout.flush()
        if browser:
            webbrowser.open(link)

    running = run_yard(home, port, ready)
    if running is not None and running.url:
        click.echo(f"modelyard runs on {home} already: {running.url} (pid {running.pid}).")
        click.echo("A new login link: modelyard login-link.")
    elif running is not None:
        click.echo(f"modelyard is being started on {home} already. Look again with: modelyard status.")


@click.command()
@home_option
def down(home: Path) -> None:
    """Stop the yard: its parts, the environments and the runs."""
    stopped = stop_yard(Home(home.expanduser().resolve()))
    click.echo("Stopped." if stopped else f"Nothing runs on {home}.")


@click.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def status(home: Path, as_json: bool) -> None:
    """Say whether the yard runs and whether each part answers. Exits with 6 when it doesn't run."""
    folder = Home(home.expanduser().resolve())
    yard = running_yard(folder)
    if yard is None:
        state = "is being started or stopped" if holder(folder) else "does not run"
        raise Unavailable(f"modelyard {state} on {home}.", hint="Start it with: modelyard up.", code="not_running")
    parts = {name: _part_status(folder, name, part) for name, part in yard.parts.items()}
    if as_json:
        click.echo(json.dumps({"pid": yard.pid, "url": yard.url, "version": yard.version, "parts": parts}))
        return
    click.echo(f"modelyard {yard.version} runs at {yard.url} (pid {yard.pid}).")
    for name, part in parts.items():
        where = f"port {part['port']}" if part["port"] else "socket"
        click.echo(f"  {name:<9} {'up' if part['up'] else 'down':<5} pid {part['pid']:<8} {where}")


def _part_status(home: Home, name: str, part: dict[str, int]) -> dict[str, Any]:
    up = answers(part["port"], _HEALTH[name]) if part["port"] else answers_socket(home.nursery_socket)
    return {**part, "up": up}


@click.command("login-link")
@home_option
@click.option("--user", default=None, help="Who logs in with it; a new name makes a new user.  [default: you]")
def make_login_link(home: Path, user: str | None) -> None:
    """Print a link that logs a browser in once, within half an hour."""
    folder = Home(home.expanduser().resolve())
    yard = running_yard(folder)
    if yard is None:
        raise Unavailable(f"modelyard does not run on {home}.", hint="Start it with: modelyard up.", code="not_running")
    click.echo(login_link(folder, yard.url, check_name(user, "user name") if user else machine_user()))


@click.command()
@home_option
def doctor(home: Path) -> None:
    """Check what a yard on this machine needs, and say how to get what is missing."""
    problems = 0
    for what, problem in _checks(home):
        click.echo(f"{'missing' if problem else 'ok':<8} {what}")
        if problem:
            problems += 1
            click.echo(f"         {problem.message} {problem.hint}")
    if problems:
        raise Unavailable(f"{problems} things are missing.", hint="Mend them and run it again.", code="unhealthy")


def _checks(home: Path) -> list[tuple[str, YardError | None]]:
    modules = {
        "jupyterhub": "hub",
        "jupyterlab": "jupyter",
        "fastapi": "server",
        "sqlalchemy": "server",
    }
    found: list[tuple[str, YardError | None]] = [
        (module, None if importlib.util.find_spec(module) else _not_installed(module, extra))
        for module, extra in modules.items()
    ]
    for what, check in (("node", find_node), ("proxy", proxy_script), (f"home {home}", lambda: open_home(home))):
        try:
            check()
            found.append((what, None))
        except YardError as error:
            found.append((what, error))
    return found


def _not_installed(module: str, extra: str) -> YardError:
    return Unavailable(f"{module} is not installed.", hint=f"Install it: pip install 'modelyard[{extra}]'.")


COMMANDS: tuple[click.Command, ...] = (up, down, status, doctor, make_login_link)
