"""Record every way out of a queue on a real Asterisk: python tests/scenarios/make.py [16|22 ...]

For each a transcript of the manager connection as the least-privilege user sees it, the truth about its callers, and
what queue_log says: <version>/<way_out>.ami, .json and .queue_log. Needs root and the trees of bin/setup.sh.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import cast

from daemon.ami.recorder import record
from daemon.demo.asterisk import USER, PrivateAsterisk, Version
from daemon.demo.callers import ENDINGS, WAYS_OUT, Truth, WayOut
from daemon.demo.desks import Desk
from daemon.demo.wire import Wire

FOLDER = Path(__file__).parent
END_MARK = b"UserEvent: EndOfScenario\r\n"
PATIENCE = 10.0


async def make(version: Version) -> None:
    """All of one version."""
    folder = FOLDER / version
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    async with PrivateAsterisk(version, name=f"asterisk-{version}") as pbx:
        for way_out in (*WAYS_OUT, *ENDINGS):
            await pbx.start()
            await _one(pbx, way_out, folder)


async def _one(pbx: PrivateAsterisk, way_out: WayOut, folder: Path) -> None:
    name = getattr(way_out, "__name__", "")
    transcript = folder / f"{name}.ami"
    began = pbx.queue_log.stat().st_size
    async with asyncio.TaskGroup() as tasks, await Wire.to(pbx) as wire:
        recording = tasks.create_task(record(pbx.host, pbx.port, USER, pbx.secret, transcript))
        await _until(lambda: transcript.exists() and b"FullyBooted" in transcript.read_bytes())
        desk = Desk(wire, pbx)
        truths = await way_out(desk)
        if pbx.pid is None:
            await recording
        else:
            await desk.clear()
            await wire.do("UserEvent", UserEvent="EndOfScenario")
            await _until(lambda: END_MARK in transcript.read_bytes())
            recording.cancel()
    await pbx.start()  # its QUEUESTART is part of an ending
    with pbx.queue_log.open("rb") as log:
        log.seek(began)
        (folder / f"{name}.queue_log").write_bytes(log.read())
    text = json.dumps([_expected(name, truth) for truth in truths], indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", "utf-8")
    sys.stdout.write(f"{pbx.version} {name}: {transcript.stat().st_size} bytes\n")


def _expected(name: str, truth: Truth) -> dict[str, object]:
    return {"pbx": name, **asdict(truth), "missed": truth.missed}


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(holds)
        await asyncio.sleep(0.02)


async def main(versions: list[str]) -> None:
    """One after the other."""
    for version in versions or ["16", "22"]:
        await make(cast("Version", version))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
