"""The full rebuild: `rebuild_panel` writes every bucket of a Load's panel from the raw rows of this and earlier loads.

It takes NewRows (see `assign_buckets`) and yields (rows, number written) per bucket: nothing is written before it is
iterated. The newer load wins, and every series is complete up to the newest day on which anything was sold.
`incremental` leads to the same rows with less work where a small load comes on top of a stored panel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import ROWS_PER_BUCKET, bucket_of
from forecasting.data.panel import KEY
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.steps.ingestion.load_state import Load

AHEAD = pl.col("flag") == "ahead"
NO_CLOSINGS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date})
SMALL_SHARE = 0.25
"""An incremental load brings at most this share of the rows that are stored. It reads, joins and writes the days that
came, a rebuild reads and writes all of them: past a part of the panel the rebuild is the cheaper of the two."""


@dataclass(frozen=True)
class NewRows:
    """What a load brings to some buckets or to all: rows (keys, y, drivers and `bucket`), the keys (and `bucket`) that
    it deletes, and the newest day with a sale once both are merged.
    """

    rows: pl.DataFrame
    deleted: pl.DataFrame
    last: date

    @property
    def identity(self) -> str:
        """The same for the same rows and keys."""
        return f"{[int(frame.hash_rows().sum() or 0) for frame in (self.rows, self.deleted)]} {self.last}"

    @property
    def keys(self) -> pl.DataFrame:
        """[unique_id, ds] of new and of deleted rows."""
        return pl.concat([self.rows.select(KEY), self.deleted.select(KEY)])

    def by_bucket(self, buckets: int) -> list[NewRows]:
        """Those of each bucket, split in one pass: what a bucket costs does not depend on the others' rows."""
        rows, deleted = (frame.partition_by("bucket", as_dict=True) for frame in (self.rows, self.deleted))
        none = NewRows(self.rows.clear(), self.deleted.clear(), self.last)
        return [NewRows(rows.get((b,), none.rows), deleted.get((b,), none.deleted), self.last) for b in range(buckets)]


def assign_buckets(load: Load, rows: pl.DataFrame, deleted: pl.DataFrame) -> NewRows:
    """The rows and keys in their buckets."""
    n = load.buckets
    with_bucket, deleted_keys = (
        frame.join(buckets_of(frame["unique_id"].unique(), n), on="unique_id") for frame in (rows, deleted.select(KEY))
    )
    return NewRows(with_bucket, deleted_keys, _last_sale(load, rows, deleted))


def buckets_of(ids: pl.Series, n: int) -> pl.DataFrame:
    """[unique_id, bucket] of series in a panel of `n` buckets."""
    return pl.DataFrame({"unique_id": ids, "bucket": bucket_of(ids, n)}, schema_overrides={"unique_id": pl.String})


def _last_sale(load: Load, rows: pl.DataFrame, deleted: pl.DataFrame) -> date:
    """The newest day with a number sold; older than before when the newest one is taken back."""
    new = rows.filter(pl.col("y").is_not_null())["ds"].max()
    stored = _last_stored(load, pl.concat([rows.select(KEY), deleted.select(KEY)]))
    days = [day for day in (new, stored) if isinstance(day, date)]
    if not days:
        raise load.config.fault("source.path", "no row of the data holds a date and a number sold: nothing is learned")
    return max(days)


def _last_stored(load: Load, replaced: pl.DataFrame) -> date | None:
    """The newest day with a sale among the stored rows that stay as they are."""
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


def can_update_incrementally(load: Load, new: NewRows) -> bool:
    """Whether an incremental load leads to the same panel with less work: the same rules as before, none that looks at
    other days, the last day is not taken back, and few rows: those of a bucket, or a small share of what is stored.
    """
    if load.last is None or new.last < load.last or load.before["rules"] != load.rules:
        return False
    if _rules_need_full_series(load.config):
        return False
    stored = load.store.scan("panel").select(pl.len()).collect().item()  # counted from the files' footers
    return bool(new.keys.height <= max(ROWS_PER_BUCKET, SMALL_SHARE * stored))


def _rules_need_full_series(config: Config) -> bool:
    """Whether a cleaning rule looks at other days of a series, and so needs all of its rows."""
    clean = config.clean
    inferred = "infer" in (clean.closed, clean.stock_outs)
    return inferred or clean.outliers.rule not in ("none", "far_out") or clean.leading_zeros == "drop"


def rebuild_panel(load: Load, new: NewRows, left: Collection[int]) -> Iterator[tuple[int, pl.DataFrame, int]]:
    """Rebuild and merge one after the other the buckets that are left, in bounded memory; yields a bucket, its rows and
    how many were written.
    """
    config, parts = load.config, new.by_bucket(load.buckets)
    closed = _infer_closings(load, parts) if left else NO_CLOSINGS
    for bucket in left:
        stored = load.store.scan("panel", bucket=bucket).collect()
        panel = build_series(merge_raw_rows(stored, parts[bucket], config), config, new.last)
        panel = cleaning.apply_neighbour_rules(cleaning.mark_closings(panel, closed, config), config)
        panel = panel.with_columns(bucket=pl.lit(bucket, pl.Int32))
        yield bucket, panel, _merge_bucket(load, panel.select(stored.columns), stored)


def _infer_closings(load: Load, parts: list[NewRows]) -> pl.DataFrame:
    """[group, ds] of inferred closings, found by the sums over all buckets."""
    config = load.config
    if config.clean.closed != "infer":
        return NO_CLOSINGS
    levels, sums = cleaning.closing_levels(config), []
    for bucket, part in enumerate(parts):
        stored = load.store.scan("panel", bucket=bucket).collect()
        series = build_series(merge_raw_rows(stored, part, config), config, part.last)
        sums.append(group_sums(series, config, levels))
    total = pl.concat(sums).group_by("group", "ds").agg(pl.col("y_sum", "y_count").sum())
    return cleaning.infer_closings(total, config)


def merge_raw_rows(stored: pl.DataFrame, new: NewRows, config: Config) -> pl.DataFrame:
    """The raw rows of the series of some buckets: those of this load, and the stored ones that it does not replace."""
    rows = new.rows.drop("bucket")
    old = raw_rows(drop_past_plans(stored, new.last, config), rows.columns)
    return pl.concat([rows, old.join(new.keys, on=KEY, how="anti")])


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
