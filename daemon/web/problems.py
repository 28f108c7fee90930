"""Errors of the API as problem documents (RFC 9457), and those that only the web layer knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field

from daemon.errors import Fault, ForbiddenError, InvalidError, NotFoundError, RefusedError, StaleError

MEDIA_TYPE: Final = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457: what went wrong, for a program and for a person."""

    type: str = Field("about:blank", description="about:blank: the status says it all")
    title: str
    status: int
    detail: str = ""
    errors: tuple[Fault, ...] = Field((), description="each thing that is wrong: where, what, and which rule it breaks")


class MalformedError(InvalidError):
    """The request does not keep to the form of HTTP or JSON: a header, a body that is none."""


class ScopeError(ForbiddenError):
    """This token was not made for that."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this token has not the scope {scope}")
        self.scope = scope


def problem(
    status: int, detail: str = "", faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> web.Response:
    """A problem document as an answer."""
    told = Problem(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, errors=tuple(faults)
    )
    body = json.dumps(told.model_dump(exclude_defaults=False), ensure_ascii=True)
    return web.Response(body=body.encode(), status=status, content_type=MEDIA_TYPE, headers=headers)


def problem_of(error: Exception, *, conditional: bool = False) -> web.Response:
    """The problem document that tells this error. `conditional`: the request came with If-Match (RFC 9110, 13.1.1)."""
    match error:
        case web.HTTPException():
            return problem(error.status, _words_of(error), headers=_kept_headers(error))
        case StaleError():
            where = "If-Match" if conditional else "/version"
            faults = [Fault(where, str(error), "stale")]
            return problem(412 if conditional else 409, str(error), faults, {"ETag": etag_of(error.version)})
        case InvalidError():
            malformed = isinstance(error, MalformedError)
            detail = "the request is not well formed" if malformed else "the request says what is not allowed"
            return problem(status_of(error), detail, error.faults)
        case ScopeError():
            faults = [Fault("Authorization", str(error), "scope")]
            headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{error.scope}"'}
            return problem(403, str(error), faults, headers)
    return problem(status_of(error), str(error))


def etag_of(version: int) -> str:
    """A version as a strong entity tag (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def status_of(error: Exception) -> int:
    """The HTTP status by which an error is told; 500 for one that nobody expected."""
    match error:
        case web.HTTPException():
            return error.status
        case NotFoundError():
            return 404
        case ForbiddenError():
            return 403
        case RefusedError() | StaleError():
            return 409
        case MalformedError():
            return 400
        case InvalidError():
            return 422
    return 500


def _words_of(error: web.HTTPException) -> str:
    """What was said beyond the status, which aiohttp repeats as the text when nothing was."""
    text = error.text or ""
    return "" if text == f"{error.status}: {error.reason}" else text


def _kept_headers(error: web.HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.headers.items() if name in {"Allow", "Retry-After"}}
