"""One line on a chart: a series, an aggregate of the config, or the sum of some series; its history and forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import AGGREGATES, bounds
from forecasting.features.groups import group_label
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.steps.queries.status import facts
from forecasting.steps.session import open_store

NO_INTERVAL = (
    "Shown without an interval: quantiles cannot be added, and these forecasts hold no row for this sum. "
    "Name the level under levels_of_aggregation in the config to get one."
)


@dataclass(frozen=True)
class Line:
    """What is shown: `kind` series (one), group (an aggregate) or sum (of the series in `ids`)."""

    name: str
    kind: Literal["series", "group", "sum"]
    ids: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()


def line(config: Config, names: Sequence[str]) -> Line | None:
    """The line of choices like "group:total" or "series:A/1"; None when none of them exists.

    An aggregate is shown alone; several series are summed.
    """
    store = open_store(config)
    aggregates = [n.removeprefix("group:") for n in names if n.startswith("group:")]
    known = groups(config) if aggregates else []
    if any(name in known for name in aggregates):
        return Line(next(name for name in aggregates if name in known), "group", buckets=(AGGREGATES,))
    wanted = [n.removeprefix("series:") for n in names if n.startswith("series:")]
    found = store.scan("series").filter(pl.col("unique_id").is_in(wanted)).select("unique_id", "bucket").collect()
    if found.is_empty():
        return None
    ids, buckets = tuple(found["unique_id"].sort()), tuple(found["bucket"].unique().sort())
    return Line(ids[0], "series", ids, buckets) if len(ids) == 1 else Line(f"{len(ids)} series", "sum", ids, buckets)


def groups(config: Config) -> list[str]:
    """Names of the aggregates: "total" first, then like "store=S1"."""
    names = open_store(config).scan("groups").select(pl.col("group").unique()).collect()["group"].to_list()
    return sorted(names, key=lambda name: (name != "total", name.count("/"), name))


def series_count(config: Config) -> int:
    """How many series there are."""
    return int(open_store(config).scan("series").select(pl.len()).collect().item())


def find_series(config: Config, text: str = "", limit: int = 50) -> list[str]:
    """At most `limit` series whose name holds every word of `text` (case ignored), the largest first."""
    series = open_store(config).scan("series")
    for word in text.lower().split():
        series = series.filter(pl.col("unique_id").str.to_lowercase().str.contains(word, literal=True))
    size = (pl.col("mean").fill_null(0) * pl.col("n")).alias("size")
    top = series.select("unique_id", size).sort("size", "unique_id", descending=[True, False]).head(limit)
    return top.collect()["unique_id"].to_list()


def history(config: Config, of: Line, start: date | None = None) -> pl.DataFrame:
    """[ds, y, promo]: units per period from `start` (all when None), sorted; y null where nothing was observed.

    Closed periods count as 0, as their forecast does. promo is the share of the line's series on promotion; null
    without a promotion column and for aggregates.
    """
    since = pl.col("ds") >= start if start else pl.lit(value=True)
    if of.kind == "group":
        return _group_history(config, of.name, since)
    rows = open_store(config).scan("panel", bucket=list(of.buckets)).filter(pl.col("unique_id").is_in(of.ids) & since)
    rows = rows.filter(pl.col("flag") != "ahead").with_columns(y=_closed_is_zero())
    return rows.group_by("ds").agg(_sum("y"), on_promotion(config).mean().alias("promo")).sort("ds").collect()


def _group_history(config: Config, group: str, since: pl.Expr) -> pl.DataFrame:
    """An aggregate's history; `groups` has no row for a period in which nothing was observed."""
    rows = open_store(config).scan("groups").filter((pl.col("group") == group) & since & (pl.col("y_count") > 0))
    seen = rows.select("ds", y=pl.col("y_sum")).sort("ds").collect()
    whole = seen.upsample("ds", every=config.freq) if seen.height else seen
    gaps = whole.filter(pl.col("y").is_null())["ds"]
    if config.columns.open and gaps.len():
        closed = open_store(config).scan("panel").filter(pl.col("ds").is_in(gaps.implode())).group_by("ds")
        days = closed.agg((pl.col("flag") == "closed").all()).filter("flag").collect()["ds"]
        zero = pl.col("ds").is_in(days.implode())
        whole = whole.with_columns(y=pl.when(zero & pl.col("y").is_null()).then(0.0).otherwise("y"))
    return whole.with_columns(promo=pl.lit(None, pl.Float64))


def _closed_is_zero() -> pl.Expr:
    return pl.when(pl.col("flag") == "closed").then(0.0).otherwise("y")


