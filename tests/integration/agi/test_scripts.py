"""The scripts, spoken with Asterisk's side of the conversation."""

from __future__ import annotations

from functools import partial
from typing import Literal

import pytest
from structlog.testing import capture_logs

from agi.caller import Known, caller
from agi.left import Left, left
from agi.result import Choice, Menu, result
from agi.status import State, status
from tests.integration.agi.peer import peer
from tests.integration.agi.test_server import house, talk

DONE = "200 result=0"


def key(digit: str) -> str:
    return f"200 result={ord(digit)} endpos=1"


# --- caller ----------------------------------------------------------------------------------------------------------


async def test_the_dialplan_hears_who_calls() -> None:
    async def find(pbx: str, queue: str, number: str) -> Known:
        assert (pbx, queue, number) == ("main", "", "03012345678")
        return Known(7, 'Meyer "&" Sons', "de", ("#1-12", "#3-4"), "PJSIP/1001")

    async with talk(partial(caller, find=find), address="caller?pbx=main", name="caller") as (opened, asterisk):
        heard = await asterisk.answers(*["200 result=1"] * 6)
        await opened.ends("done")
    assert heard == [
        'SET VARIABLE "CALLERID(name)" "Meyer \\"&\\" Sons"',
        'SET VARIABLE "CHANNEL(language)" "de"',
        'SET VARIABLE "WORKORDERD_CUSTOMER" "7"',
        'SET VARIABLE "WORKORDERD_ORDERS" "#1-12,#3-4"',
        'SET VARIABLE "WORKORDERD_AGENT" "PJSIP/1001"',
        'SET VARIABLE "WORKORDERD_STATUS" "known"',
    ]


async def test_who_is_not_known_keeps_the_name_that_he_brought() -> None:
    async def find(_pbx: str, _queue: str, _number: str) -> Known:
        return Known()

    async with talk(partial(caller, find=find), name="caller") as (opened, asterisk):
        assert await asterisk.answers("200 result=1") == ['SET VARIABLE "WORKORDERD_STATUS" "unknown"']
        await opened.ends("done")


async def test_a_name_with_a_line_break_is_one_line() -> None:
    async def find(_pbx: str, _queue: str, _number: str) -> Known:
        return Known(name="Eve\nSET VARIABLE X 1")

    async with talk(partial(caller, find=find), name="caller") as (opened, asterisk):
        heard = await asterisk.answers("200 result=1", "200 result=1")
        await opened.ends("done")
    assert heard[0] == 'SET VARIABLE "CALLERID(name)" "Eve SET VARIABLE X 1"'


@pytest.mark.parametrize(("problem", "outcome"), [(TimeoutError(), "slow"), (RuntimeError("no database"), "broken")])
async def test_the_call_goes_on_when_nobody_can_look(problem: Exception, outcome: str) -> None:
    async def find(_pbx: str, _queue: str, _number: str) -> Known:
        raise problem

    with capture_logs():
        async with talk(partial(caller, find=find), name="caller") as (opened, asterisk):
            assert await asterisk.answers("200 result=1") == ['SET VARIABLE "WORKORDERD_STATUS" "unavailable"']
            await opened.ends(outcome)


# --- left ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "told"),
    [("200 result=1 (TIMEOUT)", ["TIMEOUT"]), ("200 result=1 (<x>)", []), ("200 result=0", [])],
)
async def test_why_the_caller_left_the_queue_is_handed_on(answer: str, told: list[str]) -> None:
    heard: list[Left] = []

    async def tell(each: Left) -> None:
        heard.append(each)

    script = partial(left, tell=tell)
    async with talk(script, address="left?pbx=main&queue=support", name="left") as (opened, asterisk):
        assert await asterisk.answers(answer) == ['GET FULL VARIABLE "${QUEUESTATUS}"']
        await opened.ends("done")
    assert [each.status for each in heard] == told
    assert all((each.pbx, each.queue, each.uniqueid) == ("main", "support", "main-1790000000.1") for each in heard)


@pytest.mark.parametrize(
    "address",
    ["left", "left?pbx=main", "left?queue=x", "left?pbx=main&queue=" + "x" * 200, "left?pbx=main&queue=a%0Ab"],
)
async def test_who_does_not_say_which_queue_is_refused(address: str) -> None:
    async def tell(_: Left) -> None:
        raise AssertionError

    with capture_logs():
        async with talk(partial(left, tell=tell), address=address, name="left") as (opened, asterisk):
            await asterisk.is_left()
            await opened.ends("bad")


# --- status ----------------------------------------------------------------------------------------------------------


