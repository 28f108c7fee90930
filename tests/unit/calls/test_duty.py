"""How an agent stands, and what his wrap-up asks for: never twice, never against his own pause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.calls.duty import WRAP_UP, Seat, Stand, Steps, pause_of, stand, steps
from daemon.calls.members import Member

SUPPORT = Seat("main", Member("support", "PJSIP/1000", "Anna"))
SALES = Seat("branch", Member("sales", "PJSIP/1000", "Anna"))


def paused(seat: Seat, reason: str, at: float = 10.0) -> Seat:
    return replace(seat, member=seat.member._replace(paused=True, reason=reason, paused_at=at))


def with_status(seat: Seat, status: int) -> Seat:
    return replace(seat, member=seat.member._replace(status=status))


@pytest.mark.parametrize(
    ("seats", "expected"),
    [
        ((), Stand.OUT),
        ((SUPPORT, SALES), Stand.READY),
        ((SUPPORT, with_status(SALES, 2)), Stand.BUSY),
        ((with_status(SUPPORT, 5),), Stand.AWAY),
        ((paused(SUPPORT, "lunch"), SALES), Stand.READY),
        ((paused(SUPPORT, "lunch"), with_status(SALES, 5)), Stand.AWAY),
        ((paused(SUPPORT, "lunch"), paused(SALES, WRAP_UP)), Stand.PAUSED),
        ((paused(SUPPORT, WRAP_UP), paused(SALES, WRAP_UP)), Stand.WRAP_UP),
        ((paused(with_status(SUPPORT, 2), WRAP_UP),), Stand.BUSY),
    ],
)
def test_how_he_stands(seats: tuple[Seat, ...], expected: Stand) -> None:
    assert stand(seats) is expected


def test_the_pause_that_is_shown_is_his_own_then_the_oldest() -> None:
    assert pause_of(()) is None
    assert pause_of((paused(SUPPORT, "lunch"), SALES)) is None
    shown = pause_of((paused(SUPPORT, WRAP_UP, 1.0), paused(SALES, "lunch", 3.0), paused(SALES, "break", 2.0)))
    assert shown is not None
    assert shown.reason == "break"


def test_a_wrap_up_pauses_each_seat_that_is_not_paused_and_once() -> None:
    seats = (SUPPORT, paused(SALES, "lunch"))
    nothing = frozenset[tuple[str, str, str]]()
    assert steps(seats, owed=True, asked=nothing, seen=nothing) == Steps(pause=(SUPPORT,))
    assert steps(seats, owed=True, asked={SUPPORT.place}, seen=nothing) == Steps()


def test_the_end_of_a_wrap_up_resumes_its_own_pauses_alone() -> None:
    wrapping = paused(SUPPORT, WRAP_UP)
    found = steps((wrapping, paused(SALES, "lunch")), owed=False, asked=frozenset(), seen=frozenset())
    assert found == Steps(resume=(wrapping,))
    assert steps((SUPPORT, paused(SALES, "")), owed=False, asked=frozenset(), seen=frozenset()) == Steps()


def test_who_was_resumed_by_somebody_else_is_not_paused_again() -> None:
    wrapping = paused(SALES, WRAP_UP)
    both = {SUPPORT.place, SALES.place}
    assert steps((SUPPORT, wrapping), owed=True, asked=both, seen=both) == Steps(resume=(wrapping,), given_up=True)
    lunch = (paused(SUPPORT, "lunch"), wrapping)
    assert steps(lunch, owed=True, asked=both, seen=both) == Steps()
