"""Closed periods of a panel: `find_closed_periods` takes its rows, `stored_closed_periods` the tables of a load.

Both return ClosedPeriods: on which weekdays, in which months or in which periods out of many no row ever comes, as
known on the newest day, and how many of the filled rows lie there; a ClosedCounter does so for the rows of a bucket,
for who walks through all of them. `ended_remarks` returns what to say of series of which no row comes any more. Nothing
is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.closures import CLOSED, Closures, closed_groups
from forecasting.data.closures.ended import have_ended, silence_facts
from forecasting.data.closures.words import rhythm_remarks, silent_remarks
from forecasting.data.panel import KEY
from forecasting.remarks import Remark
from forecasting.services.engine import build_engine, walk
from forecasting.services.store import Store
from forecasting.sorted_rows import any_in_series, sort_rows

FILLED = pl.col("flag") == "filled"


@dataclass(frozen=True)
class ClosedPeriods:
    """How many filled rows lie in closed periods, and the remarks on these periods."""

    filled: int
    remarks: tuple[Remark, ...]


NONE_CLOSED = ClosedPeriods(0, ())


@dataclass(frozen=True)
class ClosedRows:
    """Of some rows of a panel: how many filled ones lie in closed periods, how many series there are, and the closed
    phases [unique_id, cycle, phase] of those that have no row on them.
    """

    filled: int
    series: int
    phases: pl.DataFrame


@dataclass(frozen=True)
class ClosedCounter:
    """Counts what rows of a panel show up to the day `last`; `of_groups` are the closed phases of their groups (see
    closed_groups).
    """

    config: Config
    last: date
    of_groups: pl.DataFrame

    @classmethod
    def of(cls, groups: pl.DataFrame, config: Config) -> ClosedCounter:
        """The one for the panel whose groups have these rows of the table `groups`."""
        last = cast("date | None", groups["ds"].max()) or date.min
        return cls(config, last, closed_groups(groups, config, last))

    def columns(self, stored: pl.Schema) -> list[str]:
        """The columns that are read of a stored panel."""
        return ["unique_id", "ds", "y_raw", "flag", *(c for c in [self.config.columns.open] if c and c in stored)]

    def count(self, rows: pl.DataFrame, statics: pl.DataFrame) -> ClosedRows:
        """What all rows of some series show, sorted by unique_id and ds; `statics` are the columns by which a series is
        found in its groups, by unique_id.
        """
        closures = Closures(self.config, self.last, lambda: self.of_groups, pl.DataFrame)
        known = pl.col("ds") <= self.last
        marked, with_filled = (any_in_series(rows, known & which) for which in (pl.col("flag") == CLOSED, FILLED))
        # of series whose closed days have rows, and which have no filled ones, nothing is to be found
        left = ~marked | with_filled
        history = rows.lazy().filter(known & pl.lit(left).gather(pl.col("unique_id").rle_id())).collect()
        history = history.join(statics, on="unique_id", how="left", maintain_order="left")
        phases, filled = closures.phases(history), history.filter(FILLED)
        ids = rows["unique_id"].rle().struct.field("value")
        unmarked = phases.filter(~pl.col("unique_id").is_in(ids.filter(marked).implode()))
        return ClosedRows(int(closures.is_closed(filled, phases).sum()), ids.len(), unmarked)


def stored_closed_periods(store: Store, config: Config, buckets: int) -> ClosedPeriods:
    """Those of the stored panel, which is read bucket by bucket."""
    counter = ClosedCounter.of(store.scan("groups").collect(), config)
    return sum_closed(list(walk(build_engine(config), partial(_count_stored, store, counter), range(buckets))), config)


def _count_stored(store: Store, counter: ClosedCounter, bucket: int) -> ClosedRows:
    rows = store.scan("panel", bucket=bucket).select(counter.columns(store.tables["panel"].schema))
    statics = static_columns(store.scan("series").filter(pl.col("bucket") == bucket).collect(), counter.config)
    return counter.count(sort_rows(rows.collect(), KEY), statics)


def static_columns(series: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[unique_id, static columns] of rows of the table `series`."""
    return series.select("unique_id", *(c for c in config.static_columns if c in series.columns))


def find_closed_periods(rows: pl.DataFrame, groups: pl.DataFrame, config: Config) -> ClosedPeriods:
    """Those of the rows of a panel; `groups` are rows of the table `groups`."""
    rows = sort_rows(rows, KEY)
    statics = static_columns(rows.group_by("unique_id").last(), config)
    found = ClosedCounter.of(groups, config).count(rows.drop(statics.columns[1:]), statics)
    return sum_closed([found], config)


def sum_closed(parts: Sequence[ClosedRows], config: Config) -> ClosedPeriods:
    """Those of a panel, from what the rows of each bucket show."""
    phases, series = pl.concat(part.phases for part in parts), sum(part.series for part in parts)
    return ClosedPeriods(sum(part.filled for part in parts), rhythm_remarks(phases, series, config))


def ended_remarks(panel: pl.DataFrame, config: Config) -> tuple[Remark, ...]:
    """What to say of the series of a panel that have ended, in one remark; their share is known once there is a
    forecast.
    """
    facts = silence_facts(panel, config.frequency)
    newest = facts.group_by(ds="last_row").agg(n=pl.len())
    last = facts["last_row"].max()
    if config.clean.ended == "never" or not isinstance(last, date):
        return ()
    planned = panel.filter(pl.col("flag") == "ahead")["unique_id"].unique()
    living = facts.filter(~pl.col("unique_id").is_in(planned.implode()))
    ended = have_ended(living, lambda: newest, config, last).join(facts, on="unique_id")
    silent = ended.select("unique_id", last="last_row", mean=pl.lit(0.0), ended=pl.lit(value=True))
    return silent_remarks(silent, facts.height, 0.0, config.h)
