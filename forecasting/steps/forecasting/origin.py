"""An Origin is a cut of the series and one of their aggregates: `origin_of` makes it of a Cut of the series.

A cut is what was known on a cutoff, future rows included. `memberships` returns the aggregates of each series,
`actuals` the observed [unique_id, ds, y] of a span of days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.aggregates import aggregate_cut
from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut, keep_frames
from forecasting.data.panel import KEY, Panel
from forecasting.features.groups import group_columns
from forecasting.services.store.unfinished import Progress


@dataclass(frozen=True)
class Origin:
    """The cut through the series at a cutoff, and the one through their aggregates."""

    cut: Cut
    aggregated: Cut

    @property
    def config(self) -> Config:
        return self.cut.config

    def cut_of(self, on: str) -> Cut:
        """What a model sees that is fitted `on` series or aggregates."""
        return self.aggregated if on == "aggregates" else self.cut


def origin_of(cut: Cut, peers_after: date | None = None) -> Origin:
    """The cut and its aggregates by the levels of the config; `peers_after`: see `aggregate_cut`."""
    return Origin(cut, aggregate_cut(cut, cut.config.levels_of_aggregation, peers_after))


def kept_origin(cut: Cut, progress: Progress, peers_after: date | None = None) -> Origin:
    """The same, of a cut whose frames are made once for all processes, and left with the progress of the step.

    One bucket is done in this process, which holds its frame anyway.
    """
    kept = keep_frames(cut, progress.below("frames")) if len(cut.panel.buckets) > 1 else cut
    return origin_of(kept, peers_after)


def memberships(at: Origin) -> pl.DataFrame:
    """[unique_id, columns of group_columns]: the aggregates that each series of the origin belongs to."""
    return pl.concat([memberships_in(at.cut.frame(bucket), at.config) for bucket in at.cut.panel.buckets])


def memberships_in(frame: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, columns of group_columns]: the aggregates that each series of a frame belongs to."""
    groups = group_columns(config.levels_of_aggregation)
    return frame.group_by("unique_id").last().select("unique_id", **groups)


def actuals(panel: Panel, first: date, last: date) -> pl.DataFrame:
    """[unique_id, ds, y] of the days in between that were observed (closed days are not: nothing could be sold).

    What was capped or dropped as an outlier was sold nevertheless: forecasts are judged on it. A value far out is taken
    for a slip that nobody sold (clean.outliers, flag far_out); no forecast is judged on it, and every load names it.
    """
    return pl.concat(collect_each([scan_actuals(panel, bucket, first, last) for bucket in panel.buckets]))


def scan_actuals(panel: Panel, bucket: int, first: date, last: date) -> pl.LazyFrame:
    """[unique_id, ds, y] of one bucket, as `actuals` returns them of all."""
    days = pl.col("ds").is_between(first, last)
    sold = pl.when(pl.col("flag") == "outlier").then("y_raw").otherwise("y").alias("y")
    return panel.scan(bucket).filter(days).select(*KEY, sold).drop_nulls("y")
