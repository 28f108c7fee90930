"""What a changed template will mean for the orders that there are: told by `check` before it is so.

A definition is the JSON form of settings' Template: as the configuration says it now, and as it was applied last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.orders.fields import Field, define
from daemon.orders.report import Report

Kind = Literal["template_removed", "field_removed", "type_changed", "option_removed", "required_added"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not as it was. `before`, `after`: types of a field, or the option that is gone."""

    kind: Kind
    template_id: int
    template: str
    field: str = ""
    before: str = ""
    after: str = ""

    @property
    def key(self) -> str:
        """The key of the field, or of the template, at which this is told."""
        return {"type_changed": "type", "option_removed": "options", "required_added": "required"}.get(self.kind, "")


def changes(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> Iterator[Change]:
    """What may concern orders. `new` None: the template is not configured any more."""
    template_id, name = int(old["id"]), str(old["name"])
    if new is None:
        yield Change("template_removed", template_id, name)
        return
    now = {field.identity: field for field in map(define, new.get("fields") or ())}
    for before in map(define, old.get("fields") or ()):
        after = now.pop(before.identity, None)
        if after is None:
            yield Change("field_removed", template_id, name, before.identity)
        else:
            yield from _changes((template_id, name, before.identity), before, after)
    for added in now.values():
        if added.required and added.type != "upload":
            yield Change("required_added", template_id, name, added.identity)


def _changes(place: tuple[int, str, str], before: Field, after: Field) -> Iterator[Change]:
    if before.type != after.type:
        yield Change("type_changed", *place, before.type, after.type)
    elif after.type == "select" and not after.can_enter:
        for option in before.options:
            if option not in after.options:
                yield Change("option_removed", *place, option)
    if after.required and not before.required and after.type != "upload":
        yield Change("required_added", *place)


def told(change: Change, count: int) -> str:
    """In words, for so many orders that it concerns; "" where it concerns none."""
    if not count:
        return ""
    orders = "1 order" if count == 1 else f"{count} orders"
    keep = "keeps its value" if count == 1 else "keep their value"
    view = Report(change.template_id, change.template).view
    match change.kind:
        case "template_removed":
            goes = "goes" if count == 1 else "go"
            return f"the template {change.template} is gone: {orders} of it {goes} on, no new one can be made"
        case "field_removed":
            stays = "it is no longer shown in forms and stays in"
            return f"field {change.field}: {orders} {keep}; {stays} {view} as {change.field}_removed"
        case "type_changed":
            return f"field {change.field}: {orders} {keep} as {change.before}; new values are {change.after}"
        case "option_removed":
            return f"field {change.field}: {orders} {keep} {change.before!r}; nobody can choose it any more"
        case "required_added":
            lack = "has" if count == 1 else "have"
            return f"field {change.field}: {orders} that are not done {lack} none; only new orders must have one"
