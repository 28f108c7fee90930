"""The sample's people at one desk: the real configuration, the rival team beside it, everybody's password the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from daemon.handlers.creating import Creator
from daemon.handlers.person import Person
from daemon.handlers.work_orders import Wanted
from daemon.orders.creation import New
from daemon.orders.customer import Customer
from daemon.orders.number import read_number
from daemon.settings import load
from daemon.storage import customers
from daemon.storage.engine import Store
from daemon.storage.tables import WorkOrderRow
from daemon.web.accounts import accounts_of
from tests.builders import NOON, group_id, team_id
from tests.integration.rivals import applied, furnish
from tests.integration.web.desk import PEOPLE, Client, Desk, open_desk

MISSED, COMPLAINT, ONLINE = 1, 2, 4
"""Templates of the sample."""


@dataclass
class Office:
    desk: Desk
    config: Path

    async def browser(self, username: str) -> Client:
        return await self.desk.logged_in(username)

    async def makes(self, username: str, template: int = ONLINE, **more: object) -> int:
        world = self.desk.world
        agent = world.agent_by_username(username)
        assert agent is not None
        person = Person("agent", username, agent.name, agent.team_id, agent)
        new = New(template=world.templates[template], title="Two headsets", **more)  # type: ignore[arg-type]
        wanted = Wanted(new=new, complete=False)
        return (await Creator(self.desk.store).create(world, person, wanted, None, NOON)).id

    async def order(self, order_id: int) -> WorkOrderRow:
        async with self.desk.store.read() as session:
            return await session.get_one(WorkOrderRow, order_id)

    async def customer(self, name: str, number: str = "030 23125117") -> int:
        new = Customer("individual", name, None, None, "", "", (read_number(number, "DE"),))
        async with self.desk.store.write() as session:
            return (await customers.add(session, team_id(self.desk.world, "acme"), new, NOON)).id

    def group(self, name: str) -> int:
        return group_id(self.desk.world, "acme", name)


@asynccontextmanager
async def open_office(store: Store, folder: Path) -> AsyncIterator[Office]:
    """The desk with the sample's world, until the block is left."""
    config = furnish(folder)
    hash_ = next(iter(PEOPLE.values())).password_hash
    async with open_desk(store, world=await applied(store, config)) as desk:
        desk.accounts = {
            name: replace(account, password_hash=hash_) for name, account in accounts_of(load(config)).items()
        }
        yield Office(desk, config)
