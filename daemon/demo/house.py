"""A workorderd of one's own beside a private Asterisk: its configuration folder, its database, its process."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession

from daemon.demo.asterisk import PrivateAsterisk, free_port
from daemon.errors import WorkorderdError

READY_SECONDS: Final = 30.0
END_SECONDS: Final = 30.0

_MAIN: Final = """locale: en
time_zone: Europe/Berlin
pbxs:
  - name: main
    host: {pbx.host}
    port: {pbx.port}
    username: workorderd
    secret: {{file: secrets/ami}}
    team: acme
    queue_log: {queue_log}
    backoff_max: 1
    dial: {{context: outside, allow: ["+49*"], deny: ["+49900*"]}}
database:
  url: "{database}"
http: {{host: 127.0.0.1, port: {http_port}}}
"""
_QUEUE: Final = """  - name: {name}
    module: support_desk
    missed: {{create: automatic, template: missed_call, group: support, hidden_numbers: order}}
"""


class HouseError(WorkorderdError):
    """The daemon did not start or did not stay."""


@dataclass(slots=True)
class House:
    """The daemon with the sample's people and templates; `sample` is the folder config/ of a checkout.

    `queues`: these instead of the sample's, all with automatic orders. `database`: a URL; default a SQLite file.
    """

    folder: Path
    sample: Path
    pbx: PrivateAsterisk
    queues: Sequence[str] = ()
    database: str = ""
    http_port: int = field(default_factory=free_port)
    with_queue_log: bool = True
    process: asyncio.subprocess.Process | None = None

    @property
    def config(self) -> Path:
        """The configuration folder."""
        return self.folder / "config"

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def sqlite(self) -> Path:
        """The database file, where it is one."""
        return self.folder / "workorderd.sqlite"

    @property
    def log(self) -> Path:
        """What the daemon says."""
        return self.folder / "daemon.log"

    def furnish(self) -> None:
        """Write the configuration: the sample's, always open, with the private Asterisk and its telephones."""
        shutil.copytree(self.sample, self.config, dirs_exist_ok=True)
        secret = self.config / "secrets" / "ami"
        secret.touch(mode=0o600)
        secret.write_text(self.pbx.secret + "\n")
        queue_log = f"{{file: {self.pbx.queue_log}}}" if self.with_queue_log else "null"
        database = self.database or f"sqlite:///{self.sqlite}"
        main = _MAIN.format(pbx=self.pbx, queue_log=queue_log, database=database, http_port=self.http_port)
        (self.config / "workorderd.yaml").write_text(main)
        teams = self.config / "teams.yaml"
        teams.write_text(re.sub(r"\[PJSIP/(\d+)\]", r"[Local/\1@agents/n]", teams.read_text()))
        queues = self.config / "queues.yaml"
        text = re.sub(r"(?m)^ {6}hours: \w+.*\n", "", queues.read_text())
        text = re.sub(r"minimum_wait: \d+", "minimum_wait: 1", text)
        if self.queues:
            text = text[: text.index("\nqueues:")] + "\nqueues:\n"
            text += "".join(_QUEUE.format(name=name) for name in self.queues)
        queues.write_text(text)

    async def start(self) -> None:
        """Start the daemon and wait until it and its links are ready. Raises HouseError."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "daemon", "run", "--config", str(self.config), stdout=log, stderr=log
            )
        await self.ready()

    async def ready(self) -> None:
        """Wait until `/readyz` says so. Raises HouseError."""
        try:
            async with asyncio.timeout(READY_SECONDS), ClientSession() as session:
                while not await self._is_ready(session):
                    if self.process is None or self.process.returncode is not None:
                        break
                    await asyncio.sleep(0.05)
                else:
                    return
        except TimeoutError:
            pass
        message = f"workorderd did not become ready:\n{self.log.read_text()[-2000:]}"
        raise HouseError(message)

    async def _is_ready(self, session: ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except ClientError:
            return False

    async def stop(self) -> int:
        """SIGTERM, and its exit code. Raises HouseError when it does not end; then it was killed."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(how)
        try:
            async with asyncio.timeout(END_SECONDS):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            message = f"workorderd did not end in {END_SECONDS} s:\n{self.log.read_text()[-2000:]}"
            raise HouseError(message) from None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the SQLite file from outside, as an independent judge does."""
        with closing(sqlite3.connect(f"file:{self.sqlite}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    async def until(self, sql: str, expected: object, seconds: float = 20.0) -> list[tuple[Any, ...]]:
        """Wait until a query gives this. Raises HouseError with what it gives instead."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := self.query(sql)) != expected:
            if asyncio.get_running_loop().time() > deadline:
                message = f"{sql}\n  gives {found}\n  not   {expected}"
                raise HouseError(message)
            await asyncio.sleep(0.05)
        return found
