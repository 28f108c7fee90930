"""What an order says: its title, customer, copies, priority and custom fields, changed with old and new values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daemon.errors import StaleError
from daemon.handlers.live import News
from daemon.handlers.named import check_names
from daemon.handlers.person import Person
from daemon.handlers.terms import by_of, terms_of
from daemon.handlers.work_orders import step, visible
from daemon.handlers.world import World
from daemon.orders import transitions
from daemon.orders.commands import Action, Edit
from daemon.orders.fields import changes, read_fields
from daemon.storage import search, work_orders
from daemon.storage.engine import Store
from daemon.storage.tables import WorkOrderRow


@dataclass(frozen=True, slots=True)
class Wish:
    """New contents: `attributes` of title, customer_id, cc, priority; `fields` as written, None or "" removes one."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str | None] = field(default_factory=dict)
    note: str = ""


async def edit(
    store: Store, world: World, person: Person, order_id: int, wish: Wish, at: datetime, version: int | None = None
) -> tuple[News, ...]:
    """Change an order's contents; what stays as it was leaves no trace.

    Raises NotFoundError, StaleError, NotAllowedError, IllegalStepError, InvalidError.
    """
    async with store.write() as session:
        row = await visible(session, world, by_of(person), order_id)
        if version is not None and row.version != version:
            raise StaleError(row.version)
        await check_names(session, row.team_id, customer_id=wish.attributes.get("customer_id"))
        old = await work_orders.read_values(session, order_id)
        template = world.template(row.template_id, row.flow_version)
        new = read_fields(template.fields, wish.fields, complete=False)
        differ = _differences(row, wish.attributes)
        in_fields = changes(old, new)
        differ |= {f"fields.{name}": (before, after) for name, (before, after) in in_fields.items()}
        if not differ:
            order, terms = await work_orders.read(session, row), await terms_of(session, world, row)
            transitions.check(order, Action.EDIT, by_of(person), terms)
            return ()
        command = Edit(changes=differ, note=wish.note)
        told = await step(session, world, row, command, by_of(person), at)
        if in_fields:
            await work_orders.save_fields(session, order_id, {name: new[name] for name in in_fields})
        await search.index_again(session, [order_id])
        return told


def _differences(row: WorkOrderRow, wanted: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (getattr(row, name), value) for name, value in wanted.items() if getattr(row, name) != value}
