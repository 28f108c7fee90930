"""The list of a campaign is filled and emptied by who leads one of its groups, or by a system of the team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, ForbiddenError, InvalidError
from daemon.handlers.campaigns import campaign_of, may_run, news_of_campaign
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import AgentView, ModuleView, TeamView, World
from daemon.orders import campaign
from daemon.orders.campaign import Deed, Entry
from daemon.orders.number import Number, read_number
from daemon.storage import campaign_filling, campaigns, customers
from daemon.storage.campaign_filling import Candidate
from daemon.storage.customers import NamePlace
from daemon.storage.engine import Store
from daemon.storage.tables import CampaignEntryRow, CustomerNumberRow, CustomerRow
from daemon.storage.visibility import Sight

AT_ONCE: Final = 500
"""Numbers that one transaction adds."""
MOST_NUMBERS: Final = 20_000
"""Of one request."""
MOST_CHOSEN: Final = 200
LONGEST_NOTE: Final = 2000
MOST_SHOWN: Final = 20
"""Of numbers that can't be read."""

Change = Literal["withdraw", "put_back", "give"]


@dataclass(frozen=True, slots=True)
class Filling:
    """What is added: numbers as people write them, customers by id, or all customers of the campaign's kind.

    Of those `name` is how their names begin, and `since` when they became known. `note` is shown to who calls;
    `for_agent`: who alone does.
    """

    numbers: tuple[str, ...] = ()
    customers: tuple[int, ...] = ()
    everyone: bool = False
    name: str = ""
    since: datetime | None = None
    note: str = ""
    for_agent: int | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """How many were added, how many were there already, and what could not be called: a few of them by name."""

    added: int = 0
    known: int = 0
    unreadable: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, more: Filled) -> Filled:
        return Filled(
            self.added + more.added,
            self.known + more.known,
            self.unreadable + more.unreadable,
            (*self.examples, *more.examples)[:MOST_SHOWN],
        )


def _run_by(world: World, person: Person, module_id: int) -> ModuleView:
    module = campaign_of(world, person, module_id)
    if not may_run(person, module):
        message = "the list of a campaign is changed by the admins of its groups"
        raise ForbiddenError(message)
    return module


def _for_agent(world: World, module: ModuleView, agent_id: int | None) -> AgentView | None:
    if agent_id is None:
        return None
    agent = world.agents.get(agent_id)
    if agent is None or agent.team_id != module.team_id or not module.is_worked_by(agent):
        raise InvalidError([Fault("agent", "no such agent works in this campaign", "unknown")])
    return agent


# --- filling ------------------------------------------------------------------------------------------------------


async def fill(
    store: Store, world: World, person: Person, module_id: int, filling: Filling, at: datetime
) -> tuple[Filled, tuple[News, ...]]:
    """Add to a list, some at a time, each time in one transaction. Numbers that are there stay as they are, those that
    were withdrawn begin anew.

    Raises NotFoundError, ForbiddenError, InvalidError.
    """
    module = _run_by(world, person, module_id)
    _for_agent(world, module, filling.for_agent)
    faults = []
    if len(filling.numbers) > MOST_NUMBERS or len(filling.customers) > MOST_NUMBERS:
        faults.append(Fault("numbers", f"at most {MOST_NUMBERS} at once", "too_many"))
    if len(filling.note) > LONGEST_NOTE:
        faults.append(Fault("note", f"{LONGEST_NOTE} characters at the most", "too_long"))
    if not (filling.numbers or filling.customers or filling.everyone):
        faults.append(Fault("numbers", "say who is to be called", "required"))
    if faults:
        raise InvalidError(faults)
    filler = _Filler(store, world.teams[module.team_id], module, filling, person.name, at)
    done = await filler.numbers() + await filler.chosen() + await filler.everyone()
    news = (news_of_campaign(module),) if done.added else ()
    return done, news


