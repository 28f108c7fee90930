"""Customers: list, create, one, change; a file of them, and how its import goes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO, Final

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, InvalidError, NotFoundError
from daemon.handlers import customers
from daemon.handlers.customer_check import Source, count_lines
from daemon.handlers.customers import Changes
from daemon.orders.customer import Draft
from daemon.orders.number import Number, read_number
from daemon.storage import customer_imports
from daemon.storage import customers as rows
from daemon.storage.customers import NamePlace
from daemon.storage.tables import CustomerImportRow, CustomerNumberRow, CustomerRow
from daemon.web.api.customer_models import (
    Customer,
    CustomerChange,
    CustomerImport,
    CustomerNumber,
    Customers,
    CustomersQuery,
    ImportFault,
    ImportQuery,
    NewCustomer,
)
from daemon.web.api.models import BIGGEST_ID, Nothing
from daemon.web.api.operation import BASE, Answer, Asked
from daemon.web.parts import Visit, WebParts

NO_ROOM: Final = "web.no_room_for_import"

log = structlog.get_logger()


async def list_customers(asked: Asked[CustomersQuery, Nothing]) -> Answer[Customers]:
    """GET /customers. Raises InvalidError for a number or a cursor that is none."""
    query = asked.query
    number = None if query.number is None else _number(asked.parts, asked.visit, query.number)
    after = None if query.cursor is None else from_name_cursor(query.cursor)
    async with asked.parts.store.read() as session:
        page = await rows.customers(
            session, asked.visit.sight, name=query.name, number=number, after=after, limit=query.limit
        )
        items = await _told(session, page.rows)
    return Answer(Customers(items=items, next=to_name_cursor(page.next) if page.next else None))


async def create_customer(asked: Asked[Nothing, NewCustomer]) -> Answer[Customer]:
    """POST /customers. Raises as `handlers.customers.create` does."""
    parts, body = asked.parts, asked.body
    draft = Draft(
        name=body.name,
        kind=body.kind,
        reference=body.reference or "",
        email=body.email or "",
        address=body.address,
        note=body.note,
        numbers=body.numbers,
    )
    id_, made = await customers.create(
        parts.store, parts.world(), asked.visit.person, draft, parts.clock(), asked.receipt
    )
    told = await _read(parts, asked.visit, id_)
    return Answer(told, 201 if made else 200, {"Location": f"{BASE}/customers/{id_}"}, etag=told.version)


async def show_customer(asked: Asked[Nothing, Nothing]) -> Answer[Customer]:
    """GET /customers/{id}. Raises NotFoundError."""
    told = await _read(asked.parts, asked.visit, asked.id)
    return Answer(told, etag=told.version)


async def change_customer(asked: Asked[Nothing, CustomerChange]) -> Answer[Customer]:
    """PATCH /customers/{id}. Raises as `handlers.customers.change` does."""
    parts, body = asked.parts, asked.body
    emptied = dict.fromkeys(body.model_fields_set & {"reference", "email", "address", "note"}, "")
    changes = Changes(**{**emptied, **body.model_dump(exclude_none=True)})
    await customers.change(parts.store, parts.world(), asked.visit.person, asked.id, asked.if_match, changes)
    told = await _read(parts, asked.visit, asked.id)
    return Answer(told, etag=told.version)


async def import_customers(asked: Asked[ImportQuery, Nothing]) -> Answer[CustomerImport]:
    """POST /customers/import. Raises ForbiddenError, InvalidError, RefusedError (too many imports wait)."""
    parts, person, query = asked.parts, asked.visit.person, asked.query
    world = parts.world()
    team = customers.team_to_write(world, person)
    file, digest, lines = await _spool(asked)
    source = Source(file, query.name, team, query.kind, lines)
    id_, made = await parts.imports.submit(world, person, source, asked.receipt_over(digest))
    told = await _read_import(parts, asked.visit, id_)
    return Answer(told, 202 if made else 200, {"Location": f"{BASE}/customers/imports/{id_}"})


async def show_customer_import(asked: Asked[Nothing, Nothing]) -> Answer[CustomerImport]:
    """GET /customers/imports/{id}. Raises NotFoundError."""
    return Answer(await _read_import(asked.parts, asked.visit, asked.id))


async def _spool(asked: Asked[ImportQuery, Nothing]) -> tuple[IO[bytes], bytes, int]:
    """The body as a file without a name, its digest and its lines. Raises HTTPInsufficientStorage."""
    digest, lines = sha256(), 0
    file: IO[bytes] | None = None
    try:
        asked.parts.imports.folder.mkdir(parents=True, exist_ok=True)
        file = TemporaryFile(dir=asked.parts.imports.folder)  # noqa: SIM115 (closed by who is done with it)
        async for piece in asked.pieces():
            file.write(piece)
            digest.update(piece)
            lines += count_lines(piece)
        file.seek(0)
    except BaseException as problem:
        if file is not None:
            file.close()
        if isinstance(problem, OSError) and problem.errno is not None:
            log.error(NO_ROOM, problem=problem.strerror)
            raise web.HTTPInsufficientStorage from None
        raise
    return file, digest.digest(), lines


def _number(parts: WebParts, visit: Visit, raw: str) -> Number:
    """A number as his team reads it; a system admin has none, and says it in full. Raises InvalidError."""
    team = parts.world().teams.get(visit.person.team_id or 0)
    number = read_number(raw, team.region if team else "ZZ", team.last_digits if team else 8)
    if number.hidden:
        raise InvalidError([Fault("number", "this number has no digits", "number")])
    return number


async def _read(parts: WebParts, visit: Visit, customer_id: int) -> Customer:
    async with parts.store.read() as session:
        row = await rows.customer(session, visit.sight, customer_id)
        if row is None:
            message = f"there is no customer {customer_id}"
            raise NotFoundError(message)
        return (await _told(session, [row]))[0]


async def _told(session: AsyncSession, found: Iterable[CustomerRow]) -> tuple[Customer, ...]:
    people = tuple(found)
    numbers = await rows.numbers_of(session, [row.id for row in people])
    return tuple(_customer(row, numbers[row.id]) for row in people)


def _customer(row: CustomerRow, numbers: Iterable[CustomerNumberRow]) -> Customer:
    return Customer(
        id=row.id,
        team_id=row.team_id,
        kind="enterprise" if row.kind == "enterprise" else "individual",
        reference=row.reference,
        name=row.name,
        email=row.email,
        address=row.address,
        note=row.note,
        numbers=tuple(CustomerNumber(number=each.raw, e164=each.e164) for each in numbers),
        created_at=row.created_at,
        version=row.version,
    )


async def _read_import(parts: WebParts, visit: Visit, import_id: int) -> CustomerImport:
    async with parts.store.read() as session:
        row = await customer_imports.one(session, visit.sight, import_id)
    if row is None:
        message = f"there is no import {import_id}"
        raise NotFoundError(message)
    return _import(row)


def _import(row: CustomerImportRow) -> CustomerImport:
    return CustomerImport(
        id=row.id,
        team_id=row.team_id,
        name=row.name,
        state=row.state,
        lines=row.lines,
        seen=row.seen,
        created=row.created,
        updated=row.updated,
        error_count=row.error_count,
        errors=tuple(ImportFault(line=line, column=column, what=what) for line, column, what in row.errors),
        began_by=row.began_by,
        began_at=row.began_at,
        ended_at=row.ended_at,
    )


def to_name_cursor(place: NamePlace) -> str:
    """A place in a list of customers as text."""
    text = json.dumps([place.team_id, place.name_key, place.id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_name_cursor(cursor: str) -> NamePlace:
    """The place that a text means. Raises InvalidError for one that we did not give out."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        team_id, name_key, id_ = told
        ids = isinstance(team_id, int) and isinstance(id_, int) and 0 < team_id <= BIGGEST_ID and 0 < id_ <= BIGGEST_ID
        if not ids or not isinstance(name_key, str) or "\0" in name_key or len(name_key) > 200:
            raise ValueError
        name_key.encode()
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise InvalidError([Fault("cursor", "this is no cursor of ours", "cursor")]) from None
    return NamePlace(team_id, name_key, id_)
