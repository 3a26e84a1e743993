"""Credentials in the content of what is saved: keys and tokens by their shape, and the environment's own by value.

Every version is kept and shared, so a token that someone printed in a cell is worth a question before the save. Only
shapes that are next to certain are searched: a warning that is usually wrong is soon ignored. A detector's literal
(`AKIA`, `ghp_`) is looked for first, at memory speed, and its pattern is tried only there.

Notebooks are searched as text, cell by cell with their outputs, since JSON hides line ends and quotes.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.model import Warning

from .code import Code, CodePath, shown

_WHOLE = 8 << 20  # bytes; what is larger is searched in pieces, and a notebook not parsed
_OVERLAP = 64 << 10
_WINDOW = 400  # bytes from a literal in which a match that begins before it must end
_SHORTEST_VALUE = 8
_MOST_PER_FILE = 20


@dataclass(frozen=True, slots=True)
class _Detector:
    what: str
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    blocks: bool = False
    back: int = 0  # how far before its literal a match may begin

    def find(self, text: bytes) -> Iterator[re.Match[bytes]]:
        for literal in self.literals:
            at = text.find(literal)
            while at >= 0:
                match = self.pattern.search(text, max(0, at - self.back), at + _WINDOW) if self.back else None
                match = match or self.pattern.match(text, at)
                if match:
                    yield match
                at = text.find(literal, max(match.end() if match else 0, at + len(literal)))


def _detector(what: str, literals: str, pattern: str, *, blocks: bool = False, back: int = 0) -> _Detector:
    return _Detector(what, tuple(literals.encode().split(b"|")), re.compile(pattern.encode()), blocks, back)


_DETECTORS = (
    _detector(
        "a private key",
        "-----BEGIN ",
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*[A-Za-z0-9+/=:-]{16}",
        blocks=True,
    ),
    _detector(
        "an AWS access key", "AKIA|ASIA", r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])", blocks=True
    ),
    _detector(
        "an AWS secret key",
        "secret_access_key|SECRET_ACCESS_KEY|ecretAccessKey",
        r"(?i)secret_?access_?key[\"']?\]?\s{0,4}[=:]\s{0,4}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        blocks=True,
        back=6,
    ),
    _detector("a Google API key", "AIza", r"(?<![A-Za-z0-9_-])AIza[0-9A-Za-z_-]{35}(?![A-Za-z0-9_-])", blocks=True),
    _detector("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}==", blocks=True),
    _detector(
        "a GitHub token", "ghp_|gho_|ghu_|ghs_|ghr_", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])"
    ),
    _detector("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _detector("a GitLab token", "glpat-", r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}"),
    _detector("a Slack token", "xox", r"(?<![A-Za-z0-9])xox[abeoprs]-(?:[0-9]{6,}-){1,3}[A-Za-z0-9-]{12,}"),
    _detector(
        "a Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"
    ),
    _detector("a Stripe key", "sk_live_|rk_live_", r"(?<![A-Za-z0-9])[rs]k_live_[A-Za-z0-9]{20,}"),
    _detector("an OpenAI key", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}", back=200),
    _detector("an Anthropic key", "sk-ant-", r"sk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{60,}"),
    _detector("a Hugging Face token", "hf_", r"(?<![A-Za-z0-9_])hf_[A-Za-z]{34}(?![A-Za-z0-9])"),
    _detector("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _detector("an npm token", "npm_", r"(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _detector("a SendGrid key", "SG.", r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    _detector("a Docker Hub token", "dckr_pat_", r"dckr_pat_[A-Za-z0-9_-]{27}"),
    _detector("a Databricks token", "dapi", r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}(?![A-Za-z0-9])"),
    _detector(
        "a password in a URL",
        "://",
        r"://[^\s/:@\"'<>{}$\\]{1,100}:(?!\*+@|x+@|password@|passwd@|pass@|pwd@)[^\s/:@\"'<>{}$\\]{3,200}@[A-Za-z0-9]",
    ),
)

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|CREDENTIALS?)(?:_ID)?$"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` is like "line 12" or "cell 3's output"; `begin` the first characters, enough to recognise it."""

    what: str
    where: str
    begin: str
    blocks: bool


