"""The only wiring: builds every part, starts the long-lived tasks in one TaskGroup, stops in reverse order.

A task that dies ends the process with its error, and systemd starts it anew; nothing long-lived starts elsewhere.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from daemon import dialplan, fastagi
from daemon.ami.errors import AmiError, AmiRefused
from daemon.ami.frames import Frame
from daemon.ami.link import Link, LinkSettings, State
from daemon.ami.listener import Listener, Surroundings
from daemon.ami.metrics import PbxCollector
from daemon.ami.queue_log import QueueLog, open_queue_log
from daemon.delivering import Around, delivering, sources, taking_replies
from daemon.errors import RefusedError, StartError
from daemon.handlers import deliveries, tokens
from daemon.handlers.assignment import Assignment
from daemon.handlers.attachments import depot_of
from daemon.handlers.configuration import apply_settings
from daemon.handlers.customer_import import Imports, import_now, source_of
from daemon.handlers.deliveries import Change
from daemon.handlers.dialling import Dialler, Trunk
from daemon.handlers.duty import Duty
from daemon.handlers.history_check import Proof, check_history
from daemon.handlers.person import Person
from daemon.handlers.presence import Presence
from daemon.handlers.reported import Reports
from daemon.handlers.ringing import Ringing
from daemon.handlers.seats import Switch
from daemon.handlers.sweeping import sweep
from daemon.handlers.templates import sync_reports
from daemon.handlers.upkeep import Upkeep
from daemon.handlers.world import World
from daemon.handlers.wrap_up import WrapUps
from daemon.log import set_up
from daemon.orders.customer import Kind
from daemon.orders.dialling import DialRules
from daemon.settings import ConfigError, Settings, database_path, difference, load
from daemon.settings.models import Main, Pbx, QueueLogFile
from daemon.storage import outbox, schema, sessions
from daemon.storage.customer_imports import Ending
from daemon.storage.engine import Store, database_url
from daemon.storage.outbox import STATES
from daemon.storage.tables import OutboxRow, TeamRow
from daemon.storage.views import Synced
from daemon.web.accounts import accounts_of
from daemon.web.live import Live
from daemon.web.parts import WebParts
from daemon.web.server import build_app
from daemon.web.status import Gap, LinkState, LinkStatus, Status

STORAGE_PAUSE = 5.0  # seconds between tries to open the database at start
PATIENCE_AT_END = 2.0  # seconds until who still runs is told again to end

log = structlog.get_logger()


class Configuration:
    """The settings in force and what was built of them; replaced together."""

    def __init__(self, folder: Path, settings: Settings, world: World) -> None:
        self.folder = folder
        self.settings = settings
        self.world = world
        self.accounts = accounts_of(settings)

    async def reload(self, store: Store) -> None:
        """Read the files again; a bad configuration is refused whole, and the old one stays."""
        try:
            fresh = await asyncio.to_thread(load, self.folder)
        except ConfigError as refused:
            for problem in refused.problems:
                log.error("config_problem", problem=str(problem))
            log.error("config_refused", problems=len(refused.problems), kept="the configuration in force")
            return
        for key in difference(self.settings, fresh):
            log.warning("config_needs_restart", key=key)
        accounts = accounts_of(fresh)
        changed = [
            name
            for name, old in self.accounts.items()
            if accounts.get(name) is None or accounts[name].password_hash != old.password_hash
        ]
        try:
            async with store.write() as session:
                world = await apply_settings(session, fresh, datetime.now(UTC))
                for username in changed:
                    await sessions.end_all(session, username)
        except (SQLAlchemyError, OSError) as problem:
            log.error("config_not_stored", problem=str(problem), kept="the configuration in force")
            return
        self.settings, self.world, self.accounts = fresh, world, accounts
        log.info("config_reloaded")


def open_store(folder: Path, settings: Settings) -> Store:
    """The configured database. Raises StartError for one that is not supported."""
    url = settings.main.database.url.get_secret_value()
    try:
        return Store(database_url(url, folder.absolute().parent), settings.main.database.pool_size)
    except (ValueError, OSError) as problem:
        message = f"database: {problem}"
        raise StartError(message) from problem


def data_folder(folder: Path, settings: Settings) -> Path:
    """Where data stands: beside the SQLite file, with PostgreSQL in var/ beside the configuration's folder."""
    file = database_path(settings.main.database.url.get_secret_value(), folder)
    return file.parent if file else folder.absolute().parent / "var"


