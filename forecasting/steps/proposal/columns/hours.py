"""Rows finer than a day: `find_hourly` takes the date and profiles, and returns the date with its time, and the keys.

Rows are hourly (or finer) where a load with these columns adds them up by day: the rule is that of the load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.periods.finer_rows import DAY, MINUTE, unit_of_rows
from forecasting.data.sources.periods.several_columns import join_date_columns
from forecasting.data.sources.periods.unfinished import TIME_OF_DAY
from forecasting.data.sources.readers.dates import minutes_of_day
from forecasting.errors import UserError
from forecasting.steps.proposal.columns.dates import DateChoice
from forecasting.steps.proposal.columns.keys import KeyChoice
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import meaning_of

LAST_HOUR = 23
"""Hours are numbered from 0: a load reads no 24:00."""


def find_hourly(
    dates: tuple[DateChoice, ...],
    profiles: Mapping[str, Profile],
    keys_at: Callable[[pl.Series], KeyChoice],
    config: Config,
) -> tuple[DateChoice, KeyChoice] | None:
    """The first of the dates by which rows are regular within days, and the keys of the series; None for single sales.

    `keys_at` returns the keys by the moment (Datetime) of each row.
    """
    for date in dates:
        minutes = _minutes(date, profiles, config)
        if minutes is None or minutes.n_unique() < 2:
            continue
        moments = (
            date.days.cast(pl.Datetime("ms"))
            + pl.select(pl.duration(minutes=pl.lit(minutes), time_unit="ms")).to_series()
        )
        keys = keys_at(moments)
        series = pl.struct(profiles[c].cells for c in keys.columns) if keys.columns else pl.lit(0)
        rows = pl.DataFrame([date.days.alias(DAY), minutes.alias(MINUTE)]).with_columns(series.alias("unique_id"))
        regular = unit_of_rows(rows.drop_nulls(DAY), config.frequency) == TIME_OF_DAY
        if regular and not keys.single_sales:
            return date, keys
    return None


def with_hour(date: DateChoice, profiles: Mapping[str, Profile]) -> Iterator[DateChoice]:
    """The date with each column that can hold the time of day of its rows."""
    for found in profiles.values():
        hours = (
            found.kind == "text"
            or found.values.drop_nulls().cast(pl.Float64, strict=False).is_between(0, LAST_HOUR).all()
        )
        if len(date.columns) == 1 and meaning_of(found.name) == "moment" and found.name not in date.columns and hours:
            yield replace(date, columns=(*date.columns, found.name))


def _minutes(date: DateChoice, profiles: Mapping[str, Profile], config: Config) -> pl.Series | None:
    """The minute of the day of each row, as the columns of the date tell it; None where they do not fit together."""
    cells = profiles[date.columns[0]].cells
    if len(date.columns) > 1:
        try:
            cells = join_date_columns(pl.DataFrame([profiles[c].cells for c in date.columns]), date.columns, config)
        except UserError:
            return None
    if isinstance(cells.dtype, pl.Datetime):
        return cells.dt.hour().cast(pl.Int16) * 60 + cells.dt.minute().cast(pl.Int16)
    return minutes_of_day(cells.cast(pl.String))
