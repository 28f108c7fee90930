from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.errors import InvalidError
from daemon.orders.creation import New, create
from daemon.orders.order import Order, Stand
from daemon.orders.permissions import By
from daemon.orders.steps import IllegalStepError, NotAllowedError
from daemon.orders.template import Template
from tests.unit.orders.office import (
    ANNA,
    BEN,
    CLOSED,
    DORA,
    EMIL,
    FINANCE,
    FLOW,
    GROUPS,
    NOON,
    PLAIN,
    PROGRAM,
    SALES,
    STORE,
    SYSTEM_ADMIN,
    TEAM_ADMIN,
    TOKEN,
    agent,
)


def made(template: Template, by: By, **more: object) -> Order:
    return create(New(template=template, title="Order", **more), by, GROUPS, NOON).order  # type: ignore[arg-type]


def test_with_a_flow_it_begins_at_the_first_node_whoever_creates_it() -> None:
    order = made(FLOW, agent(DORA))
    assert (order.group_id, order.node_index, order.owner_id) == (SALES, 0, None)
    assert (order.creator_id, order.creator_group_id) == (DORA, FINANCE)
    assert made(FLOW, agent(BEN)).owner_id == BEN
    assert made(replace(FLOW, initial_user="group"), agent(BEN)).owner_id is None
    with pytest.raises(InvalidError, match="flow"):
        made(FLOW, agent(BEN), group_id=STORE)


def test_without_a_flow_the_group_must_be_named_unless_only_one_is_meant() -> None:
    assert made(PLAIN, agent(EMIL), group_id=STORE).group_id == STORE
    with pytest.raises(InvalidError, match="which group"):
        made(PLAIN, agent(EMIL))  # he is of two
    assert made(PLAIN, agent(DORA)).group_id == FINANCE
    assert made(replace(PLAIN, range=(SALES,)), agent(DORA)).group_id == SALES
    for wrong in (CLOSED, 99):
        with pytest.raises(InvalidError, match="allowed"):
            made(PLAIN, agent(BEN), group_id=wrong)


def test_its_creator_owns_it_if_the_template_says_so_and_he_is_of_that_group() -> None:
    owned = replace(PLAIN, initial_user="creator")
    assert made(owned, agent(BEN), group_id=SALES).stand is Stand.ASSIGNED
    assert made(owned, agent(BEN), group_id=STORE).stand is Stand.WAITING


def test_it_keeps_as_which_group_it_was_created() -> None:
    assert made(PLAIN, agent(EMIL), group_id=SALES, creator_group_id=STORE).creator_group_id == STORE
    assert made(PLAIN, agent(EMIL), group_id=STORE).creator_group_id == STORE
    assert made(PLAIN, agent(EMIL), group_id=SALES, creator_group_id=SALES).creator_group_id == FINANCE
    assert made(PLAIN, PROGRAM, group_id=SALES).creator_group_id is None


def test_agents_systems_and_the_program_create_and_admins_do_not() -> None:
    assert made(PLAIN, TOKEN, group_id=SALES).creator_id is None
    assert made(PLAIN, PROGRAM, group_id=SALES).stand is Stand.WAITING
    for by in (TEAM_ADMIN, SYSTEM_ADMIN):
        with pytest.raises(NotAllowedError):
            made(PLAIN, by, group_id=SALES)


def test_of_a_template_that_is_gone_none_is_made() -> None:
    with pytest.raises(IllegalStepError, match="no longer"):
        made(replace(PLAIN, active=False), agent(ANNA), group_id=SALES)


def test_copies_and_priority_are_the_templates_unless_said() -> None:
    template = replace(PLAIN, default_cc="a@example.com", priority=2)
    assert (made(template, agent(BEN), group_id=SALES).cc, made(template, agent(BEN)).priority) == ("a@example.com", 2)
    order = made(template, agent(BEN), cc="b@example.com", priority=5)
    assert (order.cc, order.priority) == ("b@example.com", 5)