async def migrate_database(folder: Path) -> tuple[str | None, str, Synced]:
    """Bring the schema and the report views up to date; versions before and after, and what became of the views.

    Raises ConfigError, SchemaError, StartError.
    """
    settings = load(folder)
    store = open_store(folder, settings)
    try:
        before, after = await schema.migrate(store)
        async with store.write() as session:
            synced = await sync_reports(session, settings)
        return before, after, synced
    except (SQLAlchemyError, OSError) as problem:
        message = f"database: {getattr(problem, 'orig', problem)}"
        raise StartError(message) from problem
    finally:
        await store.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """The configured database, for a command. Raises ConfigError, SchemaError, StartError."""
    store = open_store(folder, load(folder))
    try:
        await schema.require_current(store)
        yield store
    except (SQLAlchemyError, OSError) as problem:
        message = f"database: {getattr(problem, 'orig', problem)}"
        raise StartError(message) from problem
    finally:
        await store.close()


async def create_token(
    folder: Path, name: str, team: str, agent: str | None, scopes: Sequence[str], days: float | None
) -> str:
    """A new token, which is kept nowhere. Raises WorkorderdError."""
    now, token = datetime.now(UTC), tokens.make_token(secrets.token_urlsafe(32))
    expires_at = now + timedelta(days=days) if days is not None else None
    async with opened(folder) as store:
        new = tokens.NewToken(name, team, agent, tuple(scopes) or tokens.READING, expires_at)
        await tokens.create(store, new, token, now)
    return token


async def list_tokens(folder: Path) -> Sequence[tokens.Listed]:
    """Every token by name. Raises WorkorderdError."""
    async with opened(folder) as store:
        return await tokens.listed(store)


async def revoke_token(folder: Path, name: str) -> None:
    """It opens nothing from now on. Raises WorkorderdError."""
    async with opened(folder) as store:
        await tokens.revoke(store, name)


async def import_customers(
    folder: Path, file: Path, team: str, kind: Kind, *, dry_run: bool, tell: Callable[[int, int], None]
) -> Ending:
    """Import a CSV file; `tell` hears how many lines were seen, of how many. All are written, or with an error none.

    Raises ConfigError, SchemaError, StartError, OSError (the file, or no room).
    """
    settings = load(folder)
    store = open_store(folder, settings)
    try:
        await schema.require_current(store)
        with file.open("rb") as opened:
            source = await source_of(store, settings.teams, team, opened, file.name, kind)
            return await import_now(
                store, source, data_folder(folder, settings), datetime.now(UTC), tell, write=not dry_run
            )
    except SQLAlchemyError as problem:
        message = f"database: {getattr(problem, 'orig', problem)}"
        raise StartError(message) from problem
    finally:
        await store.close()


async def list_deliveries(
    folder: Path, state: outbox.State | None, endpoint: str | None, limit: int
) -> Sequence[OutboxRow]:
    """Deliveries of all teams, the latest first. Raises WorkorderdError."""
    async with opened(folder) as store, store.read() as session:
        teams = (await session.scalars(select(TeamRow.id))).all()
        return await outbox.listed(session, teams, STATES if state is None else (state,), endpoint, None, limit)


async def change_deliveries(folder: Path, ids: Sequence[int], what: Change) -> int:
    """Send these again, or discard them: all, or none; how many. Raises WorkorderdError."""
    operator = Person("system_admin", "command line", "command line", None)
    async with opened(folder) as store:
        rows, _ = await deliveries.change(store, operator, ids, what, datetime.now(UTC))
    return len(rows)


async def prove_history(folder: Path) -> Proof:
    """Look at every order's history. Raises ConfigError, SchemaError, StartError."""
    store = open_store(folder, load(folder))
    try:
        await schema.require_current(store)
        return await check_history(store)
    except (SQLAlchemyError, OSError) as problem:
        message = f"database: {getattr(problem, 'orig', problem)}"
        raise StartError(message) from problem
    finally:
        await store.close()


