"""What becomes of running orders when configuration, time and people change; on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from daemon.handlers.assignment import Assignment, change_rule
from daemon.handlers.creating import Creator
from daemon.handlers.deadlines import fire_due, next_due
from daemon.handlers.person import Person
from daemon.handlers.work_orders import Wanted, act
from daemon.handlers.world import World
from daemon.orders.assign import Rule
from daemon.orders.commands import Assign, Command, Denied, Done, Pending, ReturnToNode, Verified
from daemon.orders.creation import New
from daemon.orders.history import replay
from daemon.orders.order import Order, Stand
from daemon.orders.steps import IllegalStepError, NotAllowedError
from daemon.storage import work_orders
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, HistoryRow, WorkOrderRow
from daemon.storage.work_orders import Origin
from tests.builders import agent_id, group_id, team_id
from tests.integration.rivals import applied, edit, furnish

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=BERLIN)


@dataclass
class Company:
    """The sample's people at work."""

    store: Store
    config: Path
    world: World

    async def reload(self) -> None:
        self.world = await applied(self.store, self.config)

    def person(self, username: str) -> Person:
        agent = self.world.agent_by_username(username)
        assert agent is not None
        return Person("agent", username, agent.name, agent.team_id, agent)

    async def create(self, who: str, template: int, at: datetime = MONDAY, **more: object) -> int:
        new = New(template=self.world.templates[template], title="Order", **more)  # type: ignore[arg-type]
        wanted = Wanted(new=new, complete=False)
        return (await Creator(self.store).create(self.world, self.person(who), wanted, None, at)).id

    async def does(self, who: str, order: int, command: Command, at: datetime = MONDAY) -> Order:
        await act(self.store, self.world, self.person(who), order, command, at)
        return await self.order(order)

    async def order(self, order_id: int) -> Order:
        async with self.store.read() as session:
            return await work_orders.read(session, await session.get_one(WorkOrderRow, order_id))

    async def history(self, order_id: int) -> list[HistoryRow]:
        async with self.store.read() as session:
            query = select(HistoryRow).where(HistoryRow.order_id == order_id).order_by(HistoryRow.n)
            return list((await session.scalars(query)).all())

    def agent(self, username: str) -> int:
        return agent_id(self.world, username)

    def group(self, name: str) -> int:
        return group_id(self.world, "acme", name)

    async def rule(self, who: str, template: int, group: str, rule: Rule) -> None:
        await change_rule(self.store, self.world, self.person(who), template, self.group(group), rule, None)

    def assignment(self, *online: str) -> Assignment:
        ids = {self.agent(username) for username in online}
        return Assignment(self.store, lambda: self.world, lambda id_: id_ in ids)


@pytest.fixture
async def company(store: Store, tmp_path: Path) -> Company:
    config = furnish(tmp_path)
    return Company(store, config, await applied(store, config))


# --- the configuration changes ---------------------------------------------------------------------------------------


async def test_an_agent_who_left_gives_his_orders_back_to_the_group_with_history(company: Company) -> None:
    begun = await company.create("ben", 1, group_id=company.group("support"))
    assigned = await company.create("ben", 1, group_id=company.group("support"))
    for order in (begun, assigned):
        await company.does("anna", order, Assign(agent_id=company.agent("ben")))
    await company.does("ben", begun, Pending())
    edit(company.config, "teams.yaml", "agents: [1000, 1001, 1002]", "agents: [1000, 1002]")
    await company.reload()
    assert (await company.order(begun)).stand is Stand.HANDED_BACK
    assert (await company.order(assigned)).stand is Stand.WAITING
    last = (await company.history(begun))[-1]
    assert (last.action, last.actor_kind, last.changes["owner_id"][1]) == ("release", "system", None)
    assert "no longer in this group" in last.note
    await company.reload()  # nothing is released twice
    assert len(await company.history(begun)) == 4


async def test_orders_of_a_template_that_is_gone_go_on_and_no_new_one_is_made(company: Company) -> None:
    order = await company.create("chen", 4)
    (company.config / "templates" / "ecommerce.yaml").unlink()
    results = company.config / "call_results.yaml"
    results.write_text(results.read_text().replace("        template: ecommerce\n        create: automatic\n", ""))
    await company.reload()
    with pytest.raises(IllegalStepError, match="no longer in the configuration"):
        await company.create("chen", 4)
    moved = await company.does("chen", order, Done())
    assert (moved.group_id, moved.node_index) == (company.group("finance"), 1)


async def test_an_order_goes_through_the_flow_that_it_began_with(company: Company) -> None:
    old = await company.create("chen", 4)
    edit(company.config, "templates/ecommerce.yaml", "priority: 20, group: finance", "priority: 20, group: logistics")
    await company.reload()
    new = await company.create("chen", 4)
    assert (await company.does("chen", old, Done())).group_id == company.group("finance")
    assert (await company.does("chen", new, Done())).group_id == company.group("logistics")


