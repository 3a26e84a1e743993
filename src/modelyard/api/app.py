"""The ASGI app: all routes below the service's prefix, the error answers and the headers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter, FastAPI, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

import modelyard
from modelyard.services.yard import Yard

from .auth import Auth
from .body import PublicRoute
from .errors import install_error_answers
from .headers import LOCAL_HOSTS, SecureHeaders
from .login import router as login
from .routes import artifacts, catalog, costs, environments, logs, me, metrics, models, runs, saves, sweeps

API = "/api/v1"

# Only told to readers of the OpenAPI document; `GuardedRoute` is what checks.
_BEARER = Security(HTTPBearer(auto_error=False, description="A hub token with custom:modelyard scopes, or a run's"))

_ROUTERS: tuple[APIRouter, ...] = (
    me.router,
    catalog.router,
    environments.router,
    models.router,
    saves.router,
    saves.bulk,
    runs.router,
    logs.router,
    metrics.router,
    metrics.bulk,
    artifacts.router,
    sweeps.bulk,
    sweeps.router,
    costs.router,
)


def create_api(yard: Yard, auth: Auth, *, prefix: str, hosts: Collection[str] = LOCAL_HOSTS) -> FastAPI:
    """`hosts` are the names by which browsers and programs may address it. More routers can be included after."""
    app = FastAPI(
        title="modelyard",
        version=modelyard.__version__,
        description=(
            "Environments, models, versions, runs, sweeps and their cost. Errors are "
            "`{error: {code, message, hint, details}}`; lists take `after` and `limit`."
        ),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.state.yard = yard
    app.state.auth = auth
    install_error_answers(app)
    app.add_middleware(SecureHeaders, hosts=hosts)
    app.include_router(me.public, prefix=prefix + API)
    for router in _ROUTERS:
        app.include_router(router, prefix=prefix + API, dependencies=[_BEARER], responses=ERRORS)
    app.include_router(login, prefix=prefix)
    _serve_openapi(app, prefix)
    return app


def operation_id(route: APIRoute) -> str:
    """`submitRun` of `submit_run`: what generated clients call the method."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _serve_openapi(app: FastAPI, prefix: str) -> None:
    router = APIRouter(route_class=PublicRoute, include_in_schema=False)

    @router.get("/openapi.json")
    def get_openapi() -> dict[str, object]:
        return app.openapi()

    app.include_router(router, prefix=prefix + API)


_ERROR: dict[str, Any] = {
    "description": "A sentence, a hint and a stable code",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["code", "message", "hint", "details"],
                        "properties": {
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                            "hint": {"type": "string"},
                            "details": {"type": "object"},
                        },
                    }
                },
            }
        }
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _ERROR, "5XX": _ERROR}
