"""Customers are created and changed by those who work with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, ForbiddenError, InvalidError, NotFoundError, RefusedError, StaleError
from daemon.handlers.person import Person
from daemon.handlers.world import TeamView, World
from daemon.orders.customer import KINDS, LONGEST, Dialling, Draft, read_customer, read_kind, read_numbers, read_text
from daemon.storage import customers, search
from daemon.storage.engine import Store
from daemon.storage.lists import Sight
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import CustomerRow


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None: it stays. Numbers are added and removed one by one, as somebody wrote them."""

    kind: str | None = None
    reference: str | None = None
    name: str | None = None
    email: str | None = None
    address: str | None = None
    note: str | None = None
    add_numbers: tuple[str, ...] = ()
    remove_numbers: tuple[str, ...] = ()


def team_to_write(world: World, person: Person) -> TeamView:
    """The team whose customers he may write. Raises ForbiddenError."""
    if person.kind not in {"agent", "system"} or person.team_id is None:
        message = "only agents, group admins and systems with a token write customers"
        raise ForbiddenError(message)
    return world.teams[person.team_id]


def dialling_of(team: TeamView) -> Dialling:
    """How this team reads numbers."""
    return Dialling(team.region, team.last_digits)


async def create(
    store: Store, world: World, person: Person, draft: Draft, at: datetime, receipt: Receipt | None = None
) -> tuple[int, bool]:
    """The id of a new customer, and whether he was made now (False: by an earlier request with this receipt).

    Raises ForbiddenError, InvalidError, RefusedError (the reference is taken).
    """
    team = team_to_write(world, person)
    new = read_customer(draft, dialling_of(team))

    async def make() -> int:
        await _refuse_taken(session, team.id, new.reference)
        return (await customers.add(session, team.id, new, at)).id

    try:
        async with store.write() as session:
            return await once(session, receipt, at, make)
    except IntegrityError:
        message = f"the reference {new.reference} is another customer's since this moment"
        raise RefusedError(message) from None


async def change(
    store: Store, world: World, person: Person, customer_id: int, version: int | None, changes: Changes
) -> int:
    """The customer's version afterwards; the same one where nothing is different.

    `version` is the one that the writer has seen; None: whichever. Raises NotFoundError, ForbiddenError, StaleError,
    InvalidError, RefusedError (the reference is taken).
    """
    try:
        async with store.write() as session:
            row = await customers.customer(session, Sight(person.team_id), customer_id, lock=True)
            if row is None:
                message = f"there is no customer {customer_id}"
                raise NotFoundError(message)
            team = team_to_write(world, person)
            if version not in {None, row.version}:
                raise StaleError(row.version)
            if await _apply(session, row, changes, dialling_of(team)):
                row.version += 1
                await session.flush()
            return row.version
    except IntegrityError:
        message = f"the reference {changes.reference} is another customer's since this moment"
        raise RefusedError(message) from None


async def _apply(session: AsyncSession, row: CustomerRow, changes: Changes, dialling: Dialling) -> bool:
    texts = _read_texts(changes)
    different = {field: value for field, value in texts.items() if getattr(row, field) != value}
    if "reference" in different:
        await _refuse_taken(session, row.team_id, different["reference"])
    renumbered = await _renumber(session, row, changes, dialling)
    for field, value in different.items():
        setattr(row, field, value)
    await session.flush()
    if "name" in different or renumbered:
        await customers.rename(session, row)
        await search.index_again(session, await search.orders_of_customer(session, row.id))
    return bool(different) or renumbered


def _read_texts(changes: Changes) -> dict[str, str | None]:
    faults: list[Fault] = []
    texts: dict[str, str | None] = {}
    for field in LONGEST:
        written = getattr(changes, field)
        if written is None:
            continue
        try:
            texts[field] = read_text(field, written)
        except InvalidError as error:
            faults += error.faults
    for field in ("reference", "email"):
        if field in texts:
            texts[field] = texts[field] or None
    if changes.kind is not None:
        texts["kind"] = read_kind(changes.kind)
        if texts["kind"] is None:
            faults.append(Fault("/kind", f"there are {' and '.join(KINDS)}", "option"))
    if faults:
        raise InvalidError(faults)
    return texts


async def _renumber(session: AsyncSession, row: CustomerRow, changes: Changes, dialling: Dialling) -> bool:
    """Whether his numbers are others now. Raises InvalidError."""
    added = read_numbers(changes.add_numbers, dialling, "/add_numbers")
    removed = read_numbers(changes.remove_numbers, dialling, "/remove_numbers")
    if not (added or removed):
        return False
    ids = {customers.key_of(known): known.id for known in (await customers.numbers_of(session, [row.id]))[row.id]}
    missing = [n for n, number in enumerate(removed) if number.key not in ids]
    staying = ids.keys() - {number.key for number in removed}
    there = [n for n, number in enumerate(added) if number.key in staying]
    faults = [Fault(f"/remove_numbers/{n}", "the customer has no such number", "no_such_number") for n in missing]
    faults += [Fault(f"/add_numbers/{n}", "the customer has this number already", "number_twice") for n in there]
    if faults:
        raise InvalidError(faults)
    await customers.remove_numbers(session, [ids[number.key] for number in removed])
    await customers.add_numbers(session, row, added)
    return True


async def _refuse_taken(session: AsyncSession, team_id: int, reference: str | None) -> None:
    holder = await customers.has_reference(session, team_id, reference) if reference else None
    if holder is not None:
        message = f"the reference {reference} is that of customer {holder}"
        raise RefusedError(message)
