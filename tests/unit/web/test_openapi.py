from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis

from daemon.handlers.tokens import SCOPES
from daemon.web.api.incoming import INCOMING
from daemon.web.api.routes import OPERATIONS
from daemon.web.openapi import FILE, document, text

ROOT = Path(__file__).parents[3]


def test_the_document_in_docs_is_fresh() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == text(), "run python -m daemon.web.openapi"


def test_every_route_of_the_table_is_documented_once() -> None:
    documented = [(method.upper(), path) for path, item in document()["paths"].items() for method in item]
    table = [(each.method, each.path) for each in OPERATIONS]
    assert sorted(documented) == sorted([*table, ("POST", INCOMING)])  # which is signed, and in no table of scopes
    ids = [each["operationId"] for item in document()["paths"].values() for each in item.values()]
    assert len(ids) == len(set(ids))


def test_the_paper_for_integrators_names_every_scope_that_an_operation_needs_and_no_other() -> None:
    paper = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+:\w+)` \|", paper, re.MULTILINE)
    assert told == list(SCOPES)
    assert {each.scope for each in OPERATIONS} <= {"", *SCOPES}


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        found = {part["$ref"]} if "$ref" in part else set()
        return found.union(*(references(each) for each in part.values()))
    return set().union(*(references(each) for each in part)) if isinstance(part, list) else set()


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    defined = {f"#/components/schemas/{name}" for name in document()["components"]["schemas"]}
    assert references(document()) == defined


def test_a_client_generator_accepts_the_document() -> None:
    schema = schemathesis.openapi.from_dict(json.loads(text()))
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(OPERATIONS) + 1  # INCOMING


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_every_operation_tells_of_its_errors(operation: Any) -> None:
    told = document()["paths"][operation.path][operation.method.lower()]["responses"]
    assert {"401", "403", "422"} <= set(told)
    assert "404" in told or not operation.places
    assert ("413" in told) == (operation.method != "GET")
    assert ("412" in told) == operation.conditional
