"""The incremental load: `update_panel` writes what comes in into the panel of a Load, and returns a Change.

Only the days that the load brings, and those after the last day, are read and written; whole series are rebuilt only
where a row was deleted, a static value has changed, or the series is new. Some buckets are merged at a time, so that
memory does not grow with the load.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.buckets import ROWS_PER_BUCKET, bucket_of, buckets_of
from forecasting.data.cleaning import far_out
from forecasting.data.panel import KEY
from forecasting.data.panel_rows import flag_observations, missing_rows
from forecasting.services.console import track
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.ingestion.rebuild import (
    AHEAD,
    Incoming,
    NewRows,
    build_series,
    drop_past_plans,
    latest_static_values,
    merge_raw_rows,
    raw_rows,
)


@dataclass(frozen=True)
class Change:
    """What a load has changed in the panel: the days of rows inserted, updated or removed, the number of these rows,
    the ids of the series whose statistics change, and the newest static values of the series that were rebuilt.
    """

    days: pl.Series
    written: int
    touched: pl.Series
    statics: pl.DataFrame


def update_panel(load: Load, new: Incoming) -> Change:
    """Write the rows that differ: of the days that came, of days after the last one, and of series that are rebuilt."""
    known, changes = load.store.scan("series").collect(), []
    for buckets in track(_portions(load, new, known), "panel"):
        series = known.filter(pl.col("bucket").is_in(buckets))
        changes.append(_update_buckets(load, buckets, new.of(buckets), series))
    days, touched, statics = (pl.concat(getattr(c, part) for c in changes) for part in ("days", "touched", "statics"))
    return Change(days.unique().sort(), sum(c.written for c in changes), touched, statics)


def _portions(load: Load, new: Incoming, known: pl.DataFrame) -> list[list[int]]:
    """The buckets to update, some at a time: about as many rows as a bucket holds, so that commits stay few.

    With a later last day every series gets a row, if only a filled one; else buckets without new rows stay as they are.
    """
    sizes = list(new.sizes)
    if new.last > _previous_last_day(load):
        for bucket, series in known.group_by("bucket").len().iter_rows():
            sizes[bucket] += series
    portions: list[list[int]] = []
    room = 0
    for bucket, size in enumerate(sizes):
        if size > room:
            portions.append([])
            room = ROWS_PER_BUCKET
        if size:
            portions[-1].append(bucket)
            room -= size
    return portions or [[0]]  # nothing has come: one without rows, in which nothing changes


def _update_buckets(load: Load, buckets: list[int], new: NewRows, known: pl.DataFrame) -> Change:
    """Write the rows of these buckets that differ; `known` are their series as stored."""
    rebuilt = _series_to_rebuild(load, new, known)
    stored = _affected_rows(load, buckets, new, rebuilt)
    mine = stored.filter(pl.col("unique_id").is_in(rebuilt.implode()))
    raw = merge_raw_rows(mine, _new_rows_of(new, rebuilt), load.config)
    series = cleaning.apply_neighbour_rules(build_series(raw, load.config, new.last), load.config)
    rest = known.filter(~pl.col("unique_id").is_in(rebuilt.implode()))
    days = _updated_days(new, stored, rest, load.config)
    every = pl.concat([series, days, _filled_gaps(load, new, rest, days)], how="diagonal")
    panel = every.join(buckets_of(every["unique_id"].unique(), load.buckets), on="unique_id").select(stored.columns)
    inserted, updated = _inserts_and_updates(panel, stored)
    removed = mine.select(*KEY, "bucket").join(series, on=KEY, how="anti")
    load.store.append("panel", inserted)
    load.store.upsert("panel", updated)
    load.store.delete("panel", removed)
    changed = pl.concat([inserted.filter(pl.col("y").is_not_null()), updated])["unique_id"]
    return Change(
        pl.concat([frame["ds"] for frame in (inserted, updated, removed)]).unique(),
        inserted.height + updated.height + removed.height,
        pl.concat([changed, rebuilt, removed["unique_id"]]).unique(),
        latest_static_values(series, load.config),
    )


def _series_to_rebuild(load: Load, new: NewRows, series_table: pl.DataFrame) -> pl.Series:
    """The ids of the series to rebuild: new ones, and those with a deleted row or another static value."""
    statics = [c for c in load.config.static_columns if c in new.rows.columns]
    rows = new.rows.join(
        series_table.select("unique_id", pl.lit(1).alias("_stored"), *(pl.col(c).alias(f"{c}:old") for c in statics)),
        on="unique_id",
        how="left",
    )
    other = [pl.col(c).is_not_null() & pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in statics]
    changed = rows.filter(pl.any_horizontal(pl.col("_stored").is_null(), *other))["unique_id"]
    suspicious = _ids_with_far_out_values(new, series_table, load.config)
    return pl.concat([changed, new.deleted["unique_id"], suspicious]).unique()


def _ids_with_far_out_values(new: NewRows, series_table: pl.DataFrame, config: Config) -> pl.Series:
    """The ids of series in which values lie far from all others, or may do so with the new rows: only all rows tell."""
    if config.clean.outliers.rule != "far_out":
        return series_table["unique_id"].clear()
    largest = new.rows.group_by("unique_id").agg(_new=pl.col("y").abs().max())
    known = largest.join(series_table.select("unique_id", "highest", "far_out"), on="unique_id")
    may_be_far = (pl.col("far_out") > 0) | (pl.col("_new") >= far_out.FACTOR * pl.col("highest"))
    return known.filter(may_be_far)["unique_id"]


def _new_rows_of(new: NewRows, ids: pl.Series) -> NewRows:
    """The new rows of these series."""
    mine = pl.col("unique_id").is_in(ids.implode())
    return NewRows(new.rows.filter(mine), new.deleted.filter(mine), new.last)


def _affected_rows(load: Load, buckets: list[int], new: NewRows, rebuilt: pl.Series) -> pl.DataFrame:
    """The stored rows that may change: of the days that came, of days after the last one, of series to rebuild."""
    days = new.keys["ds"].unique().sort()
    later = pl.col("ds") > load.last
    panel = load.store.scan("panel", bucket=buckets)
    rows = panel.filter(pl.col("ds").is_in(days.implode()) | later).collect()
    if rebuilt.is_empty():
        return rows
    theirs = load.store.scan("panel", bucket=bucket_of(rebuilt, load.buckets).unique().to_list())
    mine = theirs.filter(pl.col("unique_id").is_in(rebuilt.implode())).collect()
    return pl.concat([rows.join(mine.select(KEY), on=KEY, how="anti"), mine])


def _updated_days(new: NewRows, stored: pl.DataFrame, rest: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The new rows of series that are not rebuilt, and stored planned rows whose day is no longer ahead."""
    rows = new.rows.join(rest.select("unique_id"), on="unique_id", how="semi")
    due = stored.filter(AHEAD, pl.col("ds") <= new.last).join(rest.select("unique_id"), on="unique_id", how="semi")
    rows = pl.concat(
        [rows, raw_rows(drop_past_plans(due, new.last, config), rows.columns).join(rows, on=KEY, how="anti")]
    )
    flagged = cleaning.apply_row_rules(flag_observations(rows.sort(KEY), config), config)
    return flagged.with_columns(flag=pl.when(pl.col("ds") > new.last).then(pl.lit("ahead")).otherwise("flag"))


