"""What is done about a missed call, by the policy of its queue.

A missed call is listed, or it is not: not where the policy does not count its reason, where the caller is internal
or blacklisted, and where hidden numbers are ignored. A listed call makes an order unless it was too short, outside
business hours, hidden (where those are only listed), or the policy leaves orders to people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from daemon.calls.verdict import MISSED_BY_DEFAULT, Verdict
from daemon.orders.hours import Hours
from daemon.orders.number import Number

Why = Literal[
    "",
    "short",
    "closed",
    "hidden",
    "manual",
    "internal",
    "blacklisted",
    "ignored",
    "not_counted",
    "unknown_queue",
]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a queue treats callers who give up; the fields are those of the configuration's MissedPolicy."""

    reasons: frozenset[str] = MISSED_BY_DEFAULT
    minimum_wait: float = 0.0
    hours: Hours | None = None
    hidden_numbers: Literal["order", "list", "ignore"] = "list"
    internal_numbers: re.Pattern[str] | None = None
    blacklist: tuple[str, ...] = ()
    automatic: bool = False


UNKNOWN_QUEUE = Policy()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the call is missed, listed, and makes an order; `why` says why it does not."""

    missed: bool
    listed: bool
    order: bool
    why: Why = ""


def decide(verdict: Verdict, number: Number, at: float, policy: Policy | None) -> Decision:
    """What is done about an ended call; `policy` is None for a queue that no configuration knows."""
    rules = policy or UNKNOWN_QUEUE
    if not verdict.missed(rules.reasons):
        return Decision(missed=False, listed=False, order=False, why="not_counted")
    unlisted = _not_listed(number, rules)
    if unlisted:
        return Decision(missed=True, listed=False, order=False, why=unlisted)
    no_order = "unknown_queue" if policy is None else _no_order(verdict, number, at, rules)
    return Decision(missed=True, listed=True, order=not no_order, why=no_order)


def _not_listed(number: Number, policy: Policy) -> Why:
    if policy.internal_numbers and policy.internal_numbers.fullmatch(number.raw):
        return "internal"
    if number.hidden:
        return "ignored" if policy.hidden_numbers == "ignore" else ""
    return "blacklisted" if matches(number, policy.blacklist) else ""


def _no_order(verdict: Verdict, number: Number, at: float, policy: Policy) -> Why:
    if not policy.automatic:
        return "manual"
    if number.hidden and policy.hidden_numbers != "order":
        return "hidden"
    if verdict.wait < policy.minimum_wait:
        return "short"
    if policy.hours and not policy.hours.open_at(at):
        return "closed"
    return ""


def matches(number: Number, entries: Iterable[str]) -> bool:
    """Whether a number is one of these; an entry that ends in * stands for all that begin so."""
    forms = {number.raw, number.e164 or number.raw}
    return any(
        form.startswith(entry[:-1]) if entry.endswith("*") else form == entry for entry in entries for form in forms
    )
