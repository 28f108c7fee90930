"""The mailbox on the PBX: callers who gave up are noted in AstDB by our dialplan, until their order is safe.

    workorderd-missed/<Uniqueid> = <epoch he joined>|<epoch he ended>|<queue>|<number>|<name>

The third witness beside AMI and queue_log, for a PBX whose queue_log can't be read from here: what happened while
nobody listened is there when somebody does again (dialplan/extensions_workorderd.conf, workorderd-gone). A note is
deleted only after the commit; one that is read twice says nothing new. Needs the action DBGetTree: Asterisk 16.28,
18.14, 19.6 and later.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daemon.ami.errors import AmiError, AmiRefused
from daemon.calls.events import CallerAbandoned, CallerJoined, CallerLeft, Event, HangupRequested, HungUp

FAMILY: Final = "workorderd-missed"
MOST: Final = 10_000  # notes at once
LONGEST: Final = {"uniqueid": 150, "queue": 128, "number": 80, "name": 255}

Ask = Callable[[Mapping[str, str]], Awaitable[Sequence[Mapping[str, str]]]]

_EPOCH: Final = re.compile(r"[0-9]{1,11}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Note:
    """A caller who gave up in a queue; times in seconds since the epoch, by the PBX's clock."""

    uniqueid: str
    joined_at: float
    ended_at: float
    queue: str
    number: str
    name: str


async def read(ask: Ask) -> tuple[Note, ...]:
    """All notes; none where the PBX has no mailbox or we may not look. Raises AmiError when the link is lost."""
    try:
        found = await ask({"Action": "DBGetTree", "Family": FAMILY})
    except AmiRefused:  # "Database entry not found" where the family is empty, too
        return ()
    notes = (_note(item.get("Key", ""), item.get("Val", "")) for item in found[:MOST])
    return tuple(note for note in notes if note is not None)


async def delete(ask: Ask, uniqueids: Collection[str]) -> None:
    """Forget these notes. What can't be deleted now is deleted when it is read again."""
    for uniqueid in uniqueids:
        try:
            await ask({"Action": "DBDel", "Family": FAMILY, "Key": uniqueid})
        except AmiRefused:
            continue
        except AmiError:
            return


def events_of(note: Note) -> tuple[Event, ...]:
    """What the manager would have told of him."""
    uniqueid, queue = note.uniqueid, note.queue
    who = (note.number, note.name)
    return (
        CallerJoined(note.joined_at, uniqueid, uniqueid, queue, *who, "", 0),
        HangupRequested(note.ended_at, uniqueid),
        CallerAbandoned(note.ended_at, uniqueid, queue, uniqueid, *who),
        CallerLeft(note.ended_at, uniqueid, queue),
        HungUp(note.ended_at, uniqueid),
    )


def _note(key: str, value: str) -> Note | None:
    """A note that can be read; what else lies in the family was not written by our dialplan."""
    uniqueid = key.removeprefix(f"/{FAMILY}/")
    parts = value.split("|", 4)
    if len(parts) < 5 or not 0 < len(uniqueid) <= LONGEST["uniqueid"]:
        return None
    joined, ended, queue, number, name = parts
    if not _EPOCH.fullmatch(joined) or not _EPOCH.fullmatch(ended) or not 0 < len(queue) <= LONGEST["queue"]:
        return None
    return Note(
        uniqueid,
        min(float(joined), float(ended)),
        float(ended),
        queue,
        number[: LONGEST["number"]],
        _CONTROL.sub(" ", name)[: LONGEST["name"]],
    )
