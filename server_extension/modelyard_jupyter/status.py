"""What the status bar shows, and the names for the type-ahead."""

from __future__ import annotations

from urllib.parse import quote

from modelyard.core.errors import YardError

from .context import Context
from .handler import YardHandler, guarded
from .platform import fetch_json


class StatusHandler(YardHandler):
    """Answers also when the platform doesn't: the page must load, and then says so."""

    @guarded
    async def get(self) -> None:
        context = self.context
        status: dict[str, object] = {
            "environment": context.name,
            "user": context.owner,
            "platform_url": context.platform_url,
            "dashboard_url": context.dashboard_url,
            "hardware": "",
            "price_per_hour": None,
            "error": None,
        }
        try:
            status |= await _read_hardware(context)
        except YardError as error:
            status["error"] = error.as_json()
        self.answer(status)


async def _read_hardware(context: Context) -> dict[str, object]:
    environment = await fetch_json(context, f"environments/{quote(context.name, safe='')}")
    return {"hardware": environment.get("hardware", ""), "price_per_hour": environment.get("price_per_hour")}


class ModelsHandler(YardHandler):
    @guarded
    async def get(self) -> None:
        page = await fetch_json(self.context, "models?limit=1000")
        models = page.get("items", [])
        self.answer([model["name"] for model in models if model.get("owner") == self.context.owner])
