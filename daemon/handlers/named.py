"""What an order names beside its template: customer, module, call. What is another team's does not exist."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, InvalidError
from daemon.storage.tables import CallRow, CustomerRow, ModuleRow


async def check_names(
    session: AsyncSession,
    team_id: int,
    *,
    customer_id: int | None = None,
    module_id: int | None = None,
    call_id: int | None = None,
) -> None:
    """Raises InvalidError unless all of them are of this team."""
    owners = {
        "customer": select(CustomerRow.team_id).where(CustomerRow.id == customer_id) if customer_id else None,
        "module": select(ModuleRow.team_id).where(ModuleRow.id == module_id) if module_id else None,
        "call": select(CallRow.team_id).where(CallRow.id == call_id) if call_id else None,
    }
    faults = [
        Fault(where, f"there is no such {where}", "unknown")
        for where, query in owners.items()
        if query is not None and await session.scalar(query) != team_id
    ]
    if faults:
        raise InvalidError(faults)
