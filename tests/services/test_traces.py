"""Spans arrive at a local collector, as OpenTelemetry's own schema reads them."""

import logging
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from forecasting.services import traces


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    """Path and body of what is sent to it."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(traces.ENDPOINT, f"http://127.0.0.1:{server.server_address[1]}")
    traces._tracer.cache_clear()
    yield got
    traces._tracer.cache_clear()
    server.shutdown()
    server.server_close()


def test_a_block_is_a_span_with_its_parts_and_its_error(collector):
    def fail() -> None:
        with traces.span("ingest", job="shop"), traces.span("read") as more:
            more["rows"] = 3
            raise ZeroDivisionError("odd")

    with pytest.raises(ZeroDivisionError):
        fail()
    traces._tracer().span_processor.force_flush()
    ((path, body),) = collector
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert ("service.name", "demandcast") in [(a.key, a.value.string_value) for a in resource.resource.attributes]
    read, ingest = resource.scope_spans[0].spans
    assert (read.name, ingest.name, read.parent_span_id) == ("read", "ingest", ingest.span_id)
    assert read.attributes[0].value.int_value == 3
    assert ingest.attributes[0].value.string_value == "shop"
    assert "odd" in read.status.message


def test_without_an_endpoint_nothing_is_sent(collector, monkeypatch):
    monkeypatch.delenv(traces.ENDPOINT)
    with traces.span("ingest") as more:
        more["rows"] = 3
    assert collector == []
    assert traces._tracer() is None


def test_without_the_extra_it_is_said_once(collector, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.setattr(logging.getLogger("demandcast"), "propagate", True)
    for _ in range(2):
        with traces.span("ingest"):
            pass
    # a record is seen twice where a test before has let the logger propagate
    found = {id(record): record.getMessage() for record in caplog.records if "telemetry" in record.getMessage()}
    assert list(found.values()) == [
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but no traces are sent: pip install 'demandcast[telemetry]'"
    ]
