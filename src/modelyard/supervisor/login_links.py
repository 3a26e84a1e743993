"""One-time login links: a random token for one user, good once and for a while.

A link is a file in the home's `secrets/logins`, named by the token's SHA-256, so that reading the folder logs nobody
in. Redeeming is one `unlink`, which succeeds for exactly one of many callers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from pathlib import Path

from .home import Home, write_private

GOOD_FOR_SECONDS = 30 * 60


def make_login_token(home: Home, user: str, seconds: float = GOOD_FOR_SECONDS) -> str:
    folder = _folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sweep(folder)
    token = secrets.token_urlsafe(32)
    write_private(folder / _digest(token), json.dumps({"user": user, "until": time.time() + seconds}))
    return token


def redeem_login_token(home: Home, token: str) -> str | None:
    """The user that the token was made for, or None when it is unknown, used or too old."""
    file = _folder(home) / _digest(token)
    try:
        link = json.loads(file.read_text())
        file.unlink()
    except FileNotFoundError:
        return None
    return str(link["user"]) if link["until"] > time.time() else None


def _folder(home: Home) -> Path:
    return home.secrets / "logins"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _sweep(folder: Path) -> None:
    old = time.time() - 2 * GOOD_FOR_SECONDS
    for file in folder.iterdir():
        if file.stat().st_mtime < old:
            file.unlink(missing_ok=True)
