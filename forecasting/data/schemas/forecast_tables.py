"""FORECAST_TABLES: backtests and their scores, published forecasts and their vintages, and runs of steps.

A vintage is a published forecast: a cutoff and a version. `interval_columns` takes percentages and returns the names of
the bounds [lo-80, hi-80, ...]. Columns and keys only: no rows are read or written here.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.columns import BACKTESTS, FORECASTS, PANEL
from forecasting.config import Config
from forecasting.data.schemas.entry import Columns, Export, TableEntry, fixed, typed
from forecasting.data.schemas.load_tables import TIMESTAMP

_TYPES = typed(PANEL | FORECASTS | BACKTESTS)
_VINTAGE: Columns = {
    "cutoff": pl.Date,
    "version": pl.Int64,
    "champion": pl.String,
    "recipe": pl.String,
    "data_version": pl.Int64,
    "published_at": TIMESTAMP,
    "rows": pl.Int64,
    "forecasts_version": pl.Int64,
}
ROLLUP_FIGURES = ("yhat", "last_year", "price", "wape", "bias")
"""The figures of a series in the table `rollups`."""
AGGREGATE_BUCKET = -1
"""The bucket of aggregated series."""


def interval_columns(level: Iterable[int]) -> list[str]:
    """Column names of the interval bounds: lo-80, hi-80, ..."""
    return [f"{side}-{percent}" for percent in level for side in ("lo", "hi")]


def _forecast_columns(config: Config) -> Columns:
    """The columns that a forecast row has in every table."""
    names = ["unique_id", "ds", "cutoff", "model", "grain", "yhat", "q50", *interval_columns(config.level)]
    names += ["step", "block", "interval", "source", "bucket", "cold_start"]  # null in rows older than the column
    return {name: _TYPES.get(name, pl.Float64) for name in names}


def _backtests(config: Config, _: Columns) -> Columns:
    known = ("y", "mase_scale", "rmsse_scale", "scale", "yhat_min", "recipe", "reported", "closed")
    return dict(_forecast_columns(config)) | {name: _TYPES[name] for name in known}


def _forecasts(config: Config, _: Columns) -> Columns:
    return dict(_forecast_columns(config)) | {name: _TYPES[name] for name in ("version", "closed", "scale", "yhat_min")}


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
        fixed(_VINTAGE),
    ),
    TableEntry(
        "shadows",
        "Forecasts of challengers, by cutoff and version, that are scored beside the champion's and never published",
        "cutoff version",
        fixed(_VINTAGE),
    ),
    TableEntry(
        "rollups",
        "Every series of a vintage in one row: the champion's forecast and the sales of a year before over the "
        "horizon, the last price, and the champion's errors in its backtest",
        "cutoff version unique_id",
        fixed(
            {"cutoff": pl.Date, "version": pl.Int64, "unique_id": pl.String} | dict.fromkeys(ROLLUP_FIGURES, pl.Float64)
        ),
        partition="cutoff",
    ),
    TableEntry(
        "totals",
        "Forecasts of a vintage added up over the series of each group, by period and model",
        "cutoff version group ds model",
        fixed(
            {"cutoff": pl.Date, "version": pl.Int64, "group": pl.String, "ds": pl.Date, "model": pl.String}
            | {"yhat": pl.Float64}
        ),
        partition="cutoff",
    ),
    TableEntry(
        "runs",
        "What each run of a step did: its account of lines, decisions and times; `facts` is JSON",
        "step run_at",
        fixed({"step": pl.String, "run_at": TIMESTAMP, "cutoff": pl.Date, "facts": pl.String}),
    ),
)
