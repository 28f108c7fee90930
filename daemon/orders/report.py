"""The report view of a template: its name and its columns.

    work_order_<name of the template>:  COLUMNS, one column per field, those of fields that left the configuration

A field's column is called as the field. One that left the configuration while orders keep values of it is called
`<identity>_removed`: no field can have that name, since fields are letters only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

COLUMNS: Final = (
    "id",
    "serial",
    "title",
    "status",
    "node_status",
    "group_name",
    "owner",
    "creator",
    "customer",
    "created_at",
    "updated_at",
    "finished_at",
    "due_at",
)
TAKEN: Final = frozenset({"field", "id_seq"})  # a table, and PostgreSQL's sequence of work_order.id
PREFIX: Final = "work_order_"


@dataclass(frozen=True, slots=True)
class Report:
    """What a template's view is made of: identities of its fields, in the configuration's order."""

    template_id: int
    name: str
    fields: tuple[str, ...] = ()

    @property
    def view(self) -> str:
        """The view's name."""
        return PREFIX + self.name


def report_of(definition: Mapping[str, Any]) -> Report:
    """The report of a template as its row keeps it: the JSON form of settings' Template."""
    fields = definition.get("fields") or ()
    return Report(definition["id"], definition["name"], tuple(field["identity"] for field in fields))


def columns(fields: Iterable[str], stored: Iterable[str]) -> dict[str, str]:
    """Column -> identity: of each field, then of each identity that orders have values of and no field is."""
    found = {identity: identity for identity in fields}
    taken = {column.casefold() for column in found}
    for identity in sorted(set(stored) - found.keys()):
        column, n = f"{identity}_removed", 1
        while column.casefold() in taken:
            n += 1
            column = f"{identity}_removed_{n}"
        taken.add(column.casefold())
        found[column] = identity
    return found
