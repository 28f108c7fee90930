"""An Asterisk of one's own: a folder, a few ports on loopback, two manager users, and nothing else of the machine.

It runs from a Debian tree in the cache (bin/setup.sh, need_asterisk), into which it is rooted with chroot, or from
the system's own asterisk; either way with every directory of asterisk.conf under a folder of this instance, so that
several can run side by side and no system service is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from daemon.errors import WorkorderdError

Version = Literal["22", "16"]

DRIVER: Final = "demo-driver"
USER: Final = "workorderd"
KINDS: Final = {
    "support": "",
    "sales": "",
    "full": "maxlen = 1",
    "strict": "joinempty = no\nleavewhenempty = yes",
    "slow": "memberdelay = 3",
    "announced": "announce = long",
}
"""The queues of a desk, each with what is special about it."""

_DIRECTORIES: Final = ("etc", "varlib", "db", "keys", "data", "agi", "spool/outgoing", "run", "log")
_SILENCE: Final = 3  # seconds
_WITH_US: Final = ("setpriv", "--pdeathsig", "TERM")  # where we are killed, it ends too
_START: Final = 60.0  # seconds until a start has failed
_END: Final = 10.0  # seconds until a stop has failed
_ANSWER: Final = 15.0  # seconds until the command line has failed
_PORTS: Final = range(20000, 32000)  # below the ports that Linux gives to clients


class AsteriskError(WorkorderdError):
    """There is no Asterisk to start, or it does not do what is asked."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an Asterisk lies: `root` is the tree to chroot into, None for the system's own."""

    root: Path | None
    home: Path

    def inside(self, path: Path) -> str:
        """The path as that Asterisk sees it."""
        return str(path) if self.root is None else f"/{path.relative_to(self.root)}"

    def command(self, *arguments: str) -> list[str]:
        """The words that run asterisk with these arguments."""
        chroot = [] if self.root is None else ["chroot", str(self.root)]
        return [*chroot, "asterisk", *arguments]


def cache() -> Path:
    """Where bin/setup.sh puts the trees."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workorderd"


def find(version: Version, name: str) -> Installation:
    """The installation of this version, with a home for the instance `name`; AsteriskError says what to do."""
    root = cache() / f"asterisk-{version}"
    if (root / "usr/sbin/asterisk").exists():
        if os.geteuid() != 0:
            raise AsteriskError(f"only root can start the private Asterisk {version} (it is rooted with chroot)")
        return Installation(root, root / "srv" / name)
    if version == "22" and shutil.which("asterisk"):
        return Installation(None, cache() / "instances" / name)
    raise AsteriskError(f"no Asterisk {version} here: `. bin/setup.sh; need_asterisk {version}` makes one")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback on which nobody listens now."""
    for port in secrets.SystemRandom().sample(_PORTS, 200):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AsteriskError("no free port on loopback")


