"""Credentials are found where they are, and not where they aren't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.capture.code import read_code
from modelyard.capture.secrets import scan_bytes, scan_code, secret_values
from modelyard.core.model import Warning

# Put together here, so that no scanner stumbles over this file.
_ALNUM = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ0bC2dF4hJ6kL8n"
KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA7bq3n\n-----END RSA PRIVATE KEY-----\n"
TRUE = {
    "a private key": KEY,
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "an AWS secret key": "aws_secret_access_key = " + _ALNUM,
    "a Google API key": "AIza" + _ALNUM[:35],
    "an Azure storage key": "AccountKey=" + "A" * 86 + "==",
    "a GitHub token": "ghp_" + _ALNUM[:36],
    "a GitLab token": "glpat-" + _ALNUM[:20],
    "a Slack token": "xoxb-" + "123456789012-123456789012-" + _ALNUM[:24],
    "a Stripe key": "sk_live_" + _ALNUM[:24],
    "an OpenAI key": "sk-" + _ALNUM[:20] + "T3Blbk" + "FJ" + _ALNUM[:20],
    "an Anthropic key": "sk-ant-" + "api03-" + _ALNUM + _ALNUM,
    "a Hugging Face token": "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "a PyPI token": "pypi-AgE" + _ALNUM + _ALNUM,
    "an npm token": "npm_" + _ALNUM[:36],
    "a SendGrid key": "SG." + _ALNUM[:22] + "." + _ALNUM + "abc",
    "a Docker Hub token": "dckr_pat_" + _ALNUM[:27],
    "a password in a URL": "postgresql://train:Sup3r-secret@db.example.com/flights",
}
FALSE = [
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
    'if line.startswith("-----BEGIN PRIVATE KEY-----"):',
    "MAKIAIOSFODNN7EXAMPLEX",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    "https://example.com:8080/path@2",
    "https://user:${PASSWORD}@example.com",
    "https://user:<password>@example.com",
    "https://user:****@example.com",
    "git@example.com:owner/repository.git",
    "see http://localhost:8888 and mail me@example.com",
    "task_ghp_name, mask-ant-x, hf_hub_download(repo_id)",
    "dapi" + "z" * 32,
]


def found(text: str) -> list[str]:
    return [finding.what for finding in scan_bytes(text.encode(), "", {})]


@pytest.mark.parametrize(("what", "text"), TRUE.items(), ids=list(TRUE))
def test_a_credential_is_found(what: str, text: str) -> None:
    assert what in found(f"x = '{text}'\n")


@pytest.mark.parametrize("text", FALSE)
def test_what_only_resembles_one_is_not(text: str) -> None:
    assert found(text) == []


def test_keys_and_cloud_keys_block_and_tokens_warn() -> None:
    blocks = {f.what: f.blocks for text in TRUE.values() for f in scan_bytes(text.encode(), "", {})}
    assert {what for what, blocking in blocks.items() if blocking} == {
        "a private key",
        "an AWS access key",
        "an AWS secret key",
        "a Google API key",
        "an Azure storage key",
    }


def warnings_of(folder: Path, environ: dict[str, str] | None = None) -> list[Warning]:
    return scan_code(read_code(folder), environ or {})


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def cell(source: str, *outputs: object) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "source": source.splitlines(True), "outputs": outputs}


def test_a_private_key_in_a_cells_output_blocks_and_says_where(tmp_path: Path) -> None:
    shown = {"output_type": "stream", "name": "stdout", "text": KEY.splitlines(True)}
    (tmp_path / "a.ipynb").write_text(notebook(cell("1"), cell("print(open('k').read())", shown)))
    (warning,) = warnings_of(tmp_path)
    assert warning.blocks
    assert warning.path == "a.ipynb"
    assert "cell 2's output" in warning.message
    assert "private key" in warning.message


def test_a_traceback_and_a_rich_output_are_searched_and_pictures_are_not(tmp_path: Path) -> None:
    token = "ghp_" + _ALNUM[:36]
    error = {"output_type": "error", "ename": "E", "evalue": token, "traceback": []}
    html = {"output_type": "display_data", "data": {"text/html": [f"<b>{token}x</b>".replace("x<", "<")]}}
    picture = {"output_type": "display_data", "data": {"image/png": "AKIA"}}
    (tmp_path / "a.ipynb").write_text(notebook(cell("1", error), cell("2", html), cell("3", picture)))
    assert ["cell 1's output" in w.message for w in warnings_of(tmp_path)] == [True]


def test_the_value_of_a_secret_variable_is_found_even_with_quotes_and_line_ends_in_it(tmp_path: Path) -> None:
    environ = {"JUPYTERHUB_API_TOKEN": "0123456789abcdef", "DB_PASSWORD": 'quo"ted\nünï', "HOME": "/home/alice"}
    (tmp_path / "a.ipynb").write_text(notebook(cell("x = 0123456789abcdef"), cell('quo"ted\nünï')))
    (tmp_path / "train.py").write_text("home = '/home/alice'\n\ntoken = '0123456789abcdef'\n")
    messages = [w.message for w in warnings_of(tmp_path, environ)]
    assert len(messages) == 3
    assert sum("JUPYTERHUB_API_TOKEN" in m for m in messages) == 2
    assert any("line 3" in m for m in messages)
    assert all(w.blocks for w in warnings_of(tmp_path, environ))


def test_no_warning_repeats_the_secret(tmp_path: Path) -> None:
    for number, text in enumerate(TRUE.values()):
        (tmp_path / f"{number}.txt").write_text(text)
    environ = {"MY_TOKEN": "correct-horse-battery"}
    (tmp_path / "own.txt").write_text("correct-horse-battery")
    said = " ".join(w.message for w in warnings_of(tmp_path, environ))
    for text in [*TRUE.values(), "correct-horse-battery"]:
        assert text not in said
        assert text[10:26] not in said.replace("-----BEGIN RSA PRIVATE KEY-----", "")


def test_only_names_that_mean_a_secret_count_and_no_paths() -> None:
    environ = {
        "JUPYTERHUB_API_TOKEN": "0123456789abcdef",
        "AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA",
        "AWS_SECRET_ACCESS_KEY": "0123456789abcdef",
        "AWS_SESSION_TOKEN": "0123456789abcdef",
        "DB_PASSWORD": "0123456789",
        "OPENAI_API_KEY": "0123456789abcdef",
        "AWS_REGION": "eu-central-1",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/token",
        "SHORT_TOKEN": "abc",
        "SSH_PRIVATE_KEY": "/home/alice/.ssh/id_rsa",
        "TOKENIZERS_PARALLELISM": "false-or-true",
    }
    assert sorted(secret_values(environ)) == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "DB_PASSWORD",
        "JUPYTERHUB_API_TOKEN",
        "OPENAI_API_KEY",
    ]


def test_a_changed_file_is_searched_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("clean")
    assert warnings_of(tmp_path) == []
    (tmp_path / "a.py").write_text(KEY)
    assert len(warnings_of(tmp_path)) == 1


def test_a_secret_across_two_pieces_of_a_large_file_is_found_once(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * ((8 << 20) - 20) + KEY.encode() + b"y" * (1 << 20))
    assert [w.blocks for w in warnings_of(tmp_path)] == [True]
