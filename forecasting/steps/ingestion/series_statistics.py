"""The tables that follow from the panel: `rebuild_tables` and `update_tables` write `series` and `groups` of a Load.

`series_statistics` takes rows of the panel and returns one row of statistics per series. The walk of an update through
all buckets finds closed periods on its way, which it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning, quality
from forecasting.data.aggregates import add_mean_price, partial_group_sums
from forecasting.data.buckets import buckets_of
from forecasting.data.closures.ended import silence_facts
from forecasting.data.panel import KEY
from forecasting.evaluation.segments import demand_classes, variation_without_season
from forecasting.features.group_sums import Total
from forecasting.features.groups import levels
from forecasting.services.engine import build_engine, walk
from forecasting.services.store import Store
from forecasting.services.store.unfinished import Progress
from forecasting.sorted_rows import number_series, sort_rows
from forecasting.steps.ingestion.closed_periods import (
    ClosedCounter,
    ClosedPeriods,
    ClosedRows,
    static_columns,
    sum_closed,
)
from forecasting.steps.ingestion.incremental import Change
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.ingestion.rebuild import latest_static_values

MONDAY = date(2001, 1, 1)
"""Phases of the season are counted from here."""
STATISTICS_READ = ("unique_id", "ds", "y", "y_raw", "flag")
"""The columns that series_statistics reads."""
MAX_DAYS = 400
"""If more days than this change, all group sums are computed again."""
ROWS_AT_ONCE = 500_000
"""About so many rows of the days that change are added up at once: of one day, each bucket has few."""


def series_statistics(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """One row per series of STATISTICS_READ: first row, first and last observed day, how many, mean,
    share of zeros, demand class, variation without the season, the last quarter as a share of that a year before, the
    rows that came and the longest gap between them, and what `quality` counts.
    """
    rows, ids = number_series(sort_rows(rows, ("unique_id", "ds")))
    y = pl.col("y")
    seen = pl.col("ds").filter(y.is_not_null())
    statistics = rows.group_by("unique_id").agg(
        start=pl.col("ds").min(),
        first=seen.min(),
        last=seen.max(),
        n=y.count().cast(pl.Int64),
        highest=pl.col("y_raw").abs().max(),
        mean=y.mean(),
        zeros=(y == 0).mean(),
    )
    phase = config.frequency.steps(pl.lit(MONDAY), pl.col("ds")) % config.season
    kinds = demand_classes(rows).select("unique_id", demand_class="segment")
    statistics = statistics.join(kinds, on="unique_id").join(quality.count_defects(rows, config), on="unique_id")
    silence = silence_facts(rows, config.frequency)
    for fact in (variation_without_season(rows, phase), _yearly_trend(rows, config), silence):
        statistics = statistics.join(fact, on="unique_id", how="left")
    return statistics.with_columns(ids.gather(statistics["unique_id"]))


def _yearly_trend(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, trend]: mean of the quarter up to the last observed day over that of the same one a year before."""
    f, seen = config.frequency, rows.filter(pl.col("y").is_not_null())
    ago = f.steps(pl.col("ds"), pl.col("ds").max().over("unique_id"))
    now, then = (pl.col("y").filter(pl.col("_ago").is_between(k, k + f.level_window - 1)).mean() for k in (0, f.year))
    means = seen.with_columns(_ago=ago).group_by("unique_id").agg(now=now, then=then)
    return means.select("unique_id", trend=pl.when(pl.col("then") > 0).then(pl.col("now") / pl.col("then")))


def rebuild_tables(load: Load, panels: Iterable[tuple[int, pl.DataFrame, int]], progress: Progress) -> int:
    """Make both tables from all buckets of the panel; returns how many rows of it were written.

    `panels` are those that `progress` does not hold: bucket, rows, and how many of them were written.
    """
    store, config = load.store, load.config
    every, written = levels(config, store.tables["panel"].schema), 0
    for bucket, panel, n in panels:
        statistics = series_statistics(panel, config).join(latest_static_values(panel, config), on="unique_id")
        series = statistics.join(panel.select("unique_id", "bucket").unique(), on="unique_id")
        progress.keep_frame(f"series-{bucket}", series.select(store.tables["series"].schema.names()))
        sums = partial_group_sums(cleaning.revert_neighbour_rules(panel, config), config, every)
        progress.keep_frame(f"groups-{bucket}", sums)
        progress.keep(f"bucket-{bucket}", {"written": n})
    for bucket in range(load.buckets):
        written += (progress.facts(f"bucket-{bucket}") or {})["written"]
    store.replace("series", pl.concat([progress.frame(f"series-{b}") for b in range(load.buckets)]).collect())
    store.replace("groups", _total(store, (progress.frame(f"groups-{b}").collect() for b in range(load.buckets))))
    return written


