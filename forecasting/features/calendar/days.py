"""Calendar features of every day at a place: `days` takes country and region and returns a frame of one row per day.

Its columns are ds, working and one Float32 column per feature, for the years 1950 to 2100. Paydays and the job's own
events are not among them.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import polars as pl

from forecasting.features.calendar.places import FIRST, LAST, Further, easter, holiday_code, holidays_of

FAR = 15
"""Days from a holiday after which nearer or farther makes no difference."""
FEAST = 35
"""The same for feasts of the moon: Ramadan is 30 days long."""
EASTER_RUN, FEAST_RUN = 14, 28
"""So many days before (the day included) people shop for Easter, and for a feast of the moon."""
MOVED = ("easter_share", "feast_share", "quarter_easter", "quarter_feast")
YEAR_AGO = {name: f"{name}_ago" for name in MOVED}
"""Shares of a month and of a quarter, and what they are called of the same one a year ago."""
DS = pl.col("ds")


@lru_cache(maxsize=64)
def days(country: str | None, region: str | None, further: Further = ()) -> pl.DataFrame:
    """[ds, working, features ...]: one row per day of FIRST to LAST, with every feature that the place has; `further`
    are days and names of holidays beside those of the country.

    `working` (Boolean) is true on days that are neither weekend nor holiday.
    """
    calendar = holidays_of(country, region, further)
    frame = pl.DataFrame({"ds": pl.date_range(date(FIRST, 1, 1), date(LAST, 12, 31), eager=True)})
    code = pl.Series([holiday_code(n) for n in calendar.names.values()], dtype=pl.Int32)
    holidays = pl.DataFrame({"ds": pl.Series(list(calendar.names), dtype=pl.Date), "code": code})
    frame = frame.join(holidays, on="ds", how="left", maintain_order="left").with_columns(_easters(frame["ds"]))
    rest = pl.col("code").is_not_null() | (DS.dt.weekday() - 1).is_in(sorted(calendar.weekend))
    feast = pl.when(DS.is_in(calendar.lunar)).then(DS)
    # as columns, not inside the expressions: within `over` a fill would stop at the end of the month
    frame = frame.with_columns(working=~rest, ahead=feast.backward_fill() - DS, behind=DS - feast.forward_fill())
    made = _dates() | (_holidays() if country else {}) | (_feasts() if calendar.lunar else {})
    known = frame.select("ds", "working", *(e.cast(pl.Float32).alias(name) for name, e in made.items()))
    return _with_last_year(known, [name for name in YEAR_AGO if name in made and country])


def _with_last_year(known: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """The rows with the same shares a year ago: where a feast lay that sales of then know of."""
    later = DS.dt.truncate("1mo").dt.offset_by("1y").alias("_month")
    months = known.select(later, *(pl.col(n).alias(YEAR_AGO[n]) for n in names))
    then = months.unique("_month", keep="first", maintain_order=True)
    now = known.with_columns(_month=DS.dt.truncate("1mo"))
    return now.join(then, on="_month", how="left", maintain_order="left").drop("_month")


def _easters(ds: pl.Series) -> pl.Series:
    """Easter Sunday of the year of each day."""
    sundays = {year: easter(year) for year in range(FIRST, LAST + 1)}
    return ds.dt.year().replace_strict(sundays, return_dtype=pl.Date).alias("sunday")


def _dates() -> dict[str, pl.Expr]:
    """Seasons, and Easter, which moves sales even in countries where it is no holiday."""
    offset = (DS - pl.col("sunday")).dt.total_days()
    running = offset.is_between(1 - EASTER_RUN, 0)
    return {
        "weekday": DS.dt.weekday(),
        "monthday": DS.dt.day(),
        "month": DS.dt.month(),
        "quarter": DS.dt.quarter(),
        "yearday": DS.dt.ordinal_day(),
        "yearweek": DS.dt.week(),
        "month_left": (DS.dt.month_end() - DS).dt.total_days(),
        "easter": offset.clip(-70, 70),
        "easter_month": (offset == 0).any().over(DS.dt.truncate("1mo")),
        "easter_share": running.mean().over(DS.dt.truncate("1mo")),
        "quarter_easter": running.mean().over(DS.dt.truncate("1q")),
    }


def _holidays() -> dict[str, pl.Expr]:
    """The holiday, the next and the last one, with their distance; long weekends and bridges; weeks and months."""
    code, working = pl.col("code"), pl.col("working")
    today, free = code.is_not_null(), ~working
    ahead, behind = code.backward_fill(limit=FAR - 1), code.forward_fill(limit=FAR - 1)
    feast = pl.when(today).then(DS)
    run = free.rle_id()
    return {
        "holiday": code.fill_null(0),
        "next_holiday": (feast.backward_fill() - DS).dt.total_days().clip(0, FAR),
        "last_holiday": (DS - feast.forward_fill()).dt.total_days().clip(0, FAR),
        "next_holiday_code": ahead.fill_null(0),
        "last_holiday_code": behind.fill_null(0),
        "free_days": pl.when(free).then(pl.len().over(run)).otherwise(0),
        "bridge": working & free.shift(1) & free.shift(-1),
        "holiday_before": code.forward_fill(limit=6).fill_null(0),
        "holiday_after": code.backward_fill(limit=6).fill_null(0),
        "holiday_later": code.backward_fill(limit=6).shift(-7).fill_null(0),
        "holidays_before": today.cast(pl.Float64).rolling_mean(7),
        "holidays_after": today.cast(pl.Float64).rolling_mean(7).shift(-6),
        "workdays": working.sum().over(DS.dt.truncate("1mo")),
        "quarter_workdays": working.sum().over(DS.dt.truncate("1q")),
        "year_workdays": working.sum().over(DS.dt.truncate("1y")),
    }


def _feasts() -> dict[str, pl.Expr]:
    """Days to and since a feast that follows the moon, and the share of a month in which people get ready for it."""
    ahead, behind = (pl.col(side).dt.total_days().fill_null(FEAST) for side in ("ahead", "behind"))
    return {
        "next_feast": ahead.clip(0, FEAST),
        "last_feast": behind.clip(0, FEAST),
        "feast_share": (ahead < FEAST_RUN).mean().over(DS.dt.truncate("1mo")),
        "quarter_feast": (ahead < FEAST_RUN).mean().over(DS.dt.truncate("1q")),
    }


def all_feature_names() -> list[str]:
    """The names of all features that some place has."""
    return [*_dates(), *_holidays(), *_feasts(), *YEAR_AGO.values()]
