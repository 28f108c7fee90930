"""The channel `webhook`: parcels go to the endpoints of the configuration, and answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from daemon.outbox.policy import Answer, Kind
from daemon.storage.outbox import Taken
from webhooks.send import Response, Sender, Target

PARTICULAR: Final = frozenset({400, 409, 413, 415, 422})
"""Answers that speak of this message; every other refusal speaks of the endpoint."""


class Webhooks:
    """A Deliverer. `targets`: the endpoints that are configured now, by name, each with its team's id."""

    def __init__(
        self, sender: Sender, targets: Callable[[], Mapping[str, tuple[int, Target]]], clock: Callable[[], datetime]
    ) -> None:
        self._sender = sender
        self._targets = targets
        self._clock = clock

    async def deliver(self, taken: Taken) -> Answer:
        """Send it to its endpoint; one that left the configuration, or went to another team, gets nothing."""
        parcel = taken.parcel
        team_id, target = self._targets().get(parcel.endpoint, (None, None))
        if target is None or team_id != parcel.team_id:
            return Answer(Kind.REFUSED, "unknown", "the endpoint is no longer in the configuration")
        timestamp = int(self._clock().timestamp())
        return judge(await self._sender.send(target, parcel.message_id, parcel.payload, timestamp))


def judge(response: Response) -> Answer:
    """What a response means."""
    code = str(response.status) if response.status is not None else response.trouble
    wished = None if response.retry_after is None else timedelta(seconds=response.retry_after)
    return Answer(_kind(response), code, response.text, wished)


def _kind(response: Response) -> Kind:
    status = response.status
    if status is None:
        return Kind.REFUSED if response.trouble == "private" else Kind.DOWN
    if status // 100 == 2:
        return Kind.TAKEN
    if status == 410:
        return Kind.REFUSED
    return Kind.LATER if status in PARTICULAR else Kind.DOWN
