"""Which platform to talk to, and with whose token: the first place that says both."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from modelyard.core.errors import Invalid, Unauthenticated, Unavailable

SERVICE_PATH = "/services/modelyard"


@dataclass(frozen=True, slots=True)
class Address:
    """`url` is the platform's, such as http://127.0.0.1:8000/services/modelyard. `source` says where it was found."""

    url: str
    token: str = field(repr=False)
    source: str


def find_address(url: str | None, token: str | None, environ: Mapping[str, str]) -> Address:
    """In this order: the arguments; MODELYARD_URL with MODELYARD_TOKEN or, inside an environment, JUPYTERHUB_API_TOKEN;
    the file that `modelyard login` wrote; the platform that runs on this machine. One argument alone is completed.

    Raises Unavailable when no platform is known, Unauthenticated when there is no token for it.
    """
    given = url or environ.get("MODELYARD_URL", "")
    secret = token or environ.get("MODELYARD_TOKEN", "") or (_environment_token(environ) if not url else "")
    if given and secret:
        return Address(to_url(given), secret, "the arguments" if url or token else "MODELYARD_URL")
    for found in (read_login(login_file(environ)), read_home(home_folder(environ))):
        if found is not None and (not given or to_url(given) == found.url):
            return Address(found.url, secret or found.token, found.source)
    if given:
        raise Unauthenticated(
            f"There is no token for {to_url(given)}.", hint="Set MODELYARD_TOKEN, or run `modelyard login`."
        )
    raise Unavailable(
        "No modelyard platform is known here.",
        hint="Start one with `modelyard up`, or run `modelyard login URL` for one elsewhere.",
        code="no_platform",
    )


def _environment_token(environ: Mapping[str, str]) -> str:
    return environ.get("JUPYTERHUB_API_TOKEN", "")


def to_url(text: str) -> str:
    """The platform's address from what a person types: a host alone gets the scheme and the service's path."""
    scheme, _, rest = text.strip().rpartition("://")
    host = rest.rstrip("/")
    if scheme not in ("", "http", "https") or not host.partition("/")[0]:
        raise Invalid(f"{text[:100]!r} is not an address.", hint="Give one such as https://hub.example.org.")
    return f"{scheme or 'http'}://{host}" + ("" if "/" in host else SERVICE_PATH)


def login_file(environ: Mapping[str, str]) -> Path:
    folder = environ.get("MODELYARD_CONFIG") or platformdirs.user_config_dir("modelyard")
    return Path(folder) / "login.json"


def home_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("MODELYARD_HOME") or platformdirs.user_data_dir("modelyard"))


def read_login(file: Path) -> Address | None:
    record = _read_json(file)
    if not record.get("url") or not record.get("token"):
        return None
    return Address(str(record["url"]), str(record["token"]), f"modelyard login ({file})")


def write_login(file: Path, address: Address) -> None:
    """Readable by its owner alone, from the moment it exists."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"url": address.url, "token": address.token}, stream)
    fresh.replace(file)


def read_home(home: Path) -> Address | None:
    """The platform that `modelyard up` started on this machine, for the user who may read its token."""
    url = _read_json(home / "yard.json").get("platform_url")
    try:
        token = (home / "secrets" / "cli-token").read_text().strip()
    except OSError:
        return None
    return Address(str(url), token, f"the platform of {home}") if url and token else None


def _read_json(file: Path) -> Mapping[str, object]:
    try:
        record = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} can't be read: {error}.", hint="Remove it, then run `modelyard login` again.") from None
    return record if isinstance(record, dict) else {}
