"""What lists of orders tell beside the orders themselves: for whom, by which module, in which fields; and how many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, bindparam, func, select, true, union
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.order_lists import Whose
from daemon.storage.tables import (
    AssignRuleRow,
    CallRow,
    CustomerRow,
    MissedItemRow,
    ModuleRow,
    WorkOrderFieldRow,
    WorkOrderRow,
    is_done,
    is_open,
)
from daemon.storage.visibility import Sight

MOST_COUNTED: Final = 100
"""Who has more to do is told that it is more."""


@dataclass(frozen=True, slots=True)
class Party:
    """For whom an order is: the customer's name, else the caller's, and his number as E.164 or as it was sent."""

    name: str = ""
    number: str = ""


async def parties_of(session: AsyncSession, orders: Collection[WorkOrderRow]) -> Mapping[int, Party]:
    """For whom these orders are, by the order's id; those of whom nothing is known are left out."""
    order, item, call = WorkOrderRow, MissedItemRow, CallRow
    query = (
        select(order.id, CustomerRow.name, item.name, item.e164, item.number, call.name, call.e164, call.number)
        .outerjoin(CustomerRow, CustomerRow.id == order.customer_id)
        .outerjoin(item, item.id == order.missed_item_id)
        .outerjoin(call, call.id == order.call_id)
        .where(order.id.in_([each.id for each in orders]))
    )
    found = {id_: _party(*known) for id_, *known in await session.execute(query)} if orders else {}
    return {id_: party for id_, party in found.items() if party != Party()}


def _party(customer: str | None, *caller: str | None) -> Party:
    item_name, item_e164, item_number, call_name, call_e164, call_number = caller
    number = item_e164 or item_number or call_e164 or call_number or ""
    name = customer or item_name or call_name or ""
    return Party("" if name == number else name, number)


async def modules_of(session: AsyncSession, orders: Collection[WorkOrderRow]) -> Mapping[int, str]:
    """The names of the modules that these orders came from, of those too that left the configuration."""
    wanted = {order.module_id for order in orders} - {None}
    query = select(ModuleRow.id, ModuleRow.name).where(ModuleRow.id.in_(wanted))
    return {row[0]: row[1] for row in await session.execute(query)} if wanted else {}


async def values_of(session: AsyncSession, order_ids: Collection[int]) -> Mapping[tuple[int, str], str]:
    """The custom fields of these orders, by (order id, field)."""
    field = WorkOrderFieldRow
    query = select(field.order_id, field.identity, field.value).where(field.order_id.in_(order_ids))
    return {(id_, identity): value for id_, identity, value in await session.execute(query)}


async def automatic_places(session: AsyncSession, groups: Collection[int]) -> frozenset[tuple[int, int]]:
    """Of these groups, where a rule assigns by itself: (template id, group id)."""
    query = select(AssignRuleRow.template_id, AssignRuleRow.group_id)
    query = query.where(AssignRuleRow.group_id.in_(groups), AssignRuleRow.mode != "manual")
    return frozenset((row[0], row[1]) for row in await session.execute(query)) if groups else frozenset()


# --- how many ------------------------------------------------------------------------------------------------------

Reader = Literal["agent", "team", "all"]


async def count_open(session: AsyncSession, sight: Sight, kinds: Iterable[Whose]) -> Mapping[Whose, int]:
    """How many open orders each kind of list has, MOST_COUNTED at the most."""
    wanted = tuple(kinds)
    counted = (await session.execute(_counting(wanted, _reader(sight)), _him(sight))).one() if wanted else ()
    return {whose: min(count, MOST_COUNTED) for whose, count in zip(wanted, counted, strict=True)}


async def count_finished(session: AsyncSession, sight: Sight, whose: Whose, since: datetime) -> int:
    """How many orders of a list were finished, and not changed before this time, MOST_COUNTED at the most."""
    query = _counting((whose,), _reader(sight), finished=True)
    return min(await session.scalar(query, {**_him(sight), "since": since}) or 0, MOST_COUNTED)


def _reader(sight: Sight) -> Reader:
    if sight.agent_id is not None:
        return "agent"
    return "all" if sight.team_id is None else "team"


def _him(sight: Sight) -> dict[str, Any]:
    """What the statements ask for, each of them some of it.

    No group is told as one that is not there: for an empty IN, SQLite looks at every order.
    """
    return {
        "team": sight.team_id,
        "agent": sight.agent_id,
        "groups": sorted(sight.groups) or [0],
        "leads": sorted(sight.leads) or [0],
    }


@cache
def _counting(kinds: tuple[Whose, ...], reader: Reader, *, finished: bool = False) -> Select[Any]:
    """A statement, made once: to make it takes as long as to ask it."""
    where = [is_done(), WorkOrderRow.updated_at >= bindparam("since")] if finished else [is_open()]
    columns: list[Any] = [_count(_conditions(whose, reader), where).label(f"n{n}") for n, whose in enumerate(kinds)]
    return select(*columns)


def _count(conditions: Sequence[ColumnElement[bool]], where: Sequence[ColumnElement[bool]]) -> ScalarSelect[int]:
    parts = [_some(condition, where) for condition in conditions]
    counted = (union(*parts) if len(parts) > 1 else parts[0]).subquery()
    return select(func.count()).select_from(counted).scalar_subquery()


def _some(condition: ColumnElement[bool], where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """As many entries of one index as are counted."""
    return select(select(WorkOrderRow.id).where(condition, *where).limit(MOST_COUNTED).subquery().c.id)


def _conditions(whose: Whose, reader: Reader) -> Sequence[ColumnElement[bool]]:
    """What an order of the list is one of; each has an index of its own."""
    order = WorkOrderRow
    if reader != "agent":
        return [true() if reader == "all" else order.team_id == bindparam("team")]
    groups: BindParameter[list[int]] = bindparam("groups", expanding=True)
    leads: BindParameter[list[int]] = bindparam("leads", expanding=True)
    parts: Mapping[Whose, ColumnElement[bool]] = {
        "mine": order.owner_id == bindparam("agent"),
        "created": order.creator_id == bindparam("agent"),
        "groups": order.group_id.in_(groups),
        "led": order.group_id.in_(leads),
        "created_in_led": order.creator_group_id.in_(leads),
    }
    every: tuple[Whose, ...] = ("mine", "created", "groups", "created_in_led")
    return [parts[each] for each in (every if whose == "all" else (whose,))]
