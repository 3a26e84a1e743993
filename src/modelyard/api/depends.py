"""What routes ask for: the yard, the caller, paging and the idempotency key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from modelyard.core.caller import Caller
from modelyard.core.page import DEFAULT_LIMIT, MAX_LIMIT
from modelyard.services.yard import Yard


async def the_yard(request: Request) -> Yard:
    yard: Yard = request.app.state.yard
    return yard


async def the_caller(request: Request) -> Caller:
    """Set by `GuardedRoute` before the body was read."""
    caller: Caller = request.state.caller
    return caller


InYard = Annotated[Yard, Depends(the_yard)]
By = Annotated[Caller, Depends(the_caller)]

After = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page")]
PAGE = DEFAULT_LIMIT

Name = Annotated[str, Path(max_length=200)]
Id = Annotated[str, Path(max_length=64)]
Filter = Annotated[str | None, Query(max_length=200)]

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Made by the client; the same key again answers with what the first call made.",
    ),
]
