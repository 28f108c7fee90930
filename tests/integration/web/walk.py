"""Every address of the pages, and an office in which hostile people had their say in every field that there is.

Who adds a page adds its addresses here; test_walk.py refuses a route that no address leads to.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import quote

from daemon.handlers.dialling import Wish
from daemon.handlers.person import Person
from daemon.handlers.world import PauseReason, World
from daemon.orders.history import Actor, Entry
from daemon.orders.number import read_number
from daemon.orders.results import Result
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.tables import (
    AttachmentRow,
    CallResultRow,
    CampaignEntryRow,
    CampaignResultRow,
    CustomerNumberRow,
    CustomerRow,
    OutboxRow,
    PopupRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from daemon.web.parts import PARTS as PARTS_KEY
from daemon.web.status import Gap, LinkStatus, Status
from tests.builders import NOON, a_ring, agent_id, answered_call, closed, missed_call, stepped, team_id, work_order
from tests.exchange import TRUNK, Exchange, Queues
from tests.integration.web.office import COMPLAINT, MISSED, Office, open_office

NASTY: Final = (
    "<script>alert('zq')</script>",
    '"><zq-x onload=alert(1)></zq-x>',
    '" zqattr="1" autofocus onfocus="alert(1)',
    "' zqattr='1' onmouseover='alert(1)",
    "</textarea></title></style></option></select><zq-x>",
    "<img src=//zq.example/a onerror=alert(1)>",
    "<svg/onload=alert(1)><a href=javascript:alert(1)>zq</a>",
    "javascript:alert(1)//zq",
    "{{ 7*7 }}${7*7}<%= 7*7 %>zq",
    "&lt;zq-x&gt; &amp;amp; %3Czq-x%3E",
    "zq\u202egnp.exe\u2066\u200b\ufeff",
    "zq\r\nSet-Cookie: zq=1\r\n\r\n<zq-x>",
    "zq\x1b[2J\x07\x7f\x0b",
    '=HYPERLINK("http://zq.example","zq")',
    "+zq(1)",
    "-2+3+zq|' /C calc'!A0",
    "@SUM(zq)",
    "\t=zq",
    "'; DROP TABLE work_order; -- zq",
    "👩\u200d👩\u200d👧\u200d👦🏴\U000e0067\U000e0062 مرحبا zq",
    "zq" + "W" * 78,
)
LONG: Final = "zq" + "Wörter" * 3000
"""What a field takes that has no end."""

WHOLE: Final = (
    "/missed-calls",
    "/missed-calls?tab=closed",
    f"/missed-calls?q={quote(NASTY[2])}&queue={quote(NASTY[1])}",
    "/missed-calls/dismiss?id=1&id=2",
    "/work-orders",
    "/work-orders?tab=recent",
    "/work-orders?tab=history",
    f"/work-orders?whose=led&q={quote(NASTY[2])}",
    "/work-orders/assign?id=1&id=2",
    "/work-orders/1",
    "/work-orders/2",
    "/work-orders/1/edit",
    "/work-orders/new",
    "/work-orders/new?template=2",
    f"/work-orders/new?template=2&title={quote(NASTY[1])}&missed=1",
    "/log",
    f"/log?q={quote(NASTY[2])}",
    "/assign-rules",
    "/popup",
    "/popup?call=1",
    f"/popup?number={quote(NASTY[2])}",
    "/status",
    "/preferences",
    "/dialling",
    "/duty",
    "/agents",
    "/board",
    "/board?day=2026-11-01",
    "/board?wall=1",
    "/campaigns",
    "/campaigns/3",
    "/campaigns/3?entry=3",
    "/campaigns/3/progress",
    "/campaigns/3/list",
    "/campaigns/3/list?state=done",
    f"/campaigns/3/list?number={quote(NASTY[2])}5",
    "/campaigns/3/fill",
    "/campaigns/3/empty",
    "/deliveries",
    "/deliveries?state=parked",
    f"/deliveries?endpoint={quote(NASTY[2])}",
    "/deliveries/1",
)
PARTS: Final = (
    "/missed-calls/rows",
    "/missed-calls/count",
    "/work-orders/rows",
    "/work-orders/1/content",
    "/work-orders/1/meanwhile?since=1",
    "/log/rows",
    "/assign-rules/cards",
    "/customers/find?find=zq",
    "/popup/panel",
    f"/popup/panel?key={quote(NASTY[2])}&onward={quote(NASTY[1])}&asked_number={quote(NASTY[0])}",
    "/status/content",
    "/agents/rows",
    "/board/content",
    "/board/content?wall=1",
    "/campaigns/rows",
    "/campaigns/3/call",
    "/campaigns/3/progress/content",
    "/campaigns/3/list/rows",
    "/deliveries/rows",
)
TABLES: Final = ("/log.csv",)
"""What a spreadsheet opens."""

ELSEWHERE: Final = frozenset(
    {"/", "/login", "/live", "/static/{name}", "/favicon.ico", "/healthz", "/readyz", "/metrics"}
)
"""What is no page of the desk."""


@asynccontextmanager
async def hostile_office(store: Store, folder: Path) -> AsyncIterator[Office]:
    """An office in which every text that somebody else wrote is nasty; its orders 1 and 2 have a bit of everything."""
    async with open_office(store, folder) as office:
        await _callers(office)
        await _orders(office)
        await _talks(office)
        desk = office.desk
        desk.trunks["main"] = (TRUNK, Exchange())
        await _calls_placed(office)
        await _campaign(office)
        await _deliveries(office)
        _queues(office)
        desk.world = _spoiled(desk.world)
        desk.accounts = {
            name: replace(account, name=text)
            for (name, account), text in zip(desk.accounts.items(), cycle(NASTY), strict=False)
        }
        links = (
            LinkStatus(NASTY[0], "up", NOON, NASTY[1], "", (NASTY[2],), Gap(NOON, None, note=NASTY[5])),
            LinkStatus(NASTY[3], "down", NOON, "", NASTY[12], (NASTY[4], LONG)),
        )
        desk.world.pbx_teams.update(dict.fromkeys((NASTY[0], NASTY[3]), team_id(desk.world, "acme")))
        desk.status = Status(links, NOON, NASTY[6], (NASTY[7],))
        yield office


async def _deliveries(office: Office) -> None:
    """One delivery in each state, to receivers that answer what they like."""
    acme = team_id(office.desk.world, "acme")
    ended = {"waiting": None, "delivered": NOON, "parked": NOON, "discarded": NOON}
    async with office.desk.store.write() as session:
        for n, (state, at) in enumerate(ended.items()):
            session.add(
                OutboxRow(
                    team_id=acme,
                    channel="webhook",
                    endpoint=NASTY[n],
                    line=NASTY[n + 4][:80],
                    message_id=f"{n}{NASTY[n + 1]}"[:80],
                    event=NASTY[n + 2][:60],
                    version=1,
                    payload={"data": [*NASTY, LONG]},
                    state=state,
                    attempts=n,
                    code=NASTY[n + 3][:40],
                    answer="\n".join(NASTY)[:2000].replace("\0", ""),
                    created_at=NOON,
                    next_at=None if at else NOON,
                    ended_at=at,
                )
            )


async def _calls_placed(office: Office) -> None:
    """Anna calls a missed caller back."""
    agent = office.desk.world.agent_by_username("anna")
    assert agent is not None
    anna = Person("agent", "anna", agent.name, agent.team_id, agent)
    await office.desk.server.app[PARTS_KEY].dialler.call(anna, Wish("+493023125117", item_id=1))


def _queues(office: Office) -> None:
    """Anna is a member of the sample's queues and of one that is called as badly as she and the reason of her pause."""
    queues = Queues(office.desk.server.app[PARTS_KEY].presence)
    office.desk.lines["main"] = queues
    for n, text in enumerate(NASTY):
        queues.seat("Local/1000@agents/n", text, paused=n % 2 == 0, reason=text, dynamic=n % 3 == 0)
    queues.seat("PJSIP/1000", "support", paused=True, reason=NASTY[1])


