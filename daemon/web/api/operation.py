"""An operation of the API: its models and its handler, from which both the route and the documentation are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from daemon.web.api.models import BIGGEST_ID, Nothing
from daemon.web.parts import PARTS, Visit, WebParts, visit_of
from daemon.web.problems import Fault, InvalidError

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)

JSON: Final = "application/json"
BASE: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """A request whose query and body hold what the models say."""

    request: web.Request
    parts: WebParts
    visit: Visit
    query: Q
    body: B

    @property
    def id(self) -> int:
        """The {id} of the path. Raises HTTPNotFound for a number that no row can have."""
        number = int(self.request.match_info["id"])
        if number > BIGGEST_ID:
            raise web.HTTPNotFound
        return number


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """What is sent back."""

    body: A
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation(Generic[Q, B, A]):
    """One row of the routes table. `path` is below /api/v1; `problems` are statuses besides those that all have."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    tag: str
    handler: Callable[[Asked[Q, B]], Awaitable[Answer[A]]]
    answer: type[A]
    query: type[Q]
    body: type[B]
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()

    @property
    def takes_body(self) -> bool:
        """Whether a body is expected."""
        return self.body is not Nothing

    async def handle(self, request: web.Request) -> web.Response:
        """Read the request, do it, and write the answer."""
        query = _query(request, self.query)
        body = await _body(request, self.body)
        answer = await self.handler(Asked(request, request.app[PARTS], visit_of(request), query, body))
        return web.Response(
            body=answer.body.model_dump_json().encode(),
            status=answer.status,
            content_type=JSON,
            headers=answer.headers,
        )


def _query(request: web.Request, model: type[Q]) -> Q:
    twice = {name for name in request.query if len(request.query.getall(name)) > 1}
    if twice:
        raise InvalidError([Fault(where=name, what="given more than once") for name in sorted(twice)])
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise InvalidError(_faults(error, "")) from None


async def _body(request: web.Request, model: type[B]) -> B:
    """Raises HTTPUnsupportedMediaType, HTTPBadRequest (no JSON) and InvalidError (not what the model says)."""
    raw = await request.read()
    if model is Nothing:
        if raw.strip() not in {b"", b"{}"}:
            raise InvalidError([Fault(where="", what="no body is expected")])
        return model()
    if request.content_type != JSON and raw:
        raise web.HTTPUnsupportedMediaType(text=f"{JSON} is expected")
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            raise web.HTTPBadRequest(text="the body is no JSON in UTF-8") from None
        raise InvalidError(_faults(error, "/")) from None


def _faults(error: ValidationError, before: str) -> list[Fault]:
    return [
        Fault(where=before + "/".join(map(str, each["loc"])), what=each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


AnyOperation = Operation[Any, Any, Any]
