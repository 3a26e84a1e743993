"""The `modelyard` command."""

from __future__ import annotations

import os
import sys

import click

import modelyard

from .errors import run_command
from .lazy import Entry, LazyGroup

ENTRIES: dict[str, dict[str, Entry]] = {
    "This machine": {
        "up": Entry("modelyard.cli.machine:up", "Start hub, proxy and platform here."),
        "down": Entry("modelyard.cli.machine:down", "Stop them."),
        "status": Entry("modelyard.cli.machine:status", "Say what runs, and where."),
        "doctor": Entry("modelyard.cli.machine:doctor", "Say what is missing, and how to get it."),
        "login-link": Entry("modelyard.cli.machine:make_login_link", "Make a link that logs a browser in once."),
    },
    "Environments and catalog": {
        "environments": Entry(
            "modelyard.cli.environments:environments", "Environments: list, create, start, stop, delete."
        ),
        "images": Entry("modelyard.cli.catalog:images", "Base images to choose from."),
        "hardware": Entry("modelyard.cli.catalog:hardware", "Hardware to choose from, with prices."),
        "prices": Entry("modelyard.cli.catalog:prices", "The price book."),
    },
    "Models": {
        "save": Entry("modelyard.cli.save:save", "Save a folder as a new version of a model."),
        "models": Entry("modelyard.cli.models:models", "Models."),
        "versions": Entry("modelyard.cli.models:versions", "Versions of a model."),
    },
    "Runs": {
        "run": Entry("modelyard.cli.run:run", "Start a run."),
        "sweep": Entry("modelyard.cli.sweep:sweep", "Start many runs over lists of parameters."),
        "runs": Entry("modelyard.cli.runs:runs", "Runs: list, show, cancel, run again."),
        "sweeps": Entry("modelyard.cli.sweep:sweeps", "Sweeps: list, show, cancel."),
        "logs": Entry("modelyard.cli.logs:logs", "What a run has printed."),
        "metrics": Entry("modelyard.cli.results:metrics", "What a run has measured."),
        "artifacts": Entry("modelyard.cli.results:artifacts", "Files that a run has made."),
        "cost": Entry("modelyard.cli.cost:cost", "What use has cost."),
    },
    "You": {
        "login": Entry("modelyard.cli.login:login", "Remember a platform and a token for it."),
        "logout": Entry("modelyard.cli.login:logout", "Forget them."),
        "whoami": Entry("modelyard.cli.login:whoami", "Say who you are, and where."),
    },
}

EPILOG = """\b
Exit codes: 0 done; 1 a run failed, or something broke; 2 the request is wrong; 3 not allowed;
4 there is no such thing; 5 it is taken or busy; 6 a part does not answer; 130 interrupted.

Completion: eval "$(_MODELYARD_COMPLETE=bash_source modelyard)"; zsh_source and fish_source likewise.
"""


@click.group(cls=LazyGroup, entries=ENTRIES, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url", metavar="URL", help="The platform; default: MODELYARD_URL, the login, or the one on this machine."
)
@click.version_option(modelyard.__version__, prog_name="modelyard")
@click.pass_context
def cli(ctx: click.Context, url: str | None) -> None:
    """From a notebook to a versioned container to a fleet of training runs."""
    ctx.obj = url


def main() -> None:
    sys.exit(run_command(cli, sys.argv[1:], os.environ))
