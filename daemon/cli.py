"""The command line. Each command imports what it needs when it runs, so that `check` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import typer

T = TypeVar("T")

app = typer.Typer(
    name="workorderd",
    help="Missed queue calls and promised work on Asterisk, carried until they are done.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

token = typer.Typer(help="Tokens by which other systems use the API.", no_args_is_help=True)
app.add_typer(token, name="token")

outbox = typer.Typer(help="Mails and webhooks: what became of them.", no_args_is_help=True)
app.add_typer(outbox, name="outbox")

Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="WORKORDERD_CONFIG", help="Folder with workorderd.yaml and the rest.")
]
FOLDER = Path("config")


def main() -> None:
    """The script `workorderd`."""
    app()


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what went wrong on standard error and end."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


@app.command()
def run(config: Config = FOLDER) -> None:
    """Listen to the PBXs, create work orders, serve the pages. SIGHUP reloads, SIGTERM ends."""
    import asyncio

    from daemon.app import serve
    from daemon.errors import WorkorderdError

    try:
        asyncio.run(serve(config))
    except WorkorderdError as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command()
def check(
    config: Config = FOLDER,
    database: Annotated[
        bool, typer.Option(help="Also say what becomes of the orders in the database when fields have changed.")
    ] = True,
) -> None:
    """Check the whole configuration; every mistake as file:line:col. Ends with 1 if there is one."""
    from daemon.settings import check as check_settings

    report = check_settings(config)
    warnings = report.warnings
    if database and report.settings:
        from daemon.handlers.foresight import foresee

        warnings += foresee(config, report)
    for warning in warnings:
        typer.echo(f"{warning} (warning)", err=True)
    for problem in report.problems:
        typer.echo(str(problem), err=True)
    if report.problems:
        fail(f"{len(report.problems)} mistake(s) in {config}")
    typer.echo(f"{config}: in order")


@app.command()
def migrate(config: Config = FOLDER) -> None:
    """Bring the database's schema to this program's version, and the report views to the configuration."""
    import asyncio

    from daemon.app import migrate_database
    from daemon.errors import WorkorderdError

    try:
        before, after, views = asyncio.run(migrate_database(config))
    except WorkorderdError as problem:
        fail(str(problem))
    typer.echo(f"schema: {before or 'empty'} -> {after}" if before != after else f"schema: {after}, nothing to do")
    for what in ("created", "replaced", "dropped"):
        for view in getattr(views, what):
            typer.echo(f"view {view}: {what}")
    if views.problems:
        fail("\n".join(views.problems))


@app.command("check-history")
def check_history(config: Config = FOLDER) -> None:
    """Prove that no history was changed and no order removed. Ends with 1 if one was.

    The seal changes with every new entry: keep it elsewhere, with the numbers, to show later what was there.
    """
    import asyncio

    from daemon.app import prove_history
    from daemon.errors import WorkorderdError

    try:
        proof = asyncio.run(prove_history(config))
    except WorkorderdError as problem:
        fail(str(problem))
    for fault in proof.faults:
        typer.echo(fault, err=True)
    typer.echo(f"{proof.orders} orders, {proof.entries} entries, seal {proof.seal}")
    if proof.faults:
        fail(f"{len(proof.faults)} fault(s) in the histories")


@app.command()
def record(
    file: Annotated[Path, typer.Argument(help="Where the raw bytes go.")],
    pbx: Annotated[str | None, typer.Option(help="Name of a PBX of the configuration; default: the first.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; default: until Ctrl-C.")] = None,
    config: Config = FOLDER,
) -> None:
    """Keep the raw bytes that a PBX sends on its manager interface, for a bug report or a test."""
    import asyncio

    from daemon.app import record_pbx
    from daemon.errors import WorkorderdError

    try:
        size = asyncio.run(record_pbx(config, pbx, file, seconds))
    except (WorkorderdError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        size = file.stat().st_size
    typer.echo(f"{file}: {size} bytes")


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="Recordings; each is taken for a PBX of its own.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Judge recorded calls: for each its PBX, uniqueid, caller, queues, reason, missed, and wait in seconds."""
    from daemon.ami.replay import judge_recording, print_json, print_table

    outcomes = []
    for file in files:
        try:
            outcomes += judge_recording(file)
        except OSError as problem:
            fail(f"{file}: {problem.strerror}")
    (print_json if as_json else print_table)(outcomes, sys.stdout)


