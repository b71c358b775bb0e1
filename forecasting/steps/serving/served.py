"""Served: what requests for forecasts are answered from, opened once and kept until a newer vintage is published.

A Served is a session, its newest vintage (a published forecast), the bundle that made it, and, read when they are first
needed and then kept in memory, its rows and plans. `held` makes it. Nothing is written.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import Any, TypeVar

import polars as pl

from forecasting.config import Config
from forecasting.data.cache import Cache
from forecasting.data.cut import Cut
from forecasting.data.known_ahead import fill_unknown
from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.errors import UserError
from forecasting.planning.observed_range import Observed, observed_values
from forecasting.services.store.vintages import scan_published, scan_shadows
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.session import Session, at_load

log = logging.getLogger(__name__)
Found = TypeVar("Found")
CHAMPION, CHALLENGER = "champion", "challenger"
"""Who has made a forecast: the version that is published, or one that is scored beside it."""
HELD_BYTES = 512_000_000
"""The size of what one Served keeps of its vintage's rows and plans."""


@dataclass(frozen=True)
class Served:
    """The newest vintage of a job: `vintage` is its row in the table `vintages`, or, of a challenger, in `shadows`;
    `shared` is what forecasts made on request have found out about all series (see Cut.shared_frames).
    """

    session: Session
    vintage: dict[str, Any]
    role: str = CHAMPION
    shared: dict[str, pl.DataFrame] = field(default_factory=dict, compare=False, repr=False)
    _found: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    _held: Cache = field(default_factory=lambda: Cache(HELD_BYTES), compare=False, repr=False)

    @property
    def config(self) -> Config:
        """The job as it is requested; what the bundle was trained by is `job.config`."""
        return self.session.config

    @property
    def identity(self) -> str:
        """The text that differs when any answer could: of the load, the vintage and its rows."""
        v = self.vintage
        levels = "-".join(map(str, self.config.level))
        return f"{self.session.store.load}.{v['cutoff']}.{v['version']}.{v['published_at']:%Y%m%d%H%M%S%f}.{levels}"

    @property
    def cutoff(self) -> date:
        """The last day that the vintage knows."""
        at: date = self.vintage["cutoff"]
        return at

    @property
    def version(self) -> int:
        """The version of the bundle that made the vintage."""
        return int(self.vintage["version"])

    @cached_property
    def bundle(self) -> Bundle:
        """The fitted models of the vintage."""
        return bundles.fetch(self.session.registry, self.version)

    @cached_property
    def job(self) -> Session:
        """The session with the recipe of the bundle and the data that the vintage was made of: forecasts on request are
        compared with published ones, so both know the same. The newest data stand in where those are not kept any more.
        """
        try:
            known = at_load(self.session, self.config.data_version or self.vintage["data_version"])
        except UserError as error:
            log.warning("forecasts on request know newer data than the published ones: %s", error)
            known = self.session
        return bundles.served_by(known, self.bundle, self.version)

    @cached_property
    def columns(self) -> dict[str, pl.DataType]:
        """The known-ahead columns, which a request may change, with their types."""
        kinds = self.job.panel.schema
        return {column: kinds[column] for column in self.job.config.columns.known_ahead if column in kinds}

    @cached_property
    def series(self) -> pl.DataFrame:
        """[unique_id, bucket] of all series."""
        return self.session.store.scan("series").select("unique_id", "bucket").collect()

    @cached_property
    def observed(self) -> dict[str, Observed]:
        """What the known-ahead columns have been so far, over all series: least and greatest value, or the texts."""
        panel = self.job.panel
        history = pl.concat([panel.scan(bucket) for bucket in panel.buckets]).filter(pl.col("flag") != "ahead")
        return observed_values(history, self.columns)

    @cached_property
    def _cut(self) -> Cut:
        return Cut(self.job.panel, self.cutoff, self.job.config.h, cache_bytes=0)

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last period of the horizon."""
        config = self.job.config
        return config.frequency.shift(self.cutoff, 1), config.frequency.shift(self.cutoff, config.h)

    def published(self, buckets: Iterable[int], model: str | None = None) -> pl.DataFrame:
        """[unique_id, ds, yhat, q50, bounds, source, interval, cold_start, model] of buckets, as published.

        Of the champion, or of another `model` of the bundle; one row per series and period, in units of y.
        """
        name = model or self.bundle.champion
        parts = [self._held.get_or_compute(("rows", name, b), partial(self._published, b, name)) for b in buckets]
        return pl.concat(parts) if parts else self._published(-2, name)

    def _published(self, bucket: int, model: str) -> pl.DataFrame:
        scan = scan_shadows if self.role == CHALLENGER else scan_published
        rows = scan(self.session.store, cutoff=self.cutoff, bucket=bucket)
        mine = rows.filter(pl.col("version") == self.version, pl.col("model") == model, pl.col("grain") == "series")
        return mine.select(row_columns(self.config)).sort(KEY).collect()

    def plans(self, buckets: Iterable[int]) -> pl.DataFrame:
        """[unique_id, ds, columns of the panel] of the coming periods in buckets, as planned."""
        parts = [self._held.get_or_compute(("plans", b), partial(self._plans, b)) for b in buckets]
        return pl.concat(parts) if parts else pl.DataFrame(schema=self.job.panel.schema)

    def _plans(self, bucket: int) -> pl.DataFrame:
        return self._cut.frame(bucket).filter(pl.col("ds") > self.cutoff).select(list(self.job.panel.schema))


def buckets_of(served: Served, ids: pl.Series) -> list[int]:
    """The buckets in which these series lie, in their order; of unknown series none."""
    return sorted(set(bucket_of_each(served, ids).drop_nulls()))


def bucket_of_each(served: Served, ids: pl.Series) -> pl.Series:
    """The bucket of each of these series, null of unknown ones."""
    known = found_once(served, "buckets", lambda: dict(served.series.select("unique_id", "bucket").iter_rows()))
    return pl.Series("bucket", [known.get(one) for one in ids], pl.Int32)


def rows_of(rows: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """The rows of these series; `rows` of one bucket are sorted by series, so those of one are found at once."""
    if ids.len() != 1:
        return rows.filter(pl.col("unique_id").is_in(ids.implode()))
    column, one = rows["unique_id"], ids[0]  # looked up here: each call of the engine costs more than all the steps
    return rows[bisect_left(column, one) : bisect_right(column, one)]


def panel_rows(served: Served, bucket: int) -> pl.DataFrame:
    """The rows of the panel of a bucket, kept in memory while there is room."""
    return served._held.get_or_compute(("panel", bucket), lambda: served.job.panel.scan(bucket).collect())


def found_once(served: Served, name: str, find: Callable[[], Found]) -> Found:
    """What `find` returns, found once for a vintage and then kept: something small, or of one bucket."""
    if name not in served._found:
        served._found[name] = find()
    found: Found = served._found[name]
    return found


def usual_rows(served: Served, bucket: int) -> pl.DataFrame:
    """The rows of `plans` of a bucket, with the usual values (see data/known_ahead) where none is planned."""

    def find() -> pl.DataFrame:
        filled = fill_unknown(served._cut.frame(bucket), served.columns, served.job.config, served.cutoff)
        return filled.filter(pl.col("ds") > served.cutoff).select(list(served.job.panel.schema))

    return served._held.get_or_compute(("usual", bucket), find)


def newest_values(served: Served, bucket: int, column: str) -> pl.DataFrame:
    """[unique_id, newest]: the newest value of a column that is known at the cutoff, of each series of a bucket."""

    def find() -> pl.DataFrame:
        known = served.job.panel.scan(bucket).filter(pl.col("ds") <= served.cutoff, pl.col(column).is_not_null())
        return known.group_by("unique_id").agg(newest=pl.col(column).sort_by("ds").last()).collect()

    return served._held.get_or_compute(("newest", bucket, column), find)


def row_columns(config: Config) -> list[str]:
    """The columns of a forecast row that requests are answered with."""
    return [*KEY, "yhat", "q50", *interval_columns(config.level), "source", "interval", "cold_start", "model"]
