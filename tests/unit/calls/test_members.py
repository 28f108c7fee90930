"""Who of a queue's members can be reached: by their device and their pause, whatever Asterisk repeats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.ami.translate import member, translate
from daemon.calls.events import MemberGone, MemberSeen
from daemon.calls.members import Member, Members

ANNA = MemberSeen(1.0, "support", "PJSIP/1000", "Anna", 1, False)
REACHED = Member("support", "PJSIP/1000", "Anna")
HEADERS = {
    "Event": "QueueMemberStatus",
    "Queue": "support",
    "MemberName": "Anna",
    "Interface": "PJSIP/1000",
    "Status": "1",
    "Paused": "0",
}


@pytest.mark.parametrize(
    ("status", "paused", "reached"),
    [(n, False, n in {1, 2, 3, 6, 7, 8}) for n in range(10)] + [(1, True, False), (2, True, False)],
)
def test_who_can_be_reached(status: int, paused: bool, reached: bool) -> None:
    members = Members()
    assert members.feed(replace(ANNA, status=status, paused=paused))
    [member] = members.all
    assert member.reachable is reached


def test_what_is_told_again_is_no_change() -> None:
    members = Members()
    assert [members.feed(replace(ANNA, status=status)) for status in (1, 2, 6, 1, 5, 5, 1)] == [
        True,
        True,
        True,
        True,
        True,
        False,
        True,
    ]
    assert members.feed(MemberGone(2.0, "support", "PJSIP/1000"))
    assert not members.feed(MemberGone(2.0, "support", "PJSIP/1000"))
    assert not members.feed(MemberGone(2.0, "sales", "PJSIP/1000"))


def test_a_member_of_two_queues_leaves_one() -> None:
    members = Members()
    members.replace([ANNA, replace(ANNA, queue="sales")])
    assert members.feed(MemberGone(2.0, "support", "PJSIP/1000"))
    assert members.all == {REACHED._replace(queue="sales")}


def test_a_snapshot_is_all_there_is() -> None:
    members = Members()
    members.feed(ANNA)
    assert members.replace([ANNA])  # the first snapshot is news in any case: now it is known that nobody else is there
    assert not members.replace([ANNA])
    assert members.replace([replace(ANNA, interface="PJSIP/1001", member="Ben")])
    assert members.all == {Member("support", "PJSIP/1001", "Ben")}
    members.clear()
    assert members.all == set()


def test_since_when_and_why_he_is_paused() -> None:
    paused = {**HEADERS, "Paused": "1", "PausedReason": "lunch", "LastPause": "1500", "Membership": "dynamic"}
    seen = translate({**paused, "InCall": "1"}, 1600.0)
    members = Members()
    assert isinstance(seen, MemberSeen)
    assert members.feed(seen)
    [member] = members.all
    assert (member.reason, member.paused_at, member.dynamic, member.busy) == ("lunch", 1500.0, True, True)


def test_where_the_pbx_does_not_tell_since_when_it_is_since_we_heard_of_it() -> None:
    members = Members()
    for at in (10.0, 20.0):
        members.feed(replace(ANNA, at=at, paused=True))
    assert [member.paused_at for member in members.all] == [10.0]
    members.feed(replace(ANNA, at=30.0, paused=True, reason="lunch"))
    assert [member.paused_at for member in members.all] == [30.0]


def test_a_reason_that_is_left_over_from_a_pause_that_ended_is_none() -> None:
    seen = translate({**HEADERS, "PausedReason": "lunch", "LastPause": "1500"}, 1600.0)
    assert isinstance(seen, MemberSeen)
    assert (seen.reason, seen.paused_at) == ("", 0.0)


def test_events_and_items_of_a_list_are_read_alike() -> None:
    assert translate(HEADERS, 1.0) == ANNA
    item = {**HEADERS, "Event": "QueueMember", "Name": "Anna", "Location": "PJSIP/1000"}
    del item["MemberName"], item["Interface"]
    assert member(item, 1.0) == ANNA
    assert translate({**HEADERS, "Event": "QueueMemberRemoved"}, 1.0) == MemberGone(1.0, "support", "PJSIP/1000")
    assert member({**HEADERS, "Status": "lots", "Paused": "1"}, 1.0) == replace(
        ANNA, status=0, paused=True, paused_at=0.0
    )
