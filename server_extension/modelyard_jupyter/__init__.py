"""In the notebook server: the routes behind Save Model and Run Training.

This package is imported at every start of an environment, so its top level and `handlers` import only what the
notebook server has loaded already. What a save needs (capture, the client) is loaded by the first request that needs
it, in one place: `loading.py`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .context import read_context
from .loading import CONTEXT, start_recovery
from .routes import make_routes

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "modelyard_jupyter"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    context = read_context(os.environ)
    server.web_app.settings[CONTEXT] = context
    server.web_app.add_handlers(".*$", make_routes(server.web_app.settings["base_url"]))
    start_recovery(server.web_app.settings, context)
    server.log.info("modelyard: environment %s of %s, platform %s", context.name, context.owner, context.platform_url)
