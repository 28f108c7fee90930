"""How SQLite finds what a function of the storage asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.engine import Store


async def plan_of(store: Store, ask: Callable[[AsyncSession], Awaitable[object]]) -> list[str]:
    """The lines of EXPLAIN QUERY PLAN of everything that is asked."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    async with store.read() as session:
        event.listen(store.engine.sync_engine, "before_cursor_execute", note)
        await ask(session)
        event.remove(store.engine.sync_engine, "before_cursor_execute", note)
        connection = await session.connection()
        lines: list[str] = []
        for statement, parameters in asked:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            lines += [row[3] for row in rows]
    return lines
