"""The report views: one for each template, kept in step with the configuration, on both databases.

A view carries a mark that says what it was made of (in SQLite within its SQL, in PostgreSQL as its comment), so that
nothing is touched when nothing changed, and never a view that somebody else made. Values are found by correlated
subselects: measured, they are as quick as joins, and SQLite joins no more than 64 tables.

A template that left the configuration keeps its view while it has orders; when a new template takes its name, the old
one's view is called by the template's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.report import PREFIX, Report, columns, report_of
from daemon.storage.tables import TemplateRow, WorkOrderFieldRow, WorkOrderRow

_SHAPE: Final = 1  # to be counted up when _FIXED changes, so that views are made anew
_MARK: Final = "workorderd "
_LOCK: Final = 7_310_427_791  # PostgreSQL's advisory lock of whoever changes views
_FIXED: Final = {
    "id": "o.id",
    "serial": "o.serial",
    "title": "o.title",
    "status": "o.status",
    "node_status": "o.node_status",
    "group_name": "g.name",
    "owner": "w.name",
    "creator": "c.name",
    "customer": "k.name",
    "created_at": "o.created_at",
    "updated_at": "o.updated_at",
    "finished_at": "o.finished_at",
    "due_at": "o.due_at",
}
_FROM: Final = """ FROM work_order o
 JOIN agent_group g ON g.id = o.group_id
 LEFT JOIN agent w ON w.id = o.owner_id
 LEFT JOIN agent c ON c.id = o.creator_id
 LEFT JOIN customer k ON k.id = o.customer_id"""


@dataclass(frozen=True, slots=True)
class View:
    """A view as it is or as it shall be. `columns`: column -> identity. `readers`: roles who may read it, "" is all."""

    name: str
    template_id: int
    columns: Mapping[str, str]
    shape: int = _SHAPE
    readers: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Synced:
    """Names of views that were made, made anew and dropped, and in words what could not be done."""

    created: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


async def sync_views(session: AsyncSession, reports: Iterable[Report]) -> Synced:
    """Make the views as the configured templates want them. What can't be done is told and stops nothing else."""
    known = tuple(reports)
    if not _differences(await _existing(session), await _wanted(session, known)):
        return Synced()
    if _postgresql(session):
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before, wanted = await _existing(session), await _wanted(session, known)
    readers = {view.template_id: view.readers for view in before.values()}
    done: dict[str, list[str]] = {"created": [], "replaced": [], "dropped": [], "problems": []}
    for name in sorted(_differences(before, wanted), key=lambda name: name in wanted):  # what goes first makes room
        old, new = before.get(name), wanted.get(name)
        trouble = await _change(session, old, new, readers)
        if trouble:
            done["problems"].append(f"the view {name} could not be brought up to date: {trouble}")
        else:
            done["dropped" if new is None else "replaced" if old else "created"].append(name)
    return Synced(**{what: tuple(names) for what, names in done.items()})


async def drop_views(session: AsyncSession) -> Sequence[View]:
    """Take the views away before the schema changes; those on which other views stand stay, since PostgreSQL insists.

    What is given back is for `restore_views`.
    """
    views = (await _existing(session)).values()
    return [view for view in views if not await _attempt(session, [_drop(view.name)])]


async def restore_views(session: AsyncSession, views: Iterable[View]) -> None:
    """Put them back with their readers, as far as the new schema lets; `sync_views` brings them up to date."""
    for view in views:
        await _attempt(session, _create(view, view.readers, postgresql=_postgresql(session)))


def _postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _differences(before: Mapping[str, View], wanted: Mapping[str, View]) -> list[str]:
    return [name for name in {**before, **wanted} if before.get(name) != wanted.get(name)]


# --- what there is -------------------------------------------------------------------------------------------------


async def _existing(session: AsyncSession) -> dict[str, View]:
    """Our own views by name."""
    if _postgresql(session):
        found = await session.execute(
            text(
                "SELECT c.relname, obj_description(c.oid, 'pg_class'), ARRAY(SELECT coalesce(r.rolname::text, '')"
                " FROM aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
                " WHERE a.privilege_type = 'SELECT' AND a.grantee <> c.relowner)"
                " FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace"
            )
        )
        rows = [(name, comment or "", tuple(readers)) for name, comment, readers in found]
    else:
        found = await session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))
        rows = [(name, sql.partition("/* ")[2].partition(" */")[0], ()) for name, sql in found]
    views = (_marked(name, mark, readers) for name, mark, readers in rows if name.startswith(PREFIX))
    return {view.name: view for view in views if view}


def _marked(name: str, mark: str, readers: tuple[str, ...]) -> View | None:
    """What a mark says; None for a view that is not ours."""
    if not mark.startswith(_MARK):
        return None
    try:
        said = json.loads(mark.removeprefix(_MARK))
        return View(name, int(said["template"]), dict(said["columns"]), int(said["shape"]), readers)
    except (ValueError, KeyError, TypeError):
        return None


# --- what there should be ------------------------------------------------------------------------------------------


async def _wanted(session: AsyncSession, known: Sequence[Report]) -> dict[str, View]:
    """The views of the configured templates and of those with orders that are not configured any more, by name."""
    before = {view.template_id: view for view in (await _existing(session)).values()}
    reports = [*known, *await _gone(session, known, before)]
    stored = await _stored(session, reports, before)
    views = (_view(each, stored[each.template_id], before.get(each.template_id)) for each in reports)
    return {view.name: view for view in views}


