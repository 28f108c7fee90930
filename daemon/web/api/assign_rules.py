"""Assign rules: list, and change those of the groups that one leads."""

from __future__ import annotations

from daemon.handlers.assignment import change_rule
from daemon.orders.assign import Rule
from daemon.storage import rules
from daemon.storage.tables import AssignRuleRow
from daemon.web.api.models import Nothing, Reference
from daemon.web.api.operation import Answer, Asked
from daemon.web.api.order_models import AssignRule, AssignRuleChange, AssignRules


async def list_assign_rules(asked: Asked[Nothing, Nothing]) -> Answer[AssignRules]:
    """GET /assign-rules."""
    parts, world = asked.parts, asked.parts.world()
    async with parts.store.read() as session:
        rows = await rules.of_team(session, asked.visit.person.team_id)
        waiting = await rules.waiting_counts(session, {row.group_id for row in rows})
    items = tuple(
        _told(asked, row, waiting.get((row.template_id, row.group_id), 0))
        for row in rows
        if world.groups[row.group_id].active
    )
    return Answer(AssignRules(items=items))


async def put_assign_rule(asked: Asked[Nothing, AssignRuleChange]) -> Answer[AssignRule]:
    """PUT /assign-rules/{template}/{group}. Raises NotFoundError, ForbiddenError, StaleError."""
    parts, body = asked.parts, asked.body
    template_id, group_id = asked.number("template"), asked.number("group")
    rule = Rule(body.mode, body.scope, body.verify, body.last_agent_first, body.cap)
    person = asked.visit.person
    for news in await change_rule(parts.store, parts.world(), person, template_id, group_id, rule, asked.if_match):
        parts.live.publish(news)
    async with parts.store.read() as session:
        row = await session.get_one(AssignRuleRow, (template_id, group_id))
        waiting = await rules.waiting_counts(session, {group_id})
    return Answer(_told(asked, row, waiting.get((template_id, group_id), 0)), etag=row.version)


def _told(
    asked: Asked[Nothing, Nothing] | Asked[Nothing, AssignRuleChange], row: AssignRuleRow, waiting: int
) -> AssignRule:
    world, presence, agent = asked.parts.world(), asked.parts.presence, asked.visit.person.agent
    group, template = world.groups[row.group_id], world.templates[row.template_id]
    last = world.agents.get(row.last_agent_id or 0)
    return AssignRule(
        template=Reference(id=template.id, name=template.label),
        group=Reference(id=group.id, name=group.label),
        mode=row.mode,
        scope=row.scope,
        verify=row.verify,
        last_agent_first=row.last_agent_first,
        cap=row.cap,
        last_agent=Reference(id=last.id, name=last.name) if last else None,
        waiting=waiting,
        online=sum(presence.online(member) for member in group.members),
        editable=agent is not None and agent.id in group.admins,
        version=row.version,
    )
