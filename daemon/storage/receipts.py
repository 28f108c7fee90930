"""Receipts of requests that carried an Idempotency-Key: what was asked once is done once, however often it is sent.

The row is written in the transaction of the business, so that both are there or neither. A second request with the
same key waits for the first (PostgreSQL by the primary key, SQLite by having one writer) and gets what that made; when
the first was rolled back, it is done now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, InvalidError
from daemon.storage.tables import ReceiptRow

KEPT: Final = timedelta(hours=48)
AT_MOST: Final = 50  # old rows that one request sweeps away


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who sent which key with which request; `fingerprint` is the SHA-256 of method, address and body, in hex."""

    who: str
    key: str
    fingerprint: str


async def once(
    session: AsyncSession, receipt: Receipt | None, at: datetime, make: Callable[[], Awaitable[int]]
) -> tuple[int, bool]:
    """The id of what `make` made, and whether it was made now; False: an earlier request with this receipt did.

    Without a receipt it is made. Raises InvalidError when the key came before with another request, and what `make`
    raises.
    """
    if receipt is None:
        return await make(), True
    if not await _write(session, receipt, at):
        return await _earlier(session, receipt), False
    result = await make()
    await session.execute(update(ReceiptRow).where(*_is(receipt)).values(result_id=result))
    return result, True


async def earlier(session: AsyncSession, receipts: Collection[Receipt]) -> dict[tuple[str, str], tuple[str, int]]:
    """What earlier requests with these keys have made: (who, key) -> (fingerprint, id)."""
    if not receipts:
        return {}
    keys = [(receipt.who, receipt.key) for receipt in receipts]
    query = select(ReceiptRow.who, ReceiptRow.key, ReceiptRow.fingerprint, ReceiptRow.result_id)
    query = query.where(tuple_(ReceiptRow.who, ReceiptRow.key).in_(keys))
    return {(who, key): (print_, int(made or 0)) for who, key, print_, made in await session.execute(query)}


def same(receipt: Receipt, fingerprint: str, made: int) -> int:
    """What the earlier request made. Raises InvalidError when it was another request."""
    if fingerprint != receipt.fingerprint:
        what = "this key was used before, for another request"
        raise InvalidError([Fault("Idempotency-Key", what, "idempotency_key_reused")])
    return made


async def forget(session: AsyncSession, at: datetime) -> int:
    """Remove some receipts that are no longer kept, the oldest first; how many. Others may be at it, too."""
    row = tuple_(ReceiptRow.who, ReceiptRow.key)
    old = select(ReceiptRow.who, ReceiptRow.key).where(ReceiptRow.created_at < at - KEPT)
    old = old.order_by(ReceiptRow.created_at).limit(AT_MOST).with_for_update(skip_locked=True)
    gone = await session.execute(
        delete(ReceiptRow).where(row.in_(old)).returning(ReceiptRow.key).execution_options(synchronize_session=False)
    )
    return len(gone.all())


async def _write(session: AsyncSession, receipt: Receipt, at: datetime) -> bool:
    values = {"who": receipt.who, "key": receipt.key, "fingerprint": receipt.fingerprint, "created_at": at}
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    written = await session.execute(
        dialect.insert(ReceiptRow).values(values).on_conflict_do_nothing().returning(ReceiptRow.key)
    )
    return written.scalar() is not None


async def _earlier(session: AsyncSession, receipt: Receipt) -> int:
    query = select(ReceiptRow.fingerprint, ReceiptRow.result_id).where(*_is(receipt))
    fingerprint, result = (await session.execute(query)).one()
    assert result is not None  # written with what was made, in one transaction
    return same(receipt, fingerprint, int(result))


def _is(receipt: Receipt) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ReceiptRow.who == receipt.who, ReceiptRow.key == receipt.key
