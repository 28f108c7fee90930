"""What agents, groups and templates are called, of those too who left the configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.world import World
from daemon.storage.reference import agent_names
from daemon.storage.tables import WorkOrderRow


@dataclass(frozen=True, slots=True)
class Labels:
    """Names by id."""

    agents: Mapping[int, str]
    groups: Mapping[int, str]
    templates: Mapping[int, str]


async def labels_of(session: AsyncSession, world: World, orders: Collection[WorkOrderRow]) -> Labels:
    """The names of the agents, groups and templates of these orders; only agents who left are asked of the database."""
    ids = {id_ for order in orders for id_ in (order.owner_id, order.creator_id) if id_ is not None}
    agents = {id_: world.agents[id_].name for id_ in ids & world.agents.keys()}
    agents |= await agent_names(session, ids - agents.keys())
    groups = {id_ for order in orders for id_ in (order.group_id, order.creator_group_id) if id_ is not None}
    templates = {order.template_id for order in orders}
    return Labels(
        agents,
        {id_: world.groups[id_].label for id_ in groups},
        {id_: world.templates[id_].label for id_ in templates},
    )
