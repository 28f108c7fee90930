"""How each step changes an order. Only `transitions.apply` calls these, after it has asked its table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from daemon.errors import ForbiddenError, RefusedError
from daemon.orders.commands import (
    Assign,
    AutoAssign,
    Command,
    Denied,
    Done,
    Edit,
    Verified,
)
from daemon.orders.order import NodeStatus, Order, Passage, Proposal, Stand, Status
from daemon.orders.permissions import By, Role, roles_of
from daemon.orders.template import Groups, Template


class NotAllowedError(ForbiddenError):
    """Somebody who sees the order may not do this to it."""


class IllegalStepError(RefusedError):
    """The order does not stand where this can be done."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order's next step depends on besides itself. `verify`, `automatic`: the rule of its present group."""

    template: Template
    groups: Groups
    verify: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class EnteredNode:
    """It stands at another node now: deadlines begin anew, and the group's rule acts if it has no owner."""


@dataclass(frozen=True, slots=True)
class Finished:
    """It is done. `by_id`: the agent who ended it; `successor`: the template's next order is to be made for him."""

    by_id: int | None
    successor: bool


Effect = EnteredNode | Finished


Outcome = tuple[Order, tuple[Effect, ...]]


def give(order: Order, command: Assign | AutoAssign, _by: By, terms: Terms) -> Outcome:
    """Another owner, who has not begun."""
    group = terms.groups[order.group_id]
    if command.agent_id not in group.members:
        message = f"this agent does not belong to {group.label}"
        raise IllegalStepError(message)
    return replace(order, owner_id=command.agent_id, node_status=NodeStatus.NEW), ()


def begin(order: Order, _command: Command, _by: By, _terms: Terms) -> Outcome:
    """The work has begun."""
    return replace(order, status=Status.PENDING, node_status=NodeStatus.PENDING), ()


def stay(order: Order, _command: Command, _by: By, _terms: Terms) -> Outcome:
    """It stays where it is."""
    return order, ()


def say(order: Order, command: Command, _by: By, _terms: Terms) -> Outcome:
    """A reply; without words there is none."""
    _need_note(command, "a reply needs words")
    return order, ()


def edit(order: Order, command: Edit, _by: By, _terms: Terms) -> Outcome:
    """New contents."""
    return replace(order, **{name: new for name, (_, new) in command.changes.items() if "." not in name}), ()


def done(order: Order, command: Done, by: By, terms: Terms) -> Outcome:
    """The work here is done: to the group admin, or on."""
    proposal = Proposal(command.group_id, command.successor)
    _check_way(order, proposal, terms)
    if terms.verify and Role.GROUP_ADMIN not in roles_of(order, by, terms.groups):
        waiting = replace(order, status=Status.PENDING, node_status=NodeStatus.VERIFY, proposal=proposal)
        return waiting, ()
    return _advance(order, proposal, by, terms)


def verified(order: Order, command: Verified, by: By, terms: Terms) -> Outcome:
    """The group admin agrees: on."""
    proposal = order.proposal or Proposal()
    if command.successor is not None:
        proposal = replace(proposal, successor=command.successor)
    _check_way(order, proposal, terms)
    return _advance(order, proposal, by, terms)


def denied(order: Order, command: Denied, _by: By, _terms: Terms) -> Outcome:
    """The group admin does not agree: back to its owner."""
    _need_note(command, "a denial needs its reason")
    return replace(order, node_status=NodeStatus.RETURN, proposal=None), ()


def to_node_before(order: Order, _command: Command, _by: By, terms: Terms) -> Outcome:
    """Back to whoever finished the node before."""
    before = order.passed[-1]
    group = terms.groups.get(before.group_id)
    still_there = group is not None and before.agent_id in group.members
    back = replace(
        order,
        status=Status.PENDING,
        node_status=NodeStatus.RETURN,
        group_id=before.group_id,
        owner_id=before.agent_id if still_there else None,
        node_index=None if order.node_index is None else order.node_index - 1,
        passed=order.passed[:-1],
    )
    return back, (EnteredNode(),)


def to_group(order: Order, _command: Command, _by: By, _terms: Terms) -> Outcome:
    """Back to the group."""
    return replace(order, owner_id=None, node_status=NodeStatus.RETURN), ()


def release(order: Order, _command: Command, _by: By, _terms: Terms) -> Outcome:
    """It has no owner any more; what was begun is for the group admin to decide."""
    begun = order.stand in {Stand.WORKING, Stand.RETURNED}
    return replace(order, owner_id=None, node_status=NodeStatus.RETURN if begun else order.node_status), ()


def close(order: Order, _command: Command, _by: By, _terms: Terms) -> Outcome:
    """Over."""
    return replace(order, status=Status.DONE, proposal=None), (Finished(None, successor=False),)


def _need_note(command: Command, message: str) -> None:
    if not command.note.strip():
        raise IllegalStepError(message)


def _check_way(order: Order, way: Proposal, terms: Terms) -> None:
    """Raises IllegalStepError unless the order can go this way from its present node."""
    template = terms.template
    if way.group_id is not None:
        if template.has_flow:
            message = "the flow says where it goes next"
            raise IllegalStepError(message)
        group = terms.groups.get(way.group_id)
        if way.group_id not in template.range or group is None or not group.active:
            message = "it can be forwarded to the groups of its template's range only"
            raise IllegalStepError(message)
        if way.group_id == order.group_id:
            message = "it is in this group already"
            raise IllegalStepError(message)
    if way.successor and (way.group_id is not None or _next_index(order, terms) is not None):
        message = "the next order is made when this one ends"
        raise IllegalStepError(message)
    if way.successor and template.end_action != "agent_decides":
        message = "its template leaves no choice of what follows its end"
        raise IllegalStepError(message)


def _next_index(order: Order, terms: Terms) -> int | None:
    """The node after the present one; None at the last, and without a flow."""
    if order.node_index is None or order.node_index + 1 >= len(terms.template.flow):
        return None
    return order.node_index + 1


def _advance(order: Order, way: Proposal, by: By, terms: Terms) -> Outcome:
    finisher = order.owner_id if order.owner_id is not None else by.agent_id
    index = _next_index(order, terms)
    if index is None and way.group_id is None:
        end = terms.template.end_action
        successor = end == "create_new" or (end == "agent_decides" and way.successor)
        return replace(order, status=Status.DONE, proposal=None), (Finished(finisher, successor),)
    group_id, owner_id = _place(order, index, way.group_id, finisher, terms)
    moved = replace(
        order,
        status=Status.PENDING,
        node_status=NodeStatus.NEW,
        group_id=group_id,
        owner_id=owner_id,
        node_index=index,
        passed=(*order.passed, Passage(order.group_id, finisher)),
        proposal=None,
    )
    return moved, (EnteredNode(),)


def _place(
    order: Order, index: int | None, chosen: int | None, finisher: int | None, terms: Terms
) -> tuple[int, int | None]:
    """The group and the owner of the next node."""
    group_id = chosen if index is None else terms.template.flow[index].group_id
    to_creator = group_id is None
    if group_id is None:
        group_id = order.creator_group_id or terms.template.flow[0].group_id
    group = terms.groups.get(group_id or 0)
    if group is None or not group.active:
        message = "the next group is no longer in the configuration; its admin must put it back"
        raise IllegalStepError(message)
    if order.creator_id in group.members and (to_creator or terms.template.retain_agent):
        return group.id, order.creator_id
    if terms.template.retain_agent and not to_creator and finisher in group.members:
        return group.id, finisher
    return group.id, None
