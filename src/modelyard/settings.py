"""The platform's settings: one table with name, default and help.

Precedence: environment variable, then the file `modelyard.toml` in the home, then the default. `modelyard up` sets the
variables that tie the parts together; a person sets the rest in the file. Unknown keys of the file are errors, so that
a renamed or misspelt setting is never silently ignored.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .core.errors import Invalid


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path = _setting(Path(), "The folder that holds all state.")
    host: str = _setting("127.0.0.1", "The address the platform listens on.")
    port: int = _setting(8700, "The port the platform listens on, behind the proxy.")
    prefix: str = _setting("/services/modelyard", "The path of the platform below the public address.")
    public_url: str = _setting("http://127.0.0.1:8000", "Where people's browsers reach the hub and the platform.")
    hub_api_url: str = _setting("http://127.0.0.1:8081/hub/api", "Where the platform reaches the hub's REST API.")
    service_token: str = _setting("", "The platform's token at the hub. Give it as a variable, not in a file.")
    database_url: str = _setting("", "An SQLAlchemy URL (SQLite, PostgreSQL). Empty: platform.db in the home.")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    slots_cpu: float = _setting(0.0, "Cores that runs may use together. 0: all of the machine's.")
    slots_memory_mb: int = _setting(0, "Memory in MiB that runs may use together. 0: nine tenths of the machine's.")
    stop_grace_seconds: float = _setting(10.0, "Time between SIGTERM and SIGKILL when a run is stopped.")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'platform.db'}"

    @property
    def url(self) -> str:
        """Where programs on this machine reach the platform: past the proxy, so that a restart of it hurts no run."""
        return f"http://{self.host}:{self.port}{self.prefix}"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Raises Invalid that names the setting for an unknown key or a value of the wrong type."""
    home = Path(environ.get("MODELYARD_HOME", ".")).resolve()
    file = home / "modelyard.toml"
    values: dict[str, Any] = {}
    known = {f.name: f for f in dataclasses.fields(Settings)}
    if file.is_file():
        for key, value in _read_toml(file).items():
            if key not in known:
                raise Invalid(
                    f"{file} has the unknown setting {key!r}.", hint=f"The settings are: {', '.join(sorted(known))}."
                )
            values[key] = value
    for name in known:
        if (text := environ.get(f"MODELYARD_{name.upper()}")) is not None:
            values[name] = text
    defaults = Settings()
    typed = {name: _typed(name, value, getattr(defaults, name)) for name, value in values.items()}
    return dataclasses.replace(defaults, **{**typed, "home": home})


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{file} is not valid TOML: {error}.", hint="Mend the file or move it away.") from None


def _typed(name: str, value: Any, default: object) -> Any:
    """`value` as the type of `default`."""
    convert, words = _CONVERSIONS.get(type(default), (Path, "a path"))
    try:
        if isinstance(value, bool):
            raise TypeError
        return convert(value)
    except (TypeError, ValueError):
        message = f"The setting {name} is {value!r}, which is not {words}."
        raise Invalid(message, hint="Mend it in modelyard.toml or in the variable.") from None


_CONVERSIONS: dict[type, tuple[Callable[[Any], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a text"),
}
