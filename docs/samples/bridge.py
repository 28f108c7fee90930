"""A bridge from workorderd's webhooks to systems that want them in their own shape: Slack and its likes, Zammad, Odoo.

    BRIDGE_SECRET=whsec_... SLACK_URL=https://hooks.example/... python bridge.py --port 8090

Each target is on when its address is set: SLACK_URL; ZAMMAD_URL, ZAMMAD_TOKEN, ZAMMAD_GROUP; ODOO_URL, ODOO_DB,
ODOO_UID, ODOO_KEY. Give workorderd one endpoint for each: http://127.0.0.1:8090/slack, /zammad, /odoo. What the target
refuses is answered by 502, so that workorderd tries again. An id that was taken is remembered while the bridge runs:
a message that comes twice makes one ticket, unless the bridge died between the two.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, web

from webhooks.receive import RefusedError, verify

Message = Mapping[str, Any]
Request = tuple[str, dict[str, str], dict[str, Any]]  # address, headers, JSON


def told(message: Message) -> tuple[str, str]:
    """A line about what has happened, and more about it."""
    data, kind = message["data"], message["type"]
    if "order" in data:
        order = data["order"]
        owner = order["owner"]["name"] if order["owner"] else "nobody yet"
        return f"{order['serial']} {order['title']}", f"{kind} by {data['by']['name']}, owner: {owner}. {data['note']}"
    if "missed_call" in data:
        call = data["missed_call"]
        return (
            f"Missed call {call['e164'] or call['number']}",
            f"{kind}: {call['name']} in {call['queue']}, {call['count']} times",
        )
    about = data.get("call") or data["result"]
    return (
        f"Call {about.get('e164') or about.get('call_id')}",
        f"{kind}: {about.get('reason') or about.get('result') or ''}",
    )


def to_slack(message: Message, env: Mapping[str, str]) -> Request:
    """Slack, Mattermost, Rocket.Chat: an incoming webhook takes `text`, in which & < > have a meaning."""
    text = " – ".join(told(message))
    for letter, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, escaped)
    return env["SLACK_URL"], {}, {"text": text}


def to_zammad(message: Message, env: Mapping[str, str]) -> Request:
    """Zammad: POST /api/v1/tickets makes a ticket with its first article."""
    title, body = told(message)
    article = {"subject": title, "body": body, "type": "note", "content_type": "text/plain", "internal": False}
    group = env.get("ZAMMAD_GROUP", "Users")
    ticket = {"title": title, "group": group, "customer_id": f"guess:{env.get('ZAMMAD_CUSTOMER', 'desk@example.com')}"}
    headers = {"Authorization": f"Token token={env['ZAMMAD_TOKEN']}"}
    return f"{env['ZAMMAD_URL']}/api/v1/tickets", headers, {**ticket, "article": article}


def to_odoo(message: Message, env: Mapping[str, str]) -> Request:
    """Odoo: JSON-RPC, model crm.lead; another model takes other fields."""
    title, body = told(message)
    values = {"name": title, "description": body, "referred": message["type"]}
    arguments = [env["ODOO_DB"], int(env["ODOO_UID"]), env["ODOO_KEY"], "crm.lead", "create", [values]]
    call = {"service": "object", "method": "execute_kw", "args": arguments}
    return f"{env['ODOO_URL']}/jsonrpc", {}, {"jsonrpc": "2.0", "method": "call", "params": call, "id": 1}


TARGETS: Mapping[str, Callable[[Message, Mapping[str, str]], Request]] = {
    "slack": to_slack,
    "zammad": to_zammad,
    "odoo": to_odoo,
}


def application(env: Mapping[str, str]) -> web.Application:
    """The bridge; `env` as in the docstring."""
    taken: dict[str, None] = {}

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            received = verify(
                [env["BRIDGE_SECRET"]], {k.lower(): v for k, v in request.headers.items()}, body, time.time()
            )
        except RefusedError as refused:
            return web.Response(status=401, text=str(refused))
        target = request.match_info["target"]
        shape = TARGETS.get(target)
        if shape is None or f"{target.upper()}_URL" not in env:
            return web.Response(status=404)
        key = f"{target} {received.id}"
        if key in taken:
            return web.Response(text="known")
        address, headers, told_on = shape(await request.json(), env)
        try:
            async with ClientSession() as session, session.post(address, json=told_on, headers=headers) as answer:
                text = (await answer.text())[:500]
                if answer.status >= 300 or '"error"' in text:  # Odoo answers 200 with an error in it
                    return web.Response(status=502, text=text)
        except ClientError as error:
            return web.Response(status=502, text=str(error))
        taken[key] = None
        while len(taken) > 10_000:
            del taken[next(iter(taken))]
        return web.Response(text="told")

    app = web.Application()
    app.router.add_post("/{target}", take)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8090)
    web.run_app(application(os.environ), host="127.0.0.1", port=parser.parse_args().port)
