"""The demonstration: callers who give up on a real Asterisk, and what the daemon makes of them."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.demo.asterisk import PrivateAsterisk, Version
from daemon.demo.desks import Desk
from daemon.demo.house import House, HouseError
from daemon.demo.wire import Wire
from daemon.errors import WorkorderdError

SAMPLE: Final = Path(__file__).parents[2] / "config"
NAMES: Final = ("Otto Normal", "Lieschen Müller", "王伟", "Erika Muster", "Max Beispiel", "O'Brien & Söhne <sales>")
PAUSE: Final = (8.0, 20.0)  # seconds between two callers while it goes on

ORDERS: Final = (
    "SELECT i.number, i.count, i.state, o.serial, o.status, g.name FROM missed_item i"
    " LEFT JOIN work_order o ON o.missed_item_id = i.id LEFT JOIN agent_group g ON g.id = o.group_id ORDER BY i.id"
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand in the database in the end: as ORDERS gives it."""

    number: str
    count: int
    item: str
    serial: str | None
    order: str | None
    group: str | None


async def show(*, once: bool, version: str, port: int) -> int:
    """Run it; the exit code: with `once` 0 only if exactly the expected orders exist, else 0 on Ctrl-C."""
    console = Console()
    if version not in get_args(Version):
        console.print(f"there is no Asterisk {version} here: {' or '.join(get_args(Version))}")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="workorderd-demo-") as folder:
            return await _show(console, Path(folder), version, once=once, port=port)  # type: ignore[arg-type]
    except WorkorderdError as problem:
        console.print(Text(str(problem), style="red"))
        return 1


async def _show(console: Console, folder: Path, version: Version, *, once: bool, port: int) -> int:
    console.print(f"Starting a private Asterisk {version} ...")
    async with PrivateAsterisk(version) as pbx:
        house = House(folder, SAMPLE, pbx, **({"http_port": port} if port and not once else {}))  # type: ignore[arg-type]
        house.furnish()
        console.print("Starting workorderd with the sample configuration on SQLite ...")
        await house.start()
        try:
            async with await Wire.to(pbx) as wire:
                desk = Desk(wire, pbx)
                expected = await first_round(console, desk)
                code = await _judge(console, house, expected)
                if not once:
                    _invite(console, house)
                    await _go_on(desk)
                return code
        finally:
            await house.stop()


async def first_round(console: Console, desk: Desk) -> tuple[Expected, ...]:
    """The scripted callers; what must become of them."""
    support, sales = "support", "sales"
    otto, ada, hidden = "03023125101", "03023125102", ""

    console.print("  Otto calls support, where nobody answers, and gives up.")
    caller = await desk.call(support, number=otto, name="Otto Normal")
    await caller.joined(support)
    await _wait_a_little(desk)
    await caller.hang_up()

    console.print("  Ada times out of support and is answered in sales: not missed.")
    seat = await desk.staff(sales, 1, ring=0.5, talk=1)
    caller = await desk.call(support, number=ada, name="Ada Beispiel", variables={"TIMEOUT": "2", "NEXT_QUEUE": sales})
    await caller.connected()
    await caller.gone()
    await desk.dismiss(sales, seat)

    console.print("  Otto calls again and gives up again: the same order, counted.")
    caller = await desk.call(support, number=otto, name="Otto Normal")
    await caller.joined(support)
    await _wait_a_little(desk)
    await caller.hang_up()

    console.print("  Somebody with a hidden number gives up: listed, no order.")
    caller = await desk.call(support, number=hidden, hidden=True)
    await caller.joined(support)
    await _wait_a_little(desk)
    await caller.hang_up()

    console.print("  Erika gives up in sales; then she calls again and is answered: her order closes by itself.")
    erika = "03023125103"
    caller = await desk.call(sales, number=erika, name="Erika Muster")
    await caller.joined(sales)
    await _wait_a_little(desk)
    await caller.hang_up()
    seat = await desk.staff(sales, 1, ring=0.5, talk=1)
    caller = await desk.call(sales, number=erika, name="Erika Muster")
    await caller.connected()
    await caller.gone()
    await desk.dismiss(sales, seat)
    return (
        Expected(otto, 2, "open", "#1-1", "new", "support"),
        Expected(hidden, 1, "open", None, None, None),
        Expected(erika, 1, "reached", "#1-2", "done", "sales"),
    )


async def _wait_a_little(desk: Desk) -> None:
    """Longer than the queue's minimum wait."""
    await asyncio.sleep(1.5)


async def _judge(console: Console, house: House, expected: Sequence[Expected]) -> int:
    wanted = [(e.number, e.count, e.item, e.serial, e.order, e.group) for e in expected]
    wrong = ""
    try:
        await house.until(ORDERS, wanted)
    except HouseError as problem:
        wrong = str(problem)
    table = Table("Caller", "Missed", "Item", "Work order", "Status", "Group", title="What stands in the database")
    for number, count, item, serial, status, group in house.query(ORDERS):
        cells = (number or "hidden", f"{count}×", item, serial or "-", status or "-", group or "-")
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    if wrong:
        console.print(Text(f"This is not what was expected:\n{wrong}", style="red"))
        return 1
    console.print(Text("Exactly the expected orders exist.", style="green"))
    return 0


def _invite(console: Console, house: House) -> None:
    console.print(f"\nOpen [bold]{house.url}[/bold] and log in; every password is [bold]demo[/bold]:")
    console.print(
        "  anna (leads support), dora (leads sales), chen (Chinese), boss (team admin), root-admin (system admin)"
    )
    console.print("A new caller comes now and then. Ctrl-C ends it.\n")


async def _go_on(desk: Desk) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stop.set)
    dice = random.Random()  # noqa: S311 - a demonstration
    await desk.staff("sales", 2, ring=2, talk=5)
    while not stop.is_set():
        queue = dice.choice(("support", "sales"))
        await desk.call(queue, name=dice.choice(NAMES), patience=dice.uniform(3, 12))
        with suppress(TimeoutError):
            async with asyncio.timeout(dice.uniform(*PAUSE)):
                await stop.wait()
