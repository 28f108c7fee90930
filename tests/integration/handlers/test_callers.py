"""Who calls, and what he may hear of an order; on both databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daemon.handlers.callers import MOST_WRONG, WRONG_FOR, CallerKnown, StatusLine, order_pin, who_calls
from daemon.handlers.world import World
from daemon.orders.customer import Customer
from daemon.orders.number import read_number
from daemon.storage import customers
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, WorkOrderRow
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.rivals import applied, furnish

MEYER = "030 23125117"
STRANGER = "040 66969100"
SECRET = "sesam"


@dataclass
class Office:
    store: Store
    world: World
    now: datetime = NOON
    line: StatusLine = field(init=False)

    def __post_init__(self) -> None:
        self.open(SECRET)

    def open(self, secret: str | None) -> None:
        self.line = StatusLine(self.store, lambda: self.world, secret, lambda: self.now)

    async def customer(self, name: str, *numbers: str, team: str = "acme") -> int:
        read = tuple(read_number(number, "DE") for number in numbers)
        new = Customer("individual", name, None, None, "", "", read)
        async with self.store.write() as session:
            return (await customers.add(session, team_id(self.world, team), new, NOON)).id

    async def order(self, customer: int | None, *, status: str = "new") -> WorkOrderRow:
        row = await work_order(
            self.store, team_id(self.world, "acme"), group_id(self.world, "acme", "support"), template=1
        )
        async with self.store.write() as session:
            kept = await session.get_one(WorkOrderRow, row.id)
            kept.customer_id, kept.status = customer, status
            kept.finished_at = NOON if status == "done" else None
            return kept

    async def talked(self, number: str, username: str, at: datetime) -> None:
        acme = team_id(self.world, "acme")
        row = CallRow(
            pbx="main",
            uniqueid=f"{at.timestamp()}",
            linkedid="x",
            team_id=acme,
            number=number,
            e164=read_number(number, "DE").e164,
            name="",
            extension="",
            queue="support",
            state="ended",
            began_at=at,
            ended_at=at,
            reason="answered",
            agent_id=agent_id(self.world, username),
        )
        async with self.store.write() as session:
            session.add(row)

    async def who(self, number: str, pbx: str = "main", queue: str = "support") -> CallerKnown | None:
        return await who_calls(self.store, self.world, pbx, queue, number)

    async def hears(self, number: str, order: WorkOrderRow, pin: str = "") -> str:
        return await self.line.look("main", number, (order.template_id, order.sequence), pin)


@pytest.fixture
async def office(store: Store, tmp_path: Path) -> Office:
    return Office(store, await applied(store, furnish(tmp_path)))


# --- who calls -------------------------------------------------------------------------------------------------------


async def test_a_customer_is_known_by_his_number_with_his_orders_and_who_spoke_with_him(office: Office) -> None:
    meyer = await office.customer("Meyer", MEYER)
    await office.order(meyer, status="done")
    older, newer = await office.order(meyer), await office.order(meyer, status="pending")
    await office.talked(MEYER, "ben", NOON - timedelta(days=2))
    await office.talked(MEYER, "anna", NOON - timedelta(days=1))
    known = await office.who("+493023125117")
    assert known is not None
    assert (known.customer_id, known.name) == (meyer, "Meyer")
    assert set(known.orders) == {older.serial, newer.serial}
    assert known.agent == office.world.agents[agent_id(office.world, "anna")].interfaces[0]


async def test_two_customers_with_one_number_are_named_by_nobody_and_both_have_their_orders(office: Office) -> None:
    orders = [await office.order(await office.customer(name, MEYER)) for name in ("Meyer", "Meyer's son")]
    known = await office.who(MEYER)
    assert known is not None
    assert (known.customer_id, known.name) == (None, "")
    assert set(known.orders) == {order.serial for order in orders}


async def test_who_was_missed_has_his_order_though_he_is_no_customer(office: Office) -> None:
    acme = team_id(office.world, "acme")
    item = await missed_call(office.store, acme, number=STRANGER)
    order = await work_order(office.store, acme, group_id(office.world, "acme", "support"), template=1, item=item)
    known = await office.who(STRANGER)
    assert known is not None
    assert known.orders == (order.serial,)


@pytest.mark.parametrize("number", ["", "anonymous", "x'; DROP TABLE customer", "9" * 500])
async def test_a_number_that_is_none_is_nobody(office: Office, number: str) -> None:
    await office.customer("Meyer", MEYER)
    assert await office.who(number) == CallerKnown(None, "", (), "")


async def test_nobody_is_known_of_a_pbx_that_is_not_configured_and_no_other_teams_customer(office: Office) -> None:
    await office.customer("Theirs", MEYER, team="rival")
    assert await office.who(MEYER, pbx="nowhere", queue="nothing") is None
    assert await office.who(MEYER) == CallerKnown(None, "", (), "")


# --- how an order stands ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["new", "pending", "done"])
async def test_a_customer_hears_of_his_order(office: Office, status: str) -> None:
    order = await office.order(await office.customer("Meyer", STRANGER, MEYER), status=status)
    assert await office.hears(MEYER, order) == status


async def test_from_elsewhere_the_pin_opens_it(office: Office) -> None:
    order = await office.order(await office.customer("Meyer", MEYER))
    assert await office.hears(STRANGER, order) == "pin"
    assert await office.hears("", order, order_pin(SECRET, order.id)) == "new"
    assert await office.hears(STRANGER, order, order_pin(SECRET, order.id + 1)) == "unknown"
    assert await office.hears(STRANGER, order, order_pin("another", order.id)) == "unknown"


async def test_an_order_that_does_not_exist_sounds_like_a_wrong_pin(office: Office) -> None:
    assert await office.line.look("main", STRANGER, (1, 99), "") == "pin"
    assert await office.line.look("main", STRANGER, (1, 99), "123456") == "unknown"
    assert await office.line.look("nowhere", STRANGER, (1, 99), "") == "unknown"


async def test_without_a_secret_there_are_no_pins(office: Office) -> None:
    office.open(None)
    order = await office.order(await office.customer("Meyer", MEYER))
    assert await office.hears(STRANGER, order) == "unknown"
    assert await office.hears(STRANGER, order, order_pin(SECRET, order.id)) == "unknown"
    assert await office.hears(MEYER, order) == "new"


async def test_five_wrong_pins_close_the_orders_pin_for_a_while_and_not_the_customers_own_number(
    office: Office,
) -> None:
    order = await office.order(await office.customer("Meyer", MEYER))
    right = order_pin(SECRET, order.id)
    for _ in range(MOST_WRONG):
        assert await office.hears(STRANGER, order, "000000" if right != "000000" else "111111") == "unknown"
    assert await office.hears(STRANGER, order, right) == "unknown"
    assert await office.hears(MEYER, order) == "new"
    office.now += WRONG_FOR
    assert await office.hears(STRANGER, order, right) == "new"


async def test_an_order_of_another_team_is_unknown_to_the_callers_of_this_one(office: Office) -> None:
    rival = team_id(office.world, "rival")
    theirs = await work_order(office.store, rival, group_id(office.world, "rival", "desk"), template=90)
    assert await office.hears(STRANGER, theirs, order_pin(SECRET, theirs.id)) == "unknown"
