"""An entry of a campaign as an agent sees it before he calls, and what he is asked when he says what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Final
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import InvalidError
from daemon.handlers.campaign_results import link_of, may_say, result_named
from daemon.handlers.campaigns import is_held
from daemon.handlers.popup import PastCall
from daemon.handlers.result_orders import title_of
from daemon.handlers.world import ModuleView, World
from daemon.orders import campaign
from daemon.orders.campaign import State
from daemon.orders.number import Number, read_number
from daemon.orders.results import Result
from daemon.orders.template import Template
from daemon.storage import campaigns, customers, popup, results
from daemon.storage.tables import (
    CampaignEntryRow,
    CampaignResultRow,
    CustomerNumberRow,
    CustomerRow,
    OutgoingCallRow,
    WorkOrderRow,
)
from daemon.storage.visibility import Sight
from daemon.web.moments import offered_at
from daemon.web.parts import Visit

MOST_ORDERS: Final = 6
MOST_PAST: Final = 5
MOST_LAST: Final = 8


@dataclass(frozen=True, slots=True)
class Asking:
    """What he said so far: `entry` is the one that he looks at, `result` what he chose and that demands more."""

    entry: int = 0
    result: str = ""
    note: str | None = None
    callback_at: str = ""
    callback_for: str = "me"
    faults: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    wanted: Result | None = None

    def with_faults(self, error: InvalidError) -> Asking:
        """The same with what is missing, by field."""
        return replace(self, faults={fault.where.strip("/"): fault.rule for fault in error.faults})

    def known_in(self, module: ModuleView, at: datetime, zone: tzinfo) -> Asking:
        """The same with the result that is meant, and a time for the call back that it wants."""
        return replace(
            self, wanted=result_named(module, self.result), callback_at=self.callback_at or offered_at(at, zone)
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """All that is shown of an entry. `earlier`: of other campaigns; `until`: then it may be another's.

    `order`: what was made from its last result; `link`, `template`: the order that is to be made.
    """

    row: CampaignEntryRow
    held: bool
    may_say: bool
    until: datetime
    offered: Sequence[Result]
    customer: CustomerRow | None
    numbers: Sequence[CustomerNumberRow]
    said: Sequence[CampaignResultRow]
    earlier: Sequence[CampaignResultRow]
    orders: Sequence[WorkOrderRow]
    past: Sequence[PastCall]
    placed: Sequence[OutgoingCallRow]
    order: WorkOrderRow | None
    template: Template | None
    link: str

    @property
    def last(self) -> CampaignResultRow | None:
        """What stands now, unless an attempt has begun of which nothing was said yet."""
        return self.said[-1] if self.said and self.row.state != State.TAKEN else None


async def preview(
    session: AsyncSession, world: World, visit: Visit, module: ModuleView, row: CampaignEntryRow, at: datetime
) -> Preview:
    """Read it all."""
    team, agent = world.teams[row.team_id], visit.person.agent
    number = read_number(row.number, team.region, team.last_digits)
    customer = await customers.customer(session, Sight(row.team_id), row.customer_id or 0)
    numbers = (await customers.numbers_of(session, [customer.id]))[customer.id] if customer else ()
    said = (await campaigns.results_of(session, [row.id]))[row.id]
    past = await _past(session, row.team_id, number)
    order = await _order(session, visit.sight, row, said)
    template = world.templates.get(link_of(module, said[-1]) or 0) if said and order is None else None
    held = is_held(row, agent)
    return Preview(
        row=row,
        held=held,
        may_say=may_say(module, row, agent) and (held or row.taken_at is not None or _changeable(world, said, at)),
        until=(row.taken_at or at) + module.calling.hold,
        offered=campaign.offered(module.results),
        customer=customer,
        numbers=numbers,
        said=said,
        earlier=await campaigns.results_of_customer(session, customer.id, row.id, MOST_PAST) if customer else (),
        orders=await popup.open_orders(
            session, visit.sight, [customer.id] if customer else [], [each.call.id for each in past], MOST_ORDERS
        ),
        past=past,
        placed=await campaigns.calls_to_customer(session, customer.id, MOST_PAST) if customer else (),
        order=order,
        template=template,
        link=_link(module, row, customer, template, said),
    )


def _changeable(world: World, said: Sequence[CampaignResultRow], at: datetime) -> bool:
    return bool(said) and at <= said[-1].at + world.results_window


async def _past(session: AsyncSession, team_id: int, number: Number) -> tuple[PastCall, ...]:
    rows = await popup.past_calls(session, team_id, number, None, MOST_PAST)
    told = await results.results_of_calls(session, [call.id for call in rows])
    return tuple(PastCall(call, told[call.id]) for call in rows)


async def _order(
    session: AsyncSession, sight: Sight, row: CampaignEntryRow, said: Sequence[CampaignResultRow]
) -> WorkOrderRow | None:
    """The order that its last result made, or that its agent has made by the link since."""
    if not said:
        return None
    order = await campaigns.order_of(session, row, said[-1])
    return order if order is not None and sight.sees(order) else None


def _link(
    module: ModuleView,
    row: CampaignEntryRow,
    customer: CustomerRow | None,
    template: Template | None,
    said: Sequence[CampaignResultRow],
) -> str:
    result = result_named(module, said[-1].result) if said else None
    if template is None or result is None:
        return ""
    asked = {"template": template.id, "module": module.id, "result": result.identity}
    texts = {"title": title_of(result, customer.name if customer else row.number), "description": said[-1].note}
    whom = {"customer": customer.id} if customer else {}
    return f"/work-orders/new?{urlencode({**asked, **whom, **texts})}"


@dataclass(frozen=True, slots=True)
class LastCall:
    """A call of his, and of whom."""

    said: CampaignResultRow
    row: CampaignEntryRow
    customer: CustomerRow | None


async def last_calls(session: AsyncSession, module_id: int, agent_id: int) -> tuple[LastCall, ...]:
    """What he said last in a campaign, once for each entry."""
    said = await campaigns.latest_of(session, module_id, agent_id, 2 * MOST_LAST)
    latest = {each.entry_id: each for each in reversed(said)}
    rows = await campaigns.by_id(session, latest)
    whom = await campaigns.customers_of(session, rows.values())
    found = [LastCall(each, rows[id_], whom.get(rows[id_].customer_id or 0)) for id_, each in latest.items()]
    return tuple(sorted(found, key=lambda each: (each.said.at, each.said.n), reverse=True)[:MOST_LAST])
