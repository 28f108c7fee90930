"""Where an order begins.

With a flow: at its first node, whoever creates it. Without one in the group that its creator names, out of the
template's range; where the range has one group, or he belongs to one of it only, that one is meant. Its creator owns
it at once if the template says `initial_user: creator` and he belongs to that group; else it waits there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from daemon.errors import Fault, InvalidError
from daemon.orders.history import Entry
from daemon.orders.order import Order
from daemon.orders.permissions import By, Role
from daemon.orders.steps import EnteredNode, IllegalStepError, NotAllowedError
from daemon.orders.template import Group, Groups, Template
from daemon.orders.transitions import Step, differences

CREATORS = frozenset({"agent", Role.SYSTEM, Role.PROGRAM})


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What an order is made of. `group_id`: where its creator wants it; `creator_group_id`: as what he creates it."""

    template: Template
    title: str
    group_id: int | None = None
    creator_group_id: int | None = None
    customer_id: int | None = None
    cc: str = ""
    priority: int | None = None


def create(new: New, by: By, groups: Groups, at: datetime) -> Step:
    """A new order (id 0), and its first entry.

    Raises NotAllowedError (only agents and systems create), IllegalStepError (the template is gone) and InvalidError
    (a group that is not allowed, or none where one must be named).
    """
    template = new.template
    if by.kind not in CREATORS:
        message = "orders are created by agents, group admins and systems"
        raise NotAllowedError(message)
    if not template.active:
        message = f"the template {template.label} is no longer in the configuration"
        raise IllegalStepError(message)
    group = _first_place(new, by, groups)
    owns = template.initial_user == "creator" and by.agent_id in group.members
    order = Order(
        id=0,
        team_id=template.team_id,
        template_id=template.id,
        group_id=group.id,
        title=new.title,
        owner_id=by.agent_id if owns else None,
        creator_id=by.agent_id,
        creator_group_id=_origin(new, by, group, groups),
        customer_id=new.customer_id,
        cc=new.cc or template.default_cc,
        priority=new.priority or template.priority,
        node_index=0 if template.has_flow else None,
    )
    entry = Entry(at, by.actor, "create", "", order.stand, "", differences(None, order))
    return Step(replace(order, version=1), entry, (EnteredNode(),))


def _first_place(new: New, by: By, groups: Groups) -> Group:
    template = new.template
    if template.has_flow:
        wanted = template.first_group
        if new.group_id not in {None, wanted}:
            raise InvalidError(
                [Fault("group", "an order of this template begins at the first node of its flow", "flow")]
            )
    else:
        wanted = new.group_id or template.first_group or _only_one(_possible(template, groups), by, groups)
    if wanted is None:
        raise InvalidError([Fault("group", "say in which group it begins", "required")])
    group = groups.get(wanted)
    possible = _possible(template, groups)
    if group is None or not group.active or (not template.has_flow and wanted not in possible):
        names = ", ".join(groups[id_].label for id_ in possible if id_ in groups)
        raise InvalidError([Fault("group", f"not a group of this template; allowed: {names}", "range")])
    return group


def _possible(template: Template, groups: Groups) -> tuple[int, ...]:
    """Its range; without one, every group of its team."""
    of_team = (each.id for each in groups.values() if each.team_id == template.team_id and each.active)
    return template.range or tuple(of_team)


def _only_one(possible: tuple[int, ...], by: By, groups: Groups) -> int | None:
    his = [id_ for id_ in possible if id_ in groups and by.agent_id in groups[id_].members]
    return his[0] if len(his) == 1 else None


def _origin(new: New, by: By, first: Group, groups: Groups) -> int | None:
    """The creator's group: the one that he creates it as, else the first place if he is of it, else his first."""
    his = sorted(each.id for each in groups.values() if by.agent_id in each.members)
    if not his:
        return None
    return next((id_ for id_ in (new.creator_group_id, first.id) if id_ in his), his[0])