@app.command()
def dialplan(
    folder: Annotated[Path, typer.Argument(help="Where the files go, such as a folder to copy to the PBX.")],
    pbx: Annotated[str | None, typer.Option(help="Name of a PBX of the configuration; default: the first.")] = None,
    syntax: Annotated[
        str, typer.Option(help="Of the manager's filters: old (Asterisk 13 and later) or new (22 and later).")
    ] = "old",
    config: Config = FOLDER,
) -> None:
    """Write Asterisk's side for a PBX: the dialplan to include, and a manager user with no right too many."""
    from daemon.app import write_dialplan
    from daemon.errors import WorkorderdError

    if syntax not in {"old", "new"}:
        fail("--syntax is old or new")
    try:
        written = write_dialplan(config, folder, pbx, "new" if syntax == "new" else "old")
    except (WorkorderdError, OSError) as problem:
        fail(str(problem))
    for path in written:
        typer.echo(str(path))
    typer.echo('then: #include "extensions_workorderd.conf" in extensions.conf,')
    typer.echo('      #include "manager_workorderd.conf" in manager.conf; they hold secrets')


@app.command("hash-password")
def hash_password() -> None:
    """Read a password (not echoed on a terminal) and print the hash for `password_hash`."""
    from argon2 import PasswordHasher

    password = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not password:
        fail("an empty password is no password")
    typer.echo(PasswordHasher().hash(password))


@outbox.command("list")
def outbox_list(
    state: Annotated[
        Literal["waiting", "delivered", "parked", "discarded"] | None, typer.Option(help="Only those; default: all.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only those of this receiver.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the latest first.")] = 50,
    config: Config = FOLDER,
) -> None:
    """List mails and webhooks: id, state, attempts, receiver, what, last answer."""
    import asyncio

    from daemon.app import list_deliveries
    from daemon.errors import WorkorderdError

    try:
        rows = asyncio.run(list_deliveries(config, state, endpoint, limit))
    except WorkorderdError as problem:
        fail(str(problem))
    for row in rows:
        last = f"{row.code} {' '.join(row.answer.split())[:60]}".strip()
        shown = "".join(letter if letter.isprintable() else "?" for letter in last)
        typer.echo(f"{row.id}  {row.state}  {row.attempts}  {row.endpoint}  {row.event} {row.line}  {shown}")


@outbox.command("redeliver")
def outbox_redeliver(
    ids: Annotated[list[int], typer.Argument(help="Their ids, as `outbox list` shows them.")], config: Config = FOLDER
) -> None:
    """Send these again, under the same message ids: all, or none."""
    _change_deliveries(config, ids, "redeliver", "go again")


@outbox.command("discard")
def outbox_discard(
    ids: Annotated[list[int], typer.Argument(help="Their ids, as `outbox list` shows them.")], config: Config = FOLDER
) -> None:
    """These need not go: all, or none."""
    _change_deliveries(config, ids, "discard", "discarded")


def _change_deliveries(config: Path, ids: list[int], what: Literal["redeliver", "discard"], told: str) -> None:
    import asyncio

    from daemon.app import change_deliveries
    from daemon.errors import WorkorderdError

    try:
        many = asyncio.run(change_deliveries(config, ids, what))
    except WorkorderdError as problem:
        fail(str(problem))
    typer.echo(f"{many} {told}")


