"""The full rebuild: `rebuild_panel` writes every bucket of a Load's panel from the raw rows of this and earlier loads.

It takes what comes in (see `assign_buckets`) and yields (rows, number written) per bucket: nothing is written before it
is iterated. The newer load wins, and every series is complete up to the newest day on which anything was sold.
`incremental` leads to the same rows with less work where a small load comes on top of a stored panel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import ROWS_PER_BUCKET, Portions, by_bucket
from forecasting.data.panel import KEY
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.services.engine.background import one_ahead
from forecasting.steps.ingestion.load_state import Load

AHEAD = pl.col("flag") == "ahead"
NO_CLOSINGS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date})
SMALL_SHARE = 0.25
"""An incremental load brings at most this share of the rows that are stored. It reads, joins and writes the days that
came, a rebuild reads and writes all of them: past a part of the panel the rebuild is the cheaper of the two."""


@dataclass(frozen=True)
class NewRows:
    """What a load brings to some buckets: rows (keys, y, drivers), the keys that it deletes, and the newest day with a
    sale once both are merged.
    """

    rows: pl.DataFrame
    deleted: pl.DataFrame
    last: date

    @property
    def keys(self) -> pl.DataFrame:
        """[unique_id, ds] of new and of deleted rows."""
        return pl.concat([self.rows.select(KEY), self.deleted.select(KEY)])


@dataclass(frozen=True)
class Incoming:
    """What a load brings to all buckets: rows (keys, y, drivers) and deleted keys by bucket, and the newest day with a
    sale once both are merged.
    """

    rows: Portions
    deleted: Portions
    last: date

    def of(self, buckets: Iterable[int]) -> NewRows:
        """What comes to these buckets."""
        rows, deleted = (Portions(tuple(part.frames[b] for b in buckets)).whole() for part in (self.rows, self.deleted))
        return NewRows(rows, deleted, self.last)

    @cached_property
    def sizes(self) -> list[int]:
        """The number of rows and deleted keys of each bucket."""
        heights = (part.each(lambda rows: rows.select(pl.len())).whole()["len"] for part in (self.rows, self.deleted))
        return [new + gone for new, gone in zip(*heights, strict=True)]

    @cached_property
    def identity(self) -> str:
        """The same for the same rows and keys."""
        hashes = [sum(int(rows.hash_rows().sum() or 0) for rows in part) for part in (self.rows, self.deleted)]
        return f"{hashes} {self.last}"


def assign_buckets(load: Load, rows: Portions, deleted: Portions) -> Incoming:
    """The rows and keys by bucket."""
    keys = deleted.each(lambda part: part.select(KEY))
    return Incoming(by_bucket(rows, load.buckets), by_bucket(keys, load.buckets), _last_sale(load, rows, keys))


def _last_sale(load: Load, rows: Portions, deleted: Portions) -> date:
    """The newest day with a number sold; older than before when the newest one is taken back."""
    sold = rows.each(lambda part: part.filter(pl.col("y").is_not_null()).select(pl.col("ds").max()))
    new = cast("date | None", sold.whole()["ds"].max())
    if new and (load.last is None or new >= load.last):
        return new
    stored = _last_stored(load, Portions((*rows.frames, *deleted.frames)).each(lambda part: part.select(KEY)))
    days = [day for day in (new, stored) if day]
    if not days:
        raise load.config.fault("source.path", "no row of the data holds a date and a number sold: nothing is learned")
    return max(days)


def _last_stored(load: Load, replaced: Portions) -> date | None:
    """The newest day with a sale among the stored rows that stay as they are."""
    sold = load.store.scan("panel").filter(pl.col("y_raw").is_not_null())
    if load.last is None:
        return None
    of_last = replaced.each(lambda keys: keys.filter(pl.col("ds") == load.last)).whole()
    if of_last.is_empty():
        return load.last
    for newest, gone in ((sold.filter(pl.col("ds") == load.last), of_last), (sold, replaced.whole())):
        kept = newest.select(KEY).join(gone.lazy(), on=KEY, how="anti").select(pl.col("ds").max()).collect().item()
        if isinstance(kept, date):
            return kept
    return None


def can_update_incrementally(load: Load, new: Incoming) -> bool:
    """Whether an incremental load leads to the same panel with less work: the same rules as before, none that looks at
    other days, the last day is not taken back, and few rows: those of a bucket, or a small share of what is stored.
    """
    if load.last is None or new.last < load.last or load.before["rules"] != load.rules:
        return False
    if _rules_need_full_series(load.config):
        return False
    stored = load.store.scan("panel").select(pl.len()).collect().item()  # counted from the files' footers
    return bool(sum(new.sizes) <= max(ROWS_PER_BUCKET, SMALL_SHARE * stored))


def _rules_need_full_series(config: Config) -> bool:
    """Whether a cleaning rule looks at other days of a series, and so needs all of its rows."""
    clean = config.clean
    inferred = "infer" in (clean.closed, clean.stock_outs)
    return inferred or clean.outliers.rule not in ("none", "far_out") or clean.leading_zeros == "drop"


def rebuild_panel(load: Load, new: Incoming, left: Collection[int]) -> Iterator[tuple[int, pl.DataFrame, int]]:
    """Rebuild and merge one after the other the buckets that are left, in bounded memory; yields a bucket, its rows and
    how many were written. While one is written, the next is built.
    """
    closed = _infer_closings(load, new) if left else NO_CLOSINGS
    for bucket, stored, panel in one_ahead(partial(_rebuild_bucket, load, new, closed), left):
        yield bucket, panel, _merge_bucket(load, panel.select(stored.columns), stored)


def _rebuild_bucket(
    load: Load, new: Incoming, closed: pl.DataFrame, bucket: int
) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """The bucket, its stored rows, and the rows that it gets; nothing is written."""
    config = load.config
    stored = load.store.scan("panel", bucket=bucket).collect()
    panel = build_series(merge_raw_rows(stored, new.of([bucket]), config), config, new.last)
    panel = cleaning.apply_neighbour_rules(cleaning.mark_closings(panel, closed, config), config)
    return bucket, stored, panel.with_columns(bucket=pl.lit(bucket, pl.Int32))


def _infer_closings(load: Load, new: Incoming) -> pl.DataFrame:
    """[group, ds] of inferred closings, found by the sums over all buckets."""
    config = load.config
    if config.clean.closed != "infer":
        return NO_CLOSINGS
    levels, sums = cleaning.closing_levels(config), []
    for bucket in range(load.buckets):
        stored = load.store.scan("panel", bucket=bucket).collect()
        series = build_series(merge_raw_rows(stored, new.of([bucket]), config), config, new.last)
        sums.append(group_sums(series, config, levels))
    total = pl.concat(sums).group_by("group", "ds").agg(pl.col("y_sum", "y_count").sum())
    return cleaning.infer_closings(total, config)


def merge_raw_rows(stored: pl.DataFrame, new: NewRows, config: Config) -> pl.DataFrame:
    """The raw rows of the series of some buckets: those of this load, and the stored ones that it does not replace."""
    old = raw_rows(drop_past_plans(stored, new.last, config), new.rows.columns)
    return pl.concat([new.rows, old.join(new.keys, on=KEY, how="anti")])


def raw_rows(stored: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Stored rows as they once came: without filled rows, and with `y` before cleaning."""
    return stored.filter(~cleaning.is_filled()).with_columns(y=pl.col("y_raw")).select(columns)


