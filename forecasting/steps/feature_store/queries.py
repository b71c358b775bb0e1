"""Questions about feature tables and training sets; nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.errors import Option, UserError
from forecasting.features.descriptions import describe_feature
from forecasting.services.store import Store
from forecasting.steps import session
from forecasting.steps.feature_store.build import name_of
from forecasting.steps.feature_store.online import online_name
from forecasting.steps.feature_store.versions import registered, rows_of

BARS = "▁▂▃▄▅▆▇█"
SHOWN = ("rows", "first", "last", "data_version", "built_at")
LEVEL = "mean sales of the series in the last known quarter: the unit of what is told in levels"
NUMBERS = ("n", "nulls", "mean", "std", "min", "q05", "q50", "q95", "max")


def listed(config: Config) -> pl.DataFrame:
    """[name, kind, version, lead, features, rows, first, last, data_version, built_at, description]: every version of
    every feature table and training set, the newest version of a name first.
    """
    store = session.open_store(config)
    tables = store.scan("features").collect()
    unit = config.frequency.unit
    about = pl.format("labelled rows, features from sales at least {} {}s back", "lead", pl.lit(unit))
    sets = store.scan("training_sets").collect().with_columns(kind=pl.lit("training set"), description=about)
    every = pl.concat([tables, sets], how="diagonal").with_columns(
        features=pl.col("columns").map_elements(lambda text: len(json.loads(text)), return_dtype=pl.Int64)
    )
    every = every.with_columns(pl.col("built_at").dt.strftime("%Y-%m-%d %H:%M")).sort(
        "kind", "name", "version", descending=[False, False, True]
    )
    return every.select("name", "kind", "version", "lead", "features", *SHOWN, "description")


def versioned(config: Config, registry: str, name: str, version: int | None = None) -> dict[str, Any]:
    """What is registered of a version (default: the newest); raises UserError when there is none."""
    known = registered(session.open_store(config), registry, name)
    found = known.head(1) if version is None else known.filter(pl.col("version") == version)
    if found.height:
        return found.row(0, named=True)
    what = "training set" if registry == "training_sets" else "feature table"
    if version is not None and known.height:
        raise UserError(
            f"the {what} {name} has the versions 1 to {known['version'].item(0)}", where=Option("version", version)
        )
    raise UserError(
        f"there is no {what} {name} yet", needs="training_set" if registry == "training_sets" else "features"
    )


def rows(config: Config, row: dict[str, Any]) -> pl.LazyFrame:
    """The rows of a registered version, lazily; raises UserError when they are no longer kept."""
    found = rows_of(session.open_store(config), row)
    if row["rows"] and found.select("ds").head(1).collect().is_empty():
        raise UserError(
            f"{row['name']}: the rows of version {row['version']} are no longer kept "
            f"(store.retention is {config.store.retention} days): read a newer version"
        )
    return found


def table_name(config: Config, lead: int | None, kind: str) -> str:
    """The name of the online table, or of the feature table of a lead (default: of the first block)."""
    return online_name(config) if kind == "online" else name_of(config, lead or config.block_ends[0])


def newest(config: Config, row: dict[str, Any], series: str | None, limit: int | None) -> pl.DataFrame:
    """The newest `limit` rows of a version (all when None), of one series only when it is named; raises UserError
    when there are none of it.
    """
    found = rows(config, row)
    if series is not None:
        found = found.filter(pl.col("unique_id") == series)
        if found.select("ds").head(1).collect().is_empty():
            raise UserError(
                f"{row['name']} has no such series", where=Option("series", series), mend="preview the table without it"
            )
    if limit is None:
        return found.sort("unique_id", "ds").collect()
    order: dict[str, Any] = {"by": ["ds", "unique_id"], "descending": [True, False]}
    keys = found.select("unique_id", "ds").sort(**order).head(limit).collect()
    near = found.filter(pl.col("ds") >= pl.lit(keys["ds"].min(), pl.Date))
    return near.join(keys.lazy(), on=["unique_id", "ds"], how="semi").sort(**order).collect()


def turned(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a line for each column and a column for each row, as texts: many features fit on a screen."""
    values = [[_text(v) for v in row] for row in frame.iter_rows()]
    return pl.DataFrame({"column": frame.columns} | {f"row {i}": row for i, row in enumerate(values, start=1)})


def _text(value: Any) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else str(value)


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """What is registered of a feature table, for people."""
    names = ("description", "key", "event_time", "rows", "first", "last", "cutoff", "data_version", "built_at")
    return {name.replace("_", " "): row[name] for name in names} | {"level": LEVEL}


def current(config: Config, ids: Sequence[str]) -> pl.DataFrame:
    """The published online rows of these series, sorted by unique_id and ds; only their buckets are read."""
    store = session.open_store(config)
    homes = store.scan("series").filter(pl.col("unique_id").is_in(list(ids))).select(pl.col("bucket").unique())
    found = rows(config, versioned(config, "features", online_name(config)))
    here = pl.col("bucket").is_in(homes.collect()["bucket"].implode())
    return found.filter(here, pl.col("unique_id").is_in(list(ids))).sort("unique_id", "ds").collect()


def describe(config: Config, row: dict[str, Any]) -> pl.DataFrame:
    """[feature, description, n, nulls, mean, ..., histogram, to y, to y/level]: one row per feature, in their order.

    The histogram is a line of bars; the last two are the correlations with the target and with what models learn: the
    target in levels (units of the series' own recent level).
    """
    stats = stats_of(session.open_store(config), row)
    targets = {"y": "the target, in units of the source", "y/level": "the target, in levels"}
    told = [targets.get(name) or describe_feature(name, config) for name in stats["feature"]]
    lines = [json.loads(text) if text else {} for text in stats["correlations"]]
    return stats.select(
        "feature",
        pl.Series("description", told),
        *NUMBERS,
        pl.Series("histogram", [_bars(text) for text in stats["histogram"]]),
        *(pl.Series(f"to {name}", [line.get(name) for line in lines], pl.Float64) for name in targets),
    )


def stats_of(store: Store, row: dict[str, Any]) -> pl.DataFrame:
    """Rows of feature_stats of a registered version: the targets, then its columns in their order."""
    stats = store.scan("feature_stats", build=row["build"]).collect()
    order = {name: place for place, name in enumerate(["y", "y/level", *json.loads(row["columns"])])}
    return stats.sort(pl.col("feature").replace_strict(order, return_dtype=pl.Int64))


def _bars(histogram: str | None) -> str:
    """A histogram as a line of bars; of texts the most frequent one."""
    if histogram is None:
        return ""
    told = json.loads(histogram)
    if "values" in told:
        return " ".join(f"{v} {n:,}" for v, n in list(zip(told["values"], told["counts"], strict=True))[:2])
    most = max(told["counts"])
    return "".join(BARS[-(-(len(BARS) - 1) * n // most)] for n in told["counts"])
