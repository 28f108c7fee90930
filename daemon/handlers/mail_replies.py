"""A reply by mail becomes a reply in its order's history, once, as if its agent had written it on the page."""

from __future__ import annotations

import hashlib
from datetime import datetime

from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.work_orders import act
from daemon.handlers.world import AgentView, World
from daemon.orders.commands import Reply
from daemon.orders.reply_address import ReplyTo
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt


def agent_of(world: World, to: ReplyTo, address: str) -> AgentView | None:
    """The agent to whom an address to reply to was given, if this mail comes from his address."""
    agent = world.agents.get(to.agent_id)
    return agent if agent and agent.email and agent.email.casefold() == address.casefold() else None


async def take_reply(
    store: Store, world: World, agent: AgentView, order_id: int, text: str, message_id: str, at: datetime
) -> tuple[News, ...]:
    """Write it down; nothing where a message of this id was taken before.

    Raises NotFoundError, NotAllowedError, IllegalStepError.
    """
    person = Person("agent", agent.username, agent.name, agent.team_id, agent)
    name = hashlib.sha256(f"{order_id} {message_id}".encode(errors="replace")).hexdigest()
    receipt = Receipt(f"mail:{agent.id}", name, name)
    return await act(store, world, person, order_id, Reply(note=text), at, receipt=receipt)
