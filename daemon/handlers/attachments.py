"""Files of orders: taken in, listed, given out, and swept when nobody speaks of them.

The bytes are on disk before the transaction that speaks of them begins, so a row never lacks its file; a file without
a row (the transaction failed, the process died) is swept an hour later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, InvalidError, NotFoundError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.terms import by_of, terms_of
from daemon.handlers.work_orders import step, visible
from daemon.handlers.world import World
from daemon.orders import transitions
from daemon.orders.attachment import ENDINGS, check_ending, file_name, media_type
from daemon.orders.commands import Action, Attach
from daemon.orders.permissions import roles_of
from daemon.settings import attachments_folder
from daemon.settings.models import Main
from daemon.storage import attachments, files, work_orders
from daemon.storage.engine import Store
from daemon.storage.files import Parcel, Tray
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import AttachmentRow, WorkOrderRow

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Depot:
    """Where files are kept, and which are taken: `most_bytes` of one, `most_files` of an order, endings of names."""

    folder: Path
    most_bytes: int = 20 * MEGABYTE
    most_files: int = 50
    endings: frozenset[str] = frozenset(ENDINGS)


def depot_of(main: Main, folder: Path) -> Depot:
    """As it is configured; `folder` is the configuration's."""
    told = main.attachments
    most_bytes = int(told.max_size_mb * MEGABYTE)
    return Depot(attachments_folder(main, folder), most_bytes, told.max_per_order, frozenset(told.extensions))


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is there whole, under the name and of the kind that it will have."""

    name: str
    media_type: str
    parcel: Parcel


@dataclass(slots=True)
class Arrivals:
    """The files of one request, in the order in which they come."""

    depot: Depot
    tray: Tray
    files: list[Arrived] = field(default_factory=list)

    async def take(self, raw_name: str, pieces: AsyncIterable[bytes]) -> None:
        """Take a file in. Raises KindError, TooLargeError, NoRoomError, RefusedError (too many)."""
        if len(self.files) >= self.depot.most_files:
            raise RefusedError(_too_many(self.depot))
        name = file_name(raw_name)
        check_ending(name, self.depot.endings)
        parcel = await self.tray.take(pieces, self.depot.most_bytes)
        self.files.append(Arrived(name, media_type(name, parcel.head), parcel))


@asynccontextmanager
async def arriving(depot: Depot) -> AsyncIterator[Arrivals]:
    """Take files in; those that `attach` did not keep are gone at the end."""
    async with Tray(depot.folder) as tray:
        yield Arrivals(depot, tray)


async def allow(store: Store, world: World, person: Person, order_id: int, upload_field: str | None) -> None:
    """Whether he may attach a file now, asked before the bytes are read.

    Raises NotFoundError, NotAllowedError, IllegalStepError, InvalidError (no such upload field).
    """
    async with store.read() as session:
        row = await _seen(session, world, person, order_id)
        order, terms = await work_orders.read(session, row), await terms_of(session, world, row)
        transitions.check(order, Action.ATTACH, by_of(person), terms)
        _check_field(world, row, upload_field)


async def attach(
    store: Store,
    world: World,
    person: Person,
    order_id: int,
    arrivals: Arrivals,
    upload_field: str | None,
    receipt: Receipt | None,
    at: datetime,
) -> tuple[Sequence[AttachmentRow], bool, tuple[News, ...]]:
    """Add files to an order, all or none; with `upload_field` the one file becomes that field's value.

    Gives the rows, and whether they were made now or by an earlier request with this receipt. Raises as `allow` does,
    and RefusedError (too many), NoRoomError.
    """
    for each in arrivals.files:
        await arrivals.tray.keep(each.parcel)
    async with store.write() as session:
        told: list[News] = []
        order = await visible(session, world, by_of(person), order_id)

        async def make() -> int:
            _check_field(world, order, upload_field)
            if await attachments.count(session, order_id) + len(arrivals.files) > arrivals.depot.most_files:
                raise RefusedError(_too_many(arrivals.depot))
            ids = []
            for each in arrivals.files:
                added = await _add(session, order, each, upload_field, person, at)
                ids.append(added.id)
                told.extend(await _trace(session, world, order, added, person, at))
            return ids[0]

        first, made = await once(session, receipt, at, make)
        rows = await attachments.of_one_request(session, first, len(arrivals.files))
        return rows, made, tuple(told)


async def _add(
    session: AsyncSession, order: WorkOrderRow, file: Arrived, upload_field: str | None, person: Person, at: datetime
) -> AttachmentRow:
    row = AttachmentRow(
        order_id=order.id,
        field=upload_field or "",
        name=file.name,
        media_type=file.media_type,
        size=file.parcel.size,
        sha256=file.parcel.sha256,
        added_by=person.agent.id if person.agent else None,
        added_at=at,
    )
    session.add(row)
    await session.flush()
    return row


async def _trace(
    session: AsyncSession, world: World, order: WorkOrderRow, added: AttachmentRow, person: Person, at: datetime
) -> tuple[News, ...]:
    """The history's entry, which holds the checksum too, and the value of the upload field."""
    changes: dict[str, tuple[Any, Any]] = {"attachment": (None, [added.id, added.sha256])}
    if added.field:
        values = await work_orders.read_values(session, order.id)
        changes[f"fields.{added.field}"] = (values.get(added.field, ""), str(added.id))
        await work_orders.save_fields(session, order.id, {added.field: str(added.id)})
    return await step(session, world, order, Attach(note=added.name, changes=changes), by_of(person), at)


