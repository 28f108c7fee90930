"""What leaves the house, wired: the outbox's worker with a deliverer for each channel that is configured."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry

from daemon.errors import StartError
from daemon.handlers.live import Tell
from daemon.handlers.world import World
from daemon.language import read_languages
from daemon.outbox.mail import Composer, Letterhead
from daemon.outbox.metrics import OutboxCollector
from daemon.outbox.policy import Rules
from daemon.outbox.replies import Limits as Most
from daemon.outbox.replies import Replies, listening
from daemon.outbox.smtp import Postman, Server
from daemon.outbox.webhooks import Webhooks
from daemon.outbox.worker import Deliverer, Limits, Worker
from daemon.settings import Settings
from daemon.settings.models import Mail, Main
from daemon.storage.engine import Store
from daemon.storage.outbox import Channel
from daemon.web import words
from daemon.web.parts import Source
from webhooks.send import Sender, Target

WORDS: Final = {"status": words.STATUSES, "node_status": words.NODE_STATUSES}
"""What mails call the states of an order: what the pages call them."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the worker gets from the process. `settings` and `world`: those in force, which a reload replaces."""

    store: Store
    settings: Callable[[], Settings]
    world: Callable[[], World]
    tell: Tell
    clock: Callable[[], datetime]
    random: Callable[[], float]
    registry: CollectorRegistry


@asynccontextmanager
async def delivering(around: Around, holder: str) -> AsyncIterator[Worker]:
    """The worker, to be run; its connections are closed afterwards. `holder`: a name that no other process has."""
    sender = Sender()
    deliverers: dict[Channel, Deliverer] = {
        "webhook": Webhooks(sender, lambda: targets(around.settings().main, around.world()), around.clock),
    }
    main = around.settings().main
    postman = postman_of(main)
    if postman is not None:
        deliverers["mail"] = postman
    worker = Worker(
        around.store, deliverers, around.tell, around.clock, around.random, holder, rules_of(main), limits_of(main)
    )
    around.registry.register(OutboxCollector(worker, around.clock))
    try:
        yield worker
    finally:
        await sender.close()
        if postman is not None:
            postman.close()


def postman_of(main: Main) -> Postman | None:
    """Who takes mails to the server; None where none is configured. Raises StartError."""
    if main.mail is None:
        return None
    mail = main.mail
    password = mail.password.get_secret_value() if mail.password else None
    server = Server(mail.host, mail.port, mail.security, mail.username, password, mail.verify, mail.ca_file)
    composer = Composer(
        read_languages(main.locale, main.time_zone),
        letterhead_of(main, mail),
        WORDS,
    )
    try:
        return Postman(server, composer, mail.per_minute, time.monotonic)
    except OSError as problem:
        message = f"mail: ca_file: {problem}"
        raise StartError(message) from problem


@asynccontextmanager
async def taking_replies(around: Around) -> AsyncIterator[None]:
    """Replies by mail are taken, where that is configured. Raises StartError."""
    main = around.settings().main
    if main.mail is None or main.mail.replies is None:
        yield
        return
    wanted = main.mail.replies
    replies = Replies(
        around.store,
        around.world,
        read_languages(main.locale, main.time_zone),
        letterhead_of(main, main.mail),
        Most(int(wanted.max_size_mb * 1_000_000), wanted.per_hour),
        around.tell,
        around.clock,
    )
    async with listening(replies, wanted.host, wanted.port):
        yield


def letterhead_of(main: Main, mail: Mail) -> Letterhead:
    """What is the same in every mail."""
    pages = main.http.base_url or f"http://{main.http.host}:{main.http.port}"
    if mail.replies is None:
        return Letterhead(mail.sender, pages)
    return Letterhead(mail.sender, pages, mail.replies.address, mail.replies.secret.get_secret_value().encode())


def targets(main: Main, world: World) -> Mapping[str, tuple[int, Target]]:
    """The endpoints of webhooks by name, each with its team's id."""
    teams = {team.name: team.id for team in world.teams.values()}
    return {
        each.name: (
            teams[each.team],
            Target(
                each.url,
                tuple(secret.get_secret_value() for secret in each.secrets),
                each.allow_private,
                each.timeout_seconds,
            ),
        )
        for each in main.webhooks.endpoints
        if each.team in teams
    }


def sources(main: Main, world: World) -> Mapping[str, Source]:
    """The systems that send webhooks in, by name."""
    teams = {team.name: team.id for team in world.teams.values()}
    return {
        each.name: Source(
            teams[each.team], tuple(secret.get_secret_value() for secret in each.secrets), frozenset(each.rights)
        )
        for each in main.webhooks.sources
        if each.team in teams
    }


def rules_of(main: Main) -> Rules:
    """How patient the outbox is."""
    return Rules(
        main.outbox.attempts,
        timedelta(seconds=main.outbox.first_pause_seconds),
        timedelta(minutes=main.outbox.longest_pause_minutes),
    )


def limits_of(main: Main) -> Limits:
    """How much may be under way."""
    return Limits(main.outbox.at_once, main.outbox.at_once_per_endpoint)
