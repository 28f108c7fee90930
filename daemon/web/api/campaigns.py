"""Campaigns: how far they are, fill their lists, take the next number, say what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from daemon.errors import NotFoundError
from daemon.handlers.campaign_lists import Filling, fill
from daemon.handlers.campaign_results import say_result
from daemon.handlers.campaigns import campaign_of, campaigns_of, take_next
from daemon.handlers.world import ModuleView
from daemon.orders import campaign
from daemon.orders.campaign import State
from daemon.orders.results import Wish
from daemon.storage import campaigns
from daemon.storage.tables import CampaignEntryRow
from daemon.web.api.campaign_models import (
    Campaign,
    CampaignEntry,
    Campaigns,
    EntriesAdded,
    EntryCounts,
    EntryResult,
    EntryResultGiven,
    NewEntries,
    NextCaller,
    NextEntry,
)
from daemon.web.api.models import Nothing
from daemon.web.api.operation import Answer, Asked
from daemon.web.parts import Visit, WebParts


async def list_campaigns(asked: Asked[Nothing, Nothing]) -> Answer[Campaigns]:
    """GET /campaigns."""
    modules = campaigns_of(asked.parts.world(), asked.visit.person)
    async with asked.parts.store.read() as session:
        counts = await campaigns.counts(session, [each.id for each in modules])
    at = asked.parts.clock()
    return Answer(Campaigns(items=tuple(_campaign(each, counts[each.id], at) for each in modules)))


async def show_campaign(asked: Asked[Nothing, Nothing]) -> Answer[Campaign]:
    """GET /campaigns/{id}. Raises NotFoundError."""
    module = campaign_of(asked.parts.world(), asked.visit.person, asked.id)
    async with asked.parts.store.read() as session:
        counts = await campaigns.counts(session, [module.id])
    return Answer(_campaign(module, counts[module.id], asked.parts.clock()))


async def add_entries(asked: Asked[Nothing, NewEntries]) -> Answer[EntriesAdded]:
    """POST /campaigns/{id}/entries. Raises NotFoundError, ForbiddenError, InvalidError."""
    parts, body = asked.parts, asked.body
    filling = Filling(body.numbers, body.customers, body.everyone, body.name, body.since, body.note, body.agent)
    done, news = await fill(parts.store, parts.world(), asked.visit.person, asked.id, filling, parts.clock())
    for each in news:
        parts.live.publish(each)
    return Answer(EntriesAdded(added=done.added, known=done.known, unreadable=done.unreadable, examples=done.examples))


async def give_next(asked: Asked[Nothing, NextCaller]) -> Answer[NextEntry]:
    """POST /campaigns/{id}/next. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts, person = asked.parts, asked.visit.person
    entry_id, news = await take_next(parts.store, parts.world(), person, asked.id, parts.clock(), asked.body.agent)
    for each in news:
        parts.live.publish(each)
    return Answer(NextEntry(entry=await _read(parts, asked.visit, entry_id) if entry_id else None))


async def show_entry(asked: Asked[Nothing, Nothing]) -> Answer[CampaignEntry]:
    """GET /campaign-entries/{id}. Raises NotFoundError."""
    return Answer(await _read(asked.parts, asked.visit, asked.id))


async def give_entry_result(asked: Asked[Nothing, EntryResult]) -> Answer[EntryResultGiven]:
    """POST /campaign-entries/{id}/result. Raises NotFoundError, ForbiddenError, RefusedError, InvalidError."""
    parts, body = asked.parts, asked.body
    wish = Wish(body.result, body.note, body.callback_at, body.callback_for)
    done = await say_result(
        parts.store,
        parts.world(),
        asked.visit.person,
        asked.id,
        wish,
        parts.clock(),
        body.agent,
        asked.receipt,
    )
    for each in done.news:
        parts.live.publish(each)
    return Answer(
        EntryResultGiven(
            entry=await _read(parts, asked.visit, done.entry_id),
            result=done.result,
            work_order_id=done.order_id,
            template_id=done.template_id,
            changed=bool(done.news),
        )
    )


async def _read(parts: WebParts, visit: Visit, entry_id: int) -> CampaignEntry:
    async with parts.store.read() as session:
        row = await campaigns.one(session, visit.sight, entry_id)
    if row is None or all(each.id != row.module_id for each in campaigns_of(parts.world(), visit.person)):
        message = f"there is no entry {entry_id}"
        raise NotFoundError(message)
    return _entry(row)


def _campaign(module: ModuleView, counts: Mapping[State, int], at: datetime) -> Campaign:
    return Campaign(
        id=module.id,
        team_id=module.team_id,
        name=module.name,
        label=module.label,
        groups=module.group_ids,
        results=tuple(each.identity for each in campaign.offered(module.results)),
        open=module.calling.open_at(at),
        entries=EntryCounts(**{state.value: counts.get(state, 0) for state in State}),
    )


def _entry(row: CampaignEntryRow) -> CampaignEntry:
    return CampaignEntry(
        id=row.id,
        campaign_id=row.module_id,
        state=State(row.state).value,
        number=row.number,
        customer_id=row.customer_id,
        note=row.note,
        attempts=row.attempts,
        last_result=row.last_result,
        next_at=row.next_at,
        for_agent=row.for_agent_id,
        agent=row.agent_id,
        taken_at=row.taken_at,
    )