async def list_of_order(store: Store, world: World, person: Person, order_id: int) -> Sequence[AttachmentRow]:
    """The files of an order, oldest first. Raises NotFoundError."""
    async with store.read() as session:
        await _seen(session, world, person, order_id)
        return await attachments.of_order(session, order_id)


async def find(store: Store, world: World, person: Person, attachment_id: int) -> AttachmentRow:
    """One file, for who sees its order. Raises NotFoundError."""
    message = f"there is no attachment {attachment_id}"
    async with store.read() as session:
        row = await session.get(AttachmentRow, attachment_id)
        if row is None:
            raise NotFoundError(message)
        try:
            await _seen(session, world, person, row.order_id)
        except NotFoundError:
            raise NotFoundError(message) from None
        return row


async def sweep(store: Store, depot: Depot, at: datetime) -> int:
    """Remove what no row speaks of and is older than an hour; how many files. At start, and once an hour."""

    async def known(checksums: Collection[str]) -> Set[str]:
        async with store.read() as session:
            return await attachments.known(session, checksums)

    return await files.sweep(depot.folder, known, at.timestamp())


async def verify(store: Store, depot: Depot) -> AsyncIterator[tuple[int, str, str]]:
    """Files that are not as they were: (id, name, `missing` or `corrupt`). Reads all of them."""
    async with store.read() as session:
        everything = await attachments.every(session)
    for id_, name, sha256 in everything:
        sound = await asyncio.to_thread(files.is_sound, depot.folder, sha256)
        if not sound:
            yield id_, name, "missing" if sound is None else "corrupt"


async def _seen(session: AsyncSession, world: World, person: Person, order_id: int) -> WorkOrderRow:
    """An order that he may know of. Raises NotFoundError."""
    row = await session.get(WorkOrderRow, order_id)
    if row is None or not roles_of(await work_orders.read(session, row), by_of(person), world.groups):
        message = f"there is no work order {order_id}"
        raise NotFoundError(message)
    return row


def _check_field(world: World, order: WorkOrderRow, upload_field: str | None) -> None:
    if upload_field is None:
        return
    fields = world.template(order.template_id, order.flow_version).fields
    uploads = [each.identity for each in fields if each.type == "upload"]
    if upload_field not in uploads:
        what = f"this order has no such upload field; allowed: {', '.join(uploads) or 'none'}"
        raise InvalidError([Fault("field", what, "unknown_field")])


def _too_many(depot: Depot) -> str:
    return f"an order has at most {depot.most_files} files"
