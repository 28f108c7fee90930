"""A machine that invents requests from our OpenAPI document, and judges every answer by it.

`python -m tests.integration.web.fuzz --examples 10000` sends so many at the least, as an agent with a token and as
nobody, prints what it found and ends with 1 if that is anything. The tests do the same with few.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import schemathesis
from aiohttp.log import server_logger
from hypothesis import strategies as st
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.openapi.checks import RejectedPositiveData

from daemon.app import OurErrors
from daemon.handlers.campaign_lists import Filling, fill
from daemon.handlers.campaigns import take_next
from daemon.handlers.person import Person
from daemon.storage.customers import NamePlace
from daemon.storage.engine import Store, database_url
from daemon.storage.lists import Place
from daemon.storage.schema import migrate
from daemon.web.api.customers import to_name_cursor
from daemon.web.api.operation import BASE
from daemon.web.cursors import to_cursor
from daemon.web.openapi import text
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.web.bearer import bearer, token_of
from tests.integration.web.desk import Desk, csrf, open_desk
from tests.worlds import with_campaigns

IDS = [1, 2, 3, 4, 5, 6]
TEMPLATES = [7, 8]
FILES = ["note.txt", "list.csv"]
BEYOND_THE_DOCUMENT = re.compile(
    r"""
    Idempotency-Key\ idempotency_key_reused  # what was sent before
    | /(template|customer|module|call)\ unknown  # which of them there are
    | /(agent|group|successor)\ (unknown|required)  # which of them an action takes
    | /fields/.*\ .*  # what a template asks for
    | /cc\ value_error  # what a mail address is
    | /(add_|remove_)?numbers/\d+\ .*  # what a phone number is, and which the customer has
    | /email\ .*
    | (name|field|)\ (required|unknown_field)  # of a file: its name may come in a header, the fields are a template's
    | /group\ (flow|required|range)
    | /numbers\ required  # who is to be called by a campaign
    | /(result|note|callback_at)\ (option|required|none|past|too_far)  # what a module offers, and demands
    """,
    re.VERBOSE | re.DOTALL,
)
"""Faults of requests that are valid by the document: what no document can state, as `where rule`."""


@dataclass
class Found:
    """What a run sent and saw."""

    cases: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[tuple[str, int]]:
        """Operations that answered 500 or more."""
        return [each for each in self.statuses if each[1] >= 500]

    @property
    def succeeded(self) -> set[str]:
        """Operations that were seen to do what they are for."""
        return {label for label, status in self.statuses if 200 <= status < 300}


def learn_formats() -> None:
    """What cursors and entity tags look like: to the document they are formats, whose strings only we make."""
    places = st.builds(Place, st.integers(0, 9).map(lambda n: NOON - timedelta(hours=n)), st.integers(1, 9))
    schemathesis.openapi.format("cursor", places.map(to_cursor))
    names = st.builds(NamePlace, st.just(1), st.sampled_from(["", "ada", "zuse"]), st.integers(1, 9))
    schemathesis.openapi.format("name-cursor", names.map(to_name_cursor))
    schemathesis.openapi.format("etag", st.sampled_from(["*", '"1"', '"2"', '"7"', 'W/"1"', '"1", "2"', '"ours?"']))


def is_ours(_context: object, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure counts: not where a valid request was refused for faults BEYOND_THE_DOCUMENT alone."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in {415, 422}:
        return True
    if response.status_code == 415:  # which kinds of files are taken, the configuration says
        return case.operation.path != "/work-orders/{id}/attachments"
    faults = [f"{each['where']} {each['rule']}" for each in response.json()["errors"]]
    return not faults or not all(map(BEYOND_THE_DOCUMENT.fullmatch, faults))


def configuration(address: str, seed: int, examples: int, token: str | None) -> SchemathesisConfig:
    """All checks; ids hit something half of the time. Without a token nothing but 401 is success."""
    ids, templates = ({"dictionary": name, "probability": 0.6} for name in ("ids", "templates"))
    accepted = ["2xx", "3xx", "401", "403", "404", "409", "412", "413"]  # of valid requests: the world may be another
    refused = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422"]
    told: dict[str, Any] = {
        "seed": seed,
        "base-url": address,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "warnings": False,
        "dictionaries": {"ids": {"values": IDS}, "templates": {"values": TEMPLATES}, "files": {"values": FILES}},
        "parameters": {f"path.{name}": ids for name in ("id", "group", "attachment")}
        | {f"body.{name}": ids for name in ("group", "agent", "customer", "call", "ids[*]")}
        | {"query.name": {"dictionary": "files", "probability": 0.6}}
        | {f"{place}.template": templates for place in ("path", "body", "query")},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": accepted},
            "negative_data_rejection": {"expected-statuses": refused},
        },
        "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        "phases": {"stateful": {"enabled": True}},
    }
    if token is not None:
        told["auth"] = {"openapi": {"bearer": {"bearer": token}}}
    return SchemathesisConfig.from_dict(told)


def run(config: SchemathesisConfig, found: Found) -> None:
    """Send one round of requests and note what came of them."""
    schema = schemathesis.openapi.from_dict(json.loads(text()), config=config)
    schema.hooks.hook("filter_failure")(is_ours)
    for event in engine.from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            error = event.value if isinstance(event, NonFatalError) else event.exception
            found.errors.append(f"{type(error).__name__}: {error}"[:2000])
        if isinstance(event, ScenarioFinished):
            note(event, found)


def note(event: ScenarioFinished, found: Found) -> None:
    """Count the requests of a scenario and keep its failures, one of each kind for each operation."""
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        found.cases += 1
        case = recorder.cases.get(case_id)
        label = case.value.operation.label if case else "?"
        found.statuses[label, interaction.response.status_code if interaction.response else 0] += 1
    for case_id, checks in recorder.checks.items():
        label = recorder.cases[case_id].value.operation.label
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                told = f"{failure.message}\n{check.failure_info.code_sample}\n{answer_of(event, case_id)}"
                found.failures.setdefault(f"{label}: {check.name}: {failure.title}", told)


def answer_of(event: ScenarioFinished, case_id: str) -> str:
    """What was answered, in short."""
    interaction = event.recorder.interactions.get(case_id)
    return interaction.response.text[:1000] if interaction and interaction.response else ""


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[Desk]:
    """A desk with something at the first ids, and the token `fuzz` of an agent who leads."""
    server_logger.addFilter(OurErrors())
    store = Store(database_url(f"sqlite:///{folder}/fuzz.sqlite"))
    await migrate(store)
    async with open_desk(store) as desk:
        acme = team_id(desk.world, "acme")
        support = group_id(desk.world, "acme", "support")
        for n in range(4):
            item = await missed_call(desk.store, acme, number=f"030 123456{n}")
            await work_order(desk.store, acme, support, item=item if n < 2 else None)
        await _campaign(desk)
        await bearer(desk, "fuzz", agent="1000")
        anna = await desk.logged_in("anna")
        for name in (f"{n}.txt" for n in IDS):
            sent = {"X-CSRF-Token": await csrf(anna), "Content-Type": "text/plain"}
            answer = await anna.post(f"{BASE}/work-orders/4/attachments?name={name}", data=b"x", headers=sent)
            answer.raise_for_status()
        yield desk
    await store.close()


async def _campaign(desk: Desk) -> None:
    """Anna has the first number of a campaign."""
    desk.world = await with_campaigns(desk.store, desk.world)
    agent = desk.world.agents[agent_id(desk.world, "anna")]
    anna = Person("agent", "anna", agent.name, agent.team_id, agent)
    spring = next(each.id for each in desk.world.modules.values() if each.name == "spring")
    filling = Filling(numbers=tuple(f"030 123456{n}" for n in range(4)))
    await fill(desk.store, desk.world, anna, spring, filling, NOON)
    await take_next(desk.store, desk.world, anna, spring, NOON)


async def fuzz(desk: Desk, *, examples: int, seed: int, token: str | None, cases: int = 0) -> Found:
    """Rounds of requests, so many examples for each operation, until there were so many cases."""
    learn_formats()
    found, address = Found(), str(desk.server.make_url(BASE))
    while True:
        before = found.cases
        await asyncio.to_thread(run, configuration(address, seed, examples, token), found)
        seed += 1
        if found.cases >= cases or found.cases == before:
            return found


def report(who: str, found: Found) -> bool:
    """Print it; whether it is clean."""
    write = sys.stdout.write
    write(f"{who}: {found.cases} cases\n")
    for (label, status), count in sorted(found.statuses.items()):
        write(f"  {label} {status}: {count}\n")
    for title, sample in found.failures.items():
        write(f"FAILURE {title}\n{sample}\n\n")
    for error in dict.fromkeys(found.errors):
        write(f"ERROR {error}\n")
    return not (found.failures or found.errors or found.broken)


async def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="requests to send at the least")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    clean = True
    for who, token in (("an agent", token_of("fuzz")), ("nobody", None)):
        with tempfile.TemporaryDirectory() as folder:
            async with furnished(Path(folder)) as desk:
                cases = asked.examples if token else asked.examples // 10
                found = await fuzz(desk, examples=60, seed=asked.seed, token=token, cases=cases)
        clean &= report(who, found)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
