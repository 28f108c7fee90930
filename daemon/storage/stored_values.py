"""What orders have stored, as far as `workorderd check` asks. Plain SQL: the mapping of all tables takes too long."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.foresight import Change

_OPEN: Final = "SELECT count(*) FROM work_order o WHERE o.template_id = :template AND o.status <> 'done'"
_VALUES: Final = (
    "SELECT count(*) FROM work_order o JOIN work_order_field f ON f.order_id = o.id"
    " WHERE o.template_id = :template AND f.identity = :field"
)
_WITHOUT: Final = " AND NOT EXISTS (SELECT 1 FROM work_order_field f WHERE f.order_id = o.id AND f.identity = :field)"
_COUNTS: Final = {
    "template_removed": _OPEN,
    "field_removed": _VALUES,
    "type_changed": _VALUES,
    "option_removed": _VALUES + " AND f.value = :option",
    "required_added": _OPEN + _WITHOUT,
}


async def definitions(session: AsyncSession) -> list[dict[str, Any]]:
    """The templates in force, as they were applied last."""
    rows = await session.execute(text("SELECT definition FROM template WHERE active ORDER BY id"))
    told = (json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows)
    return [each for each in told if each]


async def concerned(session: AsyncSession, change: Change) -> int:
    """How many orders a change concerns."""
    query = text(_COUNTS[change.kind])
    given = {"template": change.template_id, "field": change.field, "option": change.before}
    wanted = {name: value for name, value in given.items() if f":{name}" in _COUNTS[change.kind]}
    return await session.scalar(query, wanted) or 0
