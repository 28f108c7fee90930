"""What the configuration will mean for the orders of the database: asked by `workorderd check`, before it is applied.

Without a database nothing but the standard library is loaded for it, since `check` is quick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from daemon.orders.foresight import Change, changes, told
from daemon.settings import Problem, Report, database_path
from daemon.settings.reading import Part

if TYPE_CHECKING:
    from daemon.storage.engine import Store

PATIENCE: Final = 2.0  # seconds for the database to answer


def foresee(folder: Path, report: Report) -> tuple[Problem, ...]:
    """A warning for each change that concerns orders, at its place in the templates; none without a database."""
    if report.settings is None:
        return ()
    url = report.settings.main.database.url.get_secret_value()
    file = database_path(url, folder)
    if file is not None and not file.is_file():
        return ()
    from sqlalchemy.exc import SQLAlchemyError

    from daemon.storage.engine import Store, database_url

    try:
        new = {each.id: each.model_dump(mode="json", by_alias=True) for each in report.settings.templates}
        counted = asyncio.run(_count(Store(database_url(url, folder.absolute().parent), 1), new))
    except (SQLAlchemyError, OSError, TimeoutError, ValueError) as error:
        why = str(getattr(error, "orig", error)).partition("\n")[0] or "no answer in time"
        what = f"the database was not asked what becomes of its orders: {why}"
        return (Problem(str(folder / "workorderd.yaml"), 1, 1, what),)
    parts = {int(part.number("id") or 0): part for part in report.templates}
    warnings = ((change, told(change, count)) for change, count in counted)
    return tuple(_at(folder, parts.get(change.template_id), change, words) for change, words in warnings if words)


async def _count(store: Store, new: Mapping[int, dict[str, Any]]) -> list[tuple[Change, int]]:
    """The changes to these definitions, and how many orders each concerns."""
    from daemon.storage import stored_values

    try:
        async with store.read() as session:
            async with asyncio.timeout(PATIENCE):
                applied = await stored_values.definitions(session)
            found = [change for old in applied for change in changes(old, new.get(old["id"]))]
            return [(change, await stored_values.concerned(session, change)) for change in found]
    finally:
        await store.close()


def _at(folder: Path, template: Part | None, change: Change, words: str) -> Problem:
    if template is None:
        return Problem(str(folder / "templates"), 1, 1, words)
    field = next((each for each in template.parts("fields") if each.text("identity") == change.field), None)
    part = template.at("fields") if field is None else field.at(change.key) if change.key else field
    return part.problem(words)