@dataclass(frozen=True, slots=True)
class _Filler:
    store: Store
    team: TeamView
    module: ModuleView
    filling: Filling
    by: str
    at: datetime

    async def numbers(self) -> Filled:
        """Those that somebody wrote."""
        done = Filled()
        for n in range(0, len(self.filling.numbers), AT_ONCE):
            some = self.filling.numbers[n : n + AT_ONCE]
            read = [read_number(each.strip(), self.team.region, self.team.last_digits) for each in some]
            wrong = tuple(text[:80] for text, number in zip(some, read, strict=True) if number.hidden)
            async with self.store.write() as session:
                owners = await campaign_filling.customers_of_keys(
                    session, self.team.id, {number.e164 for number in read if number.e164}
                )
                found = [_candidate(number, owners.get(number.e164 or "")) for number in read if not number.hidden]
                done += await self._add(session, found)
            done += Filled(unreadable=len(wrong), examples=wrong[:MOST_SHOWN])
        return done

    async def chosen(self) -> Filled:
        """Customers by id; those of another team are not there."""
        done = Filled()
        for n in range(0, len(self.filling.customers), AT_ONCE):
            some = self.filling.customers[n : n + AT_ONCE]
            async with self.store.write() as session:
                rows = await campaign_filling.customers_by_id(session, self.team.id, some)
                done += await self._add_customers(session, rows)
            known = {row.id for row in rows}
            gone = tuple(str(id_) for id_ in some if id_ not in known)
            done += Filled(unreadable=len(gone), examples=gone[:MOST_SHOWN])
        return done

    async def everyone(self) -> Filled:
        """All customers of the campaign's kind whose names begin so."""
        done, after, begun = Filled(), None, self.filling.everyone
        while begun or after is not None:
            begun = False
            after, some = await self._page(after)
            done += some
        return done

    async def _page(self, after: NamePlace | None) -> tuple[NamePlace | None, Filled]:
        sight, since = Sight(self.team.id), self.filling.since
        async with self.store.write() as session:
            page = await customers.customers(session, sight, name=self.filling.name, after=after, limit=AT_ONCE)
            rows = [row for row in page.rows if row.kind == self.module.customers]
            rows = [row for row in rows if since is None or row.created_at >= since]
            return page.next, await self._add_customers(session, rows)

    async def _add_customers(self, session: AsyncSession, rows: Sequence[CustomerRow]) -> Filled:
        """By the first number of each; who has none can't be called."""
        numbers = await customers.numbers_of(session, [row.id for row in rows]) if rows else {}
        found = [_candidate_of(row, numbers) for row in rows]
        unreachable = tuple(row.name[:80] for row, each in zip(rows, found, strict=True) if each is None)
        done = await self._add(session, [each for each in found if each is not None])
        return done + Filled(unreadable=len(unreachable), examples=unreachable[:MOST_SHOWN])

    async def _add(self, session: AsyncSession, found: Iterable[Candidate]) -> Filled:
        by_key: dict[str, Candidate] = {}
        count = 0
        for each in found:
            by_key.setdefault(each.key, each)
            count += 1
        known = await campaign_filling.known_keys(session, self.module.id, by_key) if by_key else {}
        revived = 0
        for row in known.values():
            if row.state == campaign.State.WITHDRAWN:
                await campaigns.keep(session, row, self._anew(row), self.at)
                revived += 1
        added = await campaign_filling.add(
            session,
            self.team.id,
            self.module.id,
            [each for key, each in by_key.items() if key not in known],
            self.filling.note,
            self.filling.for_agent,
            self.by,
            self.at,
        )
        return Filled(added + revived, count - added - revived)

    def _anew(self, row: CampaignEntryRow) -> Entry:
        entry = campaign.put_back(campaigns.entry_of(row))
        row.note = self.filling.note or row.note
        return campaign.reserve(entry, self.filling.for_agent)


def _candidate(number: Number, customer_id: int | None) -> Candidate:
    return Candidate(number.e164 or number.raw.strip(), number.key or "", customer_id)


def _candidate_of(row: CustomerRow, numbers: Mapping[int, Sequence[CustomerNumberRow]]) -> Candidate | None:
    for each in numbers.get(row.id, ()):
        if each.tail:
            return _candidate(Number(each.raw, each.e164, each.tail), row.id)
    return None


# --- changing -----------------------------------------------------------------------------------------------------


async def change(
    store: Store,
    world: World,
    person: Person,
    module_id: int,
    entry_ids: Sequence[int],
    what: Change,
    agent_id: int | None,
    at: datetime,
) -> tuple[int, tuple[News, ...]]:
    """Withdraw entries, put them back to the start, or give them to an agent (None: to anyone); those that stand where
    this can't be done are left alone. How many were changed.

    Raises NotFoundError, ForbiddenError, InvalidError.
    """
    module = _run_by(world, person, module_id)
    agent = _for_agent(world, module, agent_id)
    changed = 0
    async with store.write() as session:
        for row in await campaigns.some(session, module.id, entry_ids[:MOST_CHOSEN]):
            entry = campaigns.entry_of(row)
            after = _changed(entry, what, agent)
            if after != entry:
                await campaigns.keep(session, row, after, at)
                changed += 1
    return changed, (news_of_campaign(module),) if changed else ()


def _changed(entry: Entry, what: Change, agent: AgentView | None) -> Entry:
    if what == "give":
        return campaign.reserve(entry, agent.id if agent else None)
    deed = Deed.WITHDRAW if what == "withdraw" else Deed.PUT_BACK
    if entry.state not in campaign.TRANSITIONS[deed]:
        return entry
    return campaign.withdraw(entry) if what == "withdraw" else campaign.put_back(entry)


async def empty(
    store: Store, world: World, person: Person, module_id: int, at: datetime
) -> tuple[int, tuple[News, ...]]:
    """Withdraw all that still wait to be called. How many. Raises NotFoundError, ForbiddenError."""
    module = _run_by(world, person, module_id)
    async with store.write() as session:
        count = await campaign_filling.withdraw_all(session, module.id, at)
    return count, (news_of_campaign(module),) if count else ()