async def test_it_does_not_enter_a_group_that_is_gone(company: Company) -> None:
    order = await company.create("chen", 4)
    edit(company.config, "templates/ecommerce.yaml", "priority: 20, group: finance", "priority: 20, group: logistics")
    edit(company.config, "teams.yaml", "      - name: finance\n        label: Finance\n", "      - name: treasury\n")
    await company.reload()
    with pytest.raises(IllegalStepError, match="must put it back"):
        await company.does("chen", order, Done())
    assert (await company.order(order)).stand is Stand.ASSIGNED


async def test_back_to_a_creator_who_left_means_back_to_his_group(company: Company) -> None:
    order = await company.create("chen", 4)
    await company.does("chen", order, Done())
    for who, group in (("emil", "finance"), ("fatma", "warehouse")):
        assert (await company.order(order)).group_id == company.group(group)
        await company.does(who, order, Assign(agent_id=company.agent("emil")))
        await company.does("emil", order, Done())
        if group == "finance":
            assert (await company.order(order)).owner_id == company.agent("emil")  # kept: he works there, too
    edit(company.config, "teams.yaml", "agents: [1002, 1003]", "agents: [1003]")
    await company.reload()
    await company.does("fatma", order, Assign(agent_id=company.agent("fatma")))
    home = await company.does("fatma", order, Done())
    assert (home.group_id, home.owner_id, home.stand) == (company.group("sales"), None, Stand.WAITING)


# --- ends and beginnings -------------------------------------------------------------------------------------------


async def test_the_next_order_is_linked_and_for_the_same_customer(company: Company) -> None:
    order = await company.create("anna", 2, group_id=company.group("support"))
    assert (await company.order(order)).owner_id == company.agent("anna")
    await company.does("anna", order, Done(successor=True))
    async with company.store.read() as session:
        following = (await session.scalars(select(WorkOrderRow).where(WorkOrderRow.previous_id == order))).one()
    assert (following.template_id, following.title, following.creator_id) == (3, "Order", company.agent("anna"))
    assert following.group_id == company.group("support")


async def test_history_replays_to_the_present(company: Company) -> None:
    order = await company.create("chen", 4)
    await company.rule("emil", 4, "finance", Rule(verify=True))
    await company.does("chen", order, Done(note="go"))
    await company.does("emil", order, Assign(agent_id=company.agent("emil")))
    await company.does("emil", order, ReturnToNode(note="why?"))
    now = await company.does("chen", order, Done(note="so"))
    entries = await company.history(order)
    told = replay(entry.changes for entry in entries)
    assert (told["group_id"], told["owner_id"], told["status"], told["node_status"], told["node_index"]) == (
        now.group_id,
        now.owner_id,
        now.status,
        now.node_status,
        now.node_index,
    )
    assert now.version == len(entries)


async def test_only_the_groups_admin_changes_its_rule(company: Company) -> None:
    for who in ("ben", "chen", "dora"):
        with pytest.raises(NotAllowedError, match="only the admin of Support"):
            await company.rule(who, 1, "support", Rule("fewest_unfinished"))
    await company.rule("anna", 1, "support", Rule("fewest_unfinished", verify=True))
    order = await company.create("ben", 1, group_id=company.group("support"))
    await company.assignment("ben").give_out(MONDAY)
    assert (await company.does("ben", order, Done())).stand is Stand.VERIFYING
    assert (await company.does("anna", order, Denied(note="no"))).stand is Stand.RETURNED
    await company.does("ben", order, Done())
    assert (await company.does("anna", order, Verified())).done


# --- assignment ------------------------------------------------------------------------------------------------------


async def owners(company: Company, orders: list[int]) -> list[str | None]:
    found = [(await company.order(order)).owner_id for order in orders]
    return [company.world.agents[id_].username if id_ else None for id_ in found]


async def waiting_orders(company: Company, count: int) -> list[int]:
    return [await company.create("anna", 1, group_id=company.group("support")) for _ in range(count)]


async def test_in_turn_by_number_and_on_where_it_stopped(company: Company) -> None:
    await company.rule("anna", 1, "support", Rule("agent_number_order", "all"))
    first = await waiting_orders(company, 2)
    await company.assignment().give_out(MONDAY)
    second = await waiting_orders(company, 3)
    await company.assignment().give_out(MONDAY)  # another process, after a restart
    assert await owners(company, [*first, *second]) == ["anna", "ben", "chen", "anna", "ben"]


