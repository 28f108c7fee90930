"""What somebody looks for in a list of orders: the words and filters of a form whose state is in the address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.world import World
from daemon.orders.customer import Dialling
from daemon.orders.words import LONGEST_QUERY, read_query
from daemon.storage import order_lists, search
from daemon.storage.order_lists import OrderFilter, Sort
from daemon.storage.paging import Page, Place
from daemon.storage.tables import WorkOrderRow
from daemon.storage.visibility import Sight
from daemon.web.parts import Visit

SIZES: Final = (25, 50, 100)
PRIORITIES: Final = (1, 2, 3, 4, 5)
NOBODY: Final = "nobody"
"""In place of an owner: orders that have none."""
MOST_TURNS: Final = 2  # pages that are looked through while little on them is what is looked for
EFFORT: Final = 500
"""How many orders are looked at for each of them."""

_NAMES: Final = {"status": ("new", "pending", "done"), "node_status": ("new", "pending", "return", "verify")}


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """The form. Days are days of the house, both included; `owner` is an agent's id or NOBODY; "" and None: any."""

    q: str = ""
    team: int | None = None
    template: int | None = None
    group: int | None = None
    owner: int | str | None = None
    creator: int | None = None
    status: str = ""
    node_status: str = ""
    priority: int | None = None
    late: bool = False
    since: date | None = None
    until: date | None = None
    rows: int = 25

    @property
    def narrowed(self) -> bool:
        """Whether anything is looked for at all."""
        return replace(self, rows=25) != OrderQuery()

    def pairs(self, *, without: str = "") -> list[tuple[str, str]]:
        """As parameters of an address, `without` one of them."""
        told = [(each.name, getattr(self, each.name), each.default) for each in fields(self)]
        return [
            (name, "1" if value is True else str(value))
            for name, value, default in told
            if value != default and name != without
        ]

    def narrow(self, wanted: OrderFilter, now: datetime, zone: tzinfo) -> OrderFilter:
        """A list's orders, and of those the ones that are looked for: the urgent first where late ones are."""
        return replace(
            wanted,
            team_id=self.team,
            template_id=self.template,
            group_id=self.group,
            owner_id=self.owner if isinstance(self.owner, int) else None,
            unowned=self.owner == NOBODY,
            creator_id=self.creator,
            status=self.status or None,
            node_status=self.node_status or None,
            priority=self.priority,
            late_at=now if self.late else None,
            created_since=_midnight(self.since, zone) if self.since else None,
            created_before=_midnight(self.until + timedelta(days=1), zone) if self.until else None,
            sort=self._sort(wanted),
        )

    def _sort(self, wanted: OrderFilter) -> Sort:
        return "due" if self.late and wanted.open is not False else wanted.sort


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def read_order_query(request: web.Request) -> OrderQuery:
    """What the address says. Raises HTTPBadRequest for what the form never sends."""
    given = request.query
    try:
        return OrderQuery(
            q=given.get("q", "").strip()[:LONGEST_QUERY].replace("\0", ""),
            team=_id(given.get("team")),
            template=_id(given.get("template")),
            group=_id(given.get("group")),
            owner=NOBODY if given.get("owner") == NOBODY else _id(given.get("owner")),
            creator=_id(given.get("creator")),
            status=_word("status", given.get("status")),
            node_status=_word("node_status", given.get("node_status")),
            priority=_one_of(_id(given.get("priority")), PRIORITIES),
            late=given.get("late", "") not in {"", "0"},
            since=_day(given.get("since")),
            until=_day(given.get("until")),
            rows=_one_of(_id(given.get("rows")), SIZES) or 25,
        )
    except ValueError:
        raise web.HTTPBadRequest from None


def _id(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def _word(name: str, text: str | None) -> str:
    if text and text not in _NAMES[name]:
        raise ValueError(text)
    return text or ""


def _one_of(number: int | None, numbers: Sequence[int]) -> int | None:
    if number is not None and number not in numbers:
        raise ValueError(number)
    return number


def _day(text: str | None) -> date | None:
    day = date.fromisoformat(text) if text else None
    if day and not 1970 <= day.year <= 2999:
        raise ValueError(text)
    return day


async def find_orders(
    session: AsyncSession,
    visit: Visit,
    world: World,
    asked: OrderQuery,
    wanted: OrderFilter,
    after: Place | None,
    limit: int,
) -> Page[WorkOrderRow]:
    """A page of what is looked for; where little is found, it goes on looking for a while before it says so."""
    team = world.teams.get(visit.person.team_id or asked.team or 0)
    words = read_query(asked.q, Dialling(team.region, team.last_digits) if team else None) if asked.q else None
    rows: list[WorkOrderRow] = []
    for _ in range(MOST_TURNS):
        missing = limit - len(rows)
        if words is None:
            found = await order_lists.work_orders(session, visit.sight, wanted, after, missing, EFFORT)
        else:
            found = await search.find(session, visit.sight, words, wanted, after, missing, EFFORT)
        rows += found.rows
        after = found.next
        if after is None or len(rows) >= limit // 2:
            break
    return Page(rows, after)


# --- what can be chosen --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers, as (value, label); of several teams with the team's name."""

    teams: Sequence[tuple[int, str]]
    templates: Sequence[tuple[int, str]]
    groups: Sequence[tuple[int, str]]
    agents: Sequence[tuple[int, str]]


def choices(world: World, sight: Sight, asked: OrderQuery) -> Choices:
    """What somebody may choose from; who sees every team chooses one first to see its agents."""
    team = sight.team_id or asked.team
    return Choices(
        _sorted((each.id, each.label) for each in world.teams.values()) if sight.team_id is None else (),
        _labelled(world, team, world.templates.values()),
        _labelled(world, team, world.groups.values()),
        _sorted((each.id, f"{each.name} ({each.number})") for each in world.agents.values() if each.team_id == team),
    )


def _labelled(world: World, team: int | None, things: Iterable[Any]) -> Sequence[tuple[int, str]]:
    if team is None:
        return _sorted((each.id, f"{world.teams[each.team_id].label}: {each.label}") for each in things)
    return _sorted((each.id, each.label) for each in things if each.team_id == team)


def _sorted(found: Iterable[tuple[int, str]]) -> Sequence[tuple[int, str]]:
    return sorted(found, key=lambda each: each[1].casefold())


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is in force: its field, what it is set to, and the address of the list without it."""

    field: str
    value: Any
    address: str


def chips(asked: OrderQuery, offered: Choices, address: str, kept: Mapping[str, str]) -> Sequence[Chip]:
    """The filters that are in force; `kept` are parameters that stay."""
    labels: Mapping[str, Mapping[Any, str]] = {
        "team": dict(offered.teams),
        "template": dict(offered.templates),
        "group": dict(offered.groups),
        "owner": dict(offered.agents),
        "creator": dict(offered.agents),
    }
    return [
        Chip(name, labels.get(name, {}).get(getattr(asked, name), value), f"{address}?{_without(asked, name, kept)}")
        for name, value in asked.pairs()
        if name != "rows"
    ]


def _without(asked: OrderQuery, name: str, kept: Mapping[str, str]) -> str:
    return urlencode([*kept.items(), *asked.pairs(without=name)])
