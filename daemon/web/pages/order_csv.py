"""Work orders as lines of a CSV file (RFC 4180), UTF-8 with a byte-order mark so that spreadsheets know it.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, whoever wrote it: see `defused`.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.labels import Labels, labels_of
from daemon.handlers.world import World
from daemon.language import SOURCE, Language
from daemon.orders.fields import Field, label
from daemon.plain import plain
from daemon.storage import order_log
from daemon.storage.order_log import Party
from daemon.storage.tables import WorkOrderRow
from daemon.storage.visibility import Sight
from daemon.web import words
from daemon.web.words import marked

BYTE_ORDER_MARK: Final = "\ufeff"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

COLUMNS: Final[Mapping[str, str]] = {
    "serial": marked("Order"),
    "team": marked("Team"),
    "template": marked("Template"),
    "title": marked("Title"),
    "customer": marked("Customer"),
    "number": marked("Number"),
    "creator": marked("Creator"),
    "creator_group": marked("Creator's group"),
    "group": marked("Group"),
    "owner": marked("Owner"),
    "status": marked("Status"),
    "node_status": marked("At its group"),
    "priority": marked("Priority"),
    "due": marked("Due"),
    "created": marked("Created"),
    "updated": marked("Changed"),
    "finished": marked("Finished"),
    "module": marked("Source"),
}


def defused(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV Injection), with nothing that hides or reorders."""
    dangerous = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return plain(f"'{text}" if dangerous else text)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file has: columns of COLUMNS, then the custom fields of the template that was asked for."""

    names: Sequence[str]
    fields: Sequence[Field] = ()


def columns_of(world: World, sight: Sight, template_id: int | None) -> Columns:
    """The columns for somebody: with the team for who sees several."""
    names = [name for name in COLUMNS if name != "team" or sight.team_id is None]
    template = world.templates.get(template_id or 0)
    visible = template is not None and sight.team_id in {None, template.team_id}
    return Columns(names, template.fields if template and visible else ())


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file in somebody's language. Times are of the house, and named so in the header."""

    language: Language
    world: World
    columns: Columns

    def head(self) -> bytes:
        """The mark and the header row."""
        named = [self.language.word(COLUMNS[name]) for name in self.columns.names]
        fields = [label(field, self.language.tag, SOURCE) for field in self.columns.fields]
        return (BYTE_ORDER_MARK + _line([*named, *fields])).encode()

    def row(self, order: WorkOrderRow, about: About) -> str:
        """One order."""
        known = self._cells(order, about)
        fields = [about.values.get((order.id, field.identity), "") for field in self.columns.fields]
        return _line([*(known[name] for name in self.columns.names), *fields])

    def _cells(self, order: WorkOrderRow, about: About) -> Mapping[str, str]:
        party, labels = about.parties.get(order.id, Party()), about.labels
        team = self.world.teams.get(order.team_id)
        module = self.world.modules.get(order.module_id or 0)
        return {
            "serial": order.serial,
            "team": team.label if team else "",
            "template": labels.templates.get(order.template_id, ""),
            "title": order.title,
            "customer": party.name,
            "number": party.number,
            "creator": labels.agents.get(order.creator_id or 0, ""),
            "creator_group": labels.groups.get(order.creator_group_id or 0, ""),
            "group": labels.groups.get(order.group_id, ""),
            "owner": labels.agents.get(order.owner_id or 0, ""),
            "status": self.language.word(words.word(words.STATUSES, order.status)),
            "node_status": self.language.word(words.word(words.NODE_STATUSES, order.node_status)),
            "priority": str(order.priority),
            "due": self._time(order.due_at),
            "created": self._time(order.created_at),
            "updated": self._time(order.updated_at),
            "finished": self._time(order.finished_at),
            "module": module.label if module else about.modules.get(order.module_id or 0, ""),
        }

    def _time(self, at: datetime | None) -> str:
        return f"{at.astimezone(self.language.zone):%Y-%m-%d %H:%M:%S}" if at else ""


@dataclass(frozen=True, slots=True)
class About:
    """What some orders' lines say beside the orders themselves."""

    labels: Labels
    parties: Mapping[int, Party]
    modules: Mapping[int, str]
    values: Mapping[tuple[int, str], str]


async def write_rows(session: AsyncSession, sheet: Sheet, orders: Collection[WorkOrderRow]) -> bytes:
    """The lines of some orders."""
    about = About(
        await labels_of(session, sheet.world, orders),
        await order_log.parties_of(session, orders),
        await order_log.modules_of(session, orders),
        await order_log.values_of(session, [order.id for order in orders]) if sheet.columns.fields else {},
    )
    return "".join(sheet.row(order, about) for order in orders).encode()


def _line(cells: Sequence[str]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([defused(cell) for cell in cells])
    return written.getvalue()