def vintages(config: Config) -> pl.DataFrame:
    """[cutoff, version, kind]: published vintages, then backtest windows (version null), each newest first."""
    store = open_store(config)
    published = published_vintages(store).select("cutoff", "version", kind=pl.lit("published"))
    seen = (
        store.scan("scores")
        .filter(_recipe(config))
        .select("cutoff")
        .drop_nulls()
        .unique()
        .sort("cutoff", descending=True)
        .collect()
    )
    windows = seen.select("cutoff", version=pl.lit(None, pl.Int64), kind=pl.lit("backtest"))
    return pl.concat([published, windows])


def models(config: Config, cutoff: date, version: int | None, of: Line | None = None) -> list[str]:
    """The models that answered at a vintage (`version`) or in a backtest window (None), the champion first.

    Of a line those that answered it or, for an aggregate without rows of its own, its series.
    """
    store = open_store(config)
    rows = _table(config, cutoff, version, of.buckets if of else ())
    if of and of.kind == "group":
        own = rows.filter(pl.col("unique_id") == of.name)
        rows = own if own.head(1).collect().height else _table(config, cutoff, version)
    names = rows.select(pl.col("model").unique().sort()).collect()["model"].to_list()
    published = published_vintages(store)
    champion = published["champion"].item(0) if published.height else None
    return sorted(names, key=lambda name: name != champion)


def forecast(config: Config, of: Line, cutoff: date, version: int | None, model: str | None) -> pl.DataFrame:
    """[ds, yhat, q50, lo-80, hi-80, ..., model, source, interval], h rows sorted by ds; empty when there are none.

    A backtest window (version None) also holds y. Bounds are null for a sum: quantiles are never added.
    """
    asked = pl.col("model") == model if model else pl.lit(value=True)
    rows = _table(config, cutoff, version, of.buckets).filter(asked)
    names = [of.name] if of.kind != "sum" else list(of.ids)
    grain = pl.col("grain") == "series" if of.kind != "group" else pl.col("grain") != "series"
    chosen = rows.filter(pl.col("unique_id").is_in(names) & grain)
    answers = chosen.collect() if of.kind != "sum" else _added(chosen, config).collect()
    if of.kind == "group" and answers.is_empty():
        answers = _from_below(config, of, _table(config, cutoff, version).filter(asked)).collect()
    wanted = ["ds", "yhat", "q50", *bounds(config.level), "model", "source", "interval", "y"]
    return answers.select(c for c in wanted if c in answers.columns).sort("ds", "model")


def _table(config: Config, cutoff: date, version: int | None, buckets: Sequence[int] = ()) -> pl.LazyFrame:
    """The rows of a published vintage, or of a backtest window when `version` is None."""
    store = open_store(config)
    where: dict[str, Any] = {"bucket": list(buckets)} if buckets else {}
    if version is None:
        return store.scan("backtests", cutoff=cutoff, **where).filter(_recipe(config))
    return scan_published(store, "forecasts", cutoff=cutoff, **where).filter(pl.col("version") == version)


def _recipe(config: Config) -> pl.Expr:
    """Rows of the recipe that was backtested last: tables keep those of earlier ones."""
    recipe = facts(config, "backtest").get("recipe")
    return pl.col("recipe") == recipe if recipe else pl.lit(value=True)


def _from_below(config: Config, of: Line, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The sum over an aggregate's series, for vintages that hold no row of the aggregate itself."""
    members = open_store(config).scan("series").filter(_members(config, of.name)).select("unique_id")
    return _added(rows.filter(pl.col("grain") == "series").join(members, on="unique_id", how="semi"), config)


def _members(config: Config, group: str) -> pl.Expr:
    """Which series belong to an aggregate like "total", "store=S1" or "store=S1/category=food"."""
    statics = config.static_columns
    levels = {*config.levels_of_aggregation, (), *((c,) for c in statics), statics}
    return pl.any_horizontal(group_label(level) == group for level in levels if set(level) <= set(statics))


def _added(rows: pl.LazyFrame, config: Config) -> pl.LazyFrame:
    """Means add up; quantiles do not and are null."""
    none = {c: pl.lit(None, pl.Float64) for c in ("q50", *bounds(config.level))}
    truth = [_sum("y")] if "y" in rows.collect_schema() else []
    total = rows.group_by("ds", "model").agg(_sum("yhat"), *truth)
    return total.with_columns(**none, source=pl.lit("sum of series"), interval=pl.lit(None, pl.String))


def _sum(column: str) -> pl.Expr:
    """The sum, null (not 0) when nothing was observed."""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(column)


def on_promotion(config: Config) -> pl.Expr:
    """1.0 on promotion, 0.0 off it; texts other than "" and "0" count as a promotion."""
    column = config.columns.promo
    if column is None:
        return pl.lit(None, pl.Float64)
    off = pl.col(column).cast(pl.String).is_in(["", "0", "0.0", "false"])
    return (~off).cast(pl.Float64)
