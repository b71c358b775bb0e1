"""Reads of the feature store: `list_versions`, `find_version` and `scan_version`, its rows; nothing here writes.

All take a Session; a version is a dict, its row in the table `features` or `training_sets`, and rows come as frames.
`describe_features` returns descriptions and statistics of its columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.errors import Option, UserError
from forecasting.features.descriptions import describe_feature
from forecasting.services.store import Store
from forecasting.steps.feature_store.offline import offline_name
from forecasting.steps.feature_store.online import online_name
from forecasting.steps.feature_store.versions import read_versions, scan_rows
from forecasting.steps.session import Session

BARS = "▁▂▃▄▅▆▇█"
SHOWN = ("rows", "first", "last", "data_version", "built_at")
LEVEL = "mean sales of the series in the newest quarter with observations: the unit of features in levels"
STATISTICS = ("n", "nulls", "mean", "std", "min", "q05", "q50", "q95", "max")


def list_versions(session: Session) -> pl.DataFrame:
    """[name, kind, version, lead, features, rows, first, last, data_version, built_at, description].

    One row per version of a feature table or training set, the newest version of a name first; lead is in periods,
    features and rows are counts.
    """
    tables = session.store.scan("features").collect()
    unit = session.config.frequency.unit
    description = pl.format("labelled rows, features from sales at least {} {}s back", "lead", pl.lit(unit))
    sets = (
        session.store.scan("training_sets").collect().with_columns(kind=pl.lit("training set"), description=description)
    )
    versions = pl.concat([tables, sets], how="diagonal").with_columns(
        features=pl.col("columns").map_elements(lambda text: len(json.loads(text)), return_dtype=pl.Int64)
    )
    versions = versions.with_columns(pl.col("built_at").dt.strftime("%Y-%m-%d %H:%M")).sort(
        "kind", "name", "version", descending=[False, False, True]
    )
    return versions.select("name", "kind", "version", "lead", "features", *SHOWN, "description")


def find_version(session: Session, registry: str, name: str, version: int | None = None) -> dict[str, Any]:
    """The row of a version (default: the newest) in the table `registry`: `features` or `training_sets`.

    Raises UserError when there is none.
    """
    versions = read_versions(session.store, registry, name)
    found = versions.head(1) if version is None else versions.filter(pl.col("version") == version)
    if found.height:
        return found.row(0, named=True)
    what = "training set" if registry == "training_sets" else "feature table"
    if version is not None and versions.height:
        raise UserError(
            f"the {what} {name} has the versions 1 to {versions['version'].item(0)}", where=Option("version", version)
        )
    raise UserError(
        f"there is no {what} {name} yet", needs="training_set" if registry == "training_sets" else "features"
    )


def scan_version(session: Session, row: dict[str, Any]) -> pl.LazyFrame:
    """The rows of a registered version, lazily: one per series and day, in the columns that it was built with.

    y is in units of the source. Raises UserError when the rows are no longer kept.
    """
    rows = scan_rows(session.store, row)
    if row["rows"] and rows.select("ds").head(1).collect().is_empty():
        raise UserError(
            f"{row['name']}: the rows of version {row['version']} are no longer kept "
            f"(store.retention is {session.config.store.retention} days): read a newer version"
        )
    return rows


def table_name(config: Config, lead: int | None, kind: str) -> str:
    """The name of the online table (kind `online`), or of the feature table of a lead (default: of the first block)."""
    return online_name(config) if kind == "online" else offline_name(config, lead or config.block_ends[0])


def read_newest_rows(session: Session, row: dict[str, Any], series: str | None, limit: int | None) -> pl.DataFrame:
    """The newest `limit` rows of a version (all rows when None), one per series and day, the newest first.

    All rows are sorted by unique_id and ds instead. Only rows of `series` when it is given; raises UserError when there
    are none of it, or when the rows are no longer kept.
    """
    rows = scan_version(session, row)
    if series is not None:
        rows = rows.filter(pl.col("unique_id") == series)
        if rows.select("ds").head(1).collect().is_empty():
            raise UserError(
                f"{row['name']} has no such series", where=Option("series", series), mend="preview the table without it"
            )
    if limit is None:
        return rows.sort("unique_id", "ds").collect()
    order: dict[str, Any] = {"by": ["ds", "unique_id"], "descending": [True, False]}
    keys = rows.select("unique_id", "ds").sort(**order).head(limit).collect()
    recent = rows.filter(pl.col("ds") >= pl.lit(keys["ds"].min(), pl.Date))
    return recent.join(keys.lazy(), on=["unique_id", "ds"], how="semi").sort(**order).collect()


def transpose(frame: pl.DataFrame) -> pl.DataFrame:
    """[column, row 1, row 2, ...] as text: one row per column of the frame, so that many features fit on a screen."""
    values = [[_text(v) for v in row] for row in frame.iter_rows()]
    return pl.DataFrame({"column": frame.columns} | {f"row {i}": row for i, row in enumerate(values, start=1)})


def _text(value: Any) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else str(value)


def version_facts(row: dict[str, Any]) -> dict[str, Any]:
    """The facts of a version of a feature table by label: its description, key, event time, span, cutoff and build."""
    names = ("description", "key", "event_time", "rows", "first", "last", "cutoff", "data_version", "built_at")
    return {name.replace("_", " "): row[name] for name in names} | {"level": LEVEL}


def read_online_rows(session: Session, ids: Sequence[str]) -> pl.DataFrame:
    """The published online rows of these series, one per series and coming period, by unique_id and ds.

    Only the buckets of the series are read. Raises UserError when no online table is built.
    """
    buckets = (
        session.store.scan("series").filter(pl.col("unique_id").is_in(list(ids))).select(pl.col("bucket").unique())
    )
    rows = scan_version(session, find_version(session, "features", online_name(session.config)))
    in_buckets = pl.col("bucket").is_in(buckets.collect()["bucket"].implode())
    return rows.filter(in_buckets, pl.col("unique_id").is_in(list(ids))).sort("unique_id", "ds").collect()


def describe_features(session: Session, row: dict[str, Any]) -> pl.DataFrame:
    """[feature, description, n, nulls, mean, ..., histogram, to y, to y/level]: one row per target and feature.

    The histogram is a line of bars; the last two columns are the correlations with the target in units of the source,
    and with the target in levels (units of the recent level of the series), as models learn it.
    """
    stats = _read_statistics(session.store, row)
    targets = {"y": "the target, in units of the source", "y/level": "the target, in levels"}
    descriptions = [targets.get(name) or describe_feature(name, session.config) for name in stats["feature"]]
    correlations = [json.loads(text) if text else {} for text in stats["correlations"]]
    return stats.select(
        "feature",
        pl.Series("description", descriptions),
        *STATISTICS,
        pl.Series("histogram", [_bars(text) for text in stats["histogram"]]),
        *(pl.Series(f"to {name}", [values.get(name) for values in correlations], pl.Float64) for name in targets),
    )


def _read_statistics(store: Store, row: dict[str, Any]) -> pl.DataFrame:
    """Rows of the table `feature_stats` of a registered version: the targets, then its features in their order."""
    stats = store.scan("feature_stats", build=row["build"]).collect()
    order = {name: place for place, name in enumerate(["y", "y/level", *json.loads(row["columns"])])}
    return stats.sort(pl.col("feature").replace_strict(order, return_dtype=pl.Int64))


def _bars(histogram: str | None) -> str:
    """A histogram as a line of bars; of a text column its two most frequent values with their counts."""
    if histogram is None:
        return ""
    counts = json.loads(histogram)
    if "values" in counts:
        return " ".join(f"{v} {n:,}" for v, n in list(zip(counts["values"], counts["counts"], strict=True))[:2])
    most = max(counts["counts"])
    return "".join(BARS[-(-(len(BARS) - 1) * n // most)] for n in counts["counts"])
