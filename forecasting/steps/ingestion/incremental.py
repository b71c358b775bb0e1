"""The narrow way of a small load: only what it tells of, and what lies behind the last day, is read and written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.buckets import bucket_of
from forecasting.data.panel import KEY
from forecasting.data.panel_rows import flag_observations, missing_rows
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.ingestion.rebuild import AHEAD, News, as_they_came, came, homes, made, sold


@dataclass(frozen=True)
class Change:
    """What a load has done to the panel: rows that are new or differ, keys that are out, how many both are; the series
    whose sales are told anew, and the whole rows of those that were made anew.
    """

    rows: pl.DataFrame
    out: pl.DataFrame
    written: int
    touched: pl.Series
    anew: pl.DataFrame


def narrow(load: Load, new: News) -> Change:
    """The rows that differ, written: days that came, those behind the last day, and series that are made anew."""
    known = load.store.scan("series").collect()
    anew = _anew(load, new, known)
    stored = _stored(load, new, anew)
    own = came(stored.filter(pl.col("unique_id").is_in(anew.implode())), _only(new, anew), 0, load.config)
    series = made(own, load.config, new.last)
    rest = known.filter(~pl.col("unique_id").is_in(anew.implode()))
    days = _days(new, stored, rest, load.config)
    every = pl.concat([series, days, _gaps(load, new, rest, days)], how="diagonal")
    panel = every.join(homes(every["unique_id"].unique(), load.buckets), on="unique_id").select(stored.columns)
    inserted, updated = _differing(panel, stored)
    mine = stored.filter(pl.col("unique_id").is_in(anew.implode()))
    out = mine.select(*KEY, "bucket").join(series, on=KEY, how="anti")
    load.store.append("panel", inserted)
    load.store.upsert("panel", updated)
    load.store.delete("panel", out)
    told = pl.concat([inserted.filter(pl.col("y").is_not_null()), updated])["unique_id"]
    return Change(
        pl.concat([inserted, updated]),
        out,
        inserted.height + updated.height + out.height,
        pl.concat([told, anew, out["unique_id"]]).unique(),
        series,
    )


def _anew(load: Load, new: News, known: pl.DataFrame) -> pl.Series:
    """The series that are made anew: unknown ones, and those with a deleted row or another static value."""
    statics = [c for c in load.config.static_columns if c in new.rows.columns]
    told = new.rows.join(
        known.select("unique_id", pl.lit(1).alias("_known"), *(pl.col(c).alias(f"{c}:old") for c in statics)),
        on="unique_id",
        how="left",
    )
    other = [pl.col(c).is_not_null() & pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in statics]
    changed = told.filter(pl.any_horizontal(pl.col("_known").is_null(), *other))["unique_id"]
    return pl.concat([changed, new.gone["unique_id"]]).unique()


def _only(new: News, ids: pl.Series) -> News:
    """The news of these series, in one bucket."""
    mine = pl.col("unique_id").is_in(ids.implode())
    return News(new.rows.filter(mine).with_columns(bucket=pl.lit(0, pl.Int32)), new.gone, new.last)


def _stored(load: Load, new: News, anew: pl.Series) -> pl.DataFrame:
    """The stored rows that matter: of the days that came, of those behind the last day, of series made anew."""
    days = new.keys["ds"].unique().sort()
    behind = pl.col("ds") > load.last
    rows = load.store.scan("panel").filter(pl.col("ds").is_in(days.implode()) | behind).collect()
    if anew.is_empty():
        return rows
    homes = bucket_of(anew, load.buckets).unique().to_list()
    own = load.store.scan("panel", bucket=homes).filter(pl.col("unique_id").is_in(anew.implode())).collect()
    return pl.concat([rows.join(own.select(KEY), on=KEY, how="anti"), own])


def _days(new: News, stored: pl.DataFrame, rest: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows that came for series that are not made anew, with those whose day is no longer ahead."""
    rows = new.rows.drop("bucket").join(rest.select("unique_id"), on="unique_id", how="semi")
    due = stored.filter(AHEAD, pl.col("ds") <= new.last).join(rest.select("unique_id"), on="unique_id", how="semi")
    rows = pl.concat([rows, as_they_came(sold(due, new.last, config), rows.columns).join(rows, on=KEY, how="anti")])
    seen = cleaning.apply_row_rules(flag_observations(rows.sort(KEY), config), config)
    return seen.with_columns(flag=pl.when(pl.col("ds") > new.last).then(pl.lit("ahead")).otherwise("flag"))


def _gaps(load: Load, new: News, rest: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Filled rows of known series: behind the day that was the last one, and before their first one."""
    config, before = load.config, _before(load)
    first = days.group_by("unique_id").agg(_first=pl.col("ds").min())
    statics = [c for c in config.static_columns if c in rest.columns]
    spans = rest.select("unique_id", "start", *statics).join(first, on="unique_id", how="left")
    start, late = pl.min_horizontal("start", "_first"), pl.col("_first") < pl.col("start")
    due = pl.lit(config.frequency.shift(before, 1))
    behind = spans.with_columns(_from=pl.max_horizontal(start, due), _to=pl.lit(new.last))
    until = config.frequency.offset(pl.col("start"), pl.lit(-1))
    ahead = spans.filter(late).with_columns(_from="_first", _to=pl.min_horizontal(until, pl.lit(before)))
    return missing_rows(pl.concat([behind, ahead]).drop("start", "_first"), days, config)


def _before(load: Load) -> date:
    assert load.last is not None, "the narrow way goes on from what is known"
    return load.last


def _differing(panel: pl.DataFrame, old: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows without a stored twin, and rows that differ from theirs."""
    compared = [c for c in panel.columns if c not in KEY]
    both = panel.join(
        old.select(*KEY, pl.lit(value=True).alias("_old"), *(pl.col(c).alias(f"{c}:old") for c in compared)),
        on=KEY,
        how="left",
    )
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}:old")) for c in compared)
    inserted = both.filter(pl.col("_old").is_null()).select(panel.columns)
    return inserted, both.filter(pl.col("_old").is_not_null() & differs).select(panel.columns)
