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
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import ROWS_PER_BUCKET, bucket_of
from forecasting.data.panel import KEY
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.services.console import track
from forecasting.steps.ingestion.load_state import Load

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
        panel = made(came(stored, new, bucket, config), config, new.last)
        panel = cleaning.apply_neighbour_rules(cleaning.mark_closings(panel, closed, config), config)
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
        parts.append(
            group_sums(
                made(came(stored, new, bucket, config), config, new.last), config, cleaning.closing_levels(config)
            )
        )
    return cleaning.infer_closings(
        pl.concat(parts).group_by("group", "ds").agg(pl.col("y_sum", "y_count").sum()), config
    )


def came(stored: pl.DataFrame, new: News, bucket: int, config: Config) -> pl.DataFrame:
    """The rows of a bucket as they came: those of this load, and of earlier ones what it does not replace."""
    rows = new.rows.filter(pl.col("bucket") == bucket).drop("bucket")
    old = as_they_came(sold(stored, new.last, config), rows.columns)
    return pl.concat([rows, old.join(new.keys, on=KEY, how="anti")])


def as_they_came(stored: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Stored rows without those that were made here, with the number that came."""
    return stored.filter(~cleaning.is_filled()).with_columns(y=pl.col("y_raw")).select(columns)


def sold(stored: pl.DataFrame, last: date, config: Config) -> pl.DataFrame:
    """Where a day without a row says that nothing was sold, so does one that was planned and had no other row."""
    return stored.filter(~AHEAD | (pl.col("ds") > last)) if config.clean.gaps == "zero" else stored


def made(rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """Whole series of the panel, before any rule has looked at other days."""
    return cleaning.apply_row_rules(fill_gaps(flag_observations(rows, config), config, last), config)


def _merged(load: Load, panel: pl.DataFrame, stored: pl.DataFrame) -> int:
    """The rows written: a bucket of which nothing is known is not compared."""
    if stored.is_empty():
        load.store.append("panel", panel)
        return panel.height
    out = stored.select(*KEY, "bucket").join(panel, on=KEY, how="anti")
    load.store.delete("panel", out)
    return load.store.merge("panel", panel) + out.height
