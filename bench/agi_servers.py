"""FastAGI servers that say the same five things of a caller and ask nobody: python -m bench.agi_servers NAME PORT."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import ip_network
from typing import Any

from panoramisk import fast_agi
from pystrix.agi import FastAGIServer
from pystrix.agi.core import SetVariable

from agi.dialogue import Dialogue
from agi.server import Server

TOLD = {
    "CALLERID(name)": "Lieschen Mueller",
    "WORKORDERD_CUSTOMER": "4711",
    "WORKORDERD_ORDERS": "#1-17,#2-4",
    "WORKORDERD_AGENT": "PJSIP/1001",
    "WORKORDERD_STATUS": "known",
}


async def ours(port: int) -> None:
    async def caller(dialogue: Dialogue) -> None:
        for name, value in TOLD.items():
            await dialogue.set(name, value)

    async with Server({"caller": caller}, allow=[ip_network("127.0.0.1")]).listen("127.0.0.1", port):
        await asyncio.Event().wait()


async def stock(port: int) -> None:
    async def caller(request: Any) -> None:
        for name, value in TOLD.items():
            await request.send_command(f'SET VARIABLE {name} "{value}"')

    application = fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route("caller", caller)
    async with await asyncio.start_server(application.handler, "127.0.0.1", port, backlog=512):
        await asyncio.Event().wait()


def pystrix(port: int) -> None:
    def caller(agi: Any, *_: Any) -> None:
        for name, value in TOLD.items():
            agi.execute(SetVariable(name, value))

    server = FastAGIServer(interface="127.0.0.1", port=port)
    server.register_script_handler("caller", caller)
    server.serve_forever()


if __name__ == "__main__":
    chosen, wanted = sys.argv[1], int(sys.argv[2])
    if chosen == "pystrix":
        pystrix(wanted)
    else:
        asyncio.run({"ours": ours, "stock": stock}[chosen](wanted))
