"""The ways out of a queue, as queue_log and AMI tell them, are those of the verdict's table."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from daemon.ami.errors import AmiDown, AmiRefused
from daemon.ami.recorder import record
from daemon.ami.replay import judge_recording
from daemon.ami.translate import unescape
from daemon.demo.asterisk import USER, AsteriskError, PrivateAsterisk, Version, find, free_port
from daemon.demo.callers import ENDINGS, HOSTILE_NAMES, WAYS_OUT, Truth, WayOut, consultation
from daemon.demo.desks import Desk
from daemon.demo.wire import Wire
from tests.asterisk.rounds import Round, play

pytestmark = pytest.mark.asterisk

Tale = tuple[str, ...]

GAVE_UP: Tale = ("Join", "HangupRequest", "Abandon", "Leave", "Hangup")
TALKED: Tale = ("Join", "Leave", "AgentConnect", "Bridge")
TIMED_OUT: Tale = ("Join", "Abandon", "Leave", "QUEUESTATUS=TIMEOUT")

ABANDON: Tale = ("ENTERQUEUE", "ABANDON")
COMPLETE: Tale = ("ENTERQUEUE", "CONNECT", "COMPLETEAGENT")
TRANSFERRED: Tale = ("ENTERQUEUE", "CONNECT", "BLINDTRANSFER")
TIMEOUT: Tale = ("ENTERQUEUE", "EXITWITHTIMEOUT")

# For each caller of a way out: his rows of queue_log, and his channel's tale on AMI.
TABLE: dict[str, tuple[tuple[Tale, Tale], ...]] = {
    "answered": ((COMPLETE, (*TALKED, "Hangup")),),
    "answered_and_caller_hangs_up": (
        (("ENTERQUEUE", "CONNECT", "COMPLETECALLER"), (*TALKED, "HangupRequest", "Hangup")),
    ),
    "answered_while_all_ring": ((COMPLETE, (*TALKED, "Hangup")),),
    "timeout_then_answered": (((*TIMEOUT, *COMPLETE), (*TIMED_OUT, *TALKED, "Hangup")),),
    "after_talk": (((*TRANSFERRED, *ABANDON), (*TALKED, *GAVE_UP)),),
    "transferred_and_answered": (((*TRANSFERRED, *COMPLETE), (*TALKED, *TALKED, "Hangup")),),
    "abandoned_while_waiting": ((ABANDON, GAVE_UP),),
    "abandoned_while_ringing": ((ABANDON, GAVE_UP),),
    "abandoned_after_no_answer": ((ABANDON, GAVE_UP),),
    "abandoned_during_announcement": ((ABANDON, GAVE_UP),),
    "abandoned_during_memberdelay": ((ABANDON, GAVE_UP),),
    "timeout_then_abandoned": (((*TIMEOUT, *ABANDON), (*TIMED_OUT, *GAVE_UP)),),
    "abandoned_over_sip": ((ABANDON, GAVE_UP),),
    "abandoned_in_the_place_of_another": (
        (("ENTERQUEUE",), ("Join", "Hangup")),
        (("ABANDON",), ("Bridge", *GAVE_UP[1:])),
    ),
    "hidden_number": ((ABANDON, GAVE_UP),),
    "hostile_names": ((ABANDON, GAVE_UP),) * len(HOSTILE_NAMES),
    "timeout": ((TIMEOUT, (*TIMED_OUT, "Hangup")),),
    "emptied": ((("ENTERQUEUE", "EXITEMPTY"), ("Join", "Abandon", "Leave", "QUEUESTATUS=LEAVEEMPTY", "Hangup")),),
    "left_by_key": ((("ENTERQUEUE", "EXITWITHKEY"), ("Join", "Leave", "Hangup")),),
    "withdrawn": ((("ENTERQUEUE", "WITHDRAW"), ("Join", "Abandon", "Leave", "QUEUESTATUS=WITHDRAW", "Hangup")),),
    "refused_full": (((), ("QUEUESTATUS=FULL", "Hangup")), (ABANDON, GAVE_UP)),
    "refused_empty": (((), ("QUEUESTATUS=JOINEMPTY", "Hangup")),),
    "refused_unknown": (((), ("QUEUESTATUS=UNKNOWN", "Hangup")),),
    "redirected": ((ABANDON, ("Join", "Abandon", "Leave", "HangupRequest", "Hangup")),),
    "bridged": ((("ENTERQUEUE",), ("Join", "Bridge", "HangupRequest", "Hangup")),),
    "hung_up_by_admin": ((ABANDON, ("Join", "Abandon", "Leave", "Hangup")),),
    "absolute_timeout": ((ABANDON, ("Join", "Abandon", "Leave", "Hangup")),),
}


@pytest.fixture(scope="session", params=["22", "16"])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Round:
    """Every way out, played at once on each version."""
    pbx: PrivateAsterisk = request.getfixturevalue(f"asterisk{request.param}")
    return asyncio.run(play(pbx, tmp_path_factory.mktemp("round") / "round.ami"))


def test_the_table_tells_every_way_out() -> None:
    assert list(TABLE) == [way_out.__name__ for way_out in WAYS_OUT]  # type: ignore[attr-defined]


@pytest.mark.parametrize("way_out", TABLE)
def test_a_way_out_is_told_as_the_table_says(played: Round, way_out: str) -> None:
    truths = played.truths[way_out]
    assert [played.tale(truth.uniqueid) for truth in truths] == [tale for _, tale in TABLE[way_out]]
    # After a transfer the row of the talk's end comes from another thread: the order is free.
    assert [sorted(played.rows(t.uniqueid)) for t in truths] == [sorted(rows) for rows, _ in TABLE[way_out]]


def test_callers_bring_their_numbers_and_names_unharmed(played: Round) -> None:
    joins = {frame["Uniqueid"]: frame for frame in played.events("QueueCallerJoin")}
    hostile = [joins[truth.uniqueid] for truth in played.truths["hostile_names"]]
    assert [unescape(join["CallerIDName"]) for join in hostile] == list(HOSTILE_NAMES)
    hidden = joins[played.truths["hidden_number"][0].uniqueid]
    assert hidden["CallerIDNum"] == "<unknown>"


def test_the_row_of_a_pick_up_that_came_to_nothing_names_the_agent(played: Round) -> None:
    for way_out in ("abandoned_during_announcement", "abandoned_during_memberdelay"):
        uniqueid = played.truths[way_out][0].uniqueid
        agents = [row[3] for row in played.log() if row[1] == uniqueid and row[4] == "ABANDON"]
        assert agents == ["Anna Berg"]


def test_the_least_privilege_user_gets_no_flood_and_no_secret(played: Round, asterisk22: PrivateAsterisk) -> None:
    assert {frame["Variable"] for frame in played.events("VarSet")} == {"QUEUESTATUS"}
    assert {frame["Application"] for frame in played.events("Newexten")} == {"Queue"}
    assert all("Timestamp" in frame for frame in played.events("QueueCallerJoin"))
    assert asterisk22.secret.encode() not in played.transcript.read_bytes()


def test_the_daemon_judges_calls_of_all_queues_at_once_as_they_were(played: Round) -> None:
    truths = {truth for truths in played.truths.values() for truth in truths}
    judged = {Truth(o.uniqueid, o.caller, o.queues, o.reason) for o in judge_recording(played.transcript)}
    assert judged == truths


async def test_of_a_consultation_by_feature_code_only_linkedid_tells_who_waits(
    asterisk: PrivateAsterisk, tmp_path: Path
) -> None:
    played = await play(asterisk, tmp_path / "consultation.ami", (consultation,))
    consulted, caller = played.truths["consultation"]
    assert played.rows(consulted.uniqueid) == ABANDON
    assert "ATTENDEDTRANSFER" in played.rows(caller.uniqueid)
    assert played.tale(consulted.uniqueid) == GAVE_UP
    joins = {frame["Uniqueid"]: frame for frame in played.events("QueueCallerJoin")}
    assert joins[consulted.uniqueid]["Linkedid"] == joins[caller.uniqueid]["Linkedid"]
    (abandon,) = played.events("QueueCallerAbandon")
    assert joins[consulted.uniqueid]["CallerIDNum"] != caller.caller
    assert (abandon["CallerIDNum"] == caller.caller) is (asterisk.version == "22")
    judged = {outcome.uniqueid: outcome.reason for outcome in judge_recording(played.transcript)}
    assert judged == {truth.uniqueid: truth.reason for truth in (consulted, caller)}


@pytest.mark.parametrize("version", ["22", "16"])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_asterisk_that_ends_says_nothing_of_who_waited_or_in_the_last_moment(
    version: Version, ending: WayOut, tmp_path: Path
) -> None:
    needs(version)
    async with PrivateAsterisk(version) as pbx:
        played = await play(pbx, tmp_path / "ending.ami", (ending,))
        (truth,) = next(iter(played.truths.values()))
        assert pbx.pid is None
        if truth.reason == "lost":
            assert (played.rows(truth.uniqueid), played.tale(truth.uniqueid)) == (("ENTERQUEUE",), ("Join",))
        else:
            assert played.rows(truth.uniqueid) == ABANDON
            # A hang-up of the Local channel's other half may overtake: then it is told before.
            assert [word for word in played.tale(truth.uniqueid) if word != "HangupRequest"] == [
                word for word in GAVE_UP if word != "HangupRequest"
            ]
        port = pbx.port
        await pbx.start()
        assert pbx.port == port
        async with await Wire.to(pbx):
            assert [row[4] for row in played.log()].count("QUEUESTART") == 2


async def test_several_can_run_side_by_side() -> None:
    needs("22")
    async with PrivateAsterisk("22") as one, PrivateAsterisk("22") as other:
        async with await Wire.to(one) as at_one, await Wire.to(other) as at_other:
            caller = await Desk(at_one, one).call("support")
            await caller.joined("support")
            await caller.hang_up()
            assert at_other.find("QueueCallerJoin") is None
        assert one.home != other.home
        assert one.port != other.port
    assert not one.home.exists()


async def test_a_recorder_that_is_refused_leaves_the_file_as_it_was(asterisk: PrivateAsterisk, tmp_path: Path) -> None:
    file = tmp_path / "kept.ami"
    file.write_bytes(b"kept")
    with pytest.raises(AmiRefused):
        await record(asterisk.host, asterisk.port, USER, "wrong", file)
    with pytest.raises(AmiDown):
        await record(asterisk.host, free_port(), USER, asterisk.secret, file)
    assert file.read_bytes() == b"kept"


async def test_a_recorder_stops_after_its_time(asterisk: PrivateAsterisk, tmp_path: Path) -> None:
    file = tmp_path / "short.ami"
    size = await record(asterisk.host, asterisk.port, USER, asterisk.secret, file, seconds=0.2)
    assert file.stat().st_size == size
    assert file.read_bytes().startswith(b"Asterisk Call Manager/")


def test_a_missing_asterisk_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(AsteriskError, match="need_asterisk 16"):
        find("16", "asterisk")


def needs(version: Version) -> None:
    """Skip where this Asterisk is missing, unless it must not be."""
    try:
        find(version, "asterisk")
    except AsteriskError as missing:
        if os.environ.get("WORKORDERD_REQUIRE_ASTERISK"):
            raise
        pytest.skip(str(missing))
