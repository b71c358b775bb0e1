"""Closed periods of a panel: `find_closed_periods` takes its rows, `stored_closed_periods` the tables of a load.

Both return ClosedPeriods: on which weekdays, in which months or in which periods out of many no row ever comes, as
known on the newest day, and how many of the filled rows lie there. `ended_remarks` returns what to say of series of
which no row comes any more. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.closures import CLOSED, Closures, closed_groups
from forecasting.data.closures.ended import have_ended, silence_facts
from forecasting.data.closures.words import rhythm_remarks, silent_remarks
from forecasting.remarks import Remark
from forecasting.services.engine import build_engine, walk
from forecasting.services.store import Store
from forecasting.sorted_rows import sort_rows

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


def stored_closed_periods(store: Store, config: Config, buckets: int) -> ClosedPeriods:
    """Those of the stored panel, which is read bucket by bucket."""
    groups = store.scan("groups").collect()
    last = groups["ds"].max()
    if not isinstance(last, date):
        return NONE_CLOSED
    count = partial(_count_stored, store, config, last, closed_groups(groups, config, last))
    return _of_all(list(walk(build_engine(config), count, range(buckets))), config)


def find_closed_periods(rows: pl.DataFrame, groups: pl.DataFrame, config: Config) -> ClosedPeriods:
    """Those of the rows of a panel; `groups` are rows of the table `groups`."""
    last = groups["ds"].max()
    if not isinstance(last, date):
        return NONE_CLOSED
    return _of_all([_count_closed(rows, config, last, closed_groups(groups, config, last))], config)


def _of_all(parts: Sequence[ClosedRows], config: Config) -> ClosedPeriods:
    phases, series = pl.concat(part.phases for part in parts), sum(part.series for part in parts)
    return ClosedPeriods(sum(part.filled for part in parts), rhythm_remarks(phases, series, config))


def _count_stored(store: Store, config: Config, last: date, of_groups: pl.DataFrame, bucket: int) -> ClosedRows:
    named = config.static_columns if of_groups.height else ()  # by them a series is found in its groups
    drivers = [c for c in (*named, config.columns.open) if c in store.tables["panel"].schema]
    rows = store.scan("panel", bucket=bucket).select("unique_id", "ds", "y_raw", "flag", *drivers)
    return _count_closed(sort_rows(rows.collect(), ("unique_id", "ds")), config, last, of_groups)


def _count_closed(rows: pl.DataFrame, config: Config, last: date, of_groups: pl.DataFrame) -> ClosedRows:
    """What rows show up to the day `last`; `of_groups` are the closed phases of their groups (see closed_groups)."""
    closures = Closures(config, last, lambda: of_groups, pl.DataFrame)
    history = rows.filter(pl.col("ds") <= last)
    phases, filled = closures.phases(history), history.filter(FILLED)
    marked = history.filter(pl.col("flag") == CLOSED)["unique_id"].unique()  # their closed days have rows
    unmarked = phases.filter(~pl.col("unique_id").is_in(marked.implode()))
    return ClosedRows(int(closures.is_closed(filled, phases).sum()), rows["unique_id"].n_unique(), unmarked)


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
