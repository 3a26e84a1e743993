"""The API's reference from its code: `python -m modelyard.api.export docs/reference` writes openapi.json and api.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from modelyard.services.yard import Yard

from .app import API, create_api
from .auth import Auth

PREFIX = "/services/modelyard"
_TABLE_HEAD = ("| method | route | takes | answers | what |", "|---|---|---|---|---|")


def openapi() -> dict[str, Any]:
    """The routes say all there is to say: no yard and no auth are needed to describe them."""
    return create_api(cast(Yard, None), cast(Auth, None), prefix=PREFIX).openapi()


def openapi_json() -> str:
    return json.dumps(openapi(), indent=1, sort_keys=True) + "\n"


def api_markdown() -> str:
    """One table per tag, in the order of the routes."""
    document = openapi()
    lines = [
        "# The API",
        "",
        "Written by `python -m modelyard.api.export docs/reference`; do not edit. The whole of it, with all fields and",
        "bounds, is [openapi.json](openapi.json), which a running platform also serves.",
        "",
        f"All routes lie below `{PREFIX}{API}`. Send `Authorization: Bearer TOKEN` with a hub token (scopes",
        "`custom:modelyard:read`, `write`, `admin`) or a run's token; only `/health` and `/openapi.json` need none.",
        "POST takes `Idempotency-Key` where noted: the same key again answers with what the first call made.",
        "Lists are `{items, next}`; pass `next` as `after` for the following page.",
        "Errors are `{error: {code, message, hint, details}}`.",
    ]
    tags: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            route = path.removeprefix(PREFIX + API)
            tags.setdefault(operation["tags"][0], []).append(_row(method.upper(), route, operation))
    for tag, rows in tags.items():
        lines += ["", f"## {tag.capitalize()}", "", *_TABLE_HEAD, *rows]
    return "\n".join(lines) + "\n"


def _row(method: str, route: str, operation: Mapping[str, Any]) -> str:
    what = operation["description"].replace("\n", " ").replace("|", "\\|")
    return f"| {method} | `{route}` | {', '.join(_takes(operation))} | {_answer(operation)} | {what} |"


def _takes(operation: Mapping[str, Any]) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield _name(content["schema"])
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield f"`?{parameter['name']}`"
        elif parameter["name"] == "Idempotency-Key":
            yield "key"


def _answer(operation: Mapping[str, Any]) -> str:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            return " ".join([status, *(_name(content["schema"]) for content in answer.get("content", {}).values())])
    raise KeyError(operation["operationId"])


def _name(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2].rstrip("_").replace("_", " of "))
    if schema.get("type") == "array":
        return f"list of {_name(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{_name(schema['additionalProperties'])} by key"
    return "bytes" if schema.get("format") == "binary" else "text" if schema.get("type") == "string" else "JSON"


def write_reference(folder: Path) -> None:
    (folder / "openapi.json").write_text(openapi_json())
    (folder / "api.md").write_text(api_markdown())


if __name__ == "__main__":
    write_reference(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
