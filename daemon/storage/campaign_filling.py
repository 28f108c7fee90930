"""Numbers on their way into a campaign's list: whose they are, which are there already, and the rest as rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.campaign import State
from daemon.storage.tables import CampaignEntryRow, CustomerNumberRow, CustomerRow


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number to be added, as it is to be dialled, and whose it is."""

    number: str
    key: str
    customer_id: int | None


async def known_keys(session: AsyncSession, module_id: int, keys: Collection[str]) -> Mapping[str, CampaignEntryRow]:
    """The entries that have these numbers, locked."""
    of_these = (CampaignEntryRow.module_id == module_id, CampaignEntryRow.number_key.in_(keys))
    query = select(CampaignEntryRow).where(*of_these).order_by(CampaignEntryRow.id)
    return {row.number_key: row for row in await session.scalars(query.with_for_update())}


async def add(
    session: AsyncSession,
    team_id: int,
    module_id: int,
    new: Sequence[Candidate],
    note: str,
    for_agent_id: int | None,
    added_by: str,
    at: datetime,
) -> int:
    """Add those whose numbers are not there; how many were."""
    values = [
        {
            "team_id": team_id,
            "module_id": module_id,
            "customer_id": each.customer_id,
            "number": each.number,
            "number_key": each.key,
            "note": note,
            "for_agent_id": for_agent_id,
            "added_by": added_by[:80],
            "added_at": at,
            "changed_at": at,
        }
        for each in new
    ]
    if not values:
        return 0
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(CampaignEntryRow).on_conflict_do_nothing().returning(CampaignEntryRow.id)
    return len((await session.scalars(insert, values)).all())


async def customers_of_keys(session: AsyncSession, team_id: int, e164s: Collection[str]) -> Mapping[str, int]:
    """The customer of each of these numbers in E.164; of several who share one, the first."""
    owner = func.min(CustomerNumberRow.customer_id)
    query = select(CustomerNumberRow.e164, owner).where(
        CustomerNumberRow.team_id == team_id, CustomerNumberRow.e164.in_(e164s)
    )
    found = await session.execute(query.group_by(CustomerNumberRow.e164))
    return {e164: customer_id for e164, customer_id in found if e164 is not None}


async def customers_by_id(session: AsyncSession, team_id: int, ids: Collection[int]) -> Sequence[CustomerRow]:
    """Those of these customers who are the team's, by id."""
    query = select(CustomerRow).where(CustomerRow.team_id == team_id, CustomerRow.id.in_(ids))
    return (await session.scalars(query.order_by(CustomerRow.id))).all()


async def withdraw_all(session: AsyncSession, module_id: int, at: datetime) -> int:
    """What waits or is to be tried again is withdrawn, as `campaign.withdraw` does it; how many."""
    change = update(CampaignEntryRow).where(
        CampaignEntryRow.module_id == module_id, CampaignEntryRow.state.in_((State.WAITING.value, State.TRIED.value))
    )
    values = {"state": State.WITHDRAWN.value, "next_at": None, "taken_at": None, "changed_at": at}
    done = await session.execute(change.values(values).execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount
