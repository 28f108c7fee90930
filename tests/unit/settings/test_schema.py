from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from daemon.settings.schema import SCHEMAS, main, schema, stale
from daemon.settings.source import nodes

PROJECT = Path(__file__).parents[3]
CONFIG = PROJECT / "config"
SAMPLES = [*sorted(CONFIG.glob("*.yaml")), *sorted(CONFIG.glob("templates/*.yaml"))]


def as_an_editor_reads(path: Path) -> Any:
    """YAML 1.2, as editors have it: dates and hours are text, numbers are numbers."""
    root = nodes(path)
    loader = yaml.SafeLoader("")
    return loader.construct_document(root)


def kind(path: Path) -> str:
    return "template" if path.parent.name == "templates" else path.stem


def test_what_is_generated_is_as_the_models_say() -> None:
    assert stale(PROJECT) == [], "run python -m daemon.settings.schema"


def test_check_names_what_is_stale_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "config/schema/teams.schema.json is stale" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert (main([], tmp_path), main(["--check"], tmp_path)) == (0, 0)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_names_its_schema_and_satisfies_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    named = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()
    assert named == CONFIG / "schema" / f"{kind(path)}.schema.json"
    validator = jsonschema_rs.validator_for(json.loads(named.read_text(encoding="utf-8")))
    assert [each.message for each in validator.iter_errors(as_an_editor_reads(path))] == []


def test_the_schema_knows_the_forms_of_a_secret() -> None:
    validator = jsonschema_rs.validator_for(schema(SCHEMAS["workorderd"]))

    def takes(secret: object, **more: object) -> bool:
        return bool(validator.is_valid({"pbxs": [{"name": "a", "username": "u", "secret": secret}], **more}))

    assert takes({"env": "AMI"})
    assert takes({"file": "secrets/ami"})
    for refused in ("hunter2", {"env": "A-B"}, {"env": "A", "file": "b"}, {}, None, {"envv": "A"}):
        assert not takes(refused)
    assert takes({"env": "AMI"}, database={"url": "sqlite:///x"})
    assert takes({"env": "AMI"}, database={"url": {"env": "URL"}})


def test_no_schema_shows_a_stand_in_for_a_secret() -> None:
    assert all("****" not in json.dumps(schema(model)) for model in SCHEMAS.values())


def test_regions_are_those_of_the_numbering_plans() -> None:
    import phonenumbers

    from daemon.settings.codes import REGIONS

    assert set(phonenumbers.SUPPORTED_REGIONS) == REGIONS