def secret_values(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables whose value is a credential, by their name: `*_TOKEN`, `*_PASSWORD`, AWS's keys and their like."""
    return {
        name: value
        for name, value in environ.items()
        if _SECRET_NAME.search(name.upper()) and len(value) >= _SHORTEST_VALUE and not value.startswith(("/", "~/"))
    }


def scan_code(code: Code, environ: Mapping[str, str]) -> list[Warning]:
    """One warning for each credential that is found in the files of `code`."""
    values = tuple(sorted(secret_values(environ).items()))
    warnings: list[Warning] = []
    for path in code.paths:
        if path.target or path.size == 0:
            continue
        name = shown(path.path)
        for found in _scan_path(code.folder, path, values):
            message = f"{name}, {found.where}: this looks like {found.what} ({found.begin})."
            warnings.append(Warning("secret", name, message, blocks=found.blocks))
    return warnings


@functools.lru_cache(maxsize=8192)
def _scan_path(folder: Path, path: CodePath, values: tuple[tuple[str, str], ...]) -> tuple[Finding, ...]:
    """Remembered by size, time and inode, since a preview is asked for again and again."""
    file = folder / os.fsdecode(path.path)
    found: dict[tuple[str, str], Finding] = {}
    try:
        for where, text in _texts(file, path.size):
            for finding in scan_bytes(text, where, dict(values)):
                found.setdefault((finding.what, finding.begin), finding)
                if len(found) >= _MOST_PER_FILE:
                    return tuple(found.values())
    except OSError:
        return ()  # gone since it was listed: the layer will tell
    return tuple(found.values())


def scan_bytes(text: bytes, where: str, values: Mapping[str, str]) -> Iterator[Finding]:
    """Findings in `text`; with an empty `where`, each says its line. `values` are looked for exactly, by name."""
    for detector in _DETECTORS:
        for match in detector.find(text):
            place = where or f"line {_line(text, match.start())}"
            yield Finding(detector.what, place, _begin(match.group()), detector.blocks)
    for name, value in values.items():
        at = text.find(value.encode(errors="surrogateescape"))
        if at >= 0:
            place = where or f"line {_line(text, at)}"
            yield Finding(f"the value of the variable {name}", place, f"{value[:3]}…", blocks=True)


def _line(text: bytes, at: int) -> int:
    return text.count(b"\n", 0, at) + 1


def _begin(secret: bytes) -> str:
    text = secret.decode("utf-8", "replace").removeprefix("://")
    return text[: text.index("-----", 5) + 5] if text.startswith("-----") else f"{text[:6]}…"


def _texts(file: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """What to search, with the place where it stands (empty: count lines)."""
    if size > _WHOLE:
        for piece in _pieces(file):
            yield f"somewhere in its {size / 1e6:,.0f} MB", piece
        return
    data = file.read_bytes()
    if file.suffix == ".ipynb":
        try:
            notebook = json.loads(data)
        except (ValueError, RecursionError):
            notebook = None
        if isinstance(notebook, dict):
            yield from _notebook_texts(notebook)
    yield "", data


def _pieces(file: Path) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        last = b""
        while piece := stream.read(_WHOLE):
            yield last + piece
            last = piece[-_OVERLAP:]


def _notebook_texts(notebook: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    cells = notebook.get("cells")
    for number, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        if not isinstance(cell, dict):
            continue
        yield f"cell {number}", _joined([cell.get("source")])
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            if isinstance(output, dict):
                yield f"cell {number}'s output", _joined(_output_texts(output))


def _output_texts(output: Mapping[str, Any]) -> Iterator[Any]:
    yield from (output.get("text"), output.get("evalue"), output.get("traceback"))
    data = output.get("data")
    for kind, content in data.items() if isinstance(data, dict) else ():
        if not kind.startswith(("image/", "audio/", "video/")) or kind == "image/svg+xml":
            yield content


def _joined(parts: Iterable[Any]) -> bytes:
    """nbformat's multi-line strings: a text, or a list of lines with their ends."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, list) and all(isinstance(line, str) for line in part):
            texts.append("".join(part))
        elif part is not None:
            texts.append(json.dumps(part, ensure_ascii=False))
    return "\n".join(texts).encode(errors="surrogatepass")
