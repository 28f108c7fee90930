"""Who is online: an agent with a live page open, or a queue member who is logged in and can be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Presence:
    """What this process knows of who is online; `came` is called when an agent comes online."""

    def __init__(self) -> None:
        self.came: Callable[[], None] = lambda: None
        self._pages: Counter[int] = Counter()

    def online(self, agent_id: int) -> bool:
        """Whether orders can be given to this agent now."""
        return self._pages[agent_id] > 0

    @contextmanager
    def page(self, agent_id: int) -> Iterator[None]:
        """A live page of this agent is open until the block is left."""
        before = self.online(agent_id)
        self._pages[agent_id] += 1
        if not before:
            self.came()
        try:
            yield
        finally:
            self._pages[agent_id] -= 1
            if not self._pages[agent_id]:
                del self._pages[agent_id]
