"""Who may see what. Every query of pages and API takes a `Sight`; what lies outside it is not there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from daemon.storage.tables import WorkOrderRow


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see. `team_id` None: every team. `agent_id` None: an admin, who sees the whole team.

    An agent's `groups` are those that he belongs to; `leads` are those that he leads.
    """

    team_id: int | None
    agent_id: int | None = None
    groups: frozenset[int] = frozenset()
    leads: frozenset[int] = frozenset()

    def of_team(self, column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
        """Rows of his team."""
        return true() if self.team_id is None else column == self.team_id

    def of_order(self) -> ColumnElement[bool]:
        """Orders: an agent's own, those that he created, those in his groups, and those made in groups he leads."""
        if self.agent_id is None:
            return self.of_team(WorkOrderRow.team_id)
        his = or_(
            WorkOrderRow.owner_id == self.agent_id,
            WorkOrderRow.creator_id == self.agent_id,
            WorkOrderRow.group_id.in_(sorted(self.groups)),
            WorkOrderRow.creator_group_id.in_(sorted(self.leads)),
        )
        return and_(self.of_team(WorkOrderRow.team_id), his)

    def sees(self, order: WorkOrderRow) -> bool:
        """Whether `of_order` holds for this order."""
        if self.team_id is not None and order.team_id != self.team_id:
            return False
        return (
            self.agent_id is None
            or self.agent_id in {order.owner_id, order.creator_id}
            or order.group_id in self.groups
            or order.creator_group_id in self.leads
        )
