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
    assert members.feed(replace(ANNA, status=status, paused=paused)) is reached
    assert members.reachable == ({REACHED} if reached else set())


def test_only_what_changes_who_can_be_reached_is_a_change() -> None:
    members = Members()
    assert [members.feed(replace(ANNA, status=status)) for status in (1, 2, 6, 1, 5, 5, 1)] == [
        True,
        False,
        False,
        False,
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
    assert members.reachable == {REACHED._replace(queue="sales")}


def test_a_snapshot_is_all_there_is() -> None:
    members = Members()
    members.feed(ANNA)
    assert not members.replace([ANNA])
    assert members.replace([replace(ANNA, interface="PJSIP/1001", member="Ben")])
    assert members.reachable == {Member("support", "PJSIP/1001", "Ben")}
    assert members.clear()
    assert not members.clear()


def test_events_and_items_of_a_list_are_read_alike() -> None:
    assert translate(HEADERS, 1.0) == ANNA
    item = {**HEADERS, "Event": "QueueMember", "Name": "Anna", "Location": "PJSIP/1000"}
    del item["MemberName"], item["Interface"]
    assert member(item, 1.0) == ANNA
    assert translate({**HEADERS, "Event": "QueueMemberRemoved"}, 1.0) == MemberGone(1.0, "support", "PJSIP/1000")
    assert member({**HEADERS, "Status": "lots", "Paused": "1"}, 1.0) == replace(ANNA, status=0, paused=True)
