"""Customers and their numbers: one, a list by folded name, and who it is that calls from a number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from daemon.orders.customer import Customer, fold_name, twin_key
from daemon.orders.number import Number
from daemon.storage.lists import Sight
from daemon.storage.tables import CustomerNumberRow, CustomerRow, TeamRow

MOST_CANDIDATES: Final = 100
_BEYOND: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class NamePlace:
    """Where a reader is in a list of customers: the one that he saw last. Lists go by team, folded name and id."""

    team_id: int
    name_key: str
    id: int


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """Some customers, and where the next ones begin; None: that was all."""

    rows: Sequence[CustomerRow]
    next: NamePlace | None


async def customer(session: AsyncSession, sight: Sight, customer_id: int, *, lock: bool = False) -> CustomerRow | None:
    """One customer; `lock`: until the end of the transaction nobody else changes him."""
    query = select(CustomerRow).where(CustomerRow.id == customer_id, sight.of_team(CustomerRow.team_id))
    return await session.scalar(query.with_for_update() if lock else query)


async def customers(
    session: AsyncSession,
    sight: Sight,
    *,
    name: str = "",
    number: Number | None = None,
    after: NamePlace | None = None,
    limit: int = 50,
) -> CustomerPage:
    """Customers whose name begins like this in any case, or who have this number, by folded name."""
    query = select(CustomerRow).where(_of(sight, CustomerRow.team_id))
    prefix = fold_name(name)
    if prefix:
        query = query.where(CustomerRow.name_key >= prefix, CustomerRow.name_key < prefix + _BEYOND)
    if number is not None:
        query = query.where(CustomerRow.id.in_(_having(number, sight)))
    order = (CustomerRow.team_id, CustomerRow.name_key, CustomerRow.id)
    if after is not None and sight.team_id is None:
        query = query.where(tuple_(*order) > tuple_(after.team_id, after.name_key, after.id))
    elif after is not None:
        query = query.where(tuple_(*order[1:]) > tuple_(after.name_key, after.id))
    query = query.order_by(*order).limit(limit + 1)
    rows = (await session.scalars(query)).all()
    if len(rows) <= limit:
        return CustomerPage(rows, None)
    last = rows[limit - 1]
    return CustomerPage(rows[:limit], NamePlace(last.team_id, last.name_key, last.id))


async def customers_of_number(
    session: AsyncSession, team_id: int, number: Number, limit: int = MOST_CANDIDATES
) -> Sequence[CustomerRow]:
    """Every customer of a team who may be calling from this number, by folded name; a hidden number is nobody's.

    Equal E.164; where the stored number or this one has none, equal last digits.
    """
    if number.hidden:
        return ()
    query = select(CustomerRow).where(CustomerRow.id.in_(_having(number, Sight(team_id))))
    return (await session.scalars(query.order_by(CustomerRow.name_key, CustomerRow.id).limit(limit))).all()


async def numbers_of(session: AsyncSession, customer_ids: Collection[int]) -> Mapping[int, Sequence[CustomerNumberRow]]:
    """The numbers of each of these customers, the first one first."""
    found: dict[int, list[CustomerNumberRow]] = {id_: [] for id_ in customer_ids}
    query = select(CustomerNumberRow).where(CustomerNumberRow.customer_id.in_(found)).order_by(CustomerNumberRow.id)
    for row in (await session.scalars(query)).all():
        found[row.customer_id].append(row)
    return found


def key_of(row: CustomerNumberRow) -> str | None:
    """What is equal for the same number (`Number.key`)."""
    return Number(row.raw, row.e164, row.tail).key


async def has_reference(session: AsyncSession, team_id: int, reference: str) -> int | None:
    """The customer of this reference."""
    query = select(CustomerRow.id).where(CustomerRow.team_id == team_id, CustomerRow.reference == reference)
    return await session.scalar(query)


async def add(session: AsyncSession, team_id: int, new: Customer, at: datetime) -> CustomerRow:
    """A new customer with his numbers. The database refuses a reference that is taken (IntegrityError)."""
    row = CustomerRow(
        team_id=team_id,
        kind=new.kind,
        reference=new.reference,
        name=new.name,
        name_key=fold_name(new.name),
        twin=new.twin,
        email=new.email,
        address=new.address,
        note=new.note,
        created_at=at,
    )
    session.add(row)
    await session.flush()
    await add_numbers(session, row, new.numbers)
    return row


async def add_numbers(session: AsyncSession, row: CustomerRow, numbers: Collection[Number]) -> None:
    """Further numbers of a customer."""
    for number in numbers:
        session.add(number_row(row.team_id, row.id, number))
        await session.flush()  # one by one: which one is his first tells who he is


async def remove_numbers(session: AsyncSession, number_ids: Collection[int]) -> None:
    """These numbers are nobody's any more."""
    await session.execute(delete(CustomerNumberRow).where(CustomerNumberRow.id.in_(number_ids)))


async def rename(session: AsyncSession, row: CustomerRow) -> None:
    """Set what follows from his name and his numbers, after either changed."""
    numbers = (await numbers_of(session, [row.id]))[row.id]
    row.name_key = fold_name(row.name)
    row.twin = twin_key(row.name, key_of(numbers[0]) if numbers else None)


def number_row(team_id: int, customer_id: int, number: Number) -> CustomerNumberRow:
    """A number as it is stored."""
    return CustomerNumberRow(
        team_id=team_id, customer_id=customer_id, raw=number.raw, e164=number.e164, tail=number.tail
    )


def _of(sight: Sight, column: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Rows of his team; who sees all sees each of them by name, so that indexes that begin with the team serve."""
    return column == sight.team_id if sight.team_id is not None else column.in_(select(TeamRow.id))


def _having(number: Number, sight: Sight) -> Select[Any] | CompoundSelect[Any]:
    """Who has this number: two queries, because a database that knows little would answer `or` by reading the team."""
    found = select(CustomerNumberRow.customer_id).where(_of(sight, CustomerNumberRow.team_id))
    same_end = found.where(CustomerNumberRow.tail == number.tail)
    if number.e164 is None:
        return same_end
    unknown = func.coalesce(CustomerNumberRow.e164, "") == ""  # not by the index of e164: many may have none
    return found.where(CustomerNumberRow.e164 == number.e164).union(same_end.where(unknown))
