"""Every route of this package."""

from __future__ import annotations

from tornado.web import RequestHandler

from .passing import PassHandler
from .saving import PreviewHandler, SaveHandler, SavesHandler
from .status import ModelsHandler, StatusHandler

Route = tuple[str, type[RequestHandler]]


def make_routes(base_url: str) -> list[Route]:
    """`base_url` ends with a slash, as Jupyter's does."""
    prefix = f"{base_url.rstrip('/')}/modelyard"
    return [
        (f"{prefix}/status", StatusHandler),
        (f"{prefix}/models", ModelsHandler),
        (f"{prefix}/preview", PreviewHandler),
        (f"{prefix}/saves", SavesHandler),
        (f"{prefix}/saves/([0-9a-f]{{32}})", SaveHandler),
        (f"{prefix}/api/(.+)", PassHandler),
    ]