@dataclass(slots=True)
class PrivateAsterisk:
    """A started Asterisk while the block lasts; its folder is removed at the end unless `keep`.

    Ports and secrets stay the same over kill(), stop(), start() and restart(). `desks` is how many sets of queues
    there are: the first is called support, sales, ..., the others support-1, sales-1, ....
    """

    version: Version = "22"
    name: str = ""
    desks: int = 1
    keep: bool = False
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    driver_secret: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    _installation: Installation = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Find the installation; nothing is written or started yet. Raises AsteriskError."""
        self.name = self.name or f"asterisk-{secrets.token_hex(4)}"
        self._installation = find(self.version, self.name)

    async def __aenter__(self) -> Self:
        """Write its files and start it. Raises AsteriskError."""
        self._lay_out()
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove its folder."""
        await self.stop()
        if not self.keep:
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def home(self) -> Path:
        """The instance's folder, seen from outside."""
        return self._installation.home

    @property
    def queue_log(self) -> Path:
        """The file that Asterisk writes of its queues; start() returns when QUEUESTART is in it."""
        return self.home / "log" / "queue_log"

    @property
    def messages_log(self) -> Path:
        """Notices, warnings and errors."""
        return self.home / "log" / "messages.log"

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> None:
        """Start it and wait until it is fully booted and answers on AMI. Raises AsteriskError."""
        if self.pid is not None:
            return
        command = self._installation.command("-C", self._conf, "-f", "-n")
        logged = self._logged()
        console = (self.home / "log" / "console").open("ab")
        with console:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - no shell; does not belong to one event loop
                [*_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        deadline = time.monotonic() + _START
        while not (await self._answers() and self._logged() > logged):
            if self.pid is None or time.monotonic() > deadline:
                raise AsteriskError(f"Asterisk {self.version} did not start:\n{self._last_words()}")
            await asyncio.sleep(0.05)

    async def rx(self, command: str) -> str:
        """What the command line says to `command`, such as `queue show`. Raises AsteriskError when nobody answers."""
        code, said = await self._rx(command)
        if code != 0:
            raise AsteriskError(f"asterisk -rx {command!r}: {said.strip()}")
        return said

    async def stop(self) -> None:
        """`core stop now`, as an administrator does it; kills what is not gone after ten seconds."""
        if self.pid is None or self._process is None:
            return
        with contextlib.suppress(AsteriskError):
            await self.rx("core stop now")
        try:
            await asyncio.to_thread(self._process.wait, _END)
        except subprocess.TimeoutExpired:
            await self.kill()

    async def kill(self) -> None:
        """The end without a word, as in a power cut: SIGKILL to this one process."""
        if self.pid is not None and self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    @property
    def _conf(self) -> str:
        return self._installation.inside(self.home / "etc" / "asterisk.conf")

    async def _rx(self, command: str) -> tuple[int, str]:
        asking = await asyncio.create_subprocess_exec(
            *self._installation.command("-C", self._conf, "-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_ANSWER):
                said, _ = await asking.communicate()
        except TimeoutError:
            asking.kill()
            return 1, f"no answer in {_ANSWER} s"
        return asking.returncode or 0, said.decode("utf-8", "backslashreplace")

    async def _answers(self) -> bool:
        if not (self.home / "run" / "asterisk.ctl").exists():
            return False
        code, _ = await self._rx("core waitfullybooted")
        if code != 0:
            return False
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _logged(self) -> int:
        """Bytes in queue_log; each start adds QUEUESTART, a moment after the boot."""
        return self.queue_log.stat().st_size if self.queue_log.exists() else 0

    def _last_words(self) -> str:
        for log in (self.home / "log" / "console", self.messages_log):
            if log.exists() and log.stat().st_size:
                return log.read_text("utf-8", "backslashreplace")[-2000:]
        return "(it left no message)"

    def _lay_out(self) -> None:
        for directory in _DIRECTORIES:
            (self.home / directory).mkdir(parents=True, exist_ok=True)
        rtp = secrets.SystemRandom().choice(range(20000, 31000, 100))
        values = {
            "HOME": self._installation.inside(self.home),
            "NAME": self.name,
            "AMI_PORT": str(self.port),
            "SIP_PORT": str(self.sip_port),
            "RTP_START": str(rtp),
            "RTP_END": str(rtp + 99),
            "DRIVER_SECRET": self.driver_secret,
            "SECRET": self.secret,
        }
        for template in files("daemon.demo").joinpath("etc").iterdir():
            text = re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], template.read_text("utf-8"))
            if template.name == "queues.conf":
                text += "".join(_queues(self.desks))
            conf = self.home / "etc" / template.name
            conf.touch(mode=0o600)
            conf.write_text(text, "utf-8")
        self._fill_data()

    def _fill_data(self) -> None:
        """Documentation (modules refuse to load without it) from the installation; sounds are silence of our own."""
        data = self.home / "data"
        root = self._installation.root or Path("/")
        for shared in (root / "usr/share/asterisk").iterdir():
            link = data / shared.name
            if shared.name != "sounds" and not link.is_symlink():
                link.symlink_to(f"/usr/share/asterisk/{shared.name}")
        for folder in ("sounds/en", "silence"):
            (data / folder).mkdir(parents=True, exist_ok=True)
            (data / folder / "long.ulaw").write_bytes(b"\xff" * 8000 * _SILENCE)
        for prompt in ("pbx-transfer", "beep", "beeperr", "pbx-invalid"):
            (data / "sounds/en" / f"{prompt}.ulaw").write_bytes(b"\xff" * 800)


def _queues(desks: int) -> Iterator[str]:
    for desk in range(desks):
        for kind, special in KINDS.items():
            yield f"\n[{queue_name(kind, desk)}](waiting)\n{special}\n"


def queue_name(kind: str, desk: int) -> str:
    """The queue of this kind at a desk: plain names at desk 0, numbered ones at the others."""
    return f"{kind}-{desk}" if desk else kind
