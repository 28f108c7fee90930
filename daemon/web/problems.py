"""Errors of the API as problem documents (RFC 9457), and those that only the web layer knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field

from daemon.errors import ForbiddenError, NotFoundError, RefusedError

MEDIA_TYPE: Final = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="query parameter, header, or JSON pointer into the body")
    what: str


class Problem(BaseModel):
    """RFC 9457: what went wrong, for a program and for a person."""

    type: str = Field("about:blank", description="about:blank: the status says it all")
    title: str
    status: int
    detail: str = ""
    errors: tuple[Fault, ...] = Field((), description="each thing that is wrong, where there are several")


class InvalidError(Exception):
    """The request is well formed and still says what is not allowed."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.what}" for fault in faults))
        self.faults = tuple(faults)


def problem(
    status: int, detail: str = "", faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> web.Response:
    """A problem document as an answer."""
    told = Problem(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, errors=tuple(faults)
    )
    body = json.dumps(told.model_dump(exclude_defaults=False), ensure_ascii=True)
    return web.Response(body=body.encode(), status=status, content_type=MEDIA_TYPE, headers=headers)


def status_of(error: Exception) -> int:
    """The HTTP status by which an error is told; 500 for one that nobody expected."""
    match error:
        case web.HTTPException():
            return error.status
        case NotFoundError():
            return 404
        case ForbiddenError():
            return 403
        case RefusedError():
            return 409
        case InvalidError():
            return 422
    return 500
