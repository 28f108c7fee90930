"""One PBX, heard in order: what the link hears is queued, one consumer judges it and commits in batches.

    link ── on_up / on_frames / on_down ──> inbox ──> Listener.run: translate -> board -> one transaction -> news

When a link comes up the consumer asks who waits and who lives, reads queue_log from the durable cursor, applies both,
and only then turns to what arrived meanwhile: Asterisk's manager has no replay. What can't be committed is kept and
tried again; the reader of the socket never waits for the database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.ami import mailbox
from daemon.ami.errors import AmiError, AmiRefused, AmiTimeout, BadFrame
from daemon.ami.frames import Frame
from daemon.ami.mailbox import Note
from daemon.ami.queue_log import Cursor, Page, QueueLog, uniqueids
from daemon.ami.translate import living, member, translate, waiting
from daemon.calls.board import Board
from daemon.calls.effects import CallerReached, CallJudged, Effect
from daemon.calls.events import (
    HungUp,
    Logged,
    MemberGone,
    MemberSeen,
    NumberNotReached,
    NumberReached,
    OriginateAnswered,
    ResultReported,
    SnapshotTaken,
)
from daemon.calls.members import Member, Members
from daemon.calls.outgoing import OutgoingEvent, ours
from daemon.calls.ringing import Bells, Change
from daemon.calls.tracker import Rules
from daemon.errors import WorkorderdError
from daemon.handlers.calls import apply_effects
from daemon.handlers.live import News, Tell
from daemon.handlers.world import World
from daemon.storage import calls, sight
from daemon.storage.engine import Store
from daemon.storage.tables import GapRow, moment

SETTLE: Final = 3.0  # seconds after which AMI has told what queue_log says, if it ever will
MARGIN: Final = 2.0  # seconds by which a gap is taken to be wider than it looks
TICK: Final = 2.0  # seconds between looks at queue_log and the clock
REAP: Final = 60.0  # seconds between comparisons with QueueStatus
SIGHT: Final = 10.0  # seconds between notes that the PBX is in sight, when nothing else is written
RETRY: Final = (0.05, 0.2, 1.0, 2.0, 5.0)  # seconds before a failed commit is tried again
BATCH: Final = 2000  # frames at once
WHOLE: Final = 1.0  # seconds by which who waits may have waited longer than Asterisk says, which counts whole ones
FAULTS: Final = (WorkorderdError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

log = structlog.get_logger()

T = TypeVar("T")


class Hearing(Protocol):
    """What the listener needs of its link."""

    @property
    def heard_at(self) -> float:
        """When anything was received last; silence is not sight."""

    async def ask(self, action: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """The events of a list action. Raises AmiError; AmiRefused when we may not ask."""

    @property
    def classes(self) -> frozenset[str]:
        """The privilege classes of which events have come."""


@dataclass(frozen=True, slots=True)
class Up:
    """The link is logged in; frames that follow are of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Down:
    """The link is lost."""

    generation: int