def write_dialplan(folder: Path, target: Path, name: str | None, syntax: dialplan.Syntax) -> Sequence[Path]:
    """Write Asterisk's side for a configured PBX; the files. Raises ConfigError, StartError, OSError."""
    main = load(folder).main
    return dialplan.write(target, dialplan.filled(main, _pbx(main, name), syntax))


def _pbx(main: Main, name: str | None) -> Pbx:
    """The PBX of that name, by default the first. Raises StartError."""
    pbx = next((pbx for pbx in main.pbxs if name in {None, pbx.name}), None)
    if pbx is None:
        message = f"no PBX is called {name}; there are: {', '.join(pbx.name for pbx in main.pbxs)}"
        raise StartError(message)
    return pbx


async def record_pbx(folder: Path, name: str | None, file: Path, seconds: float | None) -> int:
    """Record the manager connection of a configured PBX; bytes written. Raises ConfigError, StartError, OSError."""
    from daemon.ami.recorder import record

    pbx = _pbx(load(folder).main, name)
    return await record(
        pbx.host,
        pbx.port,
        pbx.username,
        pbx.secret.get_secret_value(),
        file,
        seconds=seconds,
        tls=LinkSettings.from_pbx(pbx).ssl,
    )


async def serve(folder: Path) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError, SchemaError, StartError."""
    settings = load(folder)
    set_up(settings.main.log.level, settings.main.log.format)
    told = Told()
    store = open_store(folder, settings)
    try:
        world = await _first_world(store, settings, told.stop)
        if world is not None:
            await _run(store, Configuration(folder, settings, world), told)
    finally:
        await store.close()


class Told:
    """What signals tell the process, from its very start: `stop` by SIGTERM or SIGINT, `reload` by SIGHUP."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._reload = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self.stop.set)

    async def reloading(self, configuration: Configuration, store: Store, wake: Callable[[], None]) -> None:
        """Reload whenever it is told, one after the other; `wake` is called after each."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            await configuration.reload(store)
            wake()


async def _first_world(store: Store, settings: Settings, stop: asyncio.Event) -> World | None:
    """Open the database, however long that takes: a crash loop would help nobody. None when told to stop meanwhile."""
    failing = False
    while not stop.is_set():
        try:
            if store.is_sqlite or await schema.current(store) is None:
                await schema.migrate(store)
            await schema.require_current(store)
            async with store.write() as session:
                world = await apply_settings(session, settings, datetime.now(UTC))
        except (SQLAlchemyError, OSError) as problem:
            if not failing:
                log.error(
                    "storage_failing", problem=str(getattr(problem, "orig", problem)), retry_seconds=STORAGE_PAUSE
                )
            failing = True
            with suppress(TimeoutError):
                async with asyncio.timeout(STORAGE_PAUSE):
                    await stop.wait()
            continue
        if failing:
            log.info("storage_well_again")
        return world
    return None


async def _run(store: Store, configuration: Configuration, told: Told) -> None:
    live = Live(secrets.token_hex(4))
    lines: dict[str, Ear] = {}
    switch = Switch(lines)
    presence = Presence(lambda: configuration.world, live.publish)
    wrap_ups = WrapUps(store, lambda: configuration.world, presence, switch, live.publish, lambda: datetime.now(UTC))
    live.watch(wrap_ups.hear)
    depot = depot_of(configuration.settings.main, configuration.folder)
    upkeep = Upkeep(
        Assignment(store, lambda: configuration.world, presence.online),
        lambda at: sweep(store, depot, at, timedelta(days=configuration.settings.main.retention.deliveries_days)),
        live.publish,
        lambda: datetime.now(UTC),
    )
    live.watch(upkeep.hear)
    presence.came = upkeep.wake
    started_at = datetime.now(UTC)
    registry = CollectorRegistry()
    ringing = Ringing(lambda: configuration.world, live.publish)
    trunks: dict[str, tuple[Trunk, Ear]] = {}
    dialler = Dialler(
        store,
        lambda: configuration.world,
        trunks,
        live.publish,
        lambda: datetime.now(UTC),
        lambda: secrets.token_hex(12),
    )
    reports = Reports(store, lambda: configuration.world, live.publish, lambda: datetime.now(UTC))
    around = Surroundings(
        store,
        lambda: configuration.world,
        live.publish,
        time.time,
        ringing.change,
        presence.members,
        dialler.hear,
        reports.hear,
    )
    ears = [Ear(pbx, configuration.folder, around) for pbx in configuration.settings.main.pbxs]
    trunks |= {ear.pbx.name: (trunk, ear) for ear in ears if (trunk := _trunk(ear.pbx)) is not None}
    registry.register(PbxCollector([(ear.pbx.name, ear.listener, ear.link) for ear in ears]))
    imports = Imports(store, lambda: datetime.now(UTC), data_folder(configuration.folder, configuration.settings))
    parts = WebParts(
        store=store,
        world=lambda: configuration.world,
        accounts=lambda: configuration.accounts,
        http=configuration.settings.main.http,
        locale=configuration.settings.main.locale,
        time_zone=configuration.settings.main.time_zone,
        recently_finished=timedelta(days=configuration.settings.main.retention.recently_finished_days),
        clock=lambda: datetime.now(UTC),
        status=lambda: _status(ears, started_at),
        live=live,
        presence=presence,
        random_token=lambda: secrets.token_urlsafe(32),
        registry=registry,
        imports=imports,
        depot=depot,
        ringing=ringing,
        dialler=dialler,
        sources=lambda: sources(configuration.settings.main, configuration.world),
        duty=Duty(lambda: configuration.world, presence, switch, wrap_ups),
        order_pin=fastagi.pins(configuration.settings.main.agi),
    )
    lines |= {ear.pbx.name: ear for ear in ears}
    agi = fastagi.answering(
        configuration.settings.main.agi, lines, store, lambda: configuration.world, parts.clock, live.publish, registry
    )
    around_outbox = Around(
        store,
        lambda: configuration.settings,
        lambda: configuration.world,
        live.publish,
        parts.clock,
        secrets.SystemRandom().random,
        registry,
    )
    async with (
        _site(parts),
        agi,
        delivering(around_outbox, secrets.token_hex(8)) as worker,
        taking_replies(around_outbox),
        asyncio.TaskGroup() as tasks,
    ):
        live.watch(worker.hear)
        long_lived = [
            task
            for ear in ears
            for task in (
                tasks.create_task(ear.listener.run(), name=f"listener {ear.pbx.name}"),
                tasks.create_task(ear.link.run(), name=f"link {ear.pbx.name}"),
            )
        ]
        long_lived.append(tasks.create_task(told.reloading(configuration, store, upkeep.wake), name="reload"))
        long_lived.append(tasks.create_task(upkeep.run(), name="upkeep"))
        long_lived.append(tasks.create_task(imports.run(), name="imports"))
        long_lived.append(tasks.create_task(dialler.run(), name="dialler"))
        long_lived.append(tasks.create_task(wrap_ups.run(), name="wrap-ups"))
        long_lived.append(tasks.create_task(reports.run(), name="reports"))
        long_lived.append(tasks.create_task(worker.run(), name="outbox"))
        if configuration.settings.main.agi:
            long_lived.append(tasks.create_task(fastagi.beating(lines), name="heartbeat"))
        gc.freeze()  # what is there from the start stays: looking through it again and again would hold up calls
        await told.stop.wait()
        log.info("stopping")
        await _end([*reversed(long_lived)])


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel them, and again who still runs: a library that is just busy may lose a cancellation."""
    running: Collection[asyncio.Task[None]] = tasks
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=PATIENCE_AT_END)
        if running:
            log.warning("still_stopping", tasks=sorted(task.get_name() for task in running))


