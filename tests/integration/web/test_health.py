from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from daemon.web.status import LinkStatus, Status
from tests.builders import NOON, gap
from tests.integration.web.desk import Desk


async def test_the_process_says_that_it_lives_and_is_ready(desk: Desk) -> None:
    client = desk.visitor()
    assert await (await client.get("/healthz")).json() == {"status": "alive"}
    answer = await client.get("/readyz")
    assert (answer.status, await answer.json()) == (200, {"ready": True, "reasons": []})


async def test_a_pbx_out_of_sight_makes_it_unready_with_the_reason(desk: Desk) -> None:
    desk.status = Status((LinkStatus("main", "down", detail="Connection refused"),), troubles=("disk is full",))
    answer = await desk.visitor().get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["reasons"] == ["disk is full", "PBX main is down: Connection refused"]


async def test_metrics_count_routes_and_never_paths(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    for path in ("/missed-calls", "/work-orders/4711", "/static/desk.css", "/wp-admin.php", "/healthz"):
        await client.get(path)
    text = await (await client.get("/metrics")).text()
    assert 'workorderd_http_requests_total{method="GET",route="/work-orders/{id}",status="404"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "workorderd_live_listeners 0.0" in text
    assert "4711" not in text
    assert "wp-admin" not in text


async def test_the_status_page_tells_which_pbx_is_in_sight_and_what_is_missing(desk: Desk) -> None:
    desk.status = Status(
        (
            LinkStatus("main", "up", NOON, "Asterisk 20.9.3", missing=("QUEUESTATUS is not set",)),
            LinkStatus("theirs", "down", detail="secret neighbour"),
        ),
        NOON,
        "0.1.0",
    )
    other = next(team.id for team in desk.world.teams.values() if team.name == "other")
    desk.world = replace(desk.world, pbx_teams={**desk.world.pbx_teams, "theirs": other})
    await gap(desk.store, "main", NOON - timedelta(hours=1), 90, explained=False)
    await gap(desk.store, "theirs", NOON - timedelta(hours=1), 4000)
    text = await (await (await desk.logged_in("anna")).get("/status")).text()
    for said in ("main", "Connected", "Asterisk 20.9.3", "QUEUESTATUS is not set", "1:30", "May be unknown"):
        assert said in text, said
    assert "theirs" not in text
    everything = await (await (await desk.logged_in("root")).get("/status")).text()
    assert "secret neighbour" in everything
    assert "1:06:40" in everything


async def test_when_the_database_is_gone_that_is_said_and_the_process_still_lives(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    async with desk.store.write() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("ALTER TABLE session RENAME TO away")
    page = await client.get("/missed-calls", allow_redirects=False)
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer" in await page.text()
    api = await client.get("/api/v1/missed-calls")
    assert (api.status, api.content_type) == (503, "application/problem+json")
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/static/desk.css")).status == 200
