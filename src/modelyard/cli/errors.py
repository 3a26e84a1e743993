"""Failures as an exit code and two lines on standard error. Bugs keep their traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

import click

from modelyard.core.errors import YardError

from .text import plain

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run_command(command: click.Command, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """The process's exit code. With `--json`, errors are JSON too, still on standard error."""
    try:
        result = command.main(list(arguments), prog_name="modelyard", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except YardError as error:
        show_error(error, as_json="--json" in arguments)
        return error.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # `modelyard logs RUN | head`: the reader has enough. Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def show_error(error: YardError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": error.as_json()}, default=str), err=True)
        return
    click.echo(f"Error: {plain(error.message)}", err=True)
    if error.hint:
        click.echo(f"  {plain(error.hint)}", err=True)
