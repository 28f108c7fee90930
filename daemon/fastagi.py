"""FastAGI wired to the house: the scripts of `agi/` with our use cases, their port and their metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import Final, Literal, Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agi.caller import Known, caller
from agi.left import Left, left
from agi.result import Choice, Menu, result
from agi.server import Script, Server, Told
from agi.status import status
from daemon.ami.errors import AmiError, AmiRefused
from daemon.ami.frames import Frame
from daemon.errors import StartError
from daemon.handlers.callers import StatusLine, order_pin, who_calls
from daemon.handlers.live import Tell
from daemon.handlers.result_menu import Offer, choose, offer_of
from daemon.handlers.world import World
from daemon.settings.models import Agi
from daemon.storage.engine import Store

LISTENING: Final = "agi_listening"
REPORT_LOST: Final = "agi_report_lost"
UNSEEN: Final = "agi_alive_refused"
BEAT: Final = 10.0  # seconds; the dialplan waits for three of them
BEAT_WHILE_DOWN: Final = 0.5  # seconds
REFUSED_BY_QUEUE: Final = frozenset({"FULL", "JOINEMPTY", "JOINUNAVAIL", "UNKNOWN"})  # app_queue.c, join_queue()
BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0)

log = structlog.get_logger()


class Line(Protocol):
    """What is needed of a PBX: its link and who listens to it."""

    @property
    def classes(self) -> frozenset[str]:
        """The privilege classes of which events have come."""

    async def ask(self, action: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """The events of a list action. Raises AmiError."""

    async def show_alive(self) -> None:
        """Tell the dialplan that it may ask us. Raises AmiError."""

    def hear(self, frames: list[Frame]) -> None:
        """Take frames as if the manager had sent them now."""


async def beating(lines: Mapping[str, Line]) -> None:
    """Show every PBX now and then that we live, until cancelled: one that heard nothing for long asks nothing."""
    refused: set[str] = set()
    while True:
        pause = BEAT
        for name, line in lines.items():
            try:
                await line.show_alive()
            except AmiRefused as problem:
                if name not in refused:
                    log.warning(UNSEEN, pbx=name, problem=str(problem), remedy="the manager user needs write = system")
                refused.add(name)
            except AmiError:  # the link says itself that it is down
                pause = BEAT_WHILE_DOWN
        await asyncio.sleep(pause)


def pins(settings: Agi | None) -> Callable[[int], str]:
    """With which PIN a caller hears of an order, by the order's id; "" where nobody is asked for one."""
    secret = settings.secret.get_secret_value() if settings and settings.secret else None
    return lambda order_id: order_pin(secret, order_id) if secret else ""


@asynccontextmanager
async def answering(
    settings: Agi | None,
    lines: Mapping[str, Line],
    store: Store,
    world: Callable[[], World],
    clock: Callable[[], datetime],
    tell: Tell,
    registry: CollectorRegistry,
) -> AsyncIterator[None]:
    """Answer the dialplan until the block is left, where the configuration has a part `agi`. Raises StartError."""
    if settings is None:
        yield
        return
    secret = settings.secret.get_secret_value() if settings.secret else None
    server = Server(
        _scripts(lines, store, StatusLine(store, world, secret, clock), world, clock, tell),
        allow=[ip_network(text, strict=False) for text in settings.allow],
        secret=secret,
        told=_counting(registry),
    )
    running = Gauge("workorderd_agi_running", "FastAGI conversations that are open", registry=registry)
    running.set_function(lambda: server.running)
    try:
        listening = server.listen(settings.host, settings.port)
        port = await listening.__aenter__()
    except OSError as problem:
        message = f"agi: can't listen on {settings.host}:{settings.port}: {problem.strerror}"
        raise StartError(message) from problem
    log.info(LISTENING, address=f"agi://{settings.host}:{port}")
    try:
        yield
    finally:
        await listening.__aexit__(None, None, None)


