"""What nobody needs any more: receipts, sessions, old deliveries, files that no row speaks of."""

from __future__ import annotations

from datetime import datetime, timedelta

from daemon.handlers import attachments
from daemon.handlers.attachments import Depot
from daemon.storage import outbox, receipts, sessions
from daemon.storage.engine import Store


async def sweep(store: Store, depot: Depot, at: datetime, deliveries_kept: timedelta) -> None:
    """Remove all of it, in short transactions."""
    while True:
        async with store.write() as session:
            gone = await receipts.forget(session, at)
        if gone < receipts.AT_MOST:
            break
    while True:
        async with store.write() as session:
            gone = await outbox.forget(session, at - deliveries_kept)
        if gone < outbox.SWEPT_AT_ONCE:
            break
    async with store.write() as session:
        await sessions.forget_expired(session, at)
    await attachments.sweep(store, depot, at)
