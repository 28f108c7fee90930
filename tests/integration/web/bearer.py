"""Programs that show a token, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from daemon.handlers import tokens
from daemon.handlers.tokens import SCOPES, NewToken, make_token
from tests.integration.web.desk import Client, Desk


def token_of(name: str) -> str:
    """The token that `bearer` gives out under this name."""
    return make_token(name.ljust(43, "x"))


async def bearer(
    desk: Desk,
    name: str = "crm",
    *,
    team: str = "acme",
    agent: str | None = None,
    scopes: Sequence[str] = tuple(SCOPES),
    expires_at: datetime | None = None,
) -> Client:
    """A program with a token of its own, by default one that may everything."""
    new = NewToken(name, team, agent, tuple(scopes), expires_at)
    await tokens.create(desk.store, new, token_of(name), desk.clock())
    return desk.visitor(Authorization=f"Bearer {token_of(name)}")
