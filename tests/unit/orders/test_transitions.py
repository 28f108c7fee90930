"""Who may do what, and when: the whole table against one that was written by hand from what the program promises."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from daemon.orders.commands import (
    Action,
    Assign,
    Attach,
    AutoAssign,
    Close,
    Command,
    Denied,
    Done,
    Edit,
    Escalate,
    Note,
    Pending,
    Release,
    Remind,
    Reply,
    ReturnToGroup,
    ReturnToNode,
    Verified,
)
from daemon.orders.order import NodeStatus, Order, Passage, Proposal, Stand, Status
from daemon.orders.permissions import By, Role, roles_of
from daemon.orders.steps import EnteredNode, Finished, IllegalStepError, NotAllowedError, Terms
from daemon.orders.transitions import TRANSITIONS, Step, allowed, apply
from tests.unit.orders.office import (
    ANNA,
    BEN,
    CHEN,
    CHOICE,
    CLOSED,
    DORA,
    EMIL,
    FATMA,
    FINANCE,
    FLOW,
    GROUPS,
    NOON,
    PLAIN,
    PROGRAM,
    SALES,
    STORE,
    STRANGERS,
    SYSTEM_ADMIN,
    TEAM,
    TEAM_ADMIN,
    TOKEN,
    agent,
)

PROMISED = """
                  waiting  assigned  working  verifying  returned  handed_back  done