@dataclass(slots=True)
class Counters:
    """What the listener did, for the metrics and the status page."""

    frames: int = 0
    bad_frames: int = 0
    commits: int = 0
    failed_commits: int = 0
    skipped: int = 0
    disagreements: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a listener needs of the house. `placed` hears what becomes of calls of ours, `present` who is a member of
    queues; None: the link is lost.
    """

    store: Store
    world: Callable[[], World]
    tell: Tell
    clock: Callable[[], float]
    rang: Callable[[str, Change], None] = lambda _pbx, _change: None
    present: Callable[[str, Set[Member] | None], None] = lambda _pbx, _members: None
    placed: Callable[[str, OutgoingEvent | None], None] = lambda _pbx, _event: None
    reported: Callable[[str, ResultReported], None] = lambda _pbx, _event: None


class Listener:
    """The consumer of one PBX, and its link's sink."""

    def __init__(self, pbx: str, around: Surroundings, link: Hearing, queue_log: QueueLog | None) -> None:
        self.pbx = pbx
        self.board = Board()
        self.bells = Bells()
        self.members = Members()
        self.counters = Counters()
        self.storage_failing = False
        self.queue_log_failing = ""
        self.last_gap: GapRow | None = None
        self._around = around
        self._link = link
        self._queue_log = queue_log
        self._inbox: deque[Up | Down | list[Frame]] = deque()
        self._wake = asyncio.Event()
        self._bell: asyncio.TimerHandle | None = None
        self._up = False
        self._seen_at: float | None = None  # when this PBX was in sight last, as far as it is committed
        self._gap: tuple[float, float] | None = None
        self._cursor: Cursor | None = None
        self._reaped_at = 0.0
        self._ticked_at = 0.0
        self._recent: dict[str, float] = {}
        self._rang: list[Change] = []
        self._placed: list[OutgoingEvent] = []
        self._reported: list[ResultReported] = []
        self._met = False  # whether something changed of members
        self._behind = 0.0
        self._skew = 0.0  # seconds by which our clock is ahead of the PBX's, where that matters

    # --- the sink: called by the link's reader, must only enqueue -----------------------------------------------------

    def on_up(self, generation: int) -> None:
        """The link is logged in."""
        self._inbox.append(Up(generation))
        self._wake.set()

    def on_frames(self, generation: int, frames: list[Frame]) -> None:
        """Wanted frames of one read, in order."""
        self._inbox.append(frames)
        self._wake.set()

    def on_down(self, generation: int, reason: str) -> None:
        """The link is lost; all that was received was given to on_frames before."""
        self._inbox.append(Down(generation))
        self._wake.set()

    @property
    def backlog(self) -> int:
        """Reads that wait to be judged."""
        return len(self._inbox)

    @property
    def remembered(self) -> int:
        """Channels of which a snapshot proves nothing, since they were heard of a moment ago."""
        return len(self._recent)

    # --- the consumer -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Consume until cancelled."""
        await self._restore()
        self._ring()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._inbox:
                    await self._next()
                await self._tick()
        finally:
            if self._bell is not None:
                self._bell.cancel()

    def _ring(self) -> None:
        """Wake the consumer now and then, though nothing comes."""
        self._wake.set()
        self._bell = asyncio.get_running_loop().call_later(TICK, self._ring)

    async def _restore(self) -> None:
        async def load(session: AsyncSession) -> None:
            self.board.restore(await calls.living(session, self.pbx))
            seen = await sight.last_seen(session, self.pbx)
            self._seen_at = seen.timestamp() if seen else None
            self.last_gap = next(iter(await sight.gaps(session, self.pbx, 1)), None)
            row = await sight.cursor(session, self.pbx)
            if row:
                at = row.row_at.timestamp() if row.row_at else 0.0
                self._cursor = Cursor(row.inode, row.offset, row.line_hash, at)

        await self._persist(load)

    async def _next(self) -> None:
        item = self._inbox[0]
        if isinstance(item, list):
            await self._frames()
            return
        self._inbox.popleft()
        if isinstance(item, Down):
            self._up = False
            self._around.rang(self.pbx, self.bells.clear())
            self._around.placed(self.pbx, None)
            self.members.clear()
            self._around.present(self.pbx, None)
        else:
            await self._recover(item.generation)

    async def _frames(self) -> None:
        """All frames up to the next change of the link, in one transaction."""
        self.board.rules = Rules(sees_status="dialplan" in self._link.classes)
        effects: list[Effect] = []
        self._rang, self._placed, self._reported, self._met = [], [], [], False
        taken = 0
        now = self._around.clock()
        heard_at = now
        while self._inbox and taken < BATCH and isinstance(frames := self._inbox[0], list):
            self._inbox.popleft()
            taken += len(frames)
            heard_at = frames[-1].at
            for frame in frames:
                if not frame.of_known or (known := frame.uniqueid) in self.board.calls or ours(known):
                    effects += self._feed(frame, now)
        self.counters.frames += taken
        self._skew = self._behind if abs(self._behind) > 1.0 else 0.0
        if effects:  # before a gap was looked into, the PBX is not in sight, whatever it says
            await self._commit(effects, heard_at if self._up else self._seen_at)
        for change in self._rang:  # who looks must find the call
            self._around.rang(self.pbx, change)
        for placed in self._placed:
            self._around.placed(self.pbx, placed)
        for reported in self._reported:
            self._around.reported(self.pbx, reported)
        if self._met:
            self._around.present(self.pbx, self.members.all)

    def _feed(self, frame: Frame, now: float) -> tuple[Effect, ...]:
        try:
            event = translate(frame.headers, frame.at)
        except BadFrame as problem:
            self.counters.bad_frames += 1
            log.warning("ami_frame_refused", pbx=self.pbx, problem=str(problem))
            return ()
        if event is None:
            return ()
        if isinstance(event, MemberSeen | MemberGone):
            self._met = self.members.feed(event) or self._met
            return ()
        if isinstance(event, ResultReported):  # it may speak of a call that is long over
            self._reported.append(event)
            return ()
        self._behind = frame.at - event.at
        uniqueid = getattr(event, "uniqueid", None)
        if isinstance(event, OriginateAnswered | NumberReached | NumberNotReached | HungUp) and ours(event.uniqueid):
            self._placed.append(event)
        if uniqueid is not None:
            self._recent[uniqueid] = now
        change = self.bells.feed(event)
        if change:
            self._rang.append(change)
        return self.board.feed(event)

    # --- after a gap --------------------------------------------------------------------------------------------------

    async def _recover(self, generation: int) -> None:
        up_at = self._around.clock()
        gap = (self._seen_at - MARGIN, up_at + MARGIN) if self._seen_at is not None else None
        try:
            shot = await self._snapshot_if_allowed()
            page = await self._read_whole_log()
            over = await self._ended_of(page)
            notes = await self._patiently(lambda: mailbox.read(self._link.ask))
            told = await self._patiently(lambda: self._told_since(up_at))
        except AmiError as problem:
            log.warning("ami_snapshot_failed", pbx=self.pbx, problem=str(problem))
            return  # the link is gone again; the next one asks anew
        self._up = True
        if page is not None:
            told |= {row.uniqueid for row, _ in page.rows if row.at + self._skew >= up_at}
        effects = self._fold(page, gap, over, told, up_at) if page else []
        effects += await self._open(notes, told)
        effects += self.board.feed(replace(shot, told=shot.told | told)) if shot else self.board.gone()
        self._gap = gap
        explained = page is not None and not page.torn and self._cursor is not None
        seen_at = shot.at if shot else up_at
        noted = gap if gap and gap[1] - gap[0] > 2 * MARGIN else None
        await self._commit(_in_time(effects), seen_at, page, noted, explained)
        await mailbox.delete(self._link.ask, [note.uniqueid for note in notes])
        self._reaped_at = self._ticked_at = up_at
        log.info(
            "pbx_in_sight",
            pbx=self.pbx,
            waiting=len(shot.waiting) if shot else None,
            channels=len(shot.channels) if shot else None,
            gap_seconds=round(gap[1] - gap[0] - 2 * MARGIN, 1) if gap else None,
            gap_explained=explained if gap else None,
        )

    async def _snapshot_if_allowed(self) -> SnapshotTaken | None:
        """None where we may not ask: it is said on the status page, and proves nothing. Raises AmiError."""
        try:
            return await self._patiently(self._snapshot)
        except AmiRefused as problem:
            log.warning("ami_snapshot_refused", pbx=self.pbx, problem=str(problem))
            return None

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """As long as the link holds: an Asterisk that is too slow to answer is asked again. Raises AmiError."""
        while True:
            try:
                return await ask()
            except AmiTimeout as problem:
                if any(isinstance(item, Down) for item in self._inbox):
                    raise
                log.warning("ami_snapshot_late", pbx=self.pbx, problem=str(problem))

    async def _snapshot(self) -> SnapshotTaken:
        asked_at = self._around.clock()
        entries = await self._link.ask({"Action": "QueueStatus"})
        seen = self._legible((e for e in entries if e.get("Event") == "QueueMember"), lambda e: member(e, asked_at))
        if self.members.replace(seen):
            self._around.present(self.pbx, self.members.all)
        channels = await self._link.ask({"Action": "CoreShowChannels"})
        told = await self._told_since(asked_at)
        # Rather too early than too late: an event before he joined would be taken for a repetition.
        joined_by = asked_at - WHOLE - self._skew
        return SnapshotTaken(
            self._around.clock(),
            self._legible((e for e in entries if e.get("Event") == "QueueEntry"), lambda e: waiting(e, joined_by)),
            self._legible((c for c in channels if c.get("Event") == "CoreShowChannel"), living),
            told,
        )

    async def _told_since(self, at: float) -> frozenset[str]:
        """Of whom live events speak that are newer than this, or not yet applied. Raises AmiError.

        Asterisk sends what it holds back before it reads the next action (main/manager.c, do_message): with the
        answer to a Ping all events are here that were sent before it.
        """
        await self._link.ask({"Action": "Ping"})
        recent = {uniqueid for uniqueid, seen in self._recent.items() if seen > at - SETTLE}
        return frozenset(recent | self._queued_uniqueids())

    def _legible(self, items: Iterable[Mapping[str, str]], read: Callable[[Mapping[str, str]], T]) -> tuple[T, ...]:
        """What can be read; garbage costs itself only."""
        found: list[T] = []
        for item in items:
            try:
                found.append(read(item))
            except BadFrame as problem:
                self.counters.bad_frames += 1
                log.warning("ami_frame_refused", pbx=self.pbx, problem=str(problem))
        return tuple(found)

    def _queued_uniqueids(self) -> set[str]:
        found: set[str] = set()
        for item in self._inbox:
            if isinstance(item, list):
                for frame in item:
                    found.update(v for k, v in frame.headers.items() if k.casefold().endswith("uniqueid"))
        return found

    async def _read_log(self) -> Page | None:
        if self._queue_log is None:
            return None
        try:
            if self._cursor is None:
                return Page((), await self._queue_log.end())
            page = await self._queue_log.read(self._cursor)
        except (OSError, SQLAlchemyError) as problem:
            if not self.queue_log_failing:
                log.error("queue_log_unreadable", pbx=self.pbx, problem=str(problem))
            self.queue_log_failing = str(problem)
            return None
        if self.queue_log_failing:
            log.info("queue_log_readable_again", pbx=self.pbx)
        self.queue_log_failing = ""
        return page

    async def _read_whole_log(self) -> Page | None:
        """All pages up to the end: who waits or not can only be judged by the last word on him."""
        begin, whole = self._cursor, await self._read_log()
        while whole is not None and whole.rows and whole.cursor != self._cursor:
            self._cursor = whole.cursor
            more = await self._read_log()
            if more is None or more.cursor == whole.cursor:
                break
            whole = Page((*whole.rows, *more.rows), more.cursor, whole.torn or more.torn)
        self._cursor = begin
        return whole

    async def _ended_of(self, page: Page | None) -> set[str]:
        """Calls in these rows that were over long ago."""
        over: set[str] = set()

        async def look(session: AsyncSession) -> None:
            if page is not None:
                over.update(await calls.ended_among(session, self.pbx, uniqueids(page.rows)))

        await self._persist(look)
        return over

    def _fold(
        self, page: Page, gap: tuple[float, float] | None, over: set[str], told: frozenset[str], up_at: float
    ) -> list[Effect]:
        effects: list[Effect] = []
        for row, _ in page.rows:
            if row.uniqueid in over and row.uniqueid not in self.board.ended:
                continue
            before = row.at + self._skew < up_at - WHOLE  # live events can't speak of that
            if row.uniqueid in told and row.event != "ENTERQUEUE" and not before:
                continue  # live events speak of its end, and know better
            effects += self.board.witness(row, trusted=self._within(row, gap), torn=page.torn)
        return effects

    # --- while all is well --------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        now = self._around.clock()
        self._recent = {uniqueid: seen for uniqueid, seen in self._recent.items() if abs(now - seen) < 2 * SETTLE}
        if not self._up or 0 <= now - self._ticked_at < TICK:  # a clock that was set back stops nothing
            return
        self._ticked_at = now
        heard_at = min(now, self._link.heard_at)
        page = await self._settled_rows(heard_at)
        effects: list[Effect] = []
        late = False  # does queue_log tell only now of a gap: then it is time to see who of them is still alive
        for row, _ in page.rows if page else ():
            trusted = self._within(row, self._gap)
            late = late or trusted
            if not trusted and self.board.disagrees(row):
                self.counters.disagreements += 1
                log.info(
                    "queue_log_disagrees", pbx=self.pbx, uniqueid=row.uniqueid, queue=row.queue, event_name=row.event
                )
            effects += self.board.witness(row, trusted=trusted, torn=page is not None and page.torn)
        reaps = (late or not 0 <= now - self._reaped_at < REAP) and not self._inbox
        if reaps:
            self._reaped_at = now
            effects += await self._reap()
        moved = page is not None and page.cursor != self._cursor
        if effects or moved or abs(heard_at - (self._seen_at or 0.0)) >= SIGHT:
            await self._commit(effects, heard_at, page)
        if reaps:
            await self._empty_mailbox()

    async def _settled_rows(self, heard_at: float) -> Page | None:
        """Rows of times that AMI has told of; on a link that is silent, dead perhaps, that is not yet now."""
        page = await self._read_log()
        if page is None:
            return None
        settled = [(row, cursor) for row, cursor in page.rows if row.at + self._skew <= heard_at - SETTLE]
        if len(settled) == len(page.rows):
            return page
        cursor = settled[-1][1] if settled else self._cursor
        return Page(tuple(settled), cursor or page.cursor, page.torn)

    async def _reap(self) -> tuple[Effect, ...]:
        try:
            return self.board.feed(await self._snapshot())
        except AmiError:
            return ()

    # --- the mailbox on the PBX ---------------------------------------------------------------------------------------

    async def _open(self, notes: Collection[Note], told: Collection[str]) -> list[Effect]:
        """What notes tell that nobody else did: of calls that live events speak of, those know better."""
        over: set[str] = set()

        async def look(session: AsyncSession) -> None:
            over.update(await calls.ended_among(session, self.pbx, [note.uniqueid for note in notes]))

        if notes:
            await self._persist(look)
        effects: list[Effect] = []
        for note in notes:
            if note.uniqueid not in over and note.uniqueid not in told:
                for event in mailbox.events_of(note):
                    effects += self.board.feed(event)
        return effects

    async def _empty_mailbox(self) -> None:
        """While all is well its notes say nothing new; they must not pile up."""
        try:
            notes = await mailbox.read(self._link.ask)
            told = await self._told_since(self._around.clock()) if notes else frozenset()
        except AmiError:
            return
        effects = await self._open(notes, told)
        if effects:
            await self._commit(_in_time(effects), self._seen_at)
        await mailbox.delete(self._link.ask, [note.uniqueid for note in notes if note.uniqueid not in told])

    # --- commits ------------------------------------------------------------------------------------------------------

    async def _commit(
        self,
        effects: Sequence[Effect],
        seen_at: float | None,
        page: Page | None = None,
        gap: tuple[float, float] | None = None,
        explained: bool = False,
    ) -> None:
        """One transaction for effects, cursor, gap and sight; kept and tried again until it succeeds."""
        told: list[News] = []
        left = list(effects)

        async def write(session: AsyncSession) -> None:
            told[:] = await apply_effects(session, self._around.world(), self.pbx, left)
            if seen_at is not None:
                await sight.seen(session, self.pbx, moment(seen_at))
            if page is not None:
                await self._move_cursor(session, page.cursor)
            if gap is not None:
                note = "" if explained else self._gap_note()
                began_at, ended_at = moment(gap[0] + MARGIN), moment(gap[1] - MARGIN)
                self.last_gap = await sight.add_gap(
                    session, self.pbx, began_at, ended_at, explained=explained, note=note
                )

        await self._persist(write, left)
        self._seen_at = seen_at
        if page is not None:
            self._cursor = page.cursor
        self._count(effects)
        for news in told:
            self._around.tell(news)

    def _gap_note(self) -> str:
        return self.queue_log_failing or (
            "queue_log was not read far enough" if self._queue_log else "no queue_log is configured"
        )

    async def _move_cursor(self, session: AsyncSession, cursor: Cursor) -> None:
        if cursor == self._cursor:
            return
        await sight.move_cursor(
            session,
            self.pbx,
            inode=cursor.inode,
            offset=cursor.offset,
            line_hash=cursor.line_hash,
            row_at=moment(cursor.row_at) if cursor.row_at else None,
        )

    async def _persist(
        self, work: Callable[[AsyncSession], Awaitable[None]], effects: list[Effect] | None = None
    ) -> None:
        """Do it in a transaction, until the database takes it; one poisonous effect is set aside, never the rest."""
        tries = 0
        while True:
            try:
                async with self._around.store.write() as session:
                    await work(session)
                break
            except (SQLAlchemyError, OSError, *FAULTS) as problem:
                tries += 1
                if effects and _poisonous(problem, tries):
                    await self._one_by_one(effects)
                    effects.clear()
                    continue
                if isinstance(problem, FAULTS):
                    raise
                await self._trouble(problem, tries, len(effects or ()))
        self.counters.commits += 1
        if self.storage_failing:
            self.storage_failing = False
            log.info("storage_well_again", pbx=self.pbx)

    async def _trouble(self, problem: Exception, tries: int, kept: int) -> None:
        """The database does not take it: say so once, and wait a little."""
        self.counters.failed_commits += 1
        if not self.storage_failing:
            self.storage_failing = True
            log.error("storage_failing", pbx=self.pbx, kept=kept, problem=_short(problem))
        await asyncio.sleep(RETRY[min(tries, len(RETRY)) - 1])

    async def _one_by_one(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            tries = 0
            while not await self._taken(effect, tries := tries + 1):
                pass

    async def _taken(self, effect: Effect, tries: int) -> bool:
        """Whether the effect is written, or set aside for what it is; else the database is in trouble."""
        try:
            async with self._around.store.write() as session:
                told = await apply_effects(session, self._around.world(), self.pbx, (effect,))
        except (SQLAlchemyError, OSError, *FAULTS) as problem:
            if not _poisonous(problem, tries):
                await self._trouble(problem, tries, 1)
                return False
            self.counters.skipped += 1
            log.error(
                "effect_set_aside",
                pbx=self.pbx,
                effect=repr(effect)[:1000],
                problem=_short(problem),
                exc_info=problem if isinstance(problem, FAULTS) else None,
            )
            return True
        for news in told:
            self._around.tell(news)
        return True

    def _within(self, row: Logged, gap: tuple[float, float] | None) -> bool:
        return gap is not None and gap[0] <= row.at + self._skew <= gap[1]

    def _count(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            verdict: Any = getattr(effect, "verdict", None)
            if verdict is not None:
                self.counters.verdicts[verdict.reason] = self.counters.verdicts.get(verdict.reason, 0) + 1


def _in_time(effects: Sequence[Effect]) -> list[Effect]:
    """What a gap hid, as it happened: who was reached after he was missed is not missed any more."""
    return sorted(effects, key=_when)


def _when(effect: Effect) -> float:
    match effect:
        case CallJudged(call=call):
            return call.ended_at or call.began_at
        case CallerReached(at=at):
            return at
    return 0.0  # living calls first, in their order


def _poisonous(problem: Exception, tries: int) -> bool:
    """Whether it will fail again for what it is; a lost connection, a full disk, a lock or another node will pass."""
    if isinstance(problem, SQLAlchemyError | OSError):
        refused = isinstance(problem, IntegrityError) or "DataError" in type(problem).__name__
        return refused and tries >= len(RETRY)
    return isinstance(problem, FAULTS)


def _short(problem: Exception) -> str:
    return str(getattr(problem, "orig", problem))[:300]
