"""Good rows into the panel: the newer load wins, every series stays complete up to the newest day that anybody sold.

Two ways to the same rows. `whole` makes every bucket anew from the rows that came, one after the other. `narrow` is
for a small load on top of a known panel: it reads the days that the load tells of and whatever lies behind the last
day, and makes only series anew of which a row is deleted, a static value changes, or nothing was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.aggregate import sums
from forecasting.data.panel import KEY, ROWS_PER_BUCKET, bucket_of, fill_gaps, gaps, observe
from forecasting.services.console import track
from forecasting.steps.loading.state import Load

AHEAD = pl.col("flag") == "ahead"


@dataclass(frozen=True)
class News:
    """What a load brings: rows (keys, y, drivers and `bucket`), the keys (and `bucket`) that it takes out, the newest
    day sold with both done.
    """

    rows: pl.DataFrame
    gone: pl.DataFrame
    last: date

    @property
    def keys(self) -> pl.DataFrame:
        return pl.concat([self.rows.select(KEY), self.gone.select(KEY)])


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


def news(load: Load, rows: pl.DataFrame, gone: pl.DataFrame) -> News:
    """The rows and keys in their buckets."""
    n = load.buckets
    came, out = (
        frame.join(homes(frame["unique_id"].unique(), n), on="unique_id") for frame in (rows, gone.select(KEY))
    )
    return News(came, out, _last_sale(load, rows, gone))


def homes(ids: pl.Series, n: int) -> pl.DataFrame:
    """[unique_id, bucket] of series in a panel of `n` buckets."""
    return pl.DataFrame({"unique_id": ids, "bucket": bucket_of(ids, n)}, schema_overrides={"unique_id": pl.String})


def _last_sale(load: Load, rows: pl.DataFrame, gone: pl.DataFrame) -> date:
    """The newest day of which a number sold is told; an older one than before when the newest is taken back."""
    new = rows.filter(pl.col("y").is_not_null())["ds"].max()
    stored = _last_stored(load, pl.concat([rows.select(KEY), gone.select(KEY)]))
    days = [day for day in (new, stored) if isinstance(day, date)]
    if not days:
        raise load.config.fault("source.path", "no row of the data holds a date and a number sold: nothing is learned")
    return max(days)


def _last_stored(load: Load, replaced: pl.DataFrame) -> date | None:
    """The newest day sold of the stored rows that stay as they are."""
    sold = load.store.scan("panel").filter(pl.col("y_raw").is_not_null())
    if load.last is None:
        return None
    if not (replaced["ds"] == load.last).any():
        return load.last
    for newest in (sold.filter(pl.col("ds") == load.last), sold):
        kept = newest.select(KEY).join(replaced.lazy(), on=KEY, how="anti").select(pl.col("ds").max()).collect().item()
        if isinstance(kept, date):
            return kept
    return None


def is_small(load: Load, new: News) -> bool:
    """Whether the narrow way leads to the same: little came, nothing was cleaned by looking at other days, and no
    day that was the last one is taken back.
    """
    if load.last is None or new.last < load.last or load.before["rules"] != load.rules:
        return False
    return new.keys.height <= ROWS_PER_BUCKET and not _looks_around(load.config)


def _looks_around(config: Config) -> bool:
    """Whether a row is cleaned by what other days say: then whole series are needed."""
    clean = config.clean
    inferred = "infer" in (clean.closed, clean.stock_outs)
    return inferred or clean.outliers.rule != "none" or clean.leading_zeros == "drop"


def whole(load: Load, new: News) -> Iterator[tuple[pl.DataFrame, int]]:
    """Every bucket made anew and merged, one after the other in bounded memory: its rows and how many were written."""
    n, config = load.buckets, load.config
    closed = _closings(load, new)
    for bucket in track(range(n), "panel", n):
        stored = load.store.scan("panel", bucket=bucket).collect()
        panel = _made(_came(stored, new, bucket, config), config, new.last)
        panel = cleaning.by_neighbours(cleaning.close(panel, closed, config), config)
        panel = panel.with_columns(bucket=pl.lit(bucket, pl.Int32))
        yield panel, _merged(load, panel.select(stored.columns), stored)


def _closings(load: Load, new: News) -> pl.DataFrame:
    """[group, ds] of inferred closings, told by the sums over all buckets."""
    config = load.config
    empty = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date})
    if config.clean.closed != "infer":
        return empty
    parts = []
    for bucket in range(load.buckets):
        stored = load.store.scan("panel", bucket=bucket).collect()
        parts.append(sums(_made(_came(stored, new, bucket, config), config, new.last), config, cleaning.units(config)))
    return cleaning.closings(pl.concat(parts).group_by("group", "ds").agg(pl.col("y_sum", "y_count").sum()), config)


def _came(stored: pl.DataFrame, new: News, bucket: int, config: Config) -> pl.DataFrame:
    """The rows of a bucket as they came: those of this load, and of earlier ones what it does not replace."""
    rows = new.rows.filter(pl.col("bucket") == bucket).drop("bucket")
    old = _as_they_came(_sold(stored, new.last, config), rows.columns)
    return pl.concat([rows, old.join(new.keys, on=KEY, how="anti")])


def _as_they_came(stored: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    return stored.filter(~cleaning.made_here()).with_columns(y=pl.col("y_raw")).select(columns)


def _sold(stored: pl.DataFrame, last: date, config: Config) -> pl.DataFrame:
    """Where a day without a row says that nothing was sold, so does one that was planned and had no other row."""
    return stored.filter(~AHEAD | (pl.col("ds") > last)) if config.clean.gaps == "zero" else stored


def _made(rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """Whole series of the panel, before any rule has looked at other days."""
    return cleaning.by_row(fill_gaps(observe(rows, config), config, last), config)


def _merged(load: Load, panel: pl.DataFrame, stored: pl.DataFrame) -> int:
    """The rows written: a bucket of which nothing is known is not compared."""
    if stored.is_empty():
        load.store.append("panel", panel)
        return panel.height
    out = stored.select(*KEY, "bucket").join(panel, on=KEY, how="anti")
    load.store.remove("panel", out)
    return load.store.merge("panel", panel) + out.height


def narrow(load: Load, new: News) -> Change:
    """The rows that differ, written: days that came, those behind the last day, and series that are made anew."""
    known = load.store.scan("series").collect()
    anew = _anew(load, new, known)
    stored = _stored(load, new, anew)
    own = _came(stored.filter(pl.col("unique_id").is_in(anew.implode())), _only(new, anew), 0, load.config)
    series = _made(own, load.config, new.last)
    rest = known.filter(~pl.col("unique_id").is_in(anew.implode()))
    days = _days(new, stored, rest, load.config)
    made = pl.concat([series, days, _gaps(load, new, rest, days)], how="diagonal")
    panel = made.join(homes(made["unique_id"].unique(), load.buckets), on="unique_id").select(stored.columns)
    inserted, updated = _differing(panel, stored)
    mine = stored.filter(pl.col("unique_id").is_in(anew.implode()))
    out = mine.select(*KEY, "bucket").join(series, on=KEY, how="anti")
    load.store.append("panel", inserted)
    load.store.upsert("panel", updated)
    load.store.remove("panel", out)
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
    rows = pl.concat([rows, _as_they_came(_sold(due, new.last, config), rows.columns).join(rows, on=KEY, how="anti")])
    seen = cleaning.by_row(observe(rows.sort(KEY), config), config)
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
    return gaps(pl.concat([behind, ahead]).drop("start", "_first"), days, config)


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


def count(load: Load) -> dict[str, int]:
    """Rows of the panel: all keys, and the filled and observed ones."""
    filled = (pl.col("flag") == "filled").sum()
    keys, made = load.store.scan("panel").select(pl.len(), filled).collect().row(0)
    return {"keys": keys, "filled": made, "observed": keys - made}