def _filled_gaps(load: Load, new: NewRows, rest: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Rows for gaps of stored series: after the former last day, and before their first row if an earlier one came."""
    config, last = load.config, _previous_last_day(load)
    first = days.group_by("unique_id").agg(_first=pl.col("ds").min())
    statics = [c for c in config.static_columns if c in rest.columns]
    spans = rest.select("unique_id", "start", *statics).join(first, on="unique_id", how="left")
    start, early = pl.min_horizontal("start", "_first"), pl.col("_first") < pl.col("start")
    due = pl.lit(config.frequency.shift(last, 1))
    after_last = spans.with_columns(_from=pl.max_horizontal(start, due), _to=pl.lit(new.last))
    until = config.frequency.offset(pl.col("start"), pl.lit(-1))
    before_first = spans.filter(early).with_columns(_from="_first", _to=pl.min_horizontal(until, pl.lit(last)))
    return missing_rows(pl.concat([after_last, before_first]).drop("start", "_first"), days, config)


def _previous_last_day(load: Load) -> date:
    assert load.last is not None, "an incremental load follows a load with sales"
    return load.last


def _inserts_and_updates(panel: pl.DataFrame, old: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are not stored yet, and rows that differ from the stored ones."""
    compared = [c for c in panel.columns if c not in KEY]
    both = panel.join(
        old.select(*KEY, pl.lit(value=True).alias("_old"), *(pl.col(c).alias(f"{c}:old") for c in compared)),
        on=KEY,
        how="left",
    )
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in compared)
    inserted = both.filter(pl.col("_old").is_null()).select(panel.columns)
    return inserted, both.filter(pl.col("_old").is_not_null() & differs).select(panel.columns)
