"""Closed periods of a panel: `find_closed_periods` takes its rows, `stored_closed_periods` the tables of a load.

Both return ClosedPeriods: on which weekdays, in which months or in which periods out of many no row ever comes, as
known on the newest day, and how many of the filled rows lie there. `ended_remarks` returns what to say of series of
which no row comes any more. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.closures import CLOSED, Closures, closed_groups
from forecasting.data.closures.ended import have_ended, silence_facts
from forecasting.data.closures.words import rhythm_remarks, silent_remarks
from forecasting.remarks import Remark
from forecasting.services.store import Store

FILLED = pl.col("flag") == "filled"


@dataclass(frozen=True)
class ClosedPeriods:
    """How many filled rows lie in closed periods, and the remarks on these periods."""

    filled: int
    remarks: tuple[Remark, ...]


NONE_CLOSED = ClosedPeriods(0, ())


def stored_closed_periods(store: Store, config: Config, buckets: int) -> ClosedPeriods:
    """Those of the stored panel, which is read bucket by bucket."""
    schema = store.tables["panel"].schema
    drivers = [c for c in (*config.static_columns, config.columns.open) if c in schema]
    columns = ["unique_id", "ds", "y", "y_raw", "flag", *drivers]
    parts = (store.scan("panel", bucket=bucket).select(columns).collect() for bucket in range(buckets))
    return find_closed_periods(parts, store.scan("groups").collect(), config)


def find_closed_periods(parts: Iterable[pl.DataFrame], groups: pl.DataFrame, config: Config) -> ClosedPeriods:
    """Those of a panel: `parts` are its rows by bucket, `groups` rows of the table `groups`."""
    last = groups["ds"].max()
    if not isinstance(last, date):
        return NONE_CLOSED
    of_groups = closed_groups(groups, config, last)
    closures = Closures(config, last, lambda: of_groups, pl.DataFrame)
    filled, series, found = 0, 0, []
    for rows in parts:
        history = rows.filter(pl.col("ds") <= last)
        phases = closures.phases(history)
        filled += int((closures.is_closed(history, phases) & history.select(FILLED).to_series()).sum())
        series += rows["unique_id"].n_unique()
        marked = history.filter(pl.col("flag") == CLOSED)["unique_id"].unique()  # their closed days have rows
        found.append(phases.filter(~pl.col("unique_id").is_in(marked.implode())))
    return ClosedPeriods(filled, rhythm_remarks(pl.concat(found), series, config))


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
