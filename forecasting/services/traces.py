"""Traces by OpenTelemetry: `span(name, ...)` is a block that is sent to a collector, where there is one.

Spans are sent to OTEL_EXPORTER_OTLP_ENDPOINT (http/protobuf), in the background; further variables of OpenTelemetry
hold, too. Without the endpoint, or without the extra `telemetry`, a block costs nothing and says nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from forecasting.services import log

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = "demandcast"
"""The name of this program, unless OTEL_SERVICE_NAME gives another."""


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[dict[str, str | int | float]]:
    """Time the block under a name; what is added to the dict that it yields becomes attributes, too.

    An error that leaves the block is noted with it. Spans of blocks in a block are its parts.
    """
    more: dict[str, str | int | float] = {}
    if not (tracer := _tracer()):
        yield more
        return
    with tracer.start_as_current_span(name, attributes=attributes) as current:
        try:
            yield more
        finally:
            current.set_attributes(more)


@lru_cache
def _tracer() -> Any:
    """Sends spans to the endpoint; None where there is none, or, with one warning, where the extra is not installed."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        message = f"{ENDPOINT} is set, but no traces are sent: pip install 'demandcast[telemetry]'"
        log.event(message, level=logging.WARNING)
        return None
    name = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))  # at exit it sends what is left
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(SERVICE)
