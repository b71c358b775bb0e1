"""The choices of a proposed job: `draft_of` takes the found tables and a Request, and returns a Draft.

A Draft holds the choices of columns, periods and joins; `config_values` and `comments` word them as a config.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.steps.proposal.columns.dates import DateChoice, find_date, named_date
from forecasting.steps.proposal.columns.drivers import DAY, Drivers, Y, find_drivers, keyed_rows, static_only
from forecasting.steps.proposal.columns.hours import find_hourly, with_hour
from forecasting.steps.proposal.columns.keys import KeyChoice, find_keys, named_keys
from forecasting.steps.proposal.columns.periods import Periods, periods_of_sales, periods_of_table, refuse_scattered
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.sales import SalesChoice, count_lines, find_sales
from forecasting.steps.proposal.found.joins import Joins, find_joins
from forecasting.steps.proposal.found.sampling import bare_config
from forecasting.steps.proposal.found.source import Found
from forecasting.steps.proposal.request import Request


@dataclass(frozen=True)
class Draft:
    """What was chosen for a source: date, sales, series, periods, drivers."""

    found: Found
    date: DateChoice
    sales: SalesChoice
    keys: KeyChoice
    periods: Periods
    drivers: Drivers
    joins: Joins
    negative: float = 0.0

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """The columns of the table with the sales, and of those that are joined to it."""
        joined = {table["path"] for table in self.joins.tables.values()}
        others = [table.profiles for table in self.found.others if table.files[0] in joined]
        return {name: p for profiles in (*others, self.found.sales.profiles) for name, p in profiles.items()}


def draft_of(found: Found, request: Request) -> Draft:
    """The choices for a source; raises UserError when it has no date or no sales, or when it is in doubt which."""
    profiles, config = found.sales.profiles, bare_config(found.sales.files[0])
    date = _date(found, request, config)
    sales = _sales(found, request, date)
    date, keys = _keys(found, request, date, sales)
    taken = (*date.columns, *date.others, sales.column)
    one = pl.Series([1.0]).new_from_index(0, len(date.days))
    y = one if sales.lines else profiles[sales.column].values
    rows = keyed_rows(date.days, y, profiles, keys.columns)
    freq = str(request.settings.get("freq", date.freq))
    periods = (periods_of_sales if keys.single_sales else periods_of_table)(rows, freq)
    if "source.ds_format" not in request.settings and len(date.columns) == 1:
        refuse_scattered(rows, periods.freq, profiles[date.columns[0]].cells, config)
    drivers = find_drivers(rows, profiles, (*taken, *keys.columns))
    drivers = static_only(drivers) if keys.single_sales else drivers
    negative = float(rows.filter(pl.col(Y) < 0)[Y].sum())
    last = rows.filter(pl.col(Y).is_not_null())[DAY].max()
    by = {**dict.fromkeys(keys.columns[:1], "unique_id"), **{c: c for c in drivers.static}}
    by |= {c: c for c in keys.columns} if len(keys.columns) > 1 else {}
    joins = find_joins(found.others, profiles, by, cast(dt.date, last)) if last else Joins()
    return Draft(found, date, sales, keys, periods, drivers, joins, negative)


def _date(found: Found, request: Request, config: Config) -> DateChoice:
    named = request.columns("ds") or (found.named and (found.named.ds,))
    profiles = found.sales.profiles
    date = find_date(profiles, config) if not named else named_date(profiles, named, config)
    if date is None:
        names = ", ".join(found.sales.profiles)
        raise UserError(
            f"{found.sales.files[0]}: no column holds dates (there are {names}): every row needs the day, week or "
            "month of its sales in a column"
        )
    return date


def _keys(found: Found, request: Request, date: DateChoice, sales: SalesChoice) -> tuple[DateChoice, KeyChoice]:
    """The columns of the series, and the date with its time of day where rows are regular within days."""
    profiles, named = found.sales.profiles, request.columns("unique_id")
    taken = (*date.columns, *date.others, sales.column)

    def keys_at(moments: pl.Series) -> KeyChoice:
        return find_keys(moments, profiles, taken) if named is None else named_keys(moments, profiles, named)

    keys = keys_at(date.days)
    kind = request.settings.get("source.kind")
    if sales.lines or kind == "transactions":
        return date, replace(keys, single_sales=True)
    if keys.single_sales:
        dates = (date,) if request.columns("ds") else (date, *with_hour(date, profiles))
        if hourly := find_hourly(dates, profiles, keys_at, bare_config(found.sales.files[0])):
            return hourly
    return date, replace(keys, single_sales=False) if kind else keys


def _sales(found: Found, request: Request, date: DateChoice) -> SalesChoice:
    named = request.columns("y") or (found.named and (found.named.y,))
    if named:
        if named[0] not in found.sales.profiles:
            raise UserError(f"{found.sales.files[0]}: has no column {named[0]!r}")
        return SalesChoice(named[0])
    sales = find_sales(found.sales.profiles, (*date.columns, *date.others))
    if not sales.column and (lines := count_lines(date.days, found.sales.profiles)):
        return lines
    if not sales.column or sales.in_doubt:
        names = ", ".join((sales.column, *sales.others) if sales.column else found.sales.profiles)
        what = "which column holds the sales is not clear" if sales.column else "no column of numbers can be the sales"
        raise UserError(
            f"{found.sales.files[0]}: {what} ({names}): name it, source.columns.y, or rename the column to sales"
        )
    return sales
