"""What is missing, in whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
from panoramisk.message import Message

from daemon.ami.actions import Action
from daemon.ami.capabilities import Findings, calls_served, examine, shortcomings

ALL = ("system", "agent", "call", "dialplan")
COMMANDS = frozenset({"queuestatus", "coreshowchannels"})
WELL = Findings("me", "11.0.0", "22.10.1", COMMANDS)


def test_nothing_is_missing_when_every_class_was_seen() -> None:
    assert shortcomings(WELL, ALL, 100) == ()


def test_a_quiet_pbx_is_no_proof_of_anything() -> None:
    assert shortcomings(WELL, ["system"], 0) == ()


@pytest.mark.parametrize("name", ["agent", "call", "dialplan"])
def test_a_class_that_stays_silent_while_queues_count_calls_is_missing(name: str) -> None:
    (sentence,) = shortcomings(WELL, set(ALL) - {name}, 3)
    assert f"no event of class {name} came" in sentence


def test_without_fullybooted_class_system_is_in_doubt() -> None:
    (sentence,) = shortcomings(WELL, (), 0)
    assert sentence.startswith("No FullyBooted came")


def test_classes_that_asterisk_itself_denies_are_missing_at_once() -> None:
    known = Findings("me", "11.0.0", "22.10.1", COMMANDS, frozenset({"system", "call", "agent"}))
    assert shortcomings(known, ["system"], 0) == (
        "The manager user me lacks read class dialplan: why a queue let a caller go is guessed until queue_log tells,"
        " and refused callers are not seen.",
    )


@pytest.mark.parametrize("version", ["11.25.3", "12.8.2", "certified/11.6-cert18", "1.8.32.3"])
def test_an_asterisk_before_13_is_not_supported(version: str) -> None:
    assert "not supported" in shortcomings(Findings("me", "1.3", version, COMMANDS), ALL, 0)[0]


@pytest.mark.parametrize("version", ["13.0.0", "certified/18.9-cert5", "23.1.0", "GIT-master-0a1b2c", ""])
def test_a_later_or_unknown_one_is_tried(version: str) -> None:
    assert shortcomings(Findings("me", "5.0.4", version, COMMANDS), ALL, 0) == ()


def test_an_old_banner_is_enough_to_know() -> None:
    assert "not supported" in shortcomings(Findings("me", "1.3", "", COMMANDS), ALL, 0)[0]


def test_actions_that_are_not_there_are_said() -> None:
    few = Findings("me", "11.0.0", "22.10.1", frozenset({"ping"}))
    first, second = shortcomings(few, ALL, 0)
    assert "app_queue is not loaded" in first
    assert "reporting nor system" in second


def _asked(**answers: Any) -> Any:
    async def ask(action: Action) -> Any:
        name = str(action["Action"])
        return answers.get(name, Message({"Response": "Error", "Message": "Permission denied"}))

    return ask


async def test_a_user_who_may_nothing_is_examined_without_fuss() -> None:
    assert await examine(_asked(), "me", "11.0.0") == Findings("me", "11.0.0")
    assert await calls_served(_asked()) is None


@pytest.mark.parametrize(
    "output",
    [
        Message(
            {"Response": "Success", "Output": ["", "   username: me", "  read perm: system,call", " write perm: x"]}
        ),
        Message({"Response": "Follows"}, "  read perm: system,call\n write perm: x\n--END COMMAND--"),
    ],
)
async def test_read_classes_are_read_where_the_user_may_ask(output: Message) -> None:
    listed = Message({"Response": "Success", "Command": "x", "QueueStatus": "x"})
    settings = Message({"Response": "Success", "AsteriskVersion": "16.28.0~dfsg"})
    found = await examine(_asked(CoreSettings=settings, ListCommands=listed, Command=output), "me", "5.0.4")
    assert found.asterisk == "16.28.0~dfsg"
    assert found.allowed == frozenset({"system", "call"})
    assert {"command", "queuestatus"} <= found.commands


async def test_calls_served_are_summed_over_queues() -> None:
    lines = [{"Completed": "3", "Abandoned": "2"}, {"Completed": "x", "Abandoned": "1"}]
    params = [Message({"Event": "QueueParams", **line}) for line in lines]
    whole = [Message({"Response": "Success"}), *params, Message({"Event": "QueueStatusComplete"})]
    assert await calls_served(_asked(QueueStatus=whole)) == 6
