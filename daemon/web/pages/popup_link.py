"""Links by which another system opens the popup: signed, short-lived, and in a frame only where config allows it.

    /popup?number=NUMBER&agent=USERNAME&expires=SECONDS&signature=HEX

`signature` is HMAC-SHA256 over "popup\\nUSERNAME\\nSECONDS\\nNUMBER" with `http.popup_secret`; SECONDS count from 1970.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import structlog
from aiohttp import web

from daemon.handlers.world import AgentView
from daemon.storage.lists import Sight
from daemon.web.parts import PARTS

LONGEST: Final = 15 * 60  # seconds that a link may live
LINK_REFUSED: Final = "web.popup_link_refused"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link that holds shows: a caller, as this agent may see him."""

    agent: AgentView
    number: str

    @property
    def sight(self) -> Sight:
        """What the agent may see."""
        return Sight(self.agent.team_id, self.agent.id, self.agent.groups, self.agent.leads)


def signature(secret: str, number: str, username: str, expires: int) -> str:
    """What signs a link."""
    message = f"popup\n{username}\n{expires}\n{number}"
    return hmac.new(secret.encode(), message.encode(), sha256).hexdigest()


def linked(request: web.Request) -> Linked:
    """What the request's link shows. Raises HTTPForbidden for one that does not hold (any more)."""
    query, parts = request.query, request.app[PARTS]
    number, username, expires = query.get("number", ""), query.get("agent", ""), query.get("expires", "")
    secret = parts.http.popup_secret
    agent = parts.world().agent_by_username(username)
    lives = expires.isascii() and expires.isdigit() and 0 <= int(expires[:12]) - parts.clock().timestamp() <= LONGEST
    signed = signature(secret.get_secret_value(), number, username, int(expires[:12])) if secret and lives else ""
    right = hmac.compare_digest(signed.encode(), query.get("signature", "").encode(errors="replace"))
    if not signed or not right or agent is None or len(expires) > 12 or len(number) > 80:
        log.warning(LINK_REFUSED, agent=username[:64])
        raise web.HTTPForbidden
    return Linked(agent, number)
