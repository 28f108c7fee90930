"""The OpenAPI 3.1 document, made of the routes table and its models.

`python -m daemon.web.openapi` writes it to docs/openapi.json; with `--check` it only says whether that is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from daemon.web.api.models import Nothing
from daemon.web.api.operation import BASE, JSON, AnyOperation
from daemon.web.api.routes import OPERATIONS
from daemon.web.problems import MEDIA_TYPE, Problem

FILE: Final = Path("docs/openapi.json")
ALWAYS: Final = (401, 422)
WRITING: Final = (400, 403, 413, 415)
REF: Final = "#/components/schemas/{model}"

ABOUT: Final = """Missed calls and work orders, for other systems and for scripts.

Log in at `/login` (form fields `username`, `password`); the session cookie is then good for the API too. Writes carry
the header `X-CSRF-Token` with `csrf_token` of `GET /me`. Every error is a problem document (RFC 9457). Lists give
`next`, to be sent as `cursor`; null means the end. What belongs to another team does not exist: 404."""


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "workorderd", "version": "1", "description": ABOUT},
        "servers": [{"url": BASE}],
        "security": [{"session": []}],
        "paths": _paths(OPERATIONS),
        "components": {
            "schemas": _schemas(OPERATIONS),
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "workorderd"}},
        },
    }


def text() -> str:
    """The document as it is written to the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _schemas(operations: Iterable[AnyOperation]) -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(Problem, "serialization")]
    for operation in operations:
        models.append((operation.answer, "serialization"))
        if operation.takes_body:
            models.append((operation.body, "validation"))
    _, schemas = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)
    return dict(sorted(schemas["$defs"].items()))


def _paths(operations: Iterable[AnyOperation]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: AnyOperation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.takes_body:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(operation.body)}}}
    return told


def _path_parameters(operation: AnyOperation) -> list[dict[str, Any]]:
    if "{id}" not in operation.path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}]


def _header_parameters(operation: AnyOperation) -> list[dict[str, Any]]:
    if operation.method == "GET":
        return []
    return [{"name": "X-CSRF-Token", "in": "header", "required": True, "schema": {"type": "string"}}]


def _query_parameters(operation: AnyOperation) -> list[dict[str, Any]]:
    if operation.query is Nothing:
        return []
    schema = operation.query.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            **({"description": told["description"]} if "description" in told else {}),
            "schema": _without_null(told),
        }
        for name, told in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or it is not; it is never null."""
    kept = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    if "anyOf" in kept:
        kept |= next(each for each in kept.pop("anyOf") if each.get("type") != "null")
        kept.pop("default", None)
    return kept


def _responses(operation: AnyOperation) -> dict[str, Any]:
    answers = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {JSON: {"schema": _ref(operation.answer)}},
        }
        for status in operation.statuses
    }
    writing = WRITING if operation.method != "GET" else ()
    problems = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _ref(Problem)}},
        }
        for status in sorted({*ALWAYS, *writing, *operation.problems})
    }
    return answers | problems


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def main(arguments: list[str]) -> int:
    """Write the file, or with --check compare it; 1: it is stale."""
    if "--check" in arguments:
        if FILE.is_file() and FILE.read_text(encoding="utf-8") == text():
            return 0
        sys.stderr.write(f"{FILE} is stale: run python -m daemon.web.openapi\n")
        return 1
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