def drop_past_plans(stored: pl.DataFrame, last: date, config: Config) -> pl.DataFrame:
    """With clean.gaps zero, without planned rows up to the last day: no sale came for them, so they count as gaps."""
    return stored.filter(~AHEAD | (pl.col("ds") > last)) if config.clean.gaps == "zero" else stored


def build_series(rows: pl.DataFrame, config: Config, last: date) -> pl.DataFrame:
    """Complete series up to `last`, flagged, filled and cleaned by the rules that look at single rows."""
    return cleaning.apply_row_rules(fill_gaps(flag_observations(rows, config), config, last), config)


def latest_static_values(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The newest static values of each series, of rows sorted by day."""
    names = [c for c in config.static_columns if c in rows.columns]
    return rows.group_by("unique_id").agg(pl.col(c).drop_nulls().last() for c in names)


def _merge_bucket(load: Load, panel: pl.DataFrame, stored: pl.DataFrame) -> int:
    """Merge a bucket and return the number of rows written; an empty bucket is appended to without comparing."""
    if stored.is_empty():
        load.store.append("panel", panel)
        return panel.height
    removed = stored.select(*KEY, "bucket").join(panel, on=KEY, how="anti")
    load.store.delete("panel", removed)
    return load.store.merge("panel", panel) + removed.height