async def _callers(office: Office) -> None:
    store, acme = office.desk.store, team_id(office.desk.world, "acme")
    for n, text in enumerate(NASTY):
        at = NOON - timedelta(minutes=n)
        await missed_call(store, acme, number=f"{text[:70]} 5{n:02}", name=text, queues=(text, "support"), at=at)
    done = await missed_call(store, acme, name=NASTY[0])
    await closed(store, done, Closing("dismissed", NOON, NASTY[1], "dismissed", NASTY[2] + LONG))
    async with store.write() as session:
        for text in NASTY:
            row = CustomerRow(
                team_id=acme, kind="individual", reference=text[:80], name=text, email=text, address=text, note=text
            )
            row.created_at = NOON
            session.add(row)
            await session.flush()
            for raw in ("030 1234567", text[:80]):
                read = read_number(raw, "DE")
                number = CustomerNumberRow(
                    team_id=acme, customer_id=row.id, raw=raw, e164=read.e164, tail=read.tail[:20]
                )
                session.add(number)


async def _orders(office: Office) -> None:
    desk = office.desk
    store, acme, anna = desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna")
    support = office.group("support")
    for n, text in enumerate(NASTY):
        row = await work_order(
            store,
            acme,
            support,
            template=COMPLAINT if n % 2 == 0 else MISSED,
            title=text,
            description=f"{text}\n{LONG}",
            owner=anna,
            creator=anna,
        )
        writer = Actor("agent", text[:80], anna)
        note = f"{text} {''.join(NASTY)}"
        changes = {"title": [text, LONG], "cc": [text, text], "product": [text, None], text: [text, text]}
        await stepped(store, row, Entry(NOON, writer, "reply", note=note, changes=changes))
        async with store.write() as session:
            kept = await session.get_one(WorkOrderRow, row.id)
            kept.customer_id, kept.cc, kept.missed_item_id = n + 1, text, None
            for identity, value in (("product", text), ("severity", text), ("photo", text), ("boughtOn", "2026-11-01")):
                session.add(WorkOrderFieldRow(order_id=row.id, identity=identity, value=value))
            for name in NASTY:
                sha = hashlib.sha256(name.encode()).hexdigest()
                file = AttachmentRow(order_id=row.id, name=name, media_type="text/plain", size=1, sha256=sha)
                file.added_by, file.added_at = anna, NOON
                session.add(file)


