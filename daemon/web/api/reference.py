"""What the configuration names: templates, groups, agents, and who you are."""

from __future__ import annotations

from daemon.orders import fields
from daemon.orders import template as orders
from daemon.web.api.duty import agent_told
from daemon.web.api.models import (
    Agents,
    Group,
    Groups,
    Me,
    Module,
    Modules,
    Nothing,
    Template,
    TemplateField,
    Templates,
)
from daemon.web.api.operation import Answer, Asked


async def list_templates(asked: Asked[Nothing, Nothing]) -> Answer[Templates]:
    """GET /templates."""
    views = asked.parts.world().templates_of(asked.visit.person.team_id)
    return Answer(Templates(items=tuple(map(_template, views))))


async def list_modules(asked: Asked[Nothing, Nothing]) -> Answer[Modules]:
    """GET /modules."""
    items = tuple(
        Module(
            id=view.id,
            team_id=view.team_id,
            name=view.name,
            label=view.label,
            kind=view.kind,
            customers=view.customers,
            group_ids=view.group_ids,
        )
        for view in asked.parts.world().modules.values()
        if _in_sight(asked, view.team_id)
    )
    return Answer(Modules(items=items))


async def list_groups(asked: Asked[Nothing, Nothing]) -> Answer[Groups]:
    """GET /groups."""
    items = tuple(
        Group(id=view.id, team_id=view.team_id, name=view.name, label=view.label)
        for view in asked.parts.world().groups.values()
        if view.active and _in_sight(asked, view.team_id)
    )
    return Answer(Groups(items=items))


async def list_agents(asked: Asked[Nothing, Nothing]) -> Answer[Agents]:
    """GET /agents."""
    views = asked.parts.world().agents.values()
    seen = (asked.parts.duty.of(view) for view in views if _in_sight(asked, view.team_id))
    return Answer(Agents(items=tuple(map(agent_told, seen))))


async def show_me(asked: Asked[Nothing, Nothing]) -> Answer[Me]:
    """GET /me."""
    person = asked.visit.person
    return Answer(
        Me(
            username=person.username,
            name=person.name,
            role=person.kind,
            team_id=person.team_id,
            agent=agent_told(asked.parts.duty.of(person.agent)) if person.agent else None,
            csrf_token=asked.visit.csrf,
            scopes=None if asked.visit.scopes is None else tuple(sorted(asked.visit.scopes)),
        )
    )


def _template(view: orders.Template) -> Template:
    return Template(
        id=view.id,
        team_id=view.team_id,
        name=view.name,
        label=view.label,
        has_flow=view.has_flow,
        flow=tuple(node.group_id for node in view.flow),
        range=view.range,
        initial_user=view.initial_user,
        edit_limit=view.edit_limit,
        end_action=view.end_action,
        next_template_id=view.next_template_id,
        priority=view.priority,
        default_cc=view.default_cc,
        fields=tuple(map(_field, view.fields)),
    )


def _field(spec: fields.Field) -> TemplateField:
    return TemplateField(
        identity=spec.identity,
        type=spec.type,
        labels=dict(spec.labels),
        options=spec.options,
        can_enter=spec.can_enter,
        required=spec.required,
        help=spec.help,
        default=spec.default,
        max_length=spec.longest,
    )


def _in_sight(asked: Asked[Nothing, Nothing], team_id: int) -> bool:
    return asked.visit.sight.team_id in {None, team_id}
