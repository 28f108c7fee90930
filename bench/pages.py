"""What each page costs with 100,000 work orders of one team, and what a first visit to the popup transfers.

The daemon as it ships, on SQLite; one browser at a time, over a connection that is kept, so the time that it waits is
the server's and a little more. Half of the calls and customers are the team's own; ids and words differ each time.
"""

from __future__ import annotations

import http.client
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bench.measure import Figure, at_most, quantile
from bench.orders import NOW, Size, frequent
from bench.servers import BenchError, furnished, running
from daemon.demo.house import House

SIZE = Size(100_000)
VISITS, WARM_UP = 200, 30
LIMIT, FIRST_VISIT = 25.0, 60.0
AGO = timedelta(hours=13)  # since the last call ended: results of all of them were chosen or forgotten
STEPS = ("create", "assign", "pending", "reply")
_STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')

Address = Callable[[random.Random], str]


def _order(path: str) -> Address:
    """Of an order that stands in support, where Anna sees it: every fifth."""
    return lambda dice: path.format(1 + 5 * dice.randrange(SIZE.orders // 5))


def _words(path: str) -> Address:
    return lambda dice: path + quote(frequent(dice))


def _number(path: str) -> Address:
    return lambda dice: path + quote(SIZE.number(1 + dice.randrange(SIZE.customers)))


PAGES: Mapping[str, Mapping[str, Address]] = {
    "anna": {
        "missed calls": lambda _: "/missed-calls",
        "missed calls, closed": lambda _: "/missed-calls?tab=closed",
        "missed calls found": _words("/missed-calls?q="),
        "my work orders": lambda _: "/work-orders",
        "my work orders, recent": lambda _: "/work-orders?tab=recent",
        "my work orders, history": lambda _: "/work-orders?tab=history",
        "work orders found": _words("/work-orders?whose=led&tab=history&q="),
        "work order": _order("/work-orders/{}"),
        "work order, edit": lambda _: "/work-orders/1/edit",
        "new order": lambda _: "/work-orders/new?template=2",
        "assign rules": lambda _: "/assign-rules",
        "board": lambda _: "/board",
        "board for a wall": lambda _: "/board?wall=1",
        "campaigns": lambda _: "/campaigns",
        "campaign's progress": lambda _: "/campaigns/{campaign}/progress",
        "campaign's list": lambda _: "/campaigns/{campaign}/list",
        "preferences": lambda _: "/preferences",
    },
    "ben": {
        "popup": lambda _: "/popup",
        "popup of a number": _number("/popup?number="),
        "my work orders, a result is owed": lambda _: "/work-orders",
    },
    "boss": {
        "log": lambda _: "/log",
        "log found": _words("/log?q="),
        "status": lambda _: "/status",
    },
}


def figures() -> Iterator[Figure]:
    """One figure for each page, then the popup's first visit. Under three minutes."""
    with tempfile.TemporaryDirectory() as name:
        house = furnished(Path(name) / "house", "")
        with running(house):
            pass  # it makes the tables and mirrors the configuration
        campaign = fill(house.sqlite)
        with running(house):
            for username, pages in PAGES.items():
                browser = Browser.logged_in(house, username)
                for page, address in pages.items():
                    yield visited(browser, page, address, campaign)
            yield first_visit(house)


@dataclass
class Browser:
    """One person's connection."""

    connection: http.client.HTTPConnection
    cookie: str

    @classmethod
    def logged_in(cls, house: House, username: str) -> Browser:
        """Log in. Raises BenchError."""
        connection = http.client.HTTPConnection("127.0.0.1", house.http_port, timeout=30)
        form = urlencode({"username": username, "password": "demo", "next": "/"})
        connection.request("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 303:
            raise BenchError(f"{username} can't log in: {answer.status}")
        cookies = [value.split(";")[0] for value in answer.headers.get_all("Set-Cookie", [])]
        return cls(connection, "; ".join(cookies))

    def get(self, path: str) -> tuple[bytes, float]:
        """What comes, and the seconds until it is there. Raises BenchError."""
        accept = {"Cookie": self.cookie, "Accept": "text/html", "Accept-Encoding": "br, gzip"}
        began = time.perf_counter()
        self.connection.request("GET", path, headers=accept)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise BenchError(f"{path}: {answer.status}")
        return body, took


def visited(browser: Browser, page: str, address: Address, campaign: int) -> Figure:
    """The page's slowest time but one of a hundred."""
    dice = random.Random(page)
    paths = [address(dice).replace("{campaign}", str(campaign)) for _ in range(WARM_UP + VISITS)]
    times = [browser.get(path)[1] * 1e3 for path in paths][WARM_UP:]
    against = f"median {statistics.median(times):.1f} ms, {SIZE.orders:,} orders"
    return at_most(f"pages: {page}, p99", quantile(times, 0.99), "ms", LIMIT, against)


def first_visit(house: House) -> Figure:
    """All that a browser which was never here fetches for the popup, compressed as it asks."""
    browser = Browser.logged_in(house, "ben")
    whole, _ = browser.get("/popup")
    plain = http.client.HTTPConnection("127.0.0.1", house.http_port, timeout=30)
    plain.request("GET", "/popup", headers={"Cookie": browser.cookie, "Accept": "text/html"})
    text = plain.getresponse().read().decode()
    assets = sorted(set(_STATIC.findall(text)))
    total = len(whole) + sum(len(browser.get(urlsplit(path).path)[0]) for path in assets)
    return at_most("pages: first visit to the popup", total / 1000, "kB", FIRST_VISIT, f"with {len(assets)} assets")


# --- a team with a past -------------------------------------------------------------------------------------------


def fill(path: Path) -> int:
    """100,000 orders of the sample's team, each with a history, as many calls, missed callers, and a campaign's list
    as long; the campaign's id.
    """
    sqlite3.register_adapter(datetime, lambda at: at.replace(tzinfo=None).isoformat(" ", "microseconds"))
    base = sqlite3.connect(path)
    base.execute("PRAGMA synchronous=OFF")
    base.execute("PRAGMA cache_size=-1000000")
    acme = _one(base, "SELECT id FROM team WHERE name = 'acme'")
    ids = {
        table: [row[0] for row in base.execute(f"SELECT id FROM {table} WHERE team_id = ? ORDER BY id", (acme,))]
        for table in ("agent", "agent_group", "template")
    }
    ids["agent_group"].sort(key=lambda id_: id_ != _one(base, "SELECT id FROM agent_group WHERE name = 'support'"))
    late = datetime.now(UTC) - NOW
    members: dict[int, list[int]] = {}
    for group, agent in base.execute("SELECT group_id, agent_id FROM membership ORDER BY group_id, agent_id"):
        members.setdefault(group, []).append(agent)
    _customers(base, acme)
    _orders(base, acme, ids, members, late)
    _calls(base, acme, late)
    campaign = _campaign(base, acme, late)
    base.commit()
    base.execute("ANALYZE")
    base.commit()
    base.close()
    return campaign


def _one(base: sqlite3.Connection, query: str) -> int:
    found: int = base.execute(query).fetchone()[0]
    return found


def _put(base: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    marks = ", ".join(f":{name}" for name in first)
    query = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({marks})"
    base.execute(query, first)
    base.executemany(query, rows)


def _customers(base: sqlite3.Connection, acme: int) -> None:
    many = range(1, SIZE.customers + 1)
    name = {"team_id": acme, "kind": "individual", "address": "", "note": "", "created_at": NOW, "version": 1}
    _put(base, "customer", ({**name, "id": n, "name": SIZE.name(n), "name_key": SIZE.name(n)} for n in many))
    numbers = ((n, SIZE.number(n)) for n in many)
    _put(
        base,
        "customer_number",
        ({"team_id": acme, "customer_id": n, "raw": x, "e164": x, "tail": x[-8:]} for n, x in numbers),
    )


def _orders(
    base: sqlite3.Connection, acme: int, ids: Mapping[str, list[int]], members: Mapping[int, list[int]], late: Any
) -> None:
    def moved(n: int, row: dict[str, Any]) -> dict[str, Any]:
        row = {name: value + late if isinstance(value, datetime) else value for name, value in row.items()}
        agent, group = ids["agent"], ids["agent_group"]
        row |= {"id": n, "team_id": acme, "sequence": n, "template_id": ids["template"][n % 2]}
        row |= {"group_id": group[(n - 1) % len(group)], "creator_group_id": group[0], "version": len(STEPS)}
        mates = members[row["group_id"]]
        row |= {"creator_id": agent[n % len(agent)], "owner_id": row["owner_id"] and mates[n // 7 % len(mates)]}
        row["missed_item_id"] = n // 10 if n % 10 == 0 else None
        if n == 1:  # the one that is edited
            row |= {"status": "pending", "finished_at": None, "owner_id": mates[0]}
        return row | {"serial": f"#{row['template_id']}-{n}"}

    words: list[tuple[int, int, str]] = []

    def kept() -> Iterator[dict[str, Any]]:
        for n, (row, line) in enumerate(SIZE.rows(), 1):
            words.append((acme, n, line))
            yield moved(n, row)

    _put(base, "work_order", kept())
    base.executemany("INSERT INTO order_text (team_id, order_id, words) VALUES (?, ?, ?)", words)
    each = """json_each('["' || replace(trim(words), ' ', '","') || '"]')"""
    base.execute(
        f"INSERT INTO order_word (team_id, word, order_id) SELECT team_id, value, order_id FROM order_text, {each}"
        " ORDER BY 1, 2, 3"
    )
    entry = {"actor_kind": "agent", "actor": "Anna", "from_state": "waiting", "to_state": "assigned", "note": "done"}
    entry |= {"at": NOW, "changes": "{}", "previous_hash": "0" * 64, "hash": "0" * 64}
    many = range(1, SIZE.orders + 1)
    _put(
        base,
        "history",
        ({**entry, "order_id": n, "n": step, "action": name} for n in many for step, name in enumerate(STEPS, 1)),
    )


def _calls(base: sqlite3.Connection, acme: int, late: Any) -> None:
    agents = [row[0] for row in base.execute("SELECT id FROM agent WHERE team_id = ?", (acme,))]
    call = {"pbx": "main", "team_id": acme, "extension": "100", "queue": "support", "state": "ended", "wait": 31.5}

    def told(n: int) -> dict[str, Any]:
        at, missed = SIZE.created_at(n) + late - AGO, n % 10 == 0
        number = SIZE.number(1 + n % SIZE.customers)
        row = {**call, "id": n, "uniqueid": f"1.{n}", "linkedid": f"1.{n}", "number": number, "e164": number}
        row |= {"name": SIZE.name(1 + n % SIZE.customers), "began_at": at, "ended_at": at}
        row |= {"reason": "abandoned" if missed else "answered", "missed": missed}
        row |= {"agent_id": None if missed else agents[n % len(agents)], "listing": "", "evidence": "{}"}
        if n == SIZE.orders - 1:  # Ben owes the result of one
            row |= {"agent_id": agents[1], "began_at": at + AGO, "ended_at": at + AGO}
        return row

    many = range(1, SIZE.orders + 1)
    _put(base, "call", (told(n) for n in many))

    def item(n: int) -> dict[str, Any]:
        at, is_open = SIZE.created_at(n) + late, n > SIZE.orders - 500
        number = SIZE.number(1 + n % SIZE.customers)
        row = {"team_id": acme, "caller_key": number, "number": number, "e164": number, "tail": number[-8:]}
        row |= {"name": SIZE.name(1 + n % SIZE.customers), "queue": "support", "reason": "abandoned", "wait": 31.5}
        row |= {"count": 1, "listing": "", "first_missed_at": at, "last_missed_at": at, "version": 1}
        row |= {"state": "open" if is_open else "reached", "closed_at": None if is_open else at, "closed_by": "Anna"}
        return row | {"closed_how": "", "closed_note": "", "id": n // 10}

    _put(base, "missed_item", (item(n) for n in range(10, SIZE.orders + 1, 10)))
    _put(base, "missed_call", ({"call_id": n, "item_id": n // 10} for n in range(10, SIZE.orders + 1, 10)))


def _campaign(base: sqlite3.Connection, acme: int, late: Any) -> int:
    """Half of its numbers were called, most of them once, and every tenth is to be called again."""
    campaign = _one(base, "SELECT id FROM module WHERE kind = 'campaign' ORDER BY id LIMIT 1")
    agent = _one(base, "SELECT min(id) FROM agent")
    entry = {"team_id": acme, "module_id": campaign, "note": "", "added_by": "Anna", "added_at": NOW, "changed_at": NOW}
    said = {"n": 1, "attempt": 1, "team_id": acme, "module_id": campaign, "agent_id": agent}
    said |= {"actor": "Anna", "note": "", "result": "sale"}

    def row(n: int) -> dict[str, Any]:
        number, called = f"+49302{n:07}", n <= SIZE.orders // 2
        state = ("tried" if n % 10 == 0 else "done") if called else "waiting"
        told = {"state": state, "attempts": int(called), "last_result": "sale" if state == "done" else ""}
        again = NOW + late + timedelta(minutes=n % 999) if state == "tried" else None
        known = {"id": n, "customer_id": 1 + n % SIZE.customers, "number": number, "number_key": number}
        return entry | told | known | {"next_at": again}

    _put(base, "campaign_entry", map(row, range(1, SIZE.orders + 1)))
    at, called = NOW + late - AGO, range(1, SIZE.orders // 2 + 1)
    _put(
        base,
        "campaign_result",
        ({**said, "entry_id": n, "at": at - timedelta(seconds=30 * n)} for n in called),
    )
    return campaign
