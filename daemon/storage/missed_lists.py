"""Missed calls that somebody looks for: by queue, by reason, by number or name; each page at a bounded effort."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.lists import ItemState
from daemon.storage.paging import Page, Place, beyond, ordered
from daemon.storage.tables import MissedItemRow
from daemon.storage.visibility import Sight

EFFORT: Final = 1000
"""How many items are looked at for one page."""
FEWEST_DIGITS: Final = 3
"""By which a number is found."""
_NOT_DIGIT: Final = re.compile(r"\D", re.ASCII)


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which missed calls; "" any. `queue`: where the caller was last; `words`: of his number, in any form, or name."""

    queue: str = ""
    reason: str = ""
    words: str = ""


async def find_items(
    session: AsyncSession,
    sight: Sight,
    state: ItemState,
    wanted: ItemFilter,
    after: Place | None = None,
    limit: int = 50,
    effort: int = EFFORT,
) -> Page[MissedItemRow]:
    """Open items, the latest missed first, or closed ones, the latest closed first.

    The page may be shorter than `limit` though there are more: `next` tells.
    """
    item = MissedItemRow
    at = item.last_missed_at if state == "open" else item.closed_at
    key = (at.expression, item.id.expression)
    which = item.state == "open" if state == "open" else item.closed_at.is_not(None)
    walk = select(*key).where(sight.of_team(item.team_id), which).order_by(*ordered(key))
    if after is not None:
        walk = walk.where(beyond(key, (after.at, after.id)))
    conditions = _conditions(wanted)
    effort = effort if conditions else limit + 1
    seen = walk.limit(effort).subquery()
    found = select(item).where(item.id.in_(select(seen.c.id)), *conditions).order_by(*ordered(key))
    rows = (await session.scalars(found.limit(limit + 1))).all()
    if len(rows) > limit:
        last = rows[limit - 1]
        return Page(rows[:limit], Place(last.closed_at or last.last_missed_at, last.id))
    end = (await session.execute(walk.limit(1).offset(effort - 1))).first()
    return Page(rows, Place(end[0], end[1]) if end and end[0] else None)


def _conditions(wanted: ItemFilter) -> Sequence[ColumnElement[bool]]:
    item = MissedItemRow
    conditions: list[ColumnElement[bool]] = []
    if wanted.queue:
        conditions.append(func.lower(item.queue) == wanted.queue.lower())
    if wanted.reason:
        conditions.append(item.reason == wanted.reason)
    if wanted.words:
        conditions.append(or_(*_occurrences(wanted.words)))
    return conditions


def _occurrences(words: str) -> Sequence[ColumnElement[bool]]:
    """A number is found as it was sent, and by its last digits, with and without a country's code."""
    item = MissedItemRow
    digits = _NOT_DIGIT.sub("", words)
    found = [item.name.icontains(words, autoescape=True), item.number.icontains(words, autoescape=True)]
    if len(digits) >= FEWEST_DIGITS:
        found += [item.number.contains(digits), item.e164.contains(digits.lstrip("0") or digits)]
    return found
