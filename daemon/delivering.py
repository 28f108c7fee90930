"""What leaves the house, wired: the outbox's worker with a deliverer for each channel that is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from daemon.handlers.live import Tell
from daemon.handlers.world import World
from daemon.outbox.metrics import OutboxCollector
from daemon.outbox.policy import Rules
from daemon.outbox.webhooks import Webhooks
from daemon.outbox.worker import Deliverer, Limits, Worker
from daemon.settings import Settings
from daemon.settings.models import Main
from daemon.storage.engine import Store
from daemon.storage.outbox import Channel
from daemon.web.parts import Source
from webhooks.send import Sender, Target


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
    worker = Worker(
        around.store, deliverers, around.tell, around.clock, around.random, holder, rules_of(main), limits_of(main)
    )
    around.registry.register(OutboxCollector(worker, around.clock))
    try:
        yield worker
    finally:
        await sender.close()


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