@token.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="What it is called; the history names a system by it.")],
    team: Annotated[str, typer.Option(help="The team whose records it opens.")],
    agent: Annotated[
        str | None, typer.Option(help="Number of an agent: it acts as he does. Default: as a system of the team.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Such as orders:write; once for each. Default: all that only read.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0, max=36500, help="How long it is good. Default: until revoked.")
    ] = None,
    config: Config = FOLDER,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    from daemon.app import create_token as create

    typer.echo(_answer(create(config, name, team, agent, scope or (), days)))


@token.command("list")
def list_tokens(config: Config = FOLDER) -> None:
    """Every token: its name, team, agent, last day and scopes."""
    from daemon.app import list_tokens as listed

    for each in _answer(listed(config)):
        until = f"{each.expires_at:%Y-%m-%d %H:%M}Z" if each.expires_at else "until revoked"
        whom = f"agent {each.agent}" if each.agent else "system"
        typer.echo(f"{each.name}  {each.team}  {whom}  {until}  {' '.join(each.scopes)}")


@token.command("revoke")
def revoke_token(name: Annotated[str, typer.Argument(help="What it is called.")], config: Config = FOLDER) -> None:
    """It opens nothing from now on."""
    from daemon.app import revoke_token as revoke

    _answer(revoke(config, name))
    typer.echo(f"{name}: revoked")


def _answer(asked: Coroutine[Any, Any, T]) -> T:
    """What a command's work gives; an error that is meant for a person is told, and it ends."""
    import asyncio

    from daemon.errors import WorkorderdError

    try:
        return asyncio.run(asked)
    except WorkorderdError as problem:
        fail(str(problem))


@app.command("import-customers")
def import_customers(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8; its columns: docs/customers.md.")],
    team: Annotated[str, typer.Option(help="Whose customers they are.")],
    kind: Annotated[
        Literal["individual", "enterprise"], typer.Option(help="Of customers whose line does not say.")
    ] = "individual",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look; nothing is written.")] = False,
    config: Config = FOLDER,
) -> None:
    """Import customers: all lines of the file, or none. Mistakes as FILE:LINE: what; ends with 1 if there is one."""
    import asyncio

    from daemon.app import import_customers as imported
    from daemon.errors import WorkorderdError

    try:
        with _progress(file.name) as tell:
            ending = asyncio.run(imported(config, file, team, kind, dry_run=dry_run, tell=tell))
    except WorkorderdError as problem:
        fail(str(problem))
    except OSError as problem:
        fail(f"{file}: {problem.strerror}")
    except KeyboardInterrupt:
        fail("interrupted: nothing was imported", 130)
    for error in ending.errors:
        typer.echo(f"{file}:{error.line}: {error}", err=True)
    if ending.error_count:
        more = ending.error_count - len(ending.errors)
        fail(f"{ending.error_count} mistake(s){f', {more} of them not shown' if more else ''}: nothing was imported")
    if dry_run:
        typer.echo(f"{file}: {ending.seen} lines in order; nothing was written")
    else:
        typer.echo(f"{file}: {ending.counts.created} customers created, {ending.counts.updated} updated")


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """What shows how far it is: a bar on a terminal, elsewhere a line for each tenth."""
    if not sys.stderr.isatty():
        told = 0

        def tell_line(seen: int, lines: int) -> None:
            nonlocal told
            tenth = 10 * seen // max(lines, 1)
            if tenth > told:
                told = tenth
                typer.echo(f"{title}: {seen} of {lines} lines looked at", err=True)

        yield tell_line
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda seen, lines: bar.update(task, completed=seen, total=lines)


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="One round; ends with 0 only if exactly the expected orders exist.")
    ] = False,
    asterisk: Annotated[str, typer.Option(help="Version of the private Asterisk: 22 or 16.")] = "22",
    port: Annotated[int, typer.Option(help="Port of the pages on loopback; 0: any free one.")] = 8080,
) -> None:
    """A private Asterisk, callers who give up, and what becomes of them (set up by bin/demo)."""
    import asyncio

    from daemon.demo.show import show

    try:
        raise typer.Exit(asyncio.run(show(once=once, version=asterisk, port=port)))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
