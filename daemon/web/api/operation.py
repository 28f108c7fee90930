"""An operation of the API: its models and its handler, from which both the route and the documentation are made."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Generic, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel

from daemon.errors import Fault, InvalidError
from daemon.handlers.tokens import SCOPES
from daemon.storage.receipts import Receipt
from daemon.web.api.conditions import IF_MATCH, KEY, key_of, refuse_version, wanted_version
from daemon.web.api.models import BIGGEST_ID, Nothing
from daemon.web.api.reading import JSON, body_of, query_of
from daemon.web.api.uploads import Upload
from daemon.web.parts import PARTS, Visit, WebParts, visit_of
from daemon.web.problems import ScopeError, etag_of

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)

BASE: Final = "/api/v1"
PLACE: Final = re.compile(r"\{(\w+)\}")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """A request whose query and body hold what the models say. `if_match`: the version that the writer has seen."""

    request: web.Request
    parts: WebParts
    visit: Visit
    query: Q
    body: B
    if_match: int | None = None
    key: str | None = None
    raw: bytes = b""
    upload: Upload | None = None

    @property
    def id(self) -> int:
        """The {id} of the path. Raises HTTPNotFound for a number that no row can have."""
        return self.number("id")

    def number(self, name: str) -> int:
        """The number at this place of the path. Raises HTTPNotFound for one that no row can have."""
        number = int(self.request.match_info[name])
        if not 1 <= number <= BIGGEST_ID:
            raise web.HTTPNotFound
        return number

    @property
    def receipt(self) -> Receipt | None:
        """For `receipts.once`; None without an Idempotency-Key. Of an upload, use `receipt_over`."""
        assert self.upload is None
        return self.receipt_over(self.raw)

    def receipt_over(self, content: bytes) -> Receipt | None:
        """The receipt of a request whose body is this, or has this digest."""
        if self.key is None:
            return None
        what = f"{self.request.method} {self.request.raw_path}\n".encode(errors="surrogateescape")
        return Receipt(self.visit.who, self.key, sha256(what + content).hexdigest())

    def pieces(self) -> AsyncIterator[bytes]:
        """The body of an upload as it comes. Raises HTTPRequestEntityTooLarge."""
        assert self.upload is not None
        return self.upload.pieces(self.request)


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """What is sent back; with the status 204 without the body. `etag`: the version of what is told."""

    body: A
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: int | None = None


@dataclass(frozen=True, slots=True)
class Operation(Generic[Q, B, A]):
    """One row of the routes table.

    `path` is below /api/v1; each {place} in it is a number. `scope`: what a token needs, "": any token will do.
    `statuses`: those of success. `problems`: statuses besides those that all have. `idempotent`: takes an
    Idempotency-Key. `versioned`: answers with an ETag, and where it changes what its path names, takes If-Match.
    `upload`: the body is no JSON, and the handler reads it by `asked.pieces()`. `download`: media types of an answer
    that is no JSON; the handler gives a StreamResponse then, `answer` is Nothing.
    """

    method: Method
    path: str
    summary: str
    tag: str
    handler: Callable[[Asked[Q, B]], Awaitable[Answer[A] | web.StreamResponse]]
    answer: type[A]
    query: type[Q]
    body: type[B]
    _: KW_ONLY
    scope: str
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    idempotent: bool = False
    versioned: bool = False
    upload: Upload | None = None
    download: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert not self.scope or self.scope in SCOPES, self.scope

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    @property
    def conditional(self) -> bool:
        """Whether it takes If-Match."""
        return self.versioned and self.writes and bool(self.places)

    @property
    def takes_body(self) -> bool:
        """Whether a JSON body is expected."""
        return self.body is not Nothing

    @property
    def places(self) -> tuple[str, ...]:
        """The numbers that its path has."""
        return tuple(PLACE.findall(self.path))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Read the request, do it, and write the answer."""
        if not visit_of(request).may(self.scope):
            raise ScopeError(self.scope)
        asked = await self._read(request)
        try:
            answer = await self.handler(asked)
        except InvalidError as error:
            raise type(error)(tuple(map(self._placed, error.faults))) from error
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(
            body=None if answer.status == 204 else answer.body.model_dump_json().encode(),
            status=answer.status,
            content_type=None if answer.status == 204 else JSON,
            headers={**answer.headers, **({} if answer.etag is None else {"ETag": etag_of(answer.etag)})},
        )

    def _placed(self, fault: Fault) -> Fault:
        """With a JSON pointer where a use case names a field of the body."""
        in_body = self.takes_body and fault.where not in {KEY, IF_MATCH, *self.query.model_fields}
        return replace(fault, where=f"/{fault.where}") if in_body and not fault.where.startswith("/") else fault

    async def _read(self, request: web.Request) -> Asked[Q, B]:
        if self.writes and not self.conditional:
            refuse_version(request)
        query = query_of(request, self.query)
        version = wanted_version(request) if self.conditional else None
        key = key_of(request) if self.idempotent else None
        if self.upload is None:
            body, raw = await body_of(request, self.body)
        else:
            self.upload.admit(request)
            body, raw = self.body(), b""
        return Asked(request, request.app[PARTS], visit_of(request), query, body, version, key, raw, self.upload)


AnyOperation = Operation[Any, Any, Any]
