"""A desk for tests: the application over a real database, with a clock that tests turn, and people who log in."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from daemon import fastagi
from daemon.handlers.attachments import Depot
from daemon.handlers.customer_import import Imports
from daemon.handlers.dialling import Dialler, Line, Trunk
from daemon.handlers.duty import Duty
from daemon.handlers.presence import Presence
from daemon.handlers.ringing import Ring
from daemon.handlers.seats import Switch
from daemon.handlers.world import World
from daemon.handlers.wrap_up import WrapUps
from daemon.settings.models import Agi, Http
from daemon.storage.engine import Store
from daemon.web.accounts import Account, Accounts
from daemon.web.live import Live
from daemon.web.parts import Source, WebParts
from daemon.web.server import build_app
from daemon.web.status import LinkStatus, Status
from tests.builders import NOON
from tests.worlds import small_world

PASSWORD = "correct horse"
AGI_SECRET = "the word of the dialplan"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

PEOPLE: Accounts = {
    account.username: account
    for account in (
        Account("anna", "Anna", "agent", "acme", None, _HASH),
        Account("ben", "Ben", "agent", "acme", "zh", _HASH),
        Account("boss", "Bettina Boss", "team_admin", "acme", None, _HASH),
        Account("olga", "Olga", "agent", "other", None, _HASH),
        Account("root", "System administrator", "system_admin", None, None, _HASH),
        Account("locked", "Has no password", "agent", "acme", None, None),
    )
}

Client = TestClient[Request, Application]


class Clock:
    """The time that the application sees."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **amount: float) -> None:
        """Let time go by."""
        self.at += timedelta(**amount)


@dataclass(frozen=True)
class DeskRings:
    """What rings, as a test says."""

    desk: Desk

    def of(self, agent_id: int) -> tuple[Ring, ...]:
        """At this agent's phone."""
        return tuple(each for each in self.desk.rings if each.agent_id == agent_id)


@dataclass
class Desk:
    """The application's parts, and clients of it."""

    store: Store
    world: World
    clock: Clock
    live: Live
    server: TestServer
    accounts: dict[str, Account]
    status: Status
    clients: list[Client] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    trunks: dict[str, tuple[Trunk, Line]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    wrap_ups: WrapUps = field(init=False)

    def visitor(self, **headers: str) -> Client:
        """A browser of its own, not logged in."""
        client: Client = TestClient(self.server, headers=headers)
        self.clients.append(client)
        return client

    async def logged_in(self, username: str) -> Client:
        """A browser of somebody who is logged in."""
        client = self.visitor()
        answer = await log_in(client, username)
        assert answer.status == 303, await answer.text()
        return client


async def log_in(client: Client, username: str, password: str = PASSWORD, onward: str = "/") -> ClientResponse:
    """Post the log-in form; redirects are not followed."""
    form = {"username": username, "password": password, "next": onward}
    return await client.post("/login", data=form, allow_redirects=False)


async def csrf(client: Client) -> str:
    """The CSRF token of this client's session."""
    answer = await client.get("/api/v1/me")
    token = (await answer.json())["csrf_token"]
    assert isinstance(token, str)
    return token


@asynccontextmanager
async def open_desk(
    store: Store,
    http: Http | None = None,
    world: World | None = None,
    depot: Depot | None = None,
    epoch: str = "test",
) -> AsyncIterator[Desk]:
    """The application on a port of the loopback, until the block is left."""
    clock, live = Clock(), Live(epoch)
    tokens = (f"token-{n:04}-{'x' * 30}" for n in itertools.count())
    accounts = dict(PEOPLE)
    seen = world or await small_world(store)
    status = Status((LinkStatus("main", "up", NOON, "Asterisk 20.9.3"),), NOON, "0.1.0")
    desk = Desk(store, seen, clock, live, None, accounts, status)  # type: ignore[arg-type]
    presence = Presence(lambda: desk.world, live.publish)
    switch = Switch(desk.lines)
    desk.wrap_ups = WrapUps(store, lambda: desk.world, presence, switch, live.publish, clock)
    parts = WebParts(
        store=store,
        world=lambda: desk.world,
        accounts=lambda: desk.accounts,
        http=http or Http(),
        clock=clock,
        status=lambda: desk.status,
        live=live,
        presence=presence,
        random_token=lambda: next(tokens),
        registry=CollectorRegistry(),
        time_zone="Europe/Berlin",
        imports=Imports(store, clock, Path(store.url.database or ".").parent),
        ringing=DeskRings(desk),
        dialler=Dialler(store, lambda: desk.world, desk.trunks, live.publish, clock, lambda: next(tokens)),
        duty=Duty(lambda: desk.world, presence, switch, desk.wrap_ups),
        depot=depot or Depot(Path(store.url.database or ".").parent / "attachments"),
        sources=lambda: desk.sources,
        order_pin=fastagi.pins(Agi(secret=SecretStr(AGI_SECRET))),
    )
    desk.server = TestServer(build_app(parts))
    await desk.server.start_server()
    try:
        yield desk
    finally:
        for client in desk.clients:
            await client.close()
        await desk.server.close()


def without(accounts: Accounts, username: str) -> dict[str, Account]:
    """The accounts after a reload that removed one."""
    return {name: replace(account) for name, account in accounts.items() if name != username}
