"""SERVING_TABLES, the table `predictions` of all that was answered to requests, to be compared with sales later.

A TableEntry [id, segment, day, hour, served_at, ...]; no rows are read or written here.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas.entry import Columns, TableEntry
from forecasting.data.schemas.forecast_tables import interval_columns
from forecasting.data.schemas.load_tables import TIMESTAMP


def _predictions(config: Config, _: Columns) -> Columns:
    texts = ("request", "operation", "author", "model", "source", "changes", "vintage", "answered_by")
    origin = {"id": pl.String, "segment": pl.String, "day": pl.Date, "hour": pl.Int32, "served_at": TIMESTAMP}
    row = {"unique_id": pl.String, "ds": pl.Date, "cutoff": pl.Date, "version": pl.Int64, "fallback": pl.Boolean}
    numbers = dict.fromkeys(("yhat", "q50", *interval_columns(config.level)), pl.Float64)
    return origin | dict.fromkeys(texts, pl.String) | row | numbers


SERVING_TABLES = (
    TableEntry(
        "predictions",
        "Every forecast row that was served on request, by the hour (UTC): when, to whom, by which model and version, "
        "champion or challenger, with which changes of the plan (JSON)",
        "id",
        _predictions,
        partition="day hour",
    ),
)
