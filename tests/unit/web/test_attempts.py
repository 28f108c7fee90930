from __future__ import annotations

from datetime import UTC, datetime, timedelta

from daemon.web.attempts import ADDRESS_FACTOR, MOST_KEYS, Attempts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def test_the_try_after_the_last_allowed_one_waits_until_the_first_is_15_minutes_old() -> None:
    clock = Clock()
    attempts = Attempts(2, clock)
    assert attempts.begin("anna", "10.0.0.1") is None
    clock.at += timedelta(minutes=5)
    assert attempts.begin("Anna", "10.0.0.1") is None
    assert attempts.begin("ANNA", "10.0.0.1") == timedelta(minutes=10)
    clock.at += timedelta(minutes=10)
    assert attempts.begin("anna", "10.0.0.1") is None


def test_another_name_and_another_address_are_not_held_up() -> None:
    attempts = Attempts(1, Clock())
    attempts.begin("anna", "10.0.0.1")
    assert attempts.begin("ben", "10.0.0.1") is None
    assert attempts.begin("anna", "10.0.0.2") is None


def test_an_address_that_tries_many_names_is_held_up() -> None:
    attempts = Attempts(1, Clock())
    for n in range(ADDRESS_FACTOR):
        assert attempts.begin(f"name{n}", "10.0.0.1") is None
    assert attempts.begin("another", "10.0.0.1") is not None


def test_a_right_password_forgives_the_failures_of_this_name() -> None:
    attempts = Attempts(2, Clock())
    attempts.begin("anna", "10.0.0.1")
    attempts.begin("anna", "10.0.0.1")
    attempts.succeeded("anna", "10.0.0.1")
    assert attempts.begin("anna", "10.0.0.1") is None


def test_memory_is_bounded_by_forgetting_what_is_over() -> None:
    clock = Clock()
    attempts = Attempts(5, clock)
    for n in range(MOST_KEYS):
        attempts.begin(f"name{n}", f"10.0.{n // 250}.{n % 250}")
    clock.at += timedelta(minutes=16)
    attempts.begin("anna", "10.9.9.9")
    assert len(attempts._tries) == 2
