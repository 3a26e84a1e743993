"""The addresses of the pages. Every part of a path that a user made is quoted here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode


def _part(text: object) -> str:
    return quote(str(text), safe="")


def with_query(path: str, values: Mapping[str, object]) -> str:
    """`path` with the values that are set; lists give a name several times."""
    given = {name: value for name, value in values.items() if value not in (None, "", [])}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


@dataclass(frozen=True, slots=True)
class Links:
    """`prefix` is where the dashboard lies, without a slash at its end."""

    prefix: str
    hub: str

    @property
    def models(self) -> str:
        return f"{self.prefix}/"

    def model(self, owner: str, name: str) -> str:
        return f"{self.prefix}/models/{_part(owner)}/{_part(name)}"

    def version(self, owner: str, model: str, version: object) -> str:
        return f"{self.model(owner, model)}/versions/{_part(version)}"

    def runs(self, **filters: object) -> str:
        return with_query(f"{self.prefix}/runs", filters)

    def run(self, run: str, *more: str) -> str:
        return "/".join((f"{self.prefix}/runs", _part(run), *more))

    def artifact(self, run: str, path: str) -> str:
        return f"{self.prefix}/api/v1/runs/{_part(run)}/artifacts/{quote(path)}"

    def log_stream(self, run: str, offset: int) -> str:
        return f"{self.prefix}/api/v1/runs/{_part(run)}/log/stream?offset={offset}"

    def sweep(self, sweep: str, *more: str) -> str:
        return "/".join((f"{self.prefix}/sweeps", _part(sweep), *more))

    def new_run(self, **fields: object) -> str:
        return with_query(f"{self.prefix}/new-run", fields)

    def costs(self, **fields: object) -> str:
        return with_query(f"{self.prefix}/costs", fields)

    def costs_csv(self, **fields: object) -> str:
        return with_query(f"{self.prefix}/costs.csv", fields)
