"""What is looked for among missed calls, on the page and in both databases."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.missed_lists import ItemFilter, find_items
from daemon.storage.visibility import Sight
from tests.builders import NOON, closed, missed_call, team_id
from tests.integration.web.desk import Desk
from tests.worlds import small_world


async def fill(store: Store, acme: int) -> None:
    await missed_call(store, acme, number="030 1234567", name="Ada Meyer", queues=("sales", "support"))
    at = NOON - timedelta(minutes=1)
    await missed_call(store, acme, number="0171 5551234", name="50%_off", queues=("Sales",), reason="timeout", at=at)
    await missed_call(store, acme, number="anonymous", at=NOON - timedelta(minutes=2))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ItemFilter(), [1, 2, 3]),
        (ItemFilter(queue="sales"), [2]),
        (ItemFilter(reason="abandoned"), [1, 3]),
        (ItemFilter(words="meyer"), [1]),
        (ItemFilter(words="030 12345"), [1]),
        (ItemFilter(words="+49 171"), [2]),
        (ItemFilter(words="51234"), [2]),
        (ItemFilter(words="%"), [2]),
        (ItemFilter(words="0_o"), []),
        (ItemFilter(words="12"), [1, 2]),
        (ItemFilter(queue="sales", reason="abandoned"), []),
    ],
)
async def test_missed_calls_are_found_by_queue_reason_number_and_name(
    store: Store, wanted: ItemFilter, found: list[int]
) -> None:
    world = await small_world(store)
    await fill(store, team_id(world, "acme"))
    async with store.read() as session:
        mine = await find_items(session, Sight(team_id(world, "acme")), "open", wanted)
        others = await find_items(session, Sight(team_id(world, "other")), "open", wanted)
    assert [item.id for item in mine.rows] == found
    assert others.rows == []


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_a_rare_one_is_come_to_by_bounded_pages(store: Store, state: str) -> None:
    world = await small_world(store)
    acme = team_id(world, "acme")
    for n in range(9):
        reason = "timeout" if n == 8 else "abandoned"
        item = await missed_call(
            store, acme, number=f"030 123456{n}", reason=reason, at=NOON - timedelta(minutes=n // 2)
        )
        if state == "closed":
            await closed(store, item, Closing("reached", NOON + timedelta(minutes=9 - n), "Anna", "call_back"))
    pages, after = [], None
    async with store.read() as session:
        while True:
            page = await find_items(session, Sight(acme), state, ItemFilter(reason="timeout"), after, 2, 4)  # type: ignore[arg-type]
            pages.append([item.id for item in page.rows])
            after = page.next
            if after is None:
                break
    assert pages == [[], [], [9]]


async def test_the_page_keeps_what_is_looked_for(desk: Desk) -> None:
    await fill(desk.store, team_id(desk.world, "acme"))
    client = await desk.logged_in("anna")
    text = await (await client.get("/missed-calls?q=meyer&queue=support&reason=abandoned")).text()
    assert re.findall(r'<tr role="row" id="missed-(\d+)"', text) == ["1"]
    for said in ('value="meyer"', '<option value="support" selected>', '<option value="abandoned" selected>'):
        assert said in text, said
    assert 'hx-get="/missed-calls/rows?tab=open&amp;queue=support&amp;reason=abandoned&amp;q=meyer"' in text
    nothing = await (await client.get("/missed-calls?q=zzz")).text()
    assert "No missed call here is what you look for." in nothing
    assert (await client.get("/missed-calls?reason=odd")).status == 400


async def test_an_order_is_made_by_one_click_or_with_details(desk: Desk) -> None:
    await fill(desk.store, team_id(desk.world, "acme"))
    text = await (await (await desk.logged_in("anna")).get("/missed-calls")).text()
    assert 'action="/missed-calls/1/work-order"' in text
    assert 'href="/work-orders/new?missed=1"' in text
