"""Every failure as the one error shape. Bugs answer with an id that is in the log beside the traceback."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from modelyard.core.errors import Invalid, NotFound, Unauthenticated, Unavailable, YardError
from modelyard.core.ids import new_id

log = logging.getLogger(__name__)

_SHOWN = 200  # characters of a refused value's location or message that go back to the caller


def answer_error(error: YardError, status: int | None = None) -> Response:
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="modelyard"'
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.details.get("retry_after", 2))
    return Response(
        orjson.dumps({"error": error.as_json()}, default=str),
        status_code=status or error.status,
        headers=headers,
        media_type="application/json",
    )


async def answer_yard_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, YardError)
    return answer_error(error)


async def answer_validation_error(request: Request, error: Exception) -> Response:
    """The first thing that was wrong as the sentence, all of them (at most ten) in `details`."""
    assert isinstance(error, RequestValidationError)
    problems = [{"field": _field(e), "problem": str(e["msg"])[:_SHOWN]} for e in error.errors()[:10]]
    first = problems[0]
    return answer_error(
        Invalid(
            f"{first['field'] or 'The request'}: {first['problem']}.",
            hint="The API reference lists what this route takes.",
            code="invalid_request",
            details={"field": first["field"], "problems": problems},
        )
    )


def _field(error: dict[str, Any]) -> str:
    """`body.grid.origin.0` without the part that says where it came from."""
    return ".".join(str(part)[:_SHOWN] for part in error["loc"][1:]) or str(error["loc"][0])


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: no such route, a method that a route has not, a body that isn't JSON."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, YardError):  # FastAPI wraps what was raised while the body was read
        return answer_error(error.__cause__)
    if error.status_code == 404:
        return answer_error(NotFound("There is no such route.", hint="Check the address.", code="no_route"))
    if error.status_code == 405:
        refused = Invalid(f"This route has no {request.method}.", hint="Check the method.", code="method_not_allowed")
        answer = answer_error(refused, status=405)
        answer.headers.update(error.headers or {})
        return answer
    return answer_error(Invalid(str(error.detail)[:_SHOWN], code="invalid_request"), status=error.status_code)


async def answer_bug(request: Request, error: Exception) -> Response:
    incident = new_id()
    log.error("request %s %s failed, incident %s", request.method, request.url.path, incident, exc_info=error)
    return answer_error(
        YardError(
            "Something went wrong on our side.",
            hint=f"Tell an administrator the id {incident}: it is in the platform's log.",
            code="internal",
            details={"incident": incident},
        )
    )


def install_error_answers(app: FastAPI) -> None:
    app.add_exception_handler(YardError, answer_yard_error)
    app.add_exception_handler(RequestValidationError, answer_validation_error)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(Exception, answer_bug)
