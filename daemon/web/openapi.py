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

from daemon.handlers.tokens import SCOPES
from daemon.web.api.conditions import IF_MATCH, KEY
from daemon.web.api.incoming import INCOMING, Message, Taken, take_webhook
from daemon.web.api.models import BIGGEST_ID, Nothing
from daemon.web.api.operation import BASE, AnyOperation
from daemon.web.api.reading import JSON
from daemon.web.api.routes import OPERATIONS
from daemon.web.api.uploads import Upload
from daemon.web.problems import MEDIA_TYPE, Problem

FILE: Final = Path("docs/openapi.json")
ALWAYS: Final = (401, 403, 422)
WRITING: Final = (400, 413, 415)
VERSIONED: Final = (409, 412)
REF: Final = "#/components/schemas/{model}"

ABOUT: Final = """Missed calls and work orders, for other systems and for scripts.

A system shows a token that `workorderd token create` printed: `Authorization: Bearer wo_...`. A person logs in at
`/login` (form fields `username`, `password`); the session cookie is then good for the API too, and writes carry the
header `X-CSRF-Token` with `csrf_token` of `GET /me`.

Every error is a problem document (RFC 9457); `errors` names each field and the rule that it breaks. Lists give `next`,
to be sent as `cursor`; null means the end. What belongs to another team does not exist: 404.

What creates takes an `Idempotency-Key`: sent again with the same key within 48 hours, it is not done again, and what it
made is given back. What has a version gives it as `ETag`, and writes to it take it as `If-Match`: 412 when somebody
else was faster."""

FORM: Final = "multipart/form-data"
FORM_OF_FILES: Final = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary", "description": "more than one may follow"}},
    "required": ["file"],
    "additionalProperties": False,
}
BEARER: Final = "A token made by `workorderd token create`. Scopes:\n\n" + "\n".join(
    f"- `{scope}`: {what}" for scope, what in SCOPES.items()
)
CSRF: Final = "a session's only: `csrf_token` of `GET /me`; a token needs none"
ONCE: Final = "sent again with this key within 48 hours, it is not done again, and what it made is given back"
ID_TOLD: Final = "the same whenever it is sent again: then it is not done again"
TIME_TOLD: Final = "seconds since 1970; five minutes off are tolerated"
SIGNATURE_TOLD: Final = "`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body` under a secret of the source"
SEEN: Final = "the `ETag` that you have seen; 412 when it is another now. `*`: whatever it is"


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "workorderd", "version": "1", "description": ABOUT},
        "servers": [{"url": BASE}],
        "paths": _paths(OPERATIONS) | {INCOMING: {"post": _incoming()}},
        "components": {
            "schemas": _schemas(OPERATIONS),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": BEARER},
                "session": {"type": "apiKey", "in": "cookie", "name": "workorderd", "description": "log in at /login"},
            },
        },
    }


def text() -> str:
    """The document as it is written to the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _schemas(operations: Iterable[AnyOperation]) -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(Problem, "serialization")]
    for operation in operations:
        if operation.answer is not Nothing:
            models.append((operation.answer, "serialization"))
        if operation.takes_body:
            models.append((operation.body, "validation"))
    models += [(Message, "validation"), (Taken, "serialization")]
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
        "security": [{"bearer": [operation.scope] if operation.scope else []}, {"session": []}],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.takes_body:
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        told["requestBody"] = {"required": needed, "content": {JSON: {"schema": _ref(operation.body)}}}
    if operation.upload is not None:
        told["requestBody"] = _upload(operation.upload)
    return told


def _incoming() -> dict[str, Any]:
    """What is signed instead of showing a token (standardwebhooks.com)."""
    text = {"type": "string"}
    headers = (("webhook-id", ID_TOLD), ("webhook-timestamp", TIME_TOLD), ("webhook-signature", SIGNATURE_TOLD))
    problems = {str(status): _problem(status) for status in (400, 401, 403, 404, 409, 413, 415, 422)}
    return {
        "operationId": take_webhook.__name__,
        "summary": "Take a signed webhook of another system: create or act on an order, give a call's result",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": text, "description": "of a configured source"},
            *({**_header(name, told, text), "required": True} for name, told in headers),
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": _ref(Message)}}},
        "responses": {"200": {"description": "OK", "content": {JSON: {"schema": _ref(Taken)}}}, **problems},
    }


def _problem(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _ref(Problem)}}}


def _upload(upload: Upload) -> dict[str, Any]:
    """Bytes (OpenAPI 3.1, 4.8.14.2: a schema without a type), or a form with files."""
    content = {each: {"schema": FORM_OF_FILES} if each == FORM else {} for each in upload.media_types}
    return {"required": True, "description": f"at most {upload.most_bytes} bytes", "content": content}


def _path_parameters(operation: AnyOperation) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": BIGGEST_ID}
    return [{"name": name, "in": "path", "required": True, "schema": number} for name in operation.places]


def _header_parameters(operation: AnyOperation) -> list[dict[str, Any]]:
    if not operation.writes:
        return []
    told = [_header("X-CSRF-Token", CSRF, {"type": "string"})]
    if operation.idempotent:
        told.append(_header(KEY, ONCE, {"type": "string", "pattern": "^[!-~]{1,255}$"}))
    if operation.conditional:
        told.append(_header(IF_MATCH, SEEN, {"type": "string", "format": "etag"}))
    return told


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


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
    answers = {str(status): _answer(operation, status) for status in operation.statuses}
    writing = (*(WRITING if operation.writes else ()), *(VERSIONED if operation.conditional else ()))
    problems = {str(status): _problem(status) for status in sorted({*ALWAYS, *writing, *operation.problems})}
    return answers | problems


def _answer(operation: AnyOperation, status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if operation.download:
        told["content"] = {each: {} for each in operation.download}
    elif status != HTTPStatus.NO_CONTENT:
        told["content"] = {JSON: {"schema": _ref(operation.answer)}}
    if operation.versioned:
        tag = {"description": "its version, for `If-Match`", "schema": {"type": "string"}}
        told["headers"] = {"ETag": tag}
    return told


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
