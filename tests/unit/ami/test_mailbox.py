"""Notes in AstDB: what can be read, and what they come to on the board."""

from __future__ import annotations

import pytest

from daemon.ami import mailbox
from daemon.ami.errors import AmiRefused
from daemon.ami.mailbox import Note, events_of
from daemon.calls.board import Board
from daemon.calls.effects import CallJudged
from daemon.calls.events import CallerJoined

NOTE = Note("main-1.1", 100.0, 142.0, "support", "+49301234567", "O'Brien | Sons")


async def notes(*items: tuple[str, str]) -> tuple[Note, ...]:
    async def ask(action: dict[str, str]) -> list[dict[str, str]]:
        assert action == {"Action": "DBGetTree", "Family": "workorderd-missed"}
        return [{"Key": key, "Val": value} for key, value in items]

    return await mailbox.read(ask)  # type: ignore[arg-type]


async def test_a_note_is_read_with_whatever_the_caller_calls_himself() -> None:
    found = await notes(("/workorderd-missed/main-1.1", "100|142|support|+49301234567|O'Brien | Sons"))
    assert found == (NOTE,)


@pytest.mark.parametrize(
    "value",
    ["", "1|2", "x|2|support|1|", "1|-2|support|1|", "1|2||1|", "1|2|" + "q" * 200 + "|1|", "9" * 50 + "|2|q|1|"],
)
async def test_what_our_dialplan_did_not_write_is_passed_over(value: str) -> None:
    assert await notes(("/workorderd-missed/main-1.1", value), ("/workorderd-missed/", "1|2|q|1|")) == ()


async def test_a_pbx_without_a_mailbox_has_no_notes() -> None:
    async def ask(_: object) -> list[dict[str, str]]:
        raise AmiRefused("Invalid/unknown command: DBGetTree")

    assert await mailbox.read(ask) == ()  # type: ignore[arg-type]


def judged(board: Board, note: Note) -> list[tuple[str, str, float]]:
    effects = [effect for event in events_of(note) for effect in board.feed(event)]
    return [
        (effect.call.uniqueid, effect.verdict.reason, effect.verdict.wait)
        for effect in effects
        if isinstance(effect, CallJudged)
    ]


def test_a_note_alone_is_a_caller_who_gave_up() -> None:
    assert judged(Board(), NOTE) == [("main-1.1", "abandoned", 42.0)]


def test_a_note_ends_a_call_that_was_known_to_wait() -> None:
    board = Board()
    board.feed(CallerJoined(100.4, "main-1.1", "main-1.1", "Support", "+49301234567", "", "", 1))
    [(_, reason, wait)] = judged(board, NOTE)
    assert (reason, round(wait, 1)) == ("abandoned", 41.6)


def test_a_note_that_is_read_twice_says_nothing_new() -> None:
    board = Board()
    judged(board, NOTE)
    assert judged(board, NOTE) == []
