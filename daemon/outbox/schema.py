"""The JSON Schema of every webhook that goes out, made of the models in webhooks/hook.py.

`python -m daemon.outbox.schema` writes docs/webhooks.schema.json; with `--check` it only says whether that is stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from daemon.orders.notices import Happening
from webhooks.hook import DATA, VERSION

FILE: Final = Path("docs/webhooks.schema.json")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def document() -> dict[str, Any]:
    """The whole schema: one alternative for each event."""
    _, schemas = models_json_schema([(model, "serialization") for model in DATA.values()])
    return {
        "$schema": DIALECT,
        "title": "Webhooks of workorderd",
        "description": f"Version {VERSION} of the payloads: keys may be added, none goes or changes its meaning.",
        "oneOf": [_event(each) for each in Happening],
        "$defs": dict(sorted(schemas["$defs"].items())),
    }


def _event(happening: Happening) -> dict[str, Any]:
    model = DATA[happening.partition(".")[0]]
    properties = {
        "type": {"const": happening.value},
        "version": {"const": VERSION},
        "timestamp": {"type": "string", "format": "date-time", "description": "when it happened"},
        "team": {"type": "string"},
        "data": {"$ref": f"#/$defs/{model.__name__}"},
    }
    return {"title": happening.value, "type": "object", "properties": properties, "required": list(properties)}


def text() -> str:
    """As it is written to the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with --check compare it; 1: it is stale."""
    if "--check" in arguments:
        if FILE.is_file() and FILE.read_text(encoding="utf-8") == text():
            return 0
        sys.stderr.write(f"{FILE} is stale: run python -m daemon.outbox.schema\n")
        return 1
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
