"""The hub of live pages: news go to whoever may know of them, and nobody who is slow holds it up.

Each listener has a bounded inbox. When it overflows it is emptied to one `refresh`, upon which a page asks for
everything that it shows. Events are numbered; a browser that reconnects names the last that it saw, and gets what it
missed from a ring of the latest, or a `refresh` where the ring does not reach back. Numbers begin with an epoch of
the process, so that those of an earlier process are not taken for ours. A page names the `position` that it was
rendered at, so that nothing is lost between its rendering and its listening; `hello` tells it where it is.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from daemon.handlers.live import News

REFRESH: Final = "refresh"
HELLO: Final = "hello"

Concerns = Callable[[News], bool]


@dataclass(frozen=True)
class LiveEvent:
    """What goes to a browser: an event named by its topic with the ids that changed, `refresh` or `hello`."""

    id: str
    name: str
    data: str = "{}"

    @cached_property
    def wire(self) -> bytes:
        """As a stream carries it (HTML standard, server-sent events)."""
        return f"id: {self.id}\r\nevent: {self.name}\r\ndata: {self.data}\r\n\r\n".encode()


class Inbox:
    """What one listener has not been sent yet. Iterating ends when the hub closes or the session is revoked."""

    def __init__(self, key: str, concerns: Concerns, size: int) -> None:
        self.key = key
        self.concerns = concerns
        self._size = size
        self._waiting: deque[LiveEvent] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, event: LiveEvent) -> None:
        """Add an event; on overflow all become one `refresh`."""
        if len(self._waiting) >= self._size:
            self._waiting.clear()
            event = LiveEvent(event.id, REFRESH)
        self._waiting.append(event)
        self._changed.set()

    def close(self) -> None:
        """Nothing more will come."""
        self._closed = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[LiveEvent]:
        """The events, as they come."""
        while not self._closed:
            while self._waiting and not self._closed:
                yield self._waiting.popleft()
            if not self._closed:
                self._changed.clear()
                await self._changed.wait()


class Live:
    """All open live pages of this process."""

    def __init__(self, epoch: str, ring: int = 512, inbox: int = 64) -> None:
        self._epoch = epoch
        self._number = 0
        self._ring: deque[tuple[int, News]] = deque(maxlen=ring)
        self._inbox_size = inbox
        self._inboxes: set[Inbox] = set()
        self._closed = False
        self._watchers: list[Callable[[News], None]] = []

    def watch(self, hear: Callable[[News], None]) -> None:
        """Call this with all news, at once; it must neither block nor fail."""
        self._watchers.append(hear)

    @property
    def listeners(self) -> int:
        """How many pages are open."""
        return len(self._inboxes)

    @property
    def position(self) -> str:
        """The id of the latest event."""
        return f"{self._epoch}-{self._number}"

    def publish(self, news: News) -> None:
        """Tell everybody whom it concerns. Never blocks, never fails."""
        self._number += 1
        self._ring.append((self._number, news))
        event = self._event(self._number, news)
        for inbox in tuple(self._inboxes):
            if inbox.concerns(news):
                inbox.put(event)
        for hear in self._watchers:
            hear(news)

    @contextmanager
    def listen(self, key: str, concerns: Concerns, last_id: str | None = None) -> Iterator[Inbox]:
        """Listen until the block is left; `key` is the session's, for `revoke`. `last_id`: resume after this event."""
        inbox = Inbox(key, concerns, self._inbox_size)
        for event in (*self._since(last_id, concerns), LiveEvent(self.position, HELLO)):
            inbox.put(event)
        if self._closed:
            inbox.close()
        self._inboxes.add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.discard(inbox)

    def revoke(self, key: str) -> None:
        """End the streams of a session that is over."""
        for inbox in self._inboxes:
            if inbox.key == key:
                inbox.close()

    def close(self) -> None:
        """End all streams; who comes later gets one that has ended."""
        self._closed = True
        for inbox in self._inboxes:
            inbox.close()

    def _event(self, number: int, news: News) -> LiveEvent:
        return LiveEvent(f"{self._epoch}-{number}", news.topic, json.dumps({"ids": news.ids}))

    def _since(self, last_id: str | None, concerns: Concerns) -> list[LiveEvent]:
        if not last_id or last_id == self.position:
            return []
        epoch, _, seen = last_id.rpartition("-")
        oldest = self._ring[0][0] if self._ring else self._number + 1
        if epoch != self._epoch or not (seen.isascii() and seen.isdigit()) or not oldest - 1 <= int(seen[:18]):
            return [LiveEvent(self.position, REFRESH)]
        return [self._event(n, news) for n, news in self._ring if n > int(seen[:18]) and concerns(news)]
