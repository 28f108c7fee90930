"""Anybody tries anything, in any order: what must hold of a work order holds after every try."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from daemon.errors import InvalidError
from daemon.orders.commands import (
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
from daemon.orders.creation import New, create
from daemon.orders.history import START, Entry, chain_hash, first_break
from daemon.orders.order import NodeStatus, Order, Stand, Status
from daemon.orders.permissions import By, roles_of
from daemon.orders.steps import Finished, IllegalStepError, NotAllowedError, Terms
from daemon.orders.transitions import TRANSITIONS, apply
from tests.unit.orders.office import (
    AGENTS,
    FINANCE,
    GROUPS,
    NOON,
    PROGRAM,
    SALES,
    STORE,
    STRANGERS,
    SYSTEM_ADMIN,
    TEAM_ADMIN,
    TEMPLATES,
    TOKEN,
    agent,
)

EVERYBODY = (*map(agent, AGENTS), TEAM_ADMIN, SYSTEM_ADMIN, TOKEN, PROGRAM, *STRANGERS)

agents = st.sampled_from(AGENTS)
notes = st.sampled_from(["", " ", "because", "<b>\n"])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Assign, agent_id=agents, note=notes),
    st.builds(AutoAssign, agent_id=agents),
    st.builds(
        Done,
        group_id=st.sampled_from([None, None, SALES, FINANCE, STORE, 40, 99]),
        successor=st.booleans(),
        note=notes,
    ),
    st.builds(Verified, successor=st.sampled_from([None, True, False])),
    st.builds(Edit, changes=st.just({"title": ("old", "new"), "fields.sum": ["", "3"]})),
    *(st.builds(each, note=notes) for each in (Pending, Reply, Attach, Denied, ReturnToNode, ReturnToGroup, Release)),
    st.builds(Note, what=st.just("missed_again")),
    st.builds(Close, what=st.just("caller_reached")),
    *(st.builds(each) for each in (Remind, Escalate)),
)


class Life(RuleBasedStateMachine):
    """The life of one order."""

    order: Order
    history: list[Entry]
    terms: Terms

    @initialize(
        template=st.sampled_from(TEMPLATES), creator=agents, group=st.sampled_from([None, SALES, FINANCE, STORE])
    )
    def begin(self, template: Any, creator: int, group: int | None) -> None:
        new = New(template=template, title="Order", group_id=group)
        try:
            step = create(new, agent(creator), GROUPS, NOON)
        except InvalidError:
            first = template.first_group or template.range[0]
            step = create(replace(new, group_id=first), agent(creator), GROUPS, NOON)
        self.order, self.history = replace(step.order, id=1), [step.entry]
        self.terms = Terms(template, GROUPS)
        self.ended = 0

    @rule(command=commands, by=st.sampled_from(EVERYBODY), verify=st.booleans(), automatic=st.booleans())
    def somebody_tries(self, command: Command, by: By, verify: bool, automatic: bool) -> None:
        before, terms = self.order, replace(self.terms, verify=verify, automatic=automatic)
        try:
            step = apply(before, command, by, terms, NOON)
        except (NotAllowedError, IllegalStepError):
            assert self.order is before
            return
        transition = TRANSITIONS[command.action]
        assert roles_of(before, by, GROUPS) & transition.by
        assert before.stand in transition.at
        assert not before.done
        self.order = step.order
        self.history.append(step.entry)
        self.ended += sum(isinstance(effect, Finished) for effect in step.effects)

    @invariant()
    def it_has_one_place(self) -> None:
        assert GROUPS[self.order.group_id].active
        flow = self.terms.template.flow
        assert self.order.node_index == (len(self.order.passed) if flow else None)
        if flow and not self.order.done:
            here = flow[len(self.order.passed)].group_id
            assert self.order.group_id == (here if here is not None else self.order.creator_group_id)

    @invariant()
    def its_owner_belongs_to_its_group(self) -> None:
        assert self.order.owner_id is None or self.order.owner_id in GROUPS[self.order.group_id].members

    @invariant()
    def a_proposal_waits_exactly_while_it_is_verified(self) -> None:
        assert (self.order.proposal is not None) == (self.order.stand is Stand.VERIFYING)

    @invariant()
    def it_ends_once(self) -> None:
        assert self.ended == int(self.order.done)

    @invariant()
    def its_version_is_the_number_of_its_entries(self) -> None:
        assert self.order.version == len(self.history)

    @invariant()
    def history_replays_to_the_present(self) -> None:
        told: dict[str, Any] = {}
        for entry in self.history:
            for name, (old, new) in entry.changes.items():
                assert told.get(name, old) == old or name in {"title", "fields.sum"}
                told[name] = new
        for each in fields(Order):
            if each.name in told:
                assert told[each.name] == getattr(self.order, each.name), each.name
        assert Status(told["status"]) is self.order.status
        assert NodeStatus(told["node_status"]) is self.order.node_status
        assert told["group_id"] == self.order.group_id
        assert told.get("owner_id") == self.order.owner_id

    @invariant()
    def no_entry_can_be_taken_out_unseen(self) -> None:
        chain, previous = [], START
        for n, entry in enumerate(self.history, start=1):
            own = chain_hash(1, n, entry, previous)
            chain.append((n, entry, previous, own))
            previous = own
        assert first_break(1, chain) is None
        for gone in range(len(chain) - 1):
            assert first_break(1, chain[:gone] + chain[gone + 1 :]) is not None


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_the_life_of_an_order = Life.TestCase
