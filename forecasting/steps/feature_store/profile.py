"""Statistics of a build, read from its stored rows: some columns at a time, then some rows at a time."""

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
"""What a model is to tell, in units of the source and in units of the series' level, as models learn it."""


def of_build(store: Store, panel: Panel, build: str, features: list[str]) -> pl.DataFrame:
    """Rows of feature_stats: the targets and every feature; correlations are those of numbers."""
    rows = store.scan("feature_rows", build=build).with_columns(e.alias(name) for name, e in TARGETS.items())
    columns = [*TARGETS, *features]
    some = [columns[i : i + AT_ONCE] for i in range(0, len(columns), AT_ONCE)]
    told = [statistics.column_statistics(column) for names in some for column in rows.select(names).collect()]
    means = {one["feature"]: one["mean"] for one in told if one.get("mean") is not None}
    beside = _correlated(rows, panel, means)
    table = store.tables["feature_stats"].schema
    return pl.DataFrame([one | beside.get(one["feature"], {}) | {"build": build} for one in told], schema=table)


def _correlated(rows: pl.LazyFrame, panel: Panel, means: dict[str, float]) -> dict[str, dict[str, Any]]:
    parts = (rows.filter(pl.col("bucket") == bucket).select(list(means)).collect() for bucket in panel.buckets)
    square = statistics.correlations(parts, means).fill_nan(None)
    return {name: _line(square[name], list(means)) for name in means}


def _line(column: pl.Series, names: list[str]) -> dict[str, Any]:
    line = dict(zip(names, (None if v is None else round(v, 6) for v in column), strict=True))
    return {"correlation": line.get("y"), "correlations": json.dumps(line)}
