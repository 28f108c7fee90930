"""Deliveries, seen, sent again and discarded by those who may: on the page, by the API and on the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.handlers.live import News
from daemon.storage.engine import Store
from daemon.storage.tables import OutboxRow
from tests.builders import NOON, team_id
from tests.integration.storage.plans import plan_of
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Desk, csrf


async def put(
    desk: Desk, state: str = "parked", *, team: str = "acme", endpoint: str = "crm", held: bool = False
) -> int:
    waiting = state == "waiting"
    async with desk.store.write() as session:
        row = OutboxRow(
            team_id=team_id(desk.world, team),
            channel="webhook",
            endpoint=endpoint,
            line="order:7",
            message_id=f"msg_{team}{endpoint}{state}{held}",
            event="order.created",
            version=1,
            payload={"type": "order.created", "what": "Kettle <b>"},
            state=state,
            attempts=3,
            holder="somebody" if held else None,
            code="500",
            answer="<h1>broken</h1>",
            created_at=NOON,
            next_at=NOON + timedelta(hours=1) if waiting else None,
            ended_at=None if waiting else NOON,
        )
        session.add(row)
        await session.flush()
        return row.id


async def row(desk: Desk, id_: int) -> OutboxRow:
    async with desk.store.read() as session:
        return await session.get_one(OutboxRow, id_)


class TestApi:
    async def test_lists_are_filtered_paged_and_of_ones_own_team(self, desk: Desk) -> None:
        ids = [await put(desk, state) for state in ("waiting", "delivered", "parked", "discarded")]
        await put(desk, team="other")
        client = await bearer(desk)
        told = await (await client.get("/api/v1/webhooks/deliveries")).json()
        assert [each["id"] for each in told["items"]] == ids[::-1]
        parked = await (await client.get("/api/v1/webhooks/deliveries?state=parked&endpoint=crm")).json()
        assert [(each["id"], each["code"], each["answer"]) for each in parked["items"]] == [
            (ids[2], "500", "<h1>broken</h1>")
        ]
        first = await (await client.get("/api/v1/webhooks/deliveries?limit=3")).json()
        rest = await (await client.get(f"/api/v1/webhooks/deliveries?limit=3&cursor={first['next']}")).json()
        assert [each["id"] for each in (*first["items"], *rest["items"])] == ids[::-1]
        assert rest["next"] is None

    async def test_one_is_told_with_what_is_sent(self, desk: Desk) -> None:
        id_ = await put(desk)
        client = await bearer(desk)
        told = await (await client.get(f"/api/v1/webhooks/deliveries/{id_}")).json()
        assert told["payload"] == {"type": "order.created", "what": "Kettle <b>"}

    async def test_what_is_delivered_again_keeps_its_message_id_and_is_told_to_open_pages(self, desk: Desk) -> None:
        id_ = await put(desk)
        before = (await row(desk, id_)).message_id
        client = await bearer(desk)
        heard: list[News] = []
        desk.live.watch(heard.append)
        answer = await client.post("/api/v1/webhooks/deliveries", json={"ids": [id_], "action": "redeliver"})
        after = await row(desk, id_)
        assert (answer.status, after.state, after.attempts, after.next_at) == (200, "waiting", 0, NOON)
        assert after.message_id == before
        assert [news.topic for news in heard] == ["deliveries"]

    async def test_all_or_none_and_nothing_of_another_team(self, desk: Desk) -> None:
        mine, theirs = await put(desk), await put(desk, team="other")
        client = await bearer(desk)
        wish = {"ids": [mine, theirs], "action": "discard"}
        assert (await client.post("/api/v1/webhooks/deliveries", json=wish)).status == 404
        assert (await row(desk, mine)).state == "parked"
        assert (await client.get(f"/api/v1/webhooks/deliveries/{theirs}")).status == 404

    async def test_what_is_under_way_is_left_alone(self, desk: Desk) -> None:
        id_ = await put(desk, "waiting", held=True)
        client = await bearer(desk)
        for action in ("redeliver", "discard"):
            answer = await client.post("/api/v1/webhooks/deliveries", json={"ids": [id_], "action": action})
            assert answer.status == 409

    async def test_what_arrived_is_not_discarded(self, desk: Desk) -> None:
        id_ = await put(desk, "delivered")
        client = await bearer(desk)
        answer = await client.post("/api/v1/webhooks/deliveries", json={"ids": [id_], "action": "discard"})
        assert answer.status == 409

    async def test_agents_know_nothing_of_deliveries(self, desk: Desk) -> None:
        client = await desk.logged_in("anna")
        assert (await client.get("/api/v1/webhooks/deliveries")).status == 403
        assert (await client.get("/deliveries")).status == 403
        assert "/deliveries" not in await (await client.get("/missed-calls")).text()


class TestPage:
    async def test_an_admin_sees_and_sends_again_without_scripts(self, desk: Desk) -> None:
        id_ = await put(desk)
        client = await desk.logged_in("boss")
        page = await (await client.get("/deliveries?state=parked")).text()
        assert "order.created" in page
        assert "&lt;h1&gt;broken" in page
        form = {"csrf": await csrf(client), "do": "redeliver", "id": str(id_), "state": "parked"}
        page = await (await client.post("/deliveries", data=form)).text()
        assert "1 delivery goes again." in page
        assert (await row(desk, id_)).state == "waiting"

    async def test_one_delivery_shows_what_is_sent_as_text(self, desk: Desk) -> None:
        id_ = await put(desk)
        client = await desk.logged_in("boss")
        page = await (await client.get(f"/deliveries/{id_}")).text()
        assert "Kettle &lt;b&gt;" in page

    async def test_another_teams_does_not_exist(self, desk: Desk) -> None:
        theirs = await put(desk, team="other")
        client = await desk.logged_in("boss")
        assert (await client.get(f"/deliveries/{theirs}")).status == 404
        assert "crm" not in await (await client.get("/deliveries/rows")).text()

    @pytest.mark.parametrize("query", ["state=gone", "before=x", "before=-1"])
    async def test_nonsense_is_refused(self, desk: Desk, query: str) -> None:
        client = await desk.logged_in("boss")
        assert (await client.get(f"/deliveries?{query}")).status == 400


async def test_lists_and_taking_are_walks_in_an_index(desk_store: Store) -> None:
    from daemon.storage import outbox

    if not desk_store.is_sqlite:
        pytest.skip("plans are SQLite's")
    lines = await plan_of(desk_store, lambda session: outbox.listed(session, [1], ["parked"], "crm", 9, 5))
    lines += await plan_of(
        desk_store, lambda session: outbox.take(session, "webhook", "crm", 5, "one", NOON, NOON + timedelta(minutes=1))
    )
    assert lines
    assert not [line for line in lines if line.startswith("SCAN") or "TEMP B-TREE" in line], lines


async def test_the_command_line_lists_sends_again_and_discards(tmp_path: Path) -> None:
    from daemon.app import change_deliveries, list_deliveries, open_store
    from daemon.errors import NotFoundError
    from daemon.settings import load
    from tests.integration.rivals import applied, furnish

    folder = furnish(tmp_path)
    config = folder if isinstance(folder, Path) else tmp_path / "config"
    settings = load(config)
    store = open_store(config, settings)
    from daemon.storage.schema import migrate

    await migrate(store)
    world = await applied(store, folder)
    async with store.write() as session:
        team = next(iter(world.teams))
        values = {
            "channel": "webhook",
            "endpoint": "crm",
            "line": "",
            "event": "call.ended",
            "version": 1,
            "payload": {},
        }
        parked = OutboxRow(team_id=team, message_id="a", state="parked", attempts=1, **values)
        parked.created_at = parked.ended_at = NOON
        session.add(parked)
        await session.flush()
    assert [each.id for each in await list_deliveries(config, "parked", "crm", 5)] == [parked.id]
    assert await change_deliveries(config, [parked.id], "redeliver") == 1
    assert await change_deliveries(config, [parked.id], "discard") == 1
    with pytest.raises(NotFoundError):
        await change_deliveries(config, [parked.id + 1], "discard")
    async with store.read() as session:
        assert await session.scalar(select(OutboxRow.state)) == "discarded"
    await store.close()
