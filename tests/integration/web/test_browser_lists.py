"""The lists, the log and the assign rules in a browser: live, by keyboard, on phones, without scripts, by axe."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from playwright.async_api import Browser, expect

from daemon.handlers.live import News
from daemon.orders.template import Node
from daemon.storage.tables import AssignRuleRow, MembershipRow, WorkOrderRow
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.web.browsing import (
    IN_A_BROWSER,
    LOOKS,
    Scheme,
    barrier_free,
    browser,
    is_live,
    opened,
)
from tests.integration.web.desk import Desk

__all__ = ["browser"]
pytestmark = IN_A_BROWSER

OF_THE_LEADER = (
    "/work-orders",
    "/work-orders?whose=mine&tab=history",
    "/work-orders?template=8&priority=1&owner=nobody&late=1&since=2026-11-01",
    "/work-orders?q=nothing",
    "/work-orders/assign?id=1&id=2&id=3",
    "/assign-rules",
    "/missed-calls?q=meyer",
    "/missed-calls?reason=full",
)
OF_ADMINS = ("/log", "/log?state=open&q=call&template=7", "/log?state=done", "/assign-rules")


async def fill(desk: Desk) -> tuple[int, int]:
    """Anna leads support and sales; two orders wait in support, one that is late in sales."""
    acme, anna = team_id(desk.world, "acme"), agent_id(desk.world, "anna")
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    both = frozenset({support, sales})
    desk.world.agents[anna] = replace(desk.world.agents[anna], groups=both, leads=both)
    of_sales = replace(desk.world.groups[sales], members=frozenset({anna}), admins=frozenset({anna}))
    desk.world.groups[sales] = of_sales
    desk.world.templates[8] = replace(desk.world.templates[8], flow=(Node(sales), Node(support)))
    item = await missed_call(desk.store, acme, name="Ada Meyer <b>")
    await missed_call(desk.store, acme, number="0171 5551234", queues=("unheard-of",))
    await work_order(desk.store, acme, support, item=item, at=NOON - timedelta(minutes=2))
    await work_order(desk.store, acme, support, at=NOON - timedelta(minutes=1))
    await work_order(desk.store, acme, sales, template=8)
    async with desk.store.write() as session:
        session.add(MembershipRow(group_id=sales, agent_id=anna, admin=True))
        for template, group in ((7, support), (8, support), (8, sales)):
            session.add(AssignRuleRow(template_id=template, group_id=group))
        late = await session.get_one(WorkOrderRow, 3)
        late.due_at, late.node_index, late.priority = NOON - timedelta(hours=1), 0, 1
    return support, sales


async def test_an_order_of_one_group_chosen_holds_those_of_others_and_says_why(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser) as page:
        await page.goto("/work-orders")
        await page.check("#order-1 input")
        await expect(page.locator("#order-3 input")).to_be_disabled()
        await expect(page.locator("#order-2 input")).to_be_enabled()
        await expect(page.locator("#one-group")).to_have_text(
            "Only orders of Support now: orders are assigned group by group."
        )
        await page.uncheck("#order-1 input")
        await expect(page.locator("#order-3 input")).to_be_enabled()
        await expect(page.locator("#one-group")).to_be_empty()


async def test_what_is_chosen_and_what_is_held_stay_so_when_rows_come_and_change(desk: Desk, browser: Browser) -> None:
    support, _ = await fill(desk)
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        await page.goto("/work-orders")
        await is_live(page)
        await page.check("#order-1 input")
        await page.fill("input[type=search]", "half a wor")
        await work_order(desk.store, acme, support, title="A new one", at=NOON + timedelta(minutes=1))
        desk.live.publish(News(acme, "work_orders", (4,), (support,)))
        await expect(page.locator("#order-4")).to_contain_text("A new one")
        await expect(page.locator("#order-1 input")).to_be_checked()
        await expect(page.locator("#order-3 input")).to_be_disabled()
        await expect(page.locator("input[type=search]")).to_have_value("half a wor")


async def test_many_are_assigned_in_a_dialog_by_keyboard_alone(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser) as page:
        await page.goto("/work-orders?whose=groups")
        for id_ in (1, 2):
            await page.focus(f"#order-{id_} input")
            await page.keyboard.press("Space")
        await page.focus("[data-needs-selection]")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open] h2")).to_have_text("Assign 2 work orders of Support")
        await expect(page.locator("dialog[open] .online")).to_have_count(1)  # Anna looks at this page
        await page.focus("dialog[open] label:has-text('Ben') input")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.locator("p.notice[role=status]")).to_have_text("Assigned.")
        await expect(page.locator("#order-1")).to_contain_text("Ben")
        await expect(page.locator("#order-2")).to_contain_text("Ben")
        assert "whose=groups" in page.url


async def test_who_reads_an_older_page_is_told_quietly_of_what_is_new(desk: Desk, browser: Browser) -> None:
    support, _ = await fill(desk)
    acme = team_id(desk.world, "acme")
    for n in range(26):
        await work_order(desk.store, acme, support, at=NOON - timedelta(hours=1, minutes=n))
    async with opened(desk, browser) as page:
        await page.goto("/work-orders?rows=25")
        await page.click("text=Older")
        await is_live(page)
        await work_order(desk.store, acme, support, at=NOON + timedelta(minutes=1))
        desk.live.publish(News(acme, "work_orders", (30,), (support,)))
        await page.click("text=1 order is new or changed")
        await expect(page.locator("#order-30")).to_be_visible()


async def test_a_rule_is_saved_and_what_is_being_chosen_survives_news(desk: Desk, browser: Browser) -> None:
    support, _ = await fill(desk)
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        await page.goto(f"/assign-rules?group={support}")
        await is_live(page)
        card = page.locator("#rule-7")
        await card.get_by_label("Fewest unfinished").check()
        await card.locator("input[type=number]").fill("3")
        await work_order(desk.store, acme, support)
        desk.live.publish(News(acme, "rules", (7,), (support,)))
        await expect(card).to_contain_text("3 orders wait")
        await expect(card.get_by_label("Fewest unfinished")).to_be_checked()
        await expect(card.locator("input[type=number]")).to_have_value("3")
        await card.get_by_role("button").click()
        await expect(page.locator("p.notice[role=status]")).to_contain_text("Saved")
        await expect(card).to_contain_text("Next: Anna")
        async with desk.store.read() as session:
            row = await session.get_one(AssignRuleRow, (7, support))
        assert (row.mode, row.cap, row.version) == ("fewest_unfinished", 3, 2)


async def test_the_log_is_filtered_and_downloaded(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, "boss") as page:
        await page.goto("/log")
        await page.click("summary")
        await page.select_option("select[name=template]", "8")
        await page.click("text=Apply")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator(".chips")).to_contain_text("Template: Careful")
        async with page.expect_download() as waited:
            await page.click("text=Download as CSV")
        told = (await (await waited.value).path()).read_text("utf-8-sig")
        assert [line.split(",")[0] for line in told.splitlines()] == ["Order", "#8-1"]
        await page.click(".chips a")
        await expect(page.locator("tbody tr")).to_have_count(3)


async def test_orders_are_found_and_assigned_without_scripts(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, scripts=False) as page:
        await page.goto("/work-orders")
        await page.check("#order-1 input")
        await page.check("#order-3 input")
        await page.click("[data-needs-selection]")
        await expect(page.locator("main .refused")).to_contain_text("it is in another group")
        await page.check("main input[type=radio] >> nth=0")
        await page.click("main form button")
        await expect(page.locator("p.notice[role=status]")).to_have_text("Assigned.")
        await page.fill("input[type=search]", "#7-1")
        await page.press("input[type=search]", "Enter")
        await expect(page.locator("tbody tr")).to_have_count(1)


@LOOKS
async def test_axe_finds_no_barrier_in_any_list_and_nothing_is_wider_than_the_screen(
    desk: Desk, browser: Browser, scheme: Scheme, size: tuple[int, int]
) -> None:
    support, _ = await fill(desk)
    async with opened(desk, browser, scheme=scheme, size=size, expected="409") as page:
        for path in OF_THE_LEADER:
            await page.goto(path)
            await is_live(page)
            await barrier_free(page, path)
        await page.goto("/work-orders")
        await page.click("summary")
        await page.check("#order-1 input")
        await barrier_free(page, "chosen")
        await page.click("[data-needs-selection]")
        await expect(page.locator("dialog[open] h2")).to_be_visible()
        await barrier_free(page, "dialog")
        await page.goto(f"/assign-rules?group={support}")
        async with desk.store.write() as session:
            (await session.get_one(AssignRuleRow, (7, support))).version = 9
        await page.click("#rule-7 button")
        await expect(page.locator("#rule-7 [role=alert]")).to_be_visible()
        await barrier_free(page, "conflict")
    async with opened(desk, browser, "boss", scheme=scheme, size=size) as page:
        for path in OF_ADMINS:
            await page.goto(path)
            await is_live(page)
            await barrier_free(page, path)
