"""The state machine of work orders, in one table.

An order has one place: one group, one node. A node is a step of the template's flow; without a flow every group that
the order comes to is one. `done` moves it on: to the next node, without a flow to a group of the range, or to its end.
Where the group verifies, that waits until the group admin agrees; his own `done` needs no second opinion. Returned to
the node before, it comes back to the agent who finished it there, if he still belongs to that group.

TRANSITIONS says who may do what, and when; there is no other way. What is not in it raises and changes nothing.
`apply` is the only function that makes an order of an order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from daemon.orders import steps
from daemon.orders.commands import Action, Command
from daemon.orders.history import Entry
from daemon.orders.order import Order, Stand
from daemon.orders.permissions import By, Role, roles_of
from daemon.orders.steps import Effect, IllegalStepError, NotAllowedError, Terms


@dataclass(frozen=True, slots=True)
class Step:
    """An order after a step, the entry of its history, and what else is to be done."""

    order: Order
    entry: Entry
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: who may do it, where the order must stand for it, where it stands then (none: there)."""

    by: frozenset[Role]
    at: frozenset[Stand]
    to: frozenset[Stand]
    do: Callable[[Order, Any, By, Terms], tuple[Order, tuple[Effect, ...]]]


def check(order: Order, action: Action, by: By, terms: Terms) -> None:
    """Raises NotAllowedError or IllegalStepError, with the reason, if the table does not allow this."""
    transition, roles = TRANSITIONS[action], roles_of(order, by, terms.groups)
    if not roles & transition.by:
        message = f"{action} is for {_listed(transition.by)}; you are {_listed(roles) or 'nobody here'}"
        raise NotAllowedError(message)
    if order.done:
        message = "the order is done: nobody changes it any more"
        raise IllegalStepError(message)
    if order.stand not in transition.at:
        message = f"{action} is possible while the order is {_listed(transition.at)}; it is {order.stand}"
        raise IllegalStepError(message)
    if action in CONTENT and terms.template.edit_limit == "owner" and not roles & LEADING:
        message = "for all but its owner and the group admin this order is read-only"
        raise NotAllowedError(message)
    if action is Action.ASSIGN and order.stand is Stand.WAITING and terms.automatic:
        message = "it waits for automatic assignment; the group's assign rule can be changed"
        raise IllegalStepError(message)
    if action is Action.CLOSE and not order.untouched:
        message = "somebody has begun with it"
        raise IllegalStepError(message)
    if action is Action.RETURN_TO_NODE and not order.passed:
        message = "it stands at its first node: there is none to return to"
        raise IllegalStepError(message)


def allowed(order: Order, by: By, terms: Terms) -> tuple[Action, ...]:
    """The actions that are offered to a person, in the table's order."""
    return tuple(action for action in TRANSITIONS if _is_allowed(order, action, by, terms))


def _is_allowed(order: Order, action: Action, by: By, terms: Terms) -> bool:
    try:
        check(order, action, by, terms)
    except (NotAllowedError, IllegalStepError):
        return False
    return True


def apply(order: Order, command: Command, by: By, terms: Terms, at: datetime) -> Step:
    """The order after a step. Raises NotAllowedError, IllegalStepError; the order given stays as it was."""
    check(order, command.action, by, terms)
    transition = TRANSITIONS[command.action]
    after, effects = transition.do(order, command, by, terms)
    assert after.stand in (transition.to or {order.stand}), f"{command.action}: {order.stand} -> {after.stand}"
    after = replace(after, version=order.version + 1)
    changes = differences(order, after) | {key: list(pair) for key, pair in getattr(command, "changes", {}).items()}
    entry = Entry(at, by.actor, command.name, order.stand, after.stand, command.note.strip(), changes)
    return Step(after, entry, effects)


_PLAIN: Final = ("id", "team_id", "template_id", "version", "passed", "proposal")


def differences(before: Order | None, after: Order) -> dict[str, Any]:
    """What of an order changed, as the history keeps it: name -> [old, new]."""
    return {
        each.name: [old, new]
        for each in fields(Order)
        if each.name not in _PLAIN and (old := getattr(before, each.name, None)) != (new := getattr(after, each.name))
    }


def _listed(words: frozenset[Any]) -> str:
    return ", ".join(sorted(words)).replace("_", " ")


LEADING: Final = frozenset({Role.OWNER, Role.GROUP_ADMIN})
CONTENT: Final = frozenset({Action.REPLY, Action.EDIT, Action.ATTACH})
"""What `edit_limit` limits."""

_ADMIN: Final = frozenset({Role.GROUP_ADMIN})
_OWNER: Final = frozenset({Role.OWNER})
_ANYBODY: Final = LEADING | {Role.AGENT, Role.SYSTEM}
_PROGRAM: Final = frozenset({Role.PROGRAM})

_OWNED: Final = frozenset({Stand.ASSIGNED, Stand.WORKING, Stand.RETURNED})
_AT_WORK: Final = _OWNED | {Stand.WAITING, Stand.HANDED_BACK}
_OPEN: Final = _AT_WORK | {Stand.VERIFYING}
_ONWARD: Final = frozenset({Stand.WAITING, Stand.ASSIGNED, Stand.DONE})
_BACK: Final = frozenset({Stand.RETURNED, Stand.HANDED_BACK})
_SAME: Final[frozenset[Stand]] = frozenset()


def _at(*stands: Stand) -> frozenset[Stand]:
    return frozenset(stands)


TRANSITIONS: Final[Mapping[Action, Transition]] = {
    # action                 who        while it is                             then it is              how
    Action.ASSIGN: Transition(_ADMIN, _AT_WORK, _at(Stand.ASSIGNED), steps.give),
    Action.PENDING: Transition(LEADING, _at(Stand.ASSIGNED, Stand.RETURNED), _at(Stand.WORKING), steps.begin),
    Action.REPLY: Transition(_ANYBODY, _OPEN, _SAME, steps.say),
    Action.EDIT: Transition(_ANYBODY, _OPEN, _SAME, steps.edit),
    Action.ATTACH: Transition(_ANYBODY, _OPEN, _SAME, steps.stay),
    Action.DONE: Transition(LEADING, _AT_WORK, _ONWARD | {Stand.VERIFYING}, steps.done),
    Action.VERIFIED: Transition(_ADMIN, _at(Stand.VERIFYING), _ONWARD, steps.verified),
    Action.DENIED: Transition(_ADMIN, _at(Stand.VERIFYING), _BACK, steps.denied),
    Action.RETURN_TO_NODE: Transition(LEADING, _AT_WORK, _BACK, steps.to_node_before),
    Action.RETURN_TO_GROUP: Transition(_OWNER, _OWNED, _at(Stand.HANDED_BACK), steps.to_group),
    Action.AUTO_ASSIGN: Transition(_PROGRAM, _at(Stand.WAITING), _at(Stand.ASSIGNED), steps.give),
    Action.RELEASE: Transition(
        _PROGRAM,
        _OWNED | {Stand.VERIFYING},
        _at(Stand.WAITING, Stand.HANDED_BACK, Stand.VERIFYING),
        steps.release,
    ),
    Action.NOTE: Transition(_PROGRAM, _OPEN, _SAME, steps.stay),
    Action.CLOSE: Transition(_PROGRAM, _at(Stand.WAITING), _at(Stand.DONE), steps.close),
    Action.REMIND: Transition(_PROGRAM, _OPEN, _SAME, steps.stay),
    Action.ESCALATE: Transition(_PROGRAM, _OPEN, _SAME, steps.stay),
}
