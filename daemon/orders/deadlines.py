"""When the work at a node is late, and when to remind of it: business hours from the moment it entered the node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daemon.orders.hours import Hours
from daemon.orders.template import Due


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the order is late, and when its owner is reminded before that."""

    due_at: datetime
    remind_at: datetime | None


def deadline(due: Due, hours: Hours | None, entered_at: datetime) -> Deadline | None:
    """The deadline of a node that was entered at this time; None where it has none. Without hours all time counts."""
    if due.hours is None:
        return None
    reminder = None if due.reminder is None else _later(hours, entered_at, due.hours - due.reminder)
    return Deadline(_later(hours, entered_at, due.hours), reminder)


def _later(hours: Hours | None, start: datetime, amount: float) -> datetime:
    if hours is None:
        return start + timedelta(hours=amount)
    return datetime.fromtimestamp(hours.after(start.timestamp(), amount * 3600), UTC)
