from __future__ import annotations

from typing import Any

import pytest

from daemon.orders.foresight import Change, changes, told


def field(identity: str, type_: str = "input", **more: Any) -> dict[str, Any]:
    return {"identity": identity, "type": type_, "display_as": {"en": identity}, **more}


def template(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"id": 7, "name": "sales", "fields": list(fields)}


def change(kind: str, name: str = "", before: str = "", after: str = "") -> Change:
    return Change(kind, 7, "sales", name, before, after)  # type: ignore[arg-type]


SELECT = field("a", "select", options="low, high")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (template(field("a")), template(field("a")), []),
        (template(field("a")), None, [change("template_removed")]),
        (template(field("a")), template(), [change("field_removed", "a")]),
        (template(field("a")), template(field("A")), [change("field_removed", "a")]),
        (template(field("a")), template(field("a", "date")), [change("type_changed", "a", "input", "date")]),
        (template(), template(field("a")), []),
        (template(), template(field("a", required=True)), [change("required_added", "a")]),
        (template(field("a")), template(field("a", required=True)), [change("required_added", "a")]),
        (template(field("a", required=True)), template(field("a", required=True)), []),
        (template(), template(field("a", "upload", required=True)), []),
        (template(SELECT), template({**SELECT, "options": "low, top"}), [change("option_removed", "a", "high")]),
        (template(SELECT), template({**SELECT, "options": "high, low"}), []),
        (template(SELECT), template({**SELECT, "options": "top", "select_can_enter": True}), []),
        (template(SELECT), template(field("a")), [change("type_changed", "a", "select", "input")]),
        (
            template(field("a"), field("b")),
            template(field("a", "text", required=True)),
            [change("type_changed", "a", "input", "text"), change("required_added", "a"), change("field_removed", "b")],
        ),
    ],
)
def test_what_may_concern_orders_is_found(
    old: dict[str, Any], new: dict[str, Any] | None, expected: list[Change]
) -> None:
    assert list(changes(old, new)) == expected


def test_it_is_told_in_words_for_one_order_for_many_and_not_for_none() -> None:
    gone = change("field_removed", "colour")
    assert told(gone, 0) == ""
    assert told(gone, 1) == (
        "field colour: 1 order keeps its value; it is no longer shown in forms and stays in work_order_sales as"
        " colour_removed"
    )
    assert told(gone, 5).startswith("field colour: 5 orders keep their value; ")
    assert told(change("option_removed", "a", "high"), 2) == (
        "field a: 2 orders keep their value 'high'; nobody can choose it any more"
    )
    assert told(change("required_added", "a"), 2) == (
        "field a: 2 orders that are not done have none; only new orders must have one"
    )
    assert told(change("type_changed", "a", "input", "date"), 1) == (
        "field a: 1 order keeps its value as input; new values are date"
    )
    assert told(change("template_removed"), 3) == (
        "the template sales is gone: 3 orders of it go on, no new one can be made"
    )