def _view(report: Report, stored: Iterable[str], before: View | None) -> View:
    """New columns stand last: so PostgreSQL can add them though other views stand on this one."""
    wanted, places = columns(report.fields, stored), list(before.columns if before else ())
    order = sorted(wanted, key=lambda column: places.index(column) if column in places else len(places))
    return View(report.view, report.template_id, {column: wanted[column] for column in order})


async def _gone(session: AsyncSession, known: Sequence[Report], before: Mapping[int, View]) -> list[Report]:
    """Reports of templates that left the configuration and have orders, under names that are free."""
    has_orders = exists().where(WorkOrderRow.template_id == TemplateRow.id)
    query = select(TemplateRow).where(TemplateRow.id.not_in([each.template_id for each in known]), has_orders)
    old = [_report_of_row(row, before.get(row.id)) for row in await session.scalars(query)]
    holds = {each.template_id: before[each.template_id].name for each in old if each.template_id in before}
    taken, found = {each.view for each in known}, []
    for each in sorted(old, key=lambda each: (holds.get(each.template_id) != each.view, each.template_id)):
        free = each if each.view not in taken else Report(each.template_id, str(each.template_id), each.fields)
        taken.add(free.view)
        found.append(free)
    return found


def _report_of_row(row: TemplateRow, before: View | None) -> Report:
    if before:  # its columns stay as they are
        fields = (identity for column, identity in before.columns.items() if column == identity)
        return Report(row.id, row.name, tuple(fields))
    try:
        return Report(row.id, row.name, report_of(row.definition).fields)
    except (KeyError, TypeError):  # a template that was never applied with its definition
        return Report(row.id, row.name)


async def _stored(
    session: AsyncSession, reports: Sequence[Report], before: Mapping[int, View]
) -> dict[int, frozenset[str]]:
    """Template -> identities that orders keep values of, as far as they are no fields.

    Of a template with a view only what the view had before is looked for: reading all values takes long.
    """
    found = {each.template_id: set[str]() for each in reports}
    new = [each.template_id for each in reports if each.template_id not in before]
    pairs = select(WorkOrderRow.template_id, WorkOrderFieldRow.identity).distinct()
    pairs = pairs.join(WorkOrderRow, WorkOrderRow.id == WorkOrderFieldRow.order_id)
    if new:
        for template_id, identity in await session.execute(pairs.where(WorkOrderRow.template_id.in_(new))):
            found[template_id].add(identity)
    for each in reports:
        old = before.get(each.template_id)
        for column, identity in old.columns.items() if old else ():
            kept = identity not in each.fields and (
                column != identity or await _has_values(session, each.template_id, identity)
            )
            if kept:
                found[each.template_id].add(identity)
    return {template_id: frozenset(identities) for template_id, identities in found.items()}


async def _has_values(session: AsyncSession, template_id: int, identity: str) -> bool:
    query = select(WorkOrderFieldRow.order_id).join(WorkOrderRow, WorkOrderRow.id == WorkOrderFieldRow.order_id)
    query = query.where(WorkOrderRow.template_id == template_id, WorkOrderFieldRow.identity == identity)
    return await session.scalar(query.limit(1)) is not None


# --- how it is changed ---------------------------------------------------------------------------------------------


async def _change(
    session: AsyncSession, old: View | None, new: View | None, readers: Mapping[int, tuple[str, ...]]
) -> str:
    """What went wrong, or ""; then the view is as it was before."""
    if new is None:
        return await _attempt(session, [_drop(old.name)]) if old else ""
    postgresql = _postgresql(session)
    create = _create(new, readers.get(new.template_id, ()), postgresql=postgresql)
    if old is None:
        return await _attempt(session, create)
    if postgresql and old.template_id == new.template_id:
        in_place = [create[0].replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1), *create[1:]]
        if not await _attempt(session, in_place):  # columns were added at the end; other views may stand on it
            return ""
    return await _attempt(session, [_drop(old.name), *create])


async def _attempt(session: AsyncSession, statements: Iterable[str]) -> str:
    """Do all of it or nothing; what went wrong, or ""."""
    try:
        async with session.begin_nested():
            connection = await session.connection()
            if _postgresql(session):
                await connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")  # a report may be running
            for statement in statements:
                await connection.exec_driver_sql(statement)
    except DBAPIError as error:
        return str(error.orig).partition(">: ")[2] or str(error.orig)
    return ""


def _drop(name: str) -> str:
    return f"DROP VIEW {_name(name)}"


def _create(view: View, readers: Iterable[str], *, postgresql: bool) -> list[str]:
    said = {"template": view.template_id, "columns": dict(view.columns), "shape": view.shape}
    mark = _MARK + json.dumps(said).replace("/", "\\/")  # nothing in it ends a comment
    fixed = (f"{source} AS {_name(column)}" for column, source in _FIXED.items())
    custom = (f"({_value(identity)}) AS {_name(column)}" for column, identity in view.columns.items())
    body = f"SELECT {', '.join((*fixed, *custom))}{_FROM} WHERE o.template_id = {view.template_id:d}"
    name = _name(view.name)
    if not postgresql:
        tried = f"SELECT * FROM {name} LIMIT 0"  # noqa: S608 - SQLite looks for the columns only then
        return [f"CREATE VIEW {name} AS /* {mark} */ {body}", tried]
    grants = [f"GRANT SELECT ON {name} TO {_name(reader) if reader else 'PUBLIC'}" for reader in readers]
    return [f"CREATE VIEW {name} AS {body}", f"COMMENT ON VIEW {name} IS {_word(mark)}", *grants]


def _value(identity: str) -> str:
    return f"SELECT f.value FROM work_order_field f WHERE f.order_id = o.id AND f.identity = {_word(identity)}"  # noqa: S608


def _name(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _word(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
