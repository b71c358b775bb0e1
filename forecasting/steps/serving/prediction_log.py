"""The log of what was served: `PredictionLog.record` spools answers as JSON lines, `store_predictions` stores them.

The spool is a local folder, written before an answer leaves; the lines of complete files are added to the table
`predictions`, each file once, also those that a process left when it was killed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.services.prediction_spool import Spool, moment, read_lines
from forecasting.services.store import Store
from forecasting.steps.serving.served import CHAMPION, Served

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Who requested what: the name of the operation (predict, say), and the user."""

    operation: str
    author: str


@dataclass(frozen=True)
class PredictionLog:
    """The log of the predictions that this process serves."""

    spool: Spool

    def record(self, served: Served, rows: pl.DataFrame, by: Request) -> None:
        """Add the forecast rows of an answer; those without a forecast are left out.

        `rows` have unique_id, ds, yhat, q50, bounds, source, model, and perhaps fallback, `changes` (JSON), and,
        where a challenger may have answered, version, vintage and answered_by.
        """
        now, request = moment(), uuid4().hex
        answered = rows.filter(pl.col("yhat").is_not_null())
        if answered.is_empty():
            return
        self.spool.append([_lines(served, answered, by, request, now)], now)


def _lines(served: Served, rows: pl.DataFrame, by: Request, request: str, now: datetime) -> bytes:
    """The rows as JSON lines."""
    numbers = ("yhat", "q50", *interval_columns(served.config.level))
    optional = {
        "fallback": pl.lit(value=False),
        "changes": pl.lit(None, pl.String),
        "version": pl.lit(served.version, pl.Int64),
        "vintage": pl.lit(served.identity),
        "answered_by": pl.lit(CHAMPION),
    }
    logged = rows.select(
        pl.format("{}-{}", pl.lit(request), pl.int_range(pl.len())).alias("id"),
        pl.lit(now.isoformat()).alias("served_at"),
        pl.lit(by.operation).alias("operation"),
        pl.lit(by.author).alias("author"),
        pl.lit(request).alias("request"),
        pl.lit(served.cutoff).alias("cutoff"),
        *KEY,
        "model",
        "source",
        *numbers,
        *(c if c in rows.columns else default.alias(c) for c, default in optional.items()),
    )
    return logged.write_ndjson().encode()


def store_predictions(store: Store, spool: Spool) -> int:
    """Add the lines of all complete files of the spool to the table `predictions`; returns how many.

    A file is deleted once its lines are stored. One that was stored before a crash could delete it is not stored again.
    """
    count = 0
    for path in spool.take():
        rows = _rows_of(store, path)
        if rows.height and not _is_stored(store, rows):
            store.append("predictions", rows)
            count += rows.height
        path.unlink()
    return count


def _rows_of(store: Store, path: Path) -> pl.DataFrame:
    """The rows of a file as those of the table."""
    schema = store.tables["predictions"].schema
    own = {"segment", "day", "hour"}
    texts = {name: pl.String if kind.is_temporal() else kind for name, kind in schema.items() if name not in own}
    lines = [line for line in read_lines(path) if line.strip()]
    if not lines:
        return pl.DataFrame(schema=schema)
    rows = pl.read_ndjson(b"\n".join(lines), schema=texts)
    at = pl.col("served_at").str.to_datetime(time_unit="us", time_zone="UTC")
    typed = rows.with_columns(pl.col("ds", "cutoff").str.to_date(), served_at=at, segment=pl.lit(path.stem))
    hours = typed.with_columns(day=pl.col("served_at").dt.date(), hour=pl.col("served_at").dt.hour().cast(pl.Int32))
    return hours.select(schema.names())


def _is_stored(store: Store, rows: pl.DataFrame) -> bool:
    """Whether the table holds the file that these rows are of."""
    day, hour, segment = rows.select("day", "hour", "segment").row(0)
    stored = store.scan("predictions", day=day, hour=hour).filter(pl.col("segment") == segment)
    return bool(stored.head(1).collect().height)
