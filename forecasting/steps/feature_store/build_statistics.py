"""Statistics of a build: `build_statistics` returns rows of the table `feature_stats`, and writes none.

It takes store, panel, the identity of a build and its features, and reads the build's stored rows: a few columns at a
time, then one bucket at a time.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from forecasting.data.panel import Panel
from forecasting.features import statistics
from forecasting.services.store import Store

AT_ONCE = 8
"""Columns that are held in memory together."""
TARGETS = {"y": pl.col("y"), "y/level": pl.col("y") / pl.col("level")}
"""The target in units of the source, and in units of the series' level, as models learn it."""


def build_statistics(store: Store, panel: Panel, build: str, features: list[str]) -> pl.DataFrame:
    """Rows of the table `feature_stats`: one per target and feature, in this order.

    Statistics are in units of the column; correlations (Pearson) are there for columns of numbers only.
    """
    rows = store.scan("feature_rows", build=build).with_columns(e.alias(name) for name, e in TARGETS.items())
    columns = [*TARGETS, *features]
    batches = [columns[i : i + AT_ONCE] for i in range(0, len(columns), AT_ONCE)]
    stats = [statistics.column_statistics(column) for names in batches for column in rows.select(names).collect()]
    means = {row["feature"]: row["mean"] for row in stats if row.get("mean") is not None}
    correlations = _correlations(rows, panel, means)
    schema = store.tables["feature_stats"].schema
    return pl.DataFrame([row | correlations.get(row["feature"], {}) | {"build": build} for row in stats], schema=schema)


def _correlations(rows: pl.LazyFrame, panel: Panel, means: dict[str, float]) -> dict[str, dict[str, Any]]:
    """By column: its correlation with y, and those with all columns as JSON."""
    parts = (rows.filter(pl.col("bucket") == bucket).select(list(means)).collect() for bucket in panel.buckets)
    square = statistics.correlations(parts, means).fill_nan(None)
    return {name: _correlations_of(square[name], list(means)) for name in means}


def _correlations_of(column: pl.Series, names: list[str]) -> dict[str, Any]:
    values = dict(zip(names, (None if v is None else round(v, 6) for v in column), strict=True))
    return {"correlation": values.get("y"), "correlations": json.dumps(values)}
