"""What every page needs: the yard, the addresses, the templates; and how a page becomes an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from modelyard.core.caller import Caller
from modelyard.core.errors import YardError
from modelyard.services.yard import Yard

from . import words
from .assets import Assets
from .links import Links, with_query

THEMES = ("light", "dark")


def make_templates() -> jinja2.Environment:
    """Autoescape is on for every template; a variable that is missing is a bug, not an empty string."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("modelyard.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        bytes=words.in_bytes,
        memory=words.in_memory,
        duration=words.in_time,
        money=words.in_money,
        digits=words.in_digits,
        words=words.in_words,
        short_digest=words.short_digest,
        moment=words.moment,
        counted=words.counted,
    )
    templates.globals.update(ago=words.ago, with_query=with_query)
    templates.filters.update(zip=zip)
    return templates


@dataclass(frozen=True)
class Site:
    """`xsrf_of` gives the token that the forms of this browser carry."""

    yard: Yard
    links: Links
    xsrf_of: Callable[[Request], str]
    assets: Assets = field(default_factory=lambda: Assets.load(resources.files("modelyard.dashboard") / "static"))
    templates: jinja2.Environment = field(default_factory=make_templates)

    def caller(self, request: Request) -> Caller:
        caller: Caller = request.state.caller
        return caller

    def now(self) -> datetime:
        return self.yard.clock()

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """`template` rendered with `context` and what every page knows."""
        return HTMLResponse(self.render(request, template, **context), status, headers={"Cache-Control": "no-store"})

    def render(self, request: Request, template: str, **context: Any) -> Markup:
        theme = request.cookies.get("modelyard-theme", "")
        known = {
            "to": self.links,
            "asset": self._asset,
            "caller": getattr(request.state, "caller", None),
            "now": self.now(),
            "xsrf": self.xsrf_of(request),
            "theme": theme if theme in THEMES else "",
            "here": request.url.path.removeprefix(self.links.prefix),
        }
        return Markup(self.templates.get_template(template).render({**known, **context}))  # noqa: S704 rendered by us

    def error_page(self, request: Request, error: YardError) -> HTMLResponse:
        """A sentence, what to do next, and the code: the same for what is missing and what is somebody else's."""
        return self.page(request, "error.html", error.status, error=error)

    def _asset(self, name: str) -> str:
        return f"{self.links.prefix}/static/{name}?v={self.assets.files[name].version}"
