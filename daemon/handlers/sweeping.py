"""What nobody needs any more: receipts, sessions, files that no row speaks of."""

from __future__ import annotations

from datetime import datetime

from daemon.handlers import attachments
from daemon.handlers.attachments import Depot
from daemon.storage import receipts, sessions
from daemon.storage.engine import Store


async def sweep(store: Store, depot: Depot, at: datetime) -> None:
    """Remove all of it, in short transactions."""
    while True:
        async with store.write() as session:
            gone = await receipts.forget(session, at)
        if gone < receipts.AT_MOST:
            break
    async with store.write() as session:
        await sessions.forget_expired(session, at)
    await attachments.sweep(store, depot, at)