def update_tables(load: Load, change: Change) -> ClosedPeriods | None:
    """Update the series and days that the change has touched, and leave the rest of both tables as it is; the closed
    periods of the panel, as all buckets are walked through; None where no series was touched, and none is.
    """
    if change.days.len():
        some = {"ds": change.days.to_list()} if change.days.len() <= MAX_DAYS else {}
        load.store.replace("groups", _total(load.store, _group_sums_in_parts(load, some)), **some)
    return _update_series(load, change) if change.touched.len() else None


def _update_series(load: Load, change: Change) -> ClosedPeriods:
    store = load.store
    known = store.scan("series").collect()
    same = known.join(change.statics, on="unique_id", how="anti").select(change.statics.columns)
    statics = pl.concat([same, change.statics])
    names = store.tables["series"].schema.names()
    found = _walk_buckets(load, statics, change.touched)
    statistics = pl.concat(part.statistics for part in found).join(statics, on="unique_id").select(names)
    kept = known.filter(~pl.col("unique_id").is_in(change.touched.implode()))
    store.replace("series", pl.concat([kept, statistics]))
    return sum_closed([part.closed for part in found], load.config)


@dataclass(frozen=True)
class BucketFacts:
    """What the rows of a bucket show: the statistics of the series that were touched, and closed periods of all."""

    statistics: pl.DataFrame
    closed: ClosedRows


def _walk_buckets(load: Load, statics: pl.DataFrame, touched: pl.Series) -> list[BucketFacts]:
    """The facts of every bucket; `touched` are ids of series, `statics` the static columns of all."""
    counter = ClosedCounter.of(load.store.scan("groups").collect(), load.config)
    is_touched = pl.col("unique_id").is_in(touched.implode())
    series = statics.join(buckets_of(statics["unique_id"], load.buckets), on="unique_id").with_columns(
        touched=is_touched
    )
    facts = partial(_facts_of_bucket, load.store, load.config, counter)
    return [*walk(build_engine(load.config), facts, series.partition_by("bucket", maintain_order=True))]


def _facts_of_bucket(store: Store, config: Config, counter: ClosedCounter, series: pl.DataFrame) -> BucketFacts:
    """Those of a bucket, whose `series` are [unique_id, static columns, bucket, touched]."""
    bucket, ids = series["bucket"][0], series.filter("touched")["unique_id"]
    columns = dict.fromkeys([*counter.columns(store.tables["panel"].schema), "y"])
    rows = sort_rows(store.scan("panel", bucket=bucket).select(*columns).collect(), KEY)
    mine = rows if ids.len() == series.height else rows.filter(pl.col("unique_id").is_in(ids.implode()))
    statistics = series_statistics(mine.select(STATISTICS_READ), config)
    closed = counter.count(rows, static_columns(series, config))
    return BucketFacts(statistics.with_columns(bucket=pl.lit(bucket, pl.Int32)), closed)


def _group_sums_in_parts(load: Load, some: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """Group sums of these days (of all, where none are given), of a part of the rows each."""
    every = levels(load.config, load.store.tables["panel"].schema)
    used = {c for level in every for c in level} | {load.config.columns.price} - {None, *KEY}
    at_once = _buckets_at_once(load, len(some["ds"])) if some else 1
    for first in range(0, load.buckets, at_once):
        buckets = list(range(first, min(first + at_once, load.buckets)))
        rows = load.store.scan("panel", bucket=buckets, **some).select(*KEY, "y", "y_raw", "flag", *used)
        part = sort_rows(rows.collect(), KEY)  # sums must not depend on the order of files
        yield partial_group_sums(cleaning.revert_neighbour_rules(part, load.config), load.config, every)


def _buckets_at_once(load: Load, days: int) -> int:
    """Of how many buckets so many days have about ROWS_AT_ONCE rows."""
    series = load.store.scan("series").select(pl.len()).collect().item()
    return max(1, int(ROWS_AT_ONCE * load.buckets / max(series * days, 1)))


def _total(store: Store, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Rows of the table `groups`: the sums of all parts."""
    total = Total(("group", "ds"))
    for part in parts:
        total.add(part)
    return add_mean_price(total.sums()).select(store.tables["groups"].schema.names())