class Ear:
    """One PBX: its link, its listener and its queue_log."""

    def __init__(self, pbx: Pbx, folder: Path, around: Surroundings) -> None:
        self.pbx = pbx
        self.queue_log = _queue_log(pbx, folder)
        self.listener = Listener(pbx.name, around, self, self.queue_log)
        try:
            settings = LinkSettings.from_pbx(pbx)
        except OSError as problem:
            message = f"pbx {pbx.name}: ca_file: {problem}"
            raise StartError(message) from problem
        self.link = Link(settings, self.listener, clock=time.time, jitter=secrets.SystemRandom().random)

    @property
    def heard_at(self) -> float:
        """When the link heard anything last."""
        return self.link.heard_at

    @property
    def classes(self) -> frozenset[str]:
        """The privilege classes that the link has heard."""
        return self.link.classes

    async def ask(self, action: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """The events of a list action."""
        return await self.link.ask(action)

    async def place(self, action: Mapping[str, str]) -> None:
        """Ask for something. Raises RefusedError, with why it was not done."""
        try:
            answer = await self.link.action(action)
        except AmiError as problem:
            message = f"the PBX can't be asked: {problem}"
            raise RefusedError(message) from None
        if not answer.success:
            message = f"the PBX refuses it: {answer.message}"
            raise RefusedError(message)

    async def show_alive(self) -> None:
        """Write the PBX's own time into its AstDB, workorderd/alive. Raises AmiError."""
        now = float((await self.link.action({"Action": "Ping"})).get("Timestamp", time.time()))
        alive = {"Action": "DBPut", "Family": "workorderd", "Key": "alive", "Val": str(int(now))}
        answer = await self.link.action(alive)
        if not answer.success:
            message = f"DBPut: {answer.message}"
            raise AmiRefused(message)

    def hear(self, frames: list[Frame]) -> None:
        """Take frames as if the manager had sent them now."""
        self.listener.on_frames(0, frames)


def _trunk(pbx: Pbx) -> Trunk | None:
    if pbx.dial is None:
        return None
    dial = pbx.dial
    rules = DialRules(dial.allow, dial.deny, dial.numbers, dial.prefix)
    return Trunk(pbx.name, pbx.team, dial.context, rules, dial.caller_id, dial.ring_seconds)


def _queue_log(pbx: Pbx, folder: Path) -> QueueLog | None:
    if pbx.queue_log is None:
        return None
    if isinstance(pbx.queue_log, QueueLogFile):
        return open_queue_log(file=folder / pbx.queue_log.file)
    table = pbx.queue_log
    return open_queue_log(database=table.database.get_secret_value(), table=table.table, zone=table.time_zone or "UTC")


def _status(ears: list[Ear], started_at: datetime) -> Status:
    troubles = (f"{ear.pbx.name}: the database takes no commits" for ear in ears if ear.listener.storage_failing)
    return Status(tuple(_link_status(ear) for ear in ears), started_at, version("workorderd"), tuple(troubles))


def _link_status(ear: Ear) -> LinkStatus:
    states: dict[State, LinkState] = {State.UP: "up", State.CONNECTING: "connecting"}
    up_since, gap = ear.link.up_since, ear.listener.last_gap
    missing = list(ear.link.missing)
    if ear.queue_log is None:
        missing.append("No queue_log is configured: what happens while the link is down can't be found out.")
    elif ear.listener.queue_log_failing:
        missing.append(f"queue_log can't be read: {ear.listener.queue_log_failing}.")
    return LinkStatus(
        pbx=ear.pbx.name,
        state=states.get(ear.link.state, "down"),
        since=datetime.fromtimestamp(up_since, UTC) if up_since else None,
        asterisk=ear.link.version,
        detail=ear.link.last_error,
        missing=tuple(missing),
        last_gap=Gap(gap.began_at, gap.ended_at, gap.explained, gap.note) if gap else None,
    )


class OurErrors(logging.Filter):
    """Not those of visitors who speak no HTTP: they are answered with 400, and must not fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is kept."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


@asynccontextmanager
async def _site(parts: WebParts) -> AsyncIterator[None]:
    server_logger.addFilter(OurErrors())
    runner = web.AppRunner(build_app(parts), access_log=None, shutdown_timeout=3)
    await runner.setup()
    try:
        site = web.TCPSite(runner, parts.http.host, parts.http.port)
        try:
            await site.start()
        except OSError as problem:
            message = f"http: can't listen on {parts.http.host}:{parts.http.port}: {problem.strerror}"
            raise StartError(message) from problem
        for host, port, *_ in runner.addresses:
            log.info("http_listening", address=f"http://{host}:{port}")
        yield
    finally:
        await runner.cleanup()
