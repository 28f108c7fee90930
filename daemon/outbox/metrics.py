"""What the outbox did and how deep it is, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from daemon.outbox.worker import Worker


class OutboxCollector:
    """Reads the worker's counts when it is asked; the depth is as it was counted last, every few seconds."""

    def __init__(self, worker: Worker, clock: Callable[[], datetime]) -> None:
        self._worker = worker
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        """All families."""
        depth = GaugeMetricFamily("workorderd_outbox_depth", "Parcels, by state.", labels=["channel", "state"])
        oldest = GaugeMetricFamily(
            "workorderd_outbox_oldest_seconds", "Age of the oldest parcel that waits.", labels=["channel"]
        )
        for each in self._worker.counts.depths:
            depth.add_metric([each.channel, each.state], each.count)
            if each.state == "waiting" and each.oldest is not None:
                oldest.add_metric([each.channel], (self._clock() - each.oldest).total_seconds())
        down = GaugeMetricFamily("workorderd_outbox_endpoints_down", "Endpoints that count as down.")
        down.add_metric([], len(self._worker.open_circuits()))
        attempts = CounterMetricFamily(
            "workorderd_outbox_attempts", "Attempts to deliver, by outcome.", labels=["channel", "outcome"]
        )
        for (channel, outcome), count in sorted(self._worker.counts.outcomes.items()):
            attempts.add_metric([channel, outcome], count)
        yield from (depth, oldest, down, attempts)
