"""FORECAST_TABLES: backtests and their scores, published forecasts and their vintages, drift, and runs of steps.

A vintage is a published forecast: a cutoff and a version. `interval_columns` takes percentages and returns the names of
the bounds [lo-80, hi-80, ...]. Columns and keys only: no rows are read or written here.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas.entry import Columns, Export, TableEntry, fixed
from forecasting.data.schemas.load_tables import TIMESTAMP

AGGREGATE_BUCKET = -1
"""The bucket of aggregated series."""


def interval_columns(level: Iterable[int]) -> list[str]:
    """Column names of the interval bounds: lo-80, hi-80, ..."""
    return [f"{side}-{percent}" for percent in level for side in ("lo", "hi")]


def _forecast_columns(config: Config) -> Columns:
    """The columns that a forecast row has in every table."""
    columns = {"unique_id": pl.String, "ds": pl.Date, "cutoff": pl.Date, "model": pl.String, "grain": pl.String}
    values = dict.fromkeys(("yhat", "q50", *interval_columns(config.level)), pl.Float64)
    steps = {"step": pl.Int32, "block": pl.Int32, "interval": pl.String, "source": pl.String, "bucket": pl.Int32}
    return columns | values | steps | {"cold_start": pl.Boolean}  # null in rows written before the column existed


def _backtests(config: Config, _: Columns) -> Columns:
    truth = {"y": pl.Float64, "mase_scale": pl.Float64, "rmsse_scale": pl.Float64, "scale": pl.Float64}
    state = {"recipe": pl.String, "reported": pl.Boolean, "closed": pl.Boolean}
    return dict(_forecast_columns(config)) | truth | state


def _forecasts(config: Config, _: Columns) -> Columns:
    return dict(_forecast_columns(config)) | {"version": pl.Int64, "closed": pl.Boolean, "scale": pl.Float64}


FORECAST_TABLES = (
    TableEntry(
        "backtests",
        "Forecasts of every model at past cutoffs and the sales that followed",
        "unique_id ds cutoff model recipe",
        _backtests,
        partition="cutoff bucket",
        export=Export(("cutoff", "model", "unique_id", "ds"), cutoff="filter"),
    ),
    TableEntry(
        "scores",
        "Metrics of the backtests by model, cutoff (null: over all), grain, segment and horizon",
        "model recipe cutoff grain segment horizon metric",
        fixed(
            {"model": pl.String, "recipe": pl.String, "cutoff": pl.Date, "grain": pl.String, "segment": pl.String}
            | {"horizon": pl.String, "metric": pl.String, "value": pl.Float64}
        ),
        optional=("cutoff",),
        export=Export(("cutoff", "model"), row="one row per model, segment, horizon and metric", cutoff="filter"),
    ),
    TableEntry(
        "forecasts",
        "Forecasts of the champion, one vintage per cutoff and version; a vintage is seen once it is published",
        "unique_id ds cutoff model version",
        _forecasts,
        partition="cutoff bucket",
        export=Export(("grain", "unique_id", "ds", "model"), cutoff="vintage"),
    ),
    TableEntry(
        "vintages",
        "Published vintages of forecasts; the row is written last and makes the forecasts visible",
        "cutoff version",
        fixed(
            {"cutoff": pl.Date, "version": pl.Int64, "champion": pl.String, "recipe": pl.String}
            | {"data_version": pl.Int64, "published_at": TIMESTAMP, "rows": pl.Int64, "forecasts_version": pl.Int64}
        ),
    ),
    TableEntry(
        "drift",
        "Tests of whether the newest data and errors are distributed as before, by column",
        "cutoff column kind",
        fixed(
            {"cutoff": pl.Date, "column": pl.String, "kind": pl.String, "method": pl.String, "score": pl.Float64}
            | {"threshold": pl.Float64, "drifted": pl.Boolean, "run_at": TIMESTAMP}
        ),
    ),
    TableEntry(
        "runs",
        "What each run of a step did: its account of lines, decisions and times; `facts` is JSON",
        "step run_at",
        fixed({"step": pl.String, "run_at": TIMESTAMP, "cutoff": pl.Date, "facts": pl.String}),
    ),
)