class Orders:
    """One order, #1-12, pending, of the customer who calls from 03012345678, with the PIN 4711."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[int, int], str]] = []

    async def look(self, pbx: str, number: str, serial: tuple[int, int], pin: str) -> State | Literal["unknown", "pin"]:
        assert pbx == "main"
        self.asked.append((number, serial, pin))
        if number == "03012345678" and serial == (1, 12):
            return "pending"
        if not pin:
            return "pin"
        return "pending" if serial == (1, 12) and pin == "4711" else "unknown"


async def hears(number: str, *answers: str) -> tuple[list[str], Orders]:
    orders = Orders()
    script = partial(status, look=orders.look)
    async with house(script, name="status") as opened, peer(opened.port) as asterisk:
        asterisk.opens("status?pbx=main", agi_callerid=number)
        heard = await asterisk.answers(*answers)
        await opened.ends("done")
    return [line.split('"')[1].removeprefix("workorderd/") for line in heard], orders


async def test_a_customer_hears_of_his_order_at_once() -> None:
    heard, _ = await hears("03012345678", "200 result=1*12", DONE)
    assert heard == ["order-enter", "order-pending"]


async def test_from_another_number_the_pin_is_asked() -> None:
    heard, _ = await hears("0401", "200 result=1*12", "200 result=4711", DONE)
    assert heard == ["order-enter", "order-pin", "order-pending"]


async def test_a_wrong_pin_and_an_unknown_order_sound_the_same_and_three_are_enough() -> None:
    wrong = ("200 result=1*12", "200 result=1", DONE)
    unknown = ("200 result=9*9", "200 result=1", DONE)
    heard, orders = await hears("0401", *wrong, *unknown, *wrong)
    assert heard == ["order-enter", "order-pin", "order-unknown"] * 3
    assert len(orders.asked) == 6


@pytest.mark.parametrize("typed", ["12", "*", "1*2*3", "##", "1*9999999999"])
async def test_what_is_no_serial_is_unknown_without_a_look(typed: str) -> None:
    heard, orders = await hears("0301", f"200 result={typed}", DONE, "200 result=")
    assert heard == ["order-enter", "order-unknown", "order-enter"]
    assert orders.asked == []


# --- result ----------------------------------------------------------------------------------------------------------


class Calls:
    """One call with three results."""

    def __init__(self, *choices: Choice) -> None:
        self.choices = choices
        self.found: tuple[str, str, str] | None = None
        self.chosen: list[tuple[str, int | None]] = []

    async def find(self, pbx: str, uniqueid: str, number: str) -> Menu | None:
        self.found = (pbx, uniqueid, number)
        return Menu(1, 2, self.choices) if self.choices else None

    async def choose(self, _menu: Menu, choice: Choice, hours: int | None) -> Literal["chosen", "refused"]:
        self.chosen.append((choice.identity, hours))
        return "chosen"


async def chooses(calls: Calls, *answers: str) -> list[str]:
    script = partial(result, find=calls.find, choose=calls.choose)
    async with house(script, name="result") as opened, peer(opened.port) as asterisk:
        asterisk.opens("result?pbx=main", agi_callerid="1001")
        heard = await asterisk.answers("200 result=1 (main-1.1)", *answers)
        await opened.ends("done")
    assert calls.found == ("main", "main-1.1", "1001")
    return [line.split('"')[1].removeprefix("workorderd/") for line in heard[1:]]


async def test_a_key_chooses_a_result_while_the_menu_still_plays() -> None:
    calls = Calls(Choice("solved"), Choice("order"))
    assert await chooses(calls, key("2"), DONE) == ["result-menu", "result-chosen"]
    assert calls.chosen == [("order", None)]


async def test_the_menu_names_every_result_and_its_digit() -> None:
    calls = Calls(Choice("solved"), Choice("order"))
    heard = await chooses(calls, DONE, DONE, DONE, DONE, DONE, "200 result=1", DONE)
    assert heard == ["result-menu", "result-solved", "1", "result-order", "2", "result-choose", "result-chosen"]
    assert calls.chosen == [("solved", None)]


async def test_a_call_back_asks_in_how_many_hours() -> None:
    calls = Calls(Choice("call_back", callback=True))
    assert await chooses(calls, key("1"), "200 result=24", DONE) == ["result-menu", "result-hours", "result-chosen"]
    assert calls.chosen == [("call_back", 24)]


@pytest.mark.parametrize("hours", ["", "0", "999", "*1"])
async def test_nonsense_for_the_hours_chooses_nothing(hours: str) -> None:
    calls = Calls(Choice("call_back", callback=True))
    heard = await chooses(calls, key("1"), f"200 result={hours}", DONE)
    assert (heard[-1], calls.chosen) == ("result-refused", [])


async def test_keys_that_name_no_result_are_asked_again_three_times() -> None:
    calls = Calls(Choice("solved"))
    heard = await chooses(calls, key("7"), key("*"), key("0"), DONE)
    assert heard == ["result-menu"] * 3 + ["result-refused"]
    assert calls.chosen == []


async def test_without_a_call_the_agent_hears_so() -> None:
    assert await chooses(Calls(), DONE) == ["result-none"]
