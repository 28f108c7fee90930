"""When a page stands in a browser, and whether it moves after that, with 100,000 work orders of one team.

Largest contentful paint and cumulative layout shift as chromium tells them (W3C, "Largest Contentful Paint" and
"Layout Instability"); one visit after the other, with what was fetched before still in the browser's cache.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.measure import Figure, at_most
from bench.pages import SIZE, fill
from bench.servers import furnished, running
from daemon.demo.house import House

VISITS = 7
PAINTED, MOVED = 500.0, 0.0
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PAGES = {
    "ben": {"popup": "/popup"},
    "anna": {
        "missed calls": "/missed-calls",
        "my work orders": "/work-orders",
        "work order": "/work-orders/1",
        "new order": "/work-orders/new?template=2",
        "assign rules": "/assign-rules",
        "board": "/board",
        "campaigns": "/campaigns",
    },
    "boss": {"log": "/log", "status": "/status"},
}
WATCH = """
window.seen = {painted: 0, moved: 0};
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.seen.painted = entry.startTime })
    .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.seen.moved += entry.value })
    .observe({type: 'layout-shift', buffered: true});
"""


def figures() -> Iterator[Figure]:
    """Two figures for each page and size. About two minutes."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        house = furnished(Path(name) / "house", "")
        with running(house):
            pass  # it makes the tables and mirrors the configuration
        fill(house.sqlite)
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with running(house):
            for username, pages in PAGES.items():
                for size, (width, height) in SIZES.items():
                    context = chromium.new_context(base_url=house.url, viewport={"width": width, "height": height})
                    page = context.new_page()
                    _log_in(page, house, username)
                    page.add_init_script(WATCH)
                    for title, path in pages.items():
                        yield from painted(page, f"{title}, {size}", path)
                    context.close()
        chromium.close()


def _log_in(page: Page, house: House, username: str) -> None:
    page.goto(f"{house.url}/login")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", "demo")
    page.click("button[type=submit]")
    page.wait_for_load_state()


def painted(page: Page, name: str, path: str) -> Iterator[Figure]:
    """The median of some visits, and the worst shift of them."""
    seen = []
    for _ in range(VISITS):
        page.goto(path)
        page.wait_for_selector("#connection[data-state=live]")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seen.append(page.evaluate("() => window.seen"))
    against = f"{VISITS} visits, {SIZE.orders:,} orders"
    yield at_most(f"paint: {name}", statistics.median(one["painted"] for one in seen), "ms", PAINTED, against)
    yield at_most(f"paint: {name}, layout shift", max(one["moved"] for one in seen), "", MOVED, against)
