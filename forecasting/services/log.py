"""Structured logs: what ran, on which bucket, for how long, and what went wrong.

Text for people by default, one JSON object per line with DEMANDCAST_LOG=json. Only the logger "demandcast" is
configured; the root logger belongs to whoever runs us.
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

_around: ContextVar[dict[str, Any]] = ContextVar("around", default={})  # noqa: B039  it is never changed in place


def setup(level: int | None = None) -> None:
    """Send our events to stderr; calling it again replaces the handler.

    `level` defaults to INFO for text (one line per step) and to DEBUG for JSON (starts and buckets too).
    """
    as_json = os.environ.get("DEMANDCAST_LOG", "text").lower() == "json"
    handler = _Stderr()
    handler.setFormatter(_Json() if as_json else _Text())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level or (logging.DEBUG if as_json else logging.INFO))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def event(message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one message with the fields of the steps around it and `fields`."""
    LOGGER.log(level, message, extra={"fields": {**_around.get(), **fields}})


@contextmanager
def step(name: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Time a step and log its start, its end and its error.

    Yields a dict: what the caller puts into it is logged at the end (`rows`, say), and afterwards it holds `seconds`.
    Inner steps carry the fields of the outer ones. Steps of one bucket or one model are DEBUG: there
    may be hundreds.
    """
    level = logging.DEBUG if fields.keys() & {"bucket", "model"} else logging.INFO
    token = _around.set({**_around.get(), "step": name, **fields})
    started, told = time.perf_counter(), dict[str, Any]()
    event("start", level=logging.DEBUG)
    try:
        yield told
    except Exception as error:
        event("failed", level=_severity(error), seconds=_since(started), error=f"{type(error).__name__}: {error}")
        raise
    else:
        told["seconds"] = _since(started)
        event("done", level=level, **told)
    finally:
        _around.reset(token)


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _severity(error: Exception) -> int:
    """An error is shown once: the CLI tells a UserError itself, and outer steps repeat what the inner one said."""
    told = isinstance(error, UserError) or getattr(error, "_demandcast_told", False)
    error._demandcast_told = True  # type: ignore[attr-defined]
    return logging.DEBUG if told else logging.ERROR


class _Stderr(logging.StreamHandler[Any]):
    """Looks stderr up at every line, so that progress bars and tests that replace it get the line."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", {})


class _Text(logging.Formatter):
    """`12:00:01 fit done bucket=3 seconds=1.2`; warnings and errors say so first."""

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(_fields(record))
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        loud = [record.levelname] if record.levelno >= logging.WARNING else []
        step_name = [str(fields.pop("step"))] if "step" in fields else []
        rest = [f"{key}={value}" for key, value in fields.items()]
        line = " ".join([clock, *loud, *step_name, record.getMessage(), *rest])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    """One object per line: time (UTC, ISO 8601), level, logger, message and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)
