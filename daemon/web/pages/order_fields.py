"""The fields of an order's form: what each is, what stands in it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from daemon.errors import Fault, InvalidError
from daemon.orders.fields import Field
from daemon.orders.template import Template

PREFIX: Final = "f."
"""Custom fields in a form: f.<identity>."""

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A custom field as the form shows it; `fault` is the rule that its value breaks, "" for none."""

    field: Field
    value: str
    fault: str

    @property
    def name(self) -> str:
        """What it is called in the form."""
        return PREFIX + self.field.identity


def entries(template: Template, values: Mapping[str, str], faults: Mapping[str, str]) -> tuple[Entry, ...]:
    """Those that can be written; uploads are filled by attaching a file."""
    return tuple(
        Entry(each, values.get(each.identity, ""), faults.get(f"fields/{each.identity}", ""))
        for each in template.fields
        if each.type != "upload"
    )


def written(form: Form) -> dict[str, str]:
    """The custom fields that a form has, by identity."""
    return {
        name.removeprefix(PREFIX): values[0].replace("\r\n", "\n")
        for name, values in form.items()
        if name.startswith(PREFIX)
    }


def by_place(error: InvalidError) -> dict[str, str]:
    """Where in the form -> which rule is broken: title, group, fields/<identity>, ..."""
    return {place_of(fault): fault.rule for fault in reversed(error.faults)}


def place_of(fault: Fault) -> str:
    """A fault's place, whether it was said of a JSON body or by the core."""
    where = fault.where.lstrip("/")
    return where if where.startswith("fields/") else where.split("/", 1)[0]


def defaults(fields: Iterable[Field]) -> dict[str, str]:
    """What stands in the fields before anybody has written."""
    return {each.identity: each.default or "" for each in fields}
