"""What has happened, as those outside are told of it: mail and webhooks ask here, so that both say the same."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from daemon.orders.commands import Action
from daemon.orders.order import Order
from daemon.orders.transitions import Step


class Happening(StrEnum):
    """Everything that can be told, by the name that it has outside; a name never changes its meaning."""

    ORDER_CREATED = "order.created"
    ORDER_ASSIGNED = "order.assigned"
    ORDER_STATUS_CHANGED = "order.status_changed"
    ORDER_RETURNED = "order.returned"
    ORDER_ESCALATED = "order.escalated"
    ORDER_REMINDED = "order.reminded"
    ORDER_REPLIED = "order.replied"
    ORDER_CHANGED = "order.changed"
    ORDER_NOTED = "order.noted"
    ORDER_FINISHED = "order.finished"
    CALL_ENTERED = "call.entered"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    MISSED_OPENED = "missed_call.opened"
    MISSED_AGAIN = "missed_call.again"
    MISSED_CLOSED = "missed_call.closed"
    RESULT_CHOSEN = "result.chosen"
    RESULT_CHANGED = "result.changed"


_RETURNS: Final = frozenset({Action.DENIED, Action.RETURN_TO_NODE, Action.RETURN_TO_GROUP})
_BY_ACTION: Final = {
    Action.REPLY: Happening.ORDER_REPLIED,
    Action.EDIT: Happening.ORDER_CHANGED,
    Action.ATTACH: Happening.ORDER_CHANGED,
    Action.REMIND: Happening.ORDER_REMINDED,
    Action.ESCALATE: Happening.ORDER_ESCALATED,
}


def of_creation(order: Order) -> tuple[Happening, ...]:
    """A new order: it is there, and perhaps somebody has it already."""
    created = (Happening.ORDER_CREATED,)
    return (*created, Happening.ORDER_ASSIGNED) if order.owner_id is not None else created


def of_step(before: Order, step: Step) -> tuple[Happening, ...]:
    """A step of an order; what it means most comes last."""
    after, action = step.order, step.entry.action
    happened: list[Happening] = []
    if action in _BY_ACTION:
        happened.append(_BY_ACTION[Action(action)])
    elif _place(before) == _place(after) and before.owner_id == after.owner_id:
        happened.append(Happening.ORDER_NOTED)
    if _place(before) != _place(after):
        happened.append(Happening.ORDER_STATUS_CHANGED)
    if after.owner_id is not None and after.owner_id != before.owner_id:
        happened.append(Happening.ORDER_ASSIGNED)
    if action in _RETURNS:
        happened.append(Happening.ORDER_RETURNED)
    if after.done:
        happened.append(Happening.ORDER_FINISHED)
    return tuple(happened)


def _place(order: Order) -> tuple[object, ...]:
    return order.status, order.node_status, order.group_id, order.node_index
