"""What is counted for Prometheus: `Counters` holds the figures of one app, the middleware `CountRequests` counts.

`Counters.text()` returns them in Prometheus' text format. Routes are counted by their template, not by their path.
"""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Counters:
    """The figures of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("demandcast_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "demandcast_request_seconds", "Time to answer", ("route",), registry=self.registry, buckets=SECONDS
        )
        self.predictions = Counter(
            "demandcast_predictions", "Forecast rows served", ("operation", "version"), registry=self.registry
        )
        self.fallbacks = Counter(
            "demandcast_fallback_predictions", "Forecast rows that a rung of the ladder stood in for", ("operation",),
            registry=self.registry,
        )  # fmt: skip
        self.stored = Counter(
            "demandcast_predictions_stored", "Served rows that were stored in the table", registry=self.registry
        )
        self.cutoff = Gauge(
            "demandcast_cutoff_timestamp_seconds", "Last day that the served forecast knows", registry=self.registry
        )
        self.version = Gauge("demandcast_model_version", "Version of the served models", registry=self.registry)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)


class CountRequests:
    """Middleware of the REST app: counts requests by the template of their route."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self.app, self.counters = app, counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), "500"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = _template(scope)
            self.counters.requests.labels(scope["method"], route, status).inc()
            self.counters.seconds.labels(route).observe(time.perf_counter() - begun)


def _template(scope: dict[str, Any]) -> str:
    return getattr(scope.get("route"), "path", "unknown")