async def test_fewest_unfinished_and_nobody_above_the_cap(company: Company) -> None:
    await company.rule("anna", 1, "support", Rule("fewest_unfinished", "all", cap=2))
    orders = await waiting_orders(company, 7)
    await company.assignment().give_out(MONDAY)
    given = await owners(company, orders)
    assert sorted(given[:6], key=str) == ["anna", "anna", "ben", "ben", "chen", "chen"]
    assert given[6] is None
    await company.does("ben", orders[given.index("ben")], Done())
    await company.assignment().give_out(MONDAY)
    assert (await owners(company, orders))[6] == "ben"


async def test_they_wait_until_somebody_comes_online_and_the_alarm_is_told_once(company: Company) -> None:
    await company.rule("anna", 1, "support", Rule("agent_number_order"))
    orders = await waiting_orders(company, 2)
    nobody = company.assignment()
    alarm = await nobody.give_out(MONDAY)
    assert [news.topic for news in alarm] == ["rules"]
    assert await nobody.give_out(MONDAY) == ()
    assert await owners(company, orders) == [None, None]
    with pytest.raises(IllegalStepError, match="automatic"):
        await company.does("anna", orders[0], Assign(agent_id=company.agent("ben")))
    await company.assignment("chen").give_out(MONDAY)
    assert await owners(company, orders) == ["chen", "chen"]
    assert (await company.history(orders[0]))[-1].actor == "agent number order"


async def test_who_spoke_with_the_caller_last_goes_first(company: Company) -> None:
    await company.rule("anna", 1, "support", Rule("agent_number_order", "all", last_agent_first=True))
    acme = team_id(company.world, "acme")
    async with company.store.write() as session:
        for n, agent in enumerate(("ben", "chen")):
            session.add(
                CallRow(
                    pbx="main",
                    uniqueid=f"{n}",
                    linkedid=f"{n}",
                    team_id=acme,
                    number="+49301234567",
                    e164="+49301234567",
                    name="",
                    extension="",
                    queue="support",
                    state="ended",
                    reason="answered",
                    began_at=MONDAY + timedelta(minutes=n),
                    ended_at=MONDAY + timedelta(minutes=n + 1),
                    agent_id=company.agent(agent),
                    evidence={},
                )
            )
        await session.flush()
        first = (await session.scalars(select(CallRow.id).order_by(CallRow.id))).first()
    new = New(template=company.world.templates[1], title="Order", group_id=company.group("support"))
    wanted = Wanted(new=new, origin=Origin(call_id=first), complete=False)
    order = (await Creator(company.store).create(company.world, company.person("anna"), wanted, None, MONDAY)).id
    await company.assignment().give_out(MONDAY)
    assert await owners(company, [order, *await waiting_orders(company, 0)]) == ["chen"]


# --- deadlines -------------------------------------------------------------------------------------------------------


async def actions(company: Company, order: int) -> list[str]:
    return [entry.action for entry in await company.history(order)]


async def test_reminder_and_escalation_come_once_in_business_hours_also_after_a_sleep(company: Company) -> None:
    friday = datetime(2026, 11, 27, 15, tzinfo=BERLIN)  # the office closes at 16:00, opens on Monday at 08:00
    order = await company.create("anna", 1, friday, group_id=company.group("support"))
    due = datetime(2026, 11, 30, 11, tzinfo=BERLIN)
    assert await next_due(company.store) == due - timedelta(hours=1)
    await fire_due(company.store, company.world, due - timedelta(hours=1, seconds=1))
    assert await actions(company, order) == ["create"]
    await fire_due(company.store, company.world, due - timedelta(hours=1))
    await fire_due(company.store, company.world, due - timedelta(minutes=1))
    assert await actions(company, order) == ["create", "remind"]
    slept = await company.create("anna", 1, friday, group_id=company.group("support"))
    for _ in range(2):
        await fire_due(company.store, company.world, due + timedelta(days=30))
    assert await actions(company, order) == ["create", "remind", "escalate"]
    assert await actions(company, slept) == ["create", "remind", "escalate"]
    assert await next_due(company.store) is None


async def test_another_node_has_its_own_deadline_and_a_done_order_has_none(company: Company) -> None:
    order = await company.create("chen", 4, MONDAY)
    assert await next_due(company.store) == MONDAY + timedelta(hours=3)
    await company.does("chen", order, Done(), MONDAY + timedelta(hours=1))
    assert await next_due(company.store) == MONDAY + timedelta(hours=7)  # 8 hours there, less 2
    plain = await company.create("anna", 1, MONDAY, group_id=company.group("support"))
    await company.does("anna", plain, Done(), MONDAY)
    await fire_due(company.store, company.world, MONDAY + timedelta(days=30))
    assert await actions(company, plain) == ["create", "done"]
    assert await actions(company, order) == ["create", "done", "remind", "escalate"]
