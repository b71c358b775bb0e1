"""Structured logging to stderr: `setup` once, `event` for a line, `step` for the start, end and error of a block.

`event` takes a message and fields and returns nothing; `step` yields a dict whose entries are logged at the end.
Plain text by default, one JSON object per line with DEMANDCAST_LOG=json. `context` adds fields to all JSON lines of a
block: whose run or request they are of. The loggers of this program and of what runs it (PROGRAM) are configured; the
root logger is left to the application.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from forecasting.errors import UserError

LOGGER = logging.getLogger("demandcast")
NOISY = (
    "mlflow",
    "alembic",
    "sqlalchemy.engine",
    "httpx",
    "httpcore",
    "prefect",
    "distributed",
    "evidently",
    "cmdstanpy",
)

PROGRAM = ("dashboard", "flows", "forecasting", "uvicorn")
"""Loggers of modules that report errors nobody waits for, and of the web server."""
RUNNER = ("prefect", "prefect.flow_runs", "prefect.task_runs")
"""Loggers of Prefect, whose lines on the console take the same form."""

_context: ContextVar[dict[str, Any]] = ContextVar("context", default={})  # noqa: B039  never changed in place
_step_fields: ContextVar[dict[str, Any]] = ContextVar("step_fields", default={})  # noqa: B039  never changed in place


def setup(level: int | None = None) -> None:
    """Send events to stderr; a second call replaces the handler.

    `level` defaults to INFO for text (one line per step) and to DEBUG for JSON (also starts and buckets).
    """
    as_json = os.environ.get("DEMANDCAST_LOG", "text").lower() == "json"
    handler = _Stderr()
    handler.setFormatter(_Json() if as_json else _Text())
    for logger in (LOGGER, *map(logging.getLogger, PROGRAM)):
        logger.handlers = [handler]
    for console in (console for name in RUNNER for console in logging.getLogger(name).handlers):
        if as_json and isinstance(console, logging.StreamHandler):
            console.setFormatter(handler.formatter)
    LOGGER.propagate = False
    LOGGER.setLevel(level or (logging.DEBUG if as_json else logging.INFO))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def event(message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one message with the fields of the enclosing steps and `fields`."""
    LOGGER.log(level, message, extra={"fields": {**_step_fields.get(), **fields}})


@contextmanager
def context(**fields: Any) -> Iterator[None]:
    """Add fields to all lines that this block logs as JSON, those of libraries too: run_id and job, for example."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def step(name: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Time a step and log its start, its end and its error.

    Yields a dict: what the caller adds to it (`rows`, for example) is logged at the end, and at the end it receives
    `seconds`. Inner steps include the fields of the outer ones. Steps of one bucket or one model are logged at DEBUG,
    because there may be hundreds. Exceptions are logged and raised again.
    """
    level = logging.DEBUG if fields.keys() & {"bucket", "model"} else logging.INFO
    token = _step_fields.set({**_step_fields.get(), "step": name, **fields})
    started, results = time.perf_counter(), dict[str, Any]()
    event("start", level=logging.DEBUG)
    try:
        yield results
    except Exception as error:
        event(
            "failed", level=_severity(error), seconds=_seconds_since(started), error=f"{type(error).__name__}: {error}"
        )
        raise
    else:
        results["seconds"] = _seconds_since(started)
        event("done", level=level, **results)
    finally:
        _step_fields.reset(token)


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _severity(error: Exception) -> int:
    """Level of an error: DEBUG for a UserError, which the CLI prints, and for one that an inner step has logged."""
    reported = isinstance(error, UserError) or getattr(error, "_demandcast_logged", False)
    error._demandcast_logged = True  # type: ignore[attr-defined]
    return logging.DEBUG if reported else logging.ERROR


class _Stderr(logging.StreamHandler[Any]):
    """Handler that looks up sys.stderr for every line, so that progress bars and tests that replace it get the line."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", {})


class _Text(logging.Formatter):
    """`12:00:01 fit done bucket=3 seconds=1.2`; warnings and errors begin with their level."""

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(_fields(record))
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        level = [record.levelname] if record.levelno >= logging.WARNING else []
        step_name = [str(fields.pop("step"))] if "step" in fields else []
        rest = [f"{key}={value}" for key, value in fields.items()]
        line = " ".join([clock, *level, *step_name, record.getMessage(), *rest])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    """One JSON object per line: time (UTC, ISO 8601), level, logger, message, the context and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)
