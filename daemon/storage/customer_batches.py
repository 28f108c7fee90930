"""Many customers at once: those who are known are brought up to date, the others are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from daemon.orders.customer import Customer, fold_name, twin_key
from daemon.orders.customer_csv import Row
from daemon.storage.customers import key_of, number_row, numbers_of
from daemon.storage.tables import CustomerNumberRow, CustomerRow, TeamRow


@dataclass(frozen=True, slots=True)
class Counts:
    """How many customers were added, and how many changed."""

    created: int = 0
    updated: int = 0

    def __add__(self, more: Counts) -> Counts:
        return Counts(self.created + more.created, self.updated + more.updated)


NOTHING: Final = Counts()


async def alone(session: AsyncSession, team_id: int) -> None:
    """Until the end of the transaction no other import writes customers of this team."""
    await session.execute(select(TeamRow.id).where(TeamRow.id == team_id).with_for_update(key_share=True))


async def look_again(session: AsyncSession) -> None:
    """Let PostgreSQL see what was written so far, which it does by itself after the transaction only.

    A plan that was right for the first hundred customers would read the whole team for each further hundred.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("ANALYZE customer, customer_number"))


async def merge(session: AsyncSession, team_id: int, rows: Sequence[Row], at: datetime) -> Counts:
    """Write some customers, none of whom is twice among them.

    A reference that is known, or without a reference the twin key, tells that a customer is known already: he gets
    what the row says and he has not, and keeps what the row does not say. Raises IntegrityError when somebody else
    has just taken a reference.
    """
    by_reference, by_twin = await _known(session, team_id, rows)
    fresh: list[Customer] = []
    known: list[tuple[CustomerRow, Row]] = []
    for row in rows:
        new = row.customer
        found = by_reference.get(new.reference) if new.reference is not None else by_twin.get(new.twin)
        if found is None:
            fresh.append(new)
        else:
            known.append((found, row))
    await _insert(session, team_id, fresh, at)
    return Counts(len(fresh), await _update(session, known))


async def _known(
    session: AsyncSession, team_id: int, rows: Sequence[Row]
) -> tuple[Mapping[str | None, CustomerRow], Mapping[str | None, CustomerRow]]:
    """The customers of these rows, locked: by reference and by twin key, the oldest where there are several."""
    references = [row.customer.reference for row in rows if row.customer.reference is not None]
    twins = [row.customer.twin for row in rows if row.customer.reference is None]
    by_reference = await _having(session, team_id, CustomerRow.reference, references)
    by_twin = await _having(session, team_id, CustomerRow.twin, twins)
    return {row.reference: row for row in by_reference}, {row.twin: row for row in by_twin}


async def _having(
    session: AsyncSession, team_id: int, column: InstrumentedAttribute[str | None], keys: Sequence[str]
) -> Sequence[CustomerRow]:
    """The customers with one of these values there, locked, the youngest first."""
    if not keys:
        return ()
    query = select(CustomerRow).where(CustomerRow.team_id == team_id, column.in_(keys))
    return (await session.scalars(query.order_by(CustomerRow.id.desc()).with_for_update())).all()


async def _insert(session: AsyncSession, team_id: int, new: Sequence[Customer], at: datetime) -> None:
    if not new:
        return
    ids = await _fresh_ids(session, len(new))
    people = [{"id": id_, **_values(team_id, customer, at)} for id_, customer in zip(ids, new, strict=True)]
    numbers = [
        {"team_id": team_id, "customer_id": id_, "raw": number.raw, "e164": number.e164, "tail": number.tail}
        for id_, customer in zip(ids, new, strict=True)
        for number in customer.numbers
    ]
    await session.execute(insert(CustomerRow), people)
    if numbers:
        await session.execute(insert(CustomerNumberRow), numbers)


async def _fresh_ids(session: AsyncSession, n: int) -> Sequence[int]:
    """Ids that nobody has: taken beforehand, so that rows go to the database in heaps and not one by one."""
    if session.get_bind().dialect.name == "sqlite":  # which has one writer, and this is he
        last = await session.scalar(select(func.max(CustomerRow.id))) or 0
        return range(last + 1, last + 1 + n)
    sequence = func.pg_get_serial_sequence(CustomerRow.__tablename__, "id")
    return (await session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, n)))).all()


def _values(team_id: int, new: Customer, at: datetime) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "kind": new.kind,
        "reference": new.reference,
        "name": new.name,
        "name_key": fold_name(new.name),
        "twin": new.twin,
        "email": new.email,
        "address": new.address,
        "note": new.note,
        "created_at": at,
    }


async def _update(session: AsyncSession, known: Sequence[tuple[CustomerRow, Row]]) -> int:
    """How many of them changed."""
    numbers = await numbers_of(session, {customer.id for customer, _ in known}) if known else {}
    first = {id_: key_of(rows[0]) if rows else None for id_, rows in numbers.items()}
    keys = {id_: set(map(key_of, rows)) for id_, rows in numbers.items()}
    changed = set()
    for customer, row in known:
        missing = [number for number in row.customer.numbers if number.key not in keys[customer.id]]
        if not (_say(customer, row) or missing):
            continue
        keys[customer.id].update(number.key for number in missing)
        if missing and first[customer.id] is None:
            first[customer.id] = missing[0].key
        customer.name_key = fold_name(customer.name)
        customer.twin = twin_key(customer.name, first[customer.id])
        session.add_all(number_row(customer.team_id, customer.id, number) for number in missing)
        changed.add(customer)
    for customer in changed:
        customer.version += 1
    await session.flush()
    return len(changed)


def _say(customer: CustomerRow, row: Row) -> bool:
    """Take over what the row says; whether anything is different now."""
    new = row.customer
    said: dict[str, Any] = {"name": new.name, "email": new.email, "address": new.address, "note": new.note}
    if row.says_kind:
        said["kind"] = new.kind
    different = {field: value for field, value in said.items() if value and getattr(customer, field) != value}
    for field, value in different.items():
        setattr(customer, field, value)
    return bool(different)
