"""Templates of the configuration, and those that left it while their orders go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.assign import Rule
from daemon.orders.fields import define
from daemon.orders.hours import Hours
from daemon.orders.report import report_of
from daemon.orders.template import Due, Node, Template
from daemon.settings.models import Settings
from daemon.storage.reference import keep_flow, mirror, start_rules
from daemon.storage.tables import TemplateFlowRow, TemplateRow
from daemon.storage.views import Synced, sync_views

CREATOR: Final = "creator"


@dataclass(frozen=True, slots=True)
class Names:
    """The ids of what templates name: groups by (team id, name), templates, calendars."""

    groups: Mapping[tuple[int, str], int]
    templates: Mapping[str, int]
    hours: Mapping[str, Hours]


async def mirror_templates(session: AsyncSession, settings: Settings, teams: Mapping[str, int]) -> None:
    """Write the configuration's templates, a new version of each flow that changed, and rules for new groups."""
    wanted: list[dict[str, Any]] = [
        {
            "id": each.id,
            "team_id": teams[each.team],
            "name": each.name,
            "label": each.label or each.name,
            "definition": each.model_dump(mode="json", by_alias=True),
        }
        for each in settings.templates
    ]
    await mirror(session, TemplateRow, ("id",), wanted)
    for template in wanted:
        nodes = _sorted_flow(template["definition"])
        if nodes:
            await keep_flow(session, template["id"], nodes)


async def sync_reports(session: AsyncSession, settings: Settings) -> Synced:
    """Make the report views as the configured templates want them."""
    definitions = (each.model_dump(mode="json", by_alias=True) for each in settings.templates)
    return await sync_views(session, map(report_of, definitions))


async def read_templates(
    session: AsyncSession, names: Names
) -> tuple[dict[int, Template], dict[tuple[int, int], tuple[Node, ...]]]:
    """Every template by id, and every version of every flow by (template id, version)."""
    rows = (await session.scalars(select(TemplateRow))).all()
    team_of = {row.id: row.team_id for row in rows}
    flows = {
        (row.template_id, row.version): tuple(_node(each, team_of[row.template_id], names) for each in row.nodes)
        for row in (await session.scalars(select(TemplateFlowRow))).all()
    }
    newest = dict(sorted(flows))
    return {row.id: _template(row, names, flows, newest) for row in rows if row.definition}, flows


async def start_template_rules(session: AsyncSession, templates: Mapping[int, Template], names: Names) -> None:
    """Give each active template a rule in each of its groups that has none yet: the template's defaults."""
    wanted = {
        (each.id, group_id): each.rule
        for each in templates.values()
        if each.active
        for group_id in _groups_of(each, names)
    }
    await start_rules(session, wanted)


def _groups_of(template: Template, names: Names) -> set[int]:
    """Where its orders may stand: its flow or range; a `creator` node may be any group of the team."""
    of_team = {id_ for (team_id, _), id_ in names.groups.items() if team_id == template.team_id}
    if template.flow:
        nodes = {node.group_id for node in template.flow}
        return of_team if None in nodes else {id_ for id_ in nodes if id_ is not None}
    return set(template.range) or of_team


def _template(
    row: TemplateRow,
    names: Names,
    flows: Mapping[tuple[int, int], tuple[Node, ...]],
    newest: Mapping[int, int],
) -> Template:
    told = row.definition
    has_flow = bool(told.get("flow"))
    version = newest.get(row.id) if has_flow else None
    return Template(
        id=row.id,
        team_id=row.team_id,
        name=row.name,
        label=row.label,
        range=tuple(names.groups[row.team_id, each] for each in told["range"] if (row.team_id, each) in names.groups),
        flow=flows[row.id, version] if version is not None else (),
        flow_version=version,
        initial_user=told["initial_user"],
        edit_limit=told["edit_limit"],
        retain_agent=told["retain_agent"],
        end_action=told["end_action"],
        next_template_id=names.templates.get(told["next_template"] or ""),
        default_cc=told["default_cc"],
        fields=tuple(define(each) for each in told["fields"]),
        due=Due(told["due_hours"], told["reminder_hours"]),
        hours=names.hours.get(told["hours"] or ""),
        priority=told["priority"],
        auto_close=told["auto_close"],
        rule=Rule(**told["assign"]),
        active=row.active,
    )


def _sorted_flow(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    nodes = sorted(definition["flow"], key=lambda node: int(node["priority"]))
    return [{key: node[key] for key in ("group", "due_hours", "reminder_hours")} for node in nodes]


def _node(told: Mapping[str, Any], team_id: int, names: Names) -> Node:
    group_id = None if told["group"] == CREATOR else names.groups[team_id, told["group"]]
    return Node(group_id, Due(told["due_hours"], told["reminder_hours"]))