assign            A        A         A        -          A         A            -
pending           -        OA        -        -          OA        -            -
reply             AMS      OAMS      OAMS     OAMS       OAMS      AMS          -
edit              AMS      OAMS      OAMS     OAMS       OAMS      AMS          -
attach            AMS      OAMS      OAMS     OAMS       OAMS      AMS          -
done              A        OA        OA       -          OA        A            -
verified          -        -         -        A          -         -            -
denied            -        -         -        A          -         -            -
return_to_node    A        OA        OA       -          OA        A            -
return_to_group   -        O         O        -          O         -            -
auto_assign       P        -         -        -          -         -            -
release           -        P         P        P          P         -            -
note              P        P         P        P          P         P            -
close             P        -         -        -          -         -            -
remind            P        P         P        P          P         P            -
escalate          P        P         P        P          P         P            -
"""
"""O the owner, A the admin of its group, M another agent who sees it, S a system by its token, P the program itself."""

OWNER, ADMIN, MATE = agent(BEN), agent(ANNA), agent(CHEN)
PEOPLE = {"O": OWNER, "A": ADMIN, "M": MATE, "S": TOKEN, "P": PROGRAM, "T": TEAM_ADMIN, "R": SYSTEM_ADMIN}

COMMANDS: dict[Action, Command] = {
    Action.ASSIGN: Assign(agent_id=CHEN),
    Action.AUTO_ASSIGN: AutoAssign(agent_id=CHEN),
    Action.PENDING: Pending(),
    Action.REPLY: Reply(note="He called."),
    Action.EDIT: Edit(changes={"title": ("Order", "New title")}),
    Action.ATTACH: Attach(note="offer.pdf"),
    Action.DONE: Done(),
    Action.VERIFIED: Verified(),
    Action.DENIED: Denied(note="The sum is wrong."),
    Action.RETURN_TO_NODE: ReturnToNode(),
    Action.RETURN_TO_GROUP: ReturnToGroup(),
    Action.RELEASE: Release(),
    Action.NOTE: Note(what="missed_again"),
    Action.CLOSE: Close(what="caller_reached"),
    Action.REMIND: Remind(),
    Action.ESCALATE: Escalate(),
}

BEFORE = (Passage(FINANCE, EMIL),)
STANDS: dict[Stand, Order] = {
    stand: Order(
        id=1,
        team_id=TEAM,
        template_id=PLAIN.id,
        group_id=SALES,
        title="Order",
        status=status,
        node_status=node_status,
        owner_id=BEN if owned else None,
        creator_id=EMIL,
        creator_group_id=FINANCE,
        passed=BEFORE,
        proposal=Proposal() if stand is Stand.VERIFYING else None,
        version=3,
    )
    for stand, status, node_status, owned in (
        (Stand.WAITING, Status.NEW, NodeStatus.NEW, False),
        (Stand.ASSIGNED, Status.PENDING, NodeStatus.NEW, True),
        (Stand.WORKING, Status.PENDING, NodeStatus.PENDING, True),
        (Stand.VERIFYING, Status.PENDING, NodeStatus.VERIFY, True),
        (Stand.RETURNED, Status.PENDING, NodeStatus.RETURN, True),
        (Stand.HANDED_BACK, Status.PENDING, NodeStatus.RETURN, False),
        (Stand.DONE, Status.DONE, NodeStatus.NEW, True),
    )
}


def promised() -> dict[tuple[str, str], str]:
    head, *lines = PROMISED.strip("\n").splitlines()
    return {
        (line.split()[0], stand): letters
        for line in lines
        for stand, letters in zip(head.split(), line.split()[1:], strict=True)
    }


def attempt(order: Order, command: Command, by: By, terms: Terms) -> Step | None:
    try:
        return apply(order, command, by, terms, NOON)
    except (NotAllowedError, IllegalStepError):
        return None


def step(order: Order, command: Command, by: By, **terms: object) -> Order:
    template = terms.pop("template", PLAIN)
    return apply(order, command, by, Terms(template, GROUPS, **terms), NOON).order  # type: ignore[arg-type]


def test_the_promise_speaks_of_every_action_and_every_stand() -> None:
    assert set(promised()) == {(action, stand) for action in Action for stand in Stand}
    assert set(TRANSITIONS) == set(Action) == set(COMMANDS)


@pytest.mark.parametrize(("action", "stand"), [(a, s) for a in Action for s in Stand])
def test_only_those_who_may_succeed_and_only_where_the_order_stands_for_it(action: Action, stand: Stand) -> None:
    able = {
        letter
        for letter, by in PEOPLE.items()
        if (letter != "O" or STANDS[stand].owner_id is not None)
        and attempt(STANDS[stand], COMMANDS[action], by, Terms(PLAIN, GROUPS)) is not None
    }
    assert able == set(promised()[action, stand]) - {"-"}


@pytest.mark.parametrize(("action", "stand"), [(a, s) for a in Action for s in Stand])
def test_strangers_are_nobody(action: Action, stand: Stand) -> None:
    for by in (*STRANGERS, agent(FATMA)):
        assert roles_of(STANDS[stand], by, GROUPS) == frozenset()
        with pytest.raises(NotAllowedError, match="nobody here"):
            apply(STANDS[stand], COMMANDS[action], by, Terms(PLAIN, GROUPS), NOON)


@pytest.mark.parametrize("stand", Stand)
@pytest.mark.parametrize("letter", sorted(PEOPLE))
def test_exactly_what_is_offered_can_be_done(stand: Stand, letter: str) -> None:
    terms, by = Terms(PLAIN, GROUPS), PEOPLE[letter]
    done = {action for action in Action if attempt(STANDS[stand], COMMANDS[action], by, terms) is not None}
    assert set(allowed(STANDS[stand], by, terms)) == done


@pytest.mark.parametrize("stand", [stand for stand in Stand if stand is not Stand.DONE])
def test_where_the_owner_alone_edits_others_only_read(stand: Stand) -> None:
    terms = Terms(replace(PLAIN, edit_limit="owner"), GROUPS)
    for action, by in itertools.product((Action.REPLY, Action.EDIT, Action.ATTACH), (MATE, TOKEN)):
        with pytest.raises(NotAllowedError, match="read-only"):
            apply(STANDS[stand], COMMANDS[action], by, terms, NOON)
    assert attempt(STANDS[stand], COMMANDS[Action.REPLY], ADMIN, terms)


def test_the_creator_sees_his_order_wherever_it_stands_and_who_leads_his_group_too() -> None:
    assert roles_of(STANDS[Stand.WORKING], agent(EMIL), GROUPS) == {Role.AGENT}
    assert roles_of(STANDS[Stand.WORKING], agent(DORA), GROUPS) == {Role.AGENT}


def test_what_waits_for_a_rule_is_not_assigned_by_hand() -> None:
    terms = Terms(PLAIN, GROUPS, automatic=True)
    with pytest.raises(IllegalStepError, match="automatic"):
        apply(STANDS[Stand.WAITING], Assign(agent_id=CHEN), ADMIN, terms, NOON)
    assert apply(STANDS[Stand.HANDED_BACK], Assign(agent_id=CHEN), ADMIN, terms, NOON).order.owner_id == CHEN


def test_orders_are_given_to_agents_of_the_group_only() -> None:
    with pytest.raises(IllegalStepError, match="Sales"):
        step(STANDS[Stand.WAITING], Assign(agent_id=DORA), ADMIN)


def test_begun_and_assigned_anew_it_is_new_again() -> None:
    order = step(STANDS[Stand.WORKING], Assign(agent_id=CHEN), ADMIN)
    assert (order.owner_id, order.stand, order.status) == (CHEN, Stand.ASSIGNED, Status.PENDING)


def test_forwarded_within_the_range_it_waits_there() -> None:
    order = step(STANDS[Stand.WORKING], Done(group_id=STORE), OWNER)
    assert (order.group_id, order.owner_id, order.stand) == (STORE, None, Stand.WAITING)
    assert order.passed == (*BEFORE, Passage(SALES, BEN))


@pytest.mark.parametrize("group", [SALES, CLOSED, 99])
def test_it_is_not_forwarded_to_its_own_a_closed_or_an_unknown_group(group: int) -> None:
    with pytest.raises(IllegalStepError):
        step(STANDS[Stand.WORKING], Done(group_id=group), OWNER)


def test_where_the_group_verifies_the_agents_done_waits_and_the_admins_does_not() -> None:
    order = step(STANDS[Stand.WORKING], Done(group_id=STORE), OWNER, verify=True)
    assert (order.stand, order.proposal) == (Stand.VERIFYING, Proposal(STORE))
    order = step(order, Verified(), ADMIN, verify=True)
    assert (order.group_id, order.stand, order.passed[-1]) == (STORE, Stand.WAITING, Passage(SALES, BEN))
    assert step(STANDS[Stand.WORKING], Done(group_id=STORE), ADMIN, verify=True).group_id == STORE


def test_denied_it_is_back_at_its_owner_with_the_reason() -> None:
    with pytest.raises(IllegalStepError, match="reason"):
        step(STANDS[Stand.VERIFYING], Denied(note=" "), ADMIN)
    taken = apply(STANDS[Stand.VERIFYING], Denied(note="No."), ADMIN, Terms(PLAIN, GROUPS), NOON)
    assert (taken.order.stand, taken.order.owner_id, taken.entry.note) == (Stand.RETURNED, BEN, "No.")


def test_returned_to_the_node_before_it_comes_to_who_finished_it_there() -> None:
    order = step(STANDS[Stand.WORKING], ReturnToNode(), OWNER)
    assert (order.group_id, order.owner_id, order.stand, order.passed) == (FINANCE, EMIL, Stand.RETURNED, ())
    gone = replace(STANDS[Stand.WORKING], passed=(Passage(FINANCE, CHEN),))
    assert step(gone, ReturnToNode(), OWNER).stand is Stand.HANDED_BACK


def test_at_its_first_node_there_is_none_to_return_to() -> None:
    with pytest.raises(IllegalStepError, match="first node"):
        step(replace(STANDS[Stand.WORKING], passed=()), ReturnToNode(), OWNER)


def test_whose_owner_left_goes_back_to_the_group() -> None:
    assert step(STANDS[Stand.ASSIGNED], Release(), PROGRAM).stand is Stand.WAITING
    assert step(STANDS[Stand.WORKING], Release(), PROGRAM).stand is Stand.HANDED_BACK
    assert step(STANDS[Stand.VERIFYING], Release(), PROGRAM).stand is Stand.VERIFYING


def test_a_flow_is_walked_to_its_end() -> None:
    order = Order(
        1, TEAM, FLOW.id, SALES, owner_id=BEN, creator_id=BEN, creator_group_id=SALES, node_index=0, version=1
    )
    order = step(order, Done(), OWNER, template=FLOW)
    assert (order.group_id, order.owner_id, order.node_index, order.status) == (FINANCE, None, 1, Status.PENDING)
    order = step(step(order, Assign(agent_id=EMIL), agent(DORA), template=FLOW), Done(), agent(EMIL), template=FLOW)
    assert (order.group_id, order.owner_id, order.node_index) == (STORE, EMIL, 2)  # retained: he works there, too
    order = step(order, ReturnToNode(), agent(EMIL), template=FLOW)
    assert (order.group_id, order.owner_id, order.node_index) == (FINANCE, EMIL, 1)
    order = step(step(order, Done(), agent(EMIL), template=FLOW), Done(), agent(EMIL), template=FLOW)
    order = step(order, Done(), agent(EMIL), template=FLOW)
    assert (order.group_id, order.owner_id, order.node_index) == (SALES, BEN, 4)  # back to its creator
    taken = apply(order, Done(), OWNER, Terms(FLOW, GROUPS), NOON)
    assert (taken.order.status, taken.effects) == (Status.DONE, (Finished(BEN, successor=False),))


def test_a_flow_says_itself_where_it_goes() -> None:
    order = Order(1, TEAM, FLOW.id, SALES, owner_id=BEN, node_index=0, version=1)
    with pytest.raises(IllegalStepError, match="flow"):
        step(order, Done(group_id=STORE), OWNER, template=FLOW)


def test_the_last_node_is_the_creators_group_when_the_creator_left_it() -> None:
    order = Order(1, TEAM, FLOW.id, FINANCE, owner_id=EMIL, creator_id=FATMA, creator_group_id=SALES, node_index=3)
    order = step(order, Done(), agent(EMIL), template=FLOW)
    assert (order.group_id, order.owner_id, order.stand) == (SALES, None, Stand.WAITING)


def test_the_next_group_must_still_be_there() -> None:
    flow = replace(FLOW, flow=(FLOW.flow[0], replace(FLOW.flow[1], group_id=CLOSED)))
    order = Order(1, TEAM, FLOW.id, SALES, owner_id=BEN, node_index=0, version=1)
    with pytest.raises(IllegalStepError, match="no longer in the configuration"):
        step(order, Done(), OWNER, template=flow)


@pytest.mark.parametrize(
    ("end_action", "asked", "made"),
    [("none", False, False), ("create_new", False, True), ("agent_decides", True, True)],
)
def test_what_follows_the_end_is_said_by_the_template_or_by_who_ends_it(
    end_action: str, asked: bool, made: bool
) -> None:
    template = replace(CHOICE, end_action=end_action)  # type: ignore[arg-type]
    taken = apply(STANDS[Stand.WORKING], Done(successor=asked), OWNER, Terms(template, GROUPS), NOON)
    assert taken.effects == (Finished(BEN, successor=made),)


def test_a_choice_that_the_template_does_not_leave_is_refused() -> None:
    with pytest.raises(IllegalStepError, match="no choice"):
        step(STANDS[Stand.WORKING], Done(successor=True), OWNER)
    with pytest.raises(IllegalStepError, match="when this one ends"):
        step(STANDS[Stand.WORKING], Done(successor=True, group_id=FINANCE), OWNER, template=CHOICE)


def test_who_verifies_can_choose_otherwise_what_follows() -> None:
    waiting = step(STANDS[Stand.WORKING], Done(successor=True), OWNER, template=CHOICE, verify=True)
    terms = Terms(CHOICE, GROUPS, verify=True)
    assert apply(waiting, Verified(), ADMIN, terms, NOON).effects == (Finished(BEN, successor=True),)
    assert apply(waiting, Verified(successor=False), ADMIN, terms, NOON).effects == (Finished(BEN, successor=False),)


def test_it_closes_by_itself_only_while_nobody_has_touched_it() -> None:
    assert step(STANDS[Stand.WAITING], Close(what="caller_reached"), PROGRAM).status is Status.DONE
    with pytest.raises(IllegalStepError, match="begun"):
        step(replace(STANDS[Stand.WAITING], status=Status.PENDING), Close(what="caller_reached"), PROGRAM)


def test_moving_on_is_an_effect_and_staying_is_none() -> None:
    terms = Terms(PLAIN, GROUPS)
    assert apply(STANDS[Stand.WORKING], Done(group_id=STORE), OWNER, terms, NOON).effects == (EnteredNode(),)
    assert apply(STANDS[Stand.WORKING], Reply(note="x"), OWNER, terms, NOON).effects == ()


def test_the_entry_says_what_changed() -> None:
    entry = apply(STANDS[Stand.WAITING], Assign(agent_id=CHEN, note=" yours "), ADMIN, Terms(PLAIN, GROUPS), NOON).entry
    assert (entry.action, entry.from_, entry.to, entry.note) == ("assign", "waiting", "assigned", "yours")
    assert entry.changes == {"owner_id": [None, CHEN]}
