"""Every modelyard command line in the docs is one that the CLI knows, with options that it has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from modelyard.cli.main import cli

LINE = re.compile(r"^(?:\$ )?modelyard (.+?)(?:\s+#.*)?$", re.MULTILINE)


def command_lines(repository: Path) -> list[str]:
    pages = [repository / "README.md", *repository.glob("docs/tutorial/*.md"), *repository.glob("docs/how-to/*.md")]
    blocks = [block for page in pages for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)]
    return [line for block in blocks for line in LINE.findall(block)]


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    while words and isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), words[0])
        if inner is None:
            break
        command, words = inner, words[1:]
    return command, words


def test_the_commands_of_the_docs_exist_with_their_options(repository: Path) -> None:
    lines = command_lines(repository)
    assert len(lines) > 10
    for line in lines:
        words = shlex.split(line.replace("[", "").replace("]", ""))
        command, rest = find_command(words)
        assert command is not cli, f"modelyard {line}"
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
        assert unknown == [], f"modelyard {line}"


def test_a_line_with_an_option_that_nobody_knows_would_be_found() -> None:
    command, rest = find_command(["sweep", "delay", "--every", "x"])
    assert command.name == "sweep"
    assert "--every" in rest
    with pytest.raises(click.UsageError):
        command.make_context("sweep", list(rest))