async def _talks(office: Office) -> None:
    desk = office.desk
    store, acme, anna = desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna")
    module = next(each for each in desk.world.modules.values() if each.name == "support_desk")
    for text in NASTY:
        call = await answered_call(store, acme, anna, name=text, number="030 1234567", ended_at=NOON)
        async with store.write() as session:
            session.add(
                CallResultRow(
                    team_id=acme,
                    call_id=call.id,
                    agent_id=anna,
                    module_id=module.id,
                    result=text[:60],
                    note=text,
                    chosen_at=NOON,
                    changed_at=NOON,
                )
            )
    talking = await answered_call(store, acme, anna, name=NASTY[0], number="030 1234567")
    async with store.write() as session:
        session.add(PopupRow(call_id=talking.id, agent_id=anna, customer_id=3))
    ringing = await answered_call(store, acme, None, name=NASTY[1], number=NASTY[3])
    desk.rings.append(a_ring(anna, acme, ringing.uniqueid, NASTY[3], NASTY[1]))


async def _campaign(office: Office) -> None:
    """Anna has the second entry of the campaign; of the others each kind is there."""
    desk = office.desk
    store, acme, anna = desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna")
    module = next(each for each in desk.world.modules.values() if each.kind == "campaign")
    assert module.id == 3
    states = cycle(("waiting", "taken", "done", "tried", "unreachable", "withdrawn"))
    async with store.write() as session:
        for n, (text, state) in enumerate(zip(NASTY, states, strict=False)):
            state = "waiting" if state == "taken" and n > 1 else state  # noqa: PLW2901
            row = CampaignEntryRow(
                team_id=acme,
                module_id=module.id,
                customer_id=n + 1 if n % 2 else None,
                number=f"{text[:70]} 5{n:02}",
                number_key=f"raw:{n}",
                note=text + LONG[:500],
                state=state,
                attempts=n,
                last_result=text[:60],
                next_at=NOON if state == "tried" else None,
                for_agent_id=anna,
                agent_id=anna,
                taken_at=NOON if state == "taken" else None,
                added_by=text[:80],
                added_at=NOON,
                changed_at=NOON,
            )
            session.add(row)
            await session.flush()
            said = CampaignResultRow(
                entry_id=row.id,
                n=1,
                attempt=1,
                team_id=acme,
                module_id=module.id,
                agent_id=anna,
                actor=text[:80],
                result=text[:60],
                note=text,
                at=NOON,
            )
            session.add(said)


def _spoiled(world: World) -> World:
    """The same people and things, named by somebody who hates us."""
    names: Iterator[str] = (text[:80] for text in cycle(NASTY))
    labels = lambda: {"en": next(names), "zh": next(names)}  # noqa: E731
    templates = {
        id_: replace(
            each,
            label=next(names),
            fields=tuple(
                replace(
                    field,
                    labels=labels(),
                    help=next(names),
                    options=tuple(next(names) for _ in field.options),
                    default=next(names) if field.default else None,
                )
                for field in each.fields
            ),
        )
        for id_, each in world.templates.items()
    }
    results = (*(Result(f"r{n}", {"en": text, "zh": text}, COMPLAINT) for n, text in enumerate(NASTY)),)
    return replace(
        world,
        pause_reasons=tuple(PauseReason(f"r{n}", {"en": text, "zh": text}) for n, text in enumerate(NASTY)),
        teams={id_: replace(each, label=next(names)) for id_, each in world.teams.items()},
        agents={id_: replace(each, name=next(names)) for id_, each in world.agents.items()},
        groups={id_: replace(each, label=next(names)) for id_, each in world.groups.items()},
        modules={id_: replace(each, label=next(names), results=results) for id_, each in world.modules.items()},
        queues={key: replace(each, label=next(names)) for key, each in world.queues.items()},
        templates=templates,
    )
