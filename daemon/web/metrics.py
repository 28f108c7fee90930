"""What the HTTP side counts for Prometheus; the rest of the program adds its own to the same registry."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from daemon.web.live import Live
from daemon.web.parts import PARTS

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STREAMS: Final = frozenset({"/live"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class HttpMetrics:
    """Labels are routes, never paths: their number is bounded."""

    requests: Counter
    seconds: Histogram


METRICS: Final = web.AppKey("metrics", HttpMetrics)


def register(registry: CollectorRegistry, live: Live) -> HttpMetrics:
    """Make the metrics in this registry; once per registry."""
    listeners = Gauge("workorderd_live_listeners", "Open live pages", registry=registry)
    listeners.set_function(lambda: live.listeners)
    return HttpMetrics(
        Counter("workorderd_http_requests", "Answers sent", ["method", "route", "status"], registry=registry),
        Histogram("workorderd_http_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=registry),
    )


@web.middleware
async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and time an answer; the time of a live stream says nothing and is left out."""
    began = time.perf_counter()
    response = await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unmatched"
    method = request.method if request.method in METHODS else "other"
    metrics = request.app[METRICS]
    metrics.requests.labels(method, route, response.status).inc()
    if route not in STREAMS:
        metrics.seconds.labels(route).observe(time.perf_counter() - began)
    return response


async def show_metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    body = generate_latest(request.app[PARTS].registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
