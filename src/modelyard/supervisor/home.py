"""The folder that holds all state, and the secrets in it (the map is in docs/explanation/architecture.md)."""

from __future__ import annotations

import getpass
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import Invalid, OutOfSpace
from modelyard.core.names import to_name

SECRETS = ("service-token", "supervisor-token", "proxy-token", "cookie-secret")


@dataclass(frozen=True, slots=True)
class Home:
    """`path` is absolute. The properties are where things lie, whether or not they are there yet."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "yard.json"

    @property
    def lock(self) -> Path:
        return self.path / "yard.lock"

    @property
    def ports(self) -> Path:
        """The ports of last time: environments that outlived a crash still call the hub there."""
        return self.path / "ports.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def cli_token(self) -> Path:
        return self.secrets / "cli-token"

    @property
    def environments(self) -> Path:
        return self.path / "environments"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def rootfs_cache(self) -> Path:
        return self.path / "cache" / "rootfs"

    @property
    def hub_database(self) -> str:
        return f"sqlite:///{self.path / 'hub.db'}"

    @property
    def platform_database(self) -> str:
        return f"sqlite:///{self.path / 'platform.db'}"

    @property
    def nursery_socket(self) -> Path:
        return self.path / "nursery.sock"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()


def open_home(path: Path) -> Home:
    """Make the folder, its parts and its secrets where they are missing.

    Raises Invalid when it can't be written and OutOfSpace when the disk is full; both name the folder.
    """
    home = Home(path.expanduser().resolve())
    try:
        for folder in (home.path, home.secrets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)  # it may have been made by hand
        for folder in (home.logs, home.environments, home.runs, home.images, home.rootfs_cache):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in SECRETS:
            if not (home.secrets / name).is_file():
                write_private(home.secrets / name, secrets.token_hex(32))
    except OSError as error:
        raise home_unusable(home.path, error) from None
    return home


def home_unusable(path: Path, error: OSError) -> Invalid | OutOfSpace:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return OutOfSpace(f"There is no space left for {path}.", hint="Free some space, or choose another --home.")
    return Invalid(
        f"The folder {path} can't be written: {error.strerror or error}.",
        hint="Choose another folder with --home, or mend its permissions.",
        code="home_unwritable",
    )


def write_private(path: Path, text: str) -> None:
    """Atomic, durable and readable only by its owner from the first byte on."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def machine_user() -> str:
    """The hub's name for who owns this machine's yard: the login name as letters, digits and hyphens."""
    return to_name(getpass.getuser(), "user")