def _counting(registry: CollectorRegistry) -> Callable[[Told], None]:
    conversations = Counter(
        "workorderd_agi_conversations", "FastAGI conversations that are over", ["script", "outcome"], registry=registry
    )
    seconds = Histogram("workorderd_agi_seconds", "How long they took", ["script"], buckets=BUCKETS, registry=registry)

    def count(told: Told) -> None:
        conversations.labels(told.script, told.outcome).inc()
        if told.script:
            seconds.labels(told.script).observe(told.seconds)

    return count


def _scripts(
    lines: Mapping[str, Line],
    store: Store,
    orders: StatusLine,
    world: Callable[[], World],
    clock: Callable[[], datetime],
    tell: Tell,
) -> Mapping[str, Script]:
    async def find(pbx: str, queue: str, number: str) -> Known:
        known = await who_calls(store, world(), pbx, queue, number)
        return Known(known.customer_id, known.name, "", known.orders, known.agent) if known else Known()

    async def offer(pbx: str, uniqueid: str, number: str) -> Menu | None:
        found = await offer_of(store, world(), pbx, uniqueid, number, clock())
        if found is None:
            return None
        choices = [Choice(each.identity, each.callback == "required") for each in found.results]
        return Menu(found.call_id, found.agent.id, choices)

    async def take(menu: Menu, choice: Choice, hours: int | None) -> Literal["chosen", "refused"]:
        agent, now = world().agents.get(menu.agent_id), clock()
        if agent is None:
            return "refused"
        at = now + timedelta(hours=hours) if hours is not None else None
        news = await choose(store, world(), Offer(menu.call_id, agent, ()), choice.identity, at, now)
        for each in news or ():
            tell(each)
        return "refused" if news is None else "chosen"

    return {
        "caller": partial(caller, find=find),
        "result": partial(result, find=offer, choose=take),
        "left": partial(left, tell=reporting(lines, time.time)),
        "status": partial(status, look=orders.look),
    }


def reporting(lines: Mapping[str, Line], clock: Callable[[], float]) -> Callable[[Left], Awaitable[None]]:
    """How `left` tells: what the manager holds back becomes the frames that it would have sent.

    Without class `dialplan` a manager user hears neither that a queue refused a caller nor why he came out of it. The
    frames are queued behind everything that was sent before: Asterisk answers a Ping only after that (main/manager.c,
    do_message). With that class nothing is needed.
    """

    async def tell(told: Left) -> None:
        line = lines.get(told.pbx)
        if line is None:
            log.warning(REPORT_LOST, pbx=told.pbx, problem="no PBX of the configuration has this name")
            return
        if "dialplan" in line.classes:
            return
        try:
            await line.ask({"Action": "Ping"})
        except AmiError as problem:  # queue_log or the snapshot will tell, or a gap is shown
            log.warning(REPORT_LOST, pbx=told.pbx, problem=str(problem))
            return
        line.hear(list(frames_of(told, clock())))

    return tell


def frames_of(told: Left, at: float) -> Sequence[Frame]:
    """The manager's events for it: Newexten where the queue did not let him in, and VarSet of QUEUESTATUS."""
    channel = {
        "Uniqueid": told.uniqueid,
        "CallerIDNum": told.number,
        "CallerIDName": told.name,
        "Exten": told.extension,
    }
    status = {"Event": "VarSet", **channel, "Variable": "QUEUESTATUS", "Value": told.status}
    if told.status not in REFUSED_BY_QUEUE:
        return (_frame(status, at),)
    return _frame({"Event": "Newexten", **channel, "Application": "Queue", "AppData": told.queue}, at), _frame(
        status, at
    )


def _frame(headers: Mapping[str, str], at: float) -> Frame:
    lines = (f"{name}: {value}" for name, value in headers.items())
    return Frame("\r\n".join(lines).encode("utf-8", "backslashreplace"), at)
