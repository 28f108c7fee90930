"""What is generated from the models: JSON Schema (2020-12) for editors, and docs/configuration.md for people.

`python -m daemon.settings.schema` writes them, `--check` exits with 1 when one of them is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daemon.settings.manual import manual
from daemon.settings.models import CallResults, Main, Model, Queues, Teams, Template

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: dict[str, type[Model]] = {
    "workorderd": Main,
    "teams": Teams,
    "queues": Queues,
    "call_results": CallResults,
    "template": Template,
}


def schema(model: type[Model]) -> dict[str, Any]:
    """The JSON Schema of one kind of file."""
    return {"$schema": DIALECT, **_without_secrets(model.model_json_schema(by_alias=True))}


def generated() -> dict[Path, str]:
    """Path from the project's folder -> text, for everything that is generated."""
    texts = {
        Path("config", "schema", f"{name}.schema.json"): json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"
        for name, model in SCHEMAS.items()
    }
    texts[Path("docs", "configuration.md")] = manual({name: schema(model) for name, model in SCHEMAS.items()})
    return texts


def stale(project: Path) -> list[Path]:
    """The generated files that are not as the models would have them."""
    return [path for path, text in generated().items() if not _says(project / path, text)]


def main(arguments: Sequence[str], project: Path) -> int:
    """Write what is stale, or with `--check` only name it; the exit status."""
    old = stale(project)
    if "--check" in arguments:
        sys.stderr.writelines(f"{path} is stale: run python -m daemon.settings.schema\n" for path in old)
        return 1 if old else 0
    texts = generated()
    for path in old:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(texts[path], encoding="utf-8")
    return 0


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _without_secrets(node: Any) -> Any:
    """Defaults of secrets are shown by pydantic as stars, which an editor would offer: leave them out."""
    if isinstance(node, dict):
        shown = {key: value for key, value in node.items() if key != "default" or "*****" not in json.dumps(value)}
        return {key: _without_secrets(value) for key, value in shown.items()}
    return [_without_secrets(value) for value in node] if isinstance(node, list) else node


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parents[2]))
