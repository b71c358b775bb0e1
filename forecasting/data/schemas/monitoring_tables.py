"""MONITORING_TABLES: scores of past forecasts whose days have come, drift of columns, and alerts.

TableEntries; columns and keys only, no rows are read or written here.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.schemas.entry import Export, TableEntry, fixed
from forecasting.data.schemas.load_tables import TIMESTAMP

_FORECAST = {"cutoff": pl.Date, "version": pl.Int64, "model": pl.String, "origin": pl.String}
_CELL = {"segment": pl.String, "horizon": pl.String, "metric": pl.String}
_CAUSE = dict.fromkeys(("id", "kind", "subject", "severity", "message", "owner", "link"), pl.String)
_SEEN = {"cutoff": pl.Date, "opened_at": TIMESTAMP, "seen_at": TIMESTAMP, "seen": pl.Int64, "closed_at": TIMESTAMP}

MONITORING_TABLES = (
    TableEntry(
        "realised",
        "Metrics of past forecasts on the days that have come, up to `through`: by cutoff, version and model, by "
        "segment and horizon (the lag); `origin` is published, shadow (a challenger's) or served (on request)",
        "cutoff version model origin segment horizon metric",
        fixed(_FORECAST | _CELL | {"value": pl.Float64, "through": pl.Date}),
        export=Export(
            ("origin", "cutoff", "version", "model", "segment", "horizon", "metric"),
            row="one row per forecast, segment, horizon and metric",
            cutoff="filter",
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
        "alerts",
        "What was found to be wrong, one row per cause from when it was first seen (`opened_at`) until it was gone "
        "(`closed_at`); `delivered` is JSON, when it was sent to each receiver",
        "id",
        fixed(_CAUSE | _SEEN | {"snoozed_until": pl.Date, "delivered": pl.String}),
        export=Export(("opened_at", "id"), row="one row per cause", cutoff="filter"),
    ),
)
