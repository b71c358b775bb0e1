"""Date features: seasons, public holidays with the days before and after them, moving feasts, month ends."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import polars as pl

from forecasting.errors import UserError
from forecasting.features.base import Context, Feature

FAR = 15
"""Days from a holiday after which nearer or farther makes no difference."""
FIRST, LAST = 1950, 2100


def features(context: Context) -> list[Feature]:
    """The date features that the frequency can tell apart."""
    calendar = context.config.calendar
    known = _expressions(calendar.country, calendar.region)
    return [Feature(f"cal_{name}", known[name]) for name in context.config.frequency.calendar if name in known]


def _expressions(country: str | None, region: str | None) -> dict[str, pl.Expr]:
    ds = pl.col("ds")
    dates = {
        "weekday": ds.dt.weekday(),
        "monthday": ds.dt.day(),
        "month": ds.dt.month(),
        "quarter": ds.dt.quarter(),
        "yearday": ds.dt.ordinal_day(),
        "yearweek": ds.dt.week(),
        "month_left": (ds.dt.month_end() - ds).dt.total_days(),
        "easter": _from_table("easter", country, region),
        "easter_month": _from_table("easter", country, region).is_between(-30, 0).cast(pl.Int8),
    }
    names = ("holiday", "next_holiday", "last_holiday", "holiday_before", "holiday_after", "workdays")
    holidays = {name: _from_table(name, country, region) for name in names} if country else {}
    return {name: expr.cast(pl.Float32) for name, expr in (dates | holidays).items()}


def _from_table(column: str, country: str | None, region: str | None) -> pl.Expr:
    days = _days(country, region)
    return pl.col("ds").replace_strict(days["ds"], days[column], default=None)


@lru_cache(maxsize=8)
def _days(country: str | None, region: str | None) -> pl.DataFrame:
    """One row per day: code of the holiday (0 for none), days to the next and since the last one, offset to Easter,
    code of a holiday in the 7 days up to and from this one, working days of its month.
    """
    days = pl.DataFrame({"ds": pl.date_range(date(FIRST, 1, 1), date(LAST, 12, 31), eager=True)})
    named = holiday_names(country, region)
    codes = {name: code for code, name in enumerate(sorted(set(named.values())), start=1)}
    table = pl.DataFrame(
        {"ds": list(named), "code": [codes[n] for n in named.values()]}, schema={"ds": pl.Date, "code": pl.Int32}
    )
    days = days.join(table.sort("ds"), on="ds", how="left")
    feast = pl.when(pl.col("code").is_not_null()).then("ds")
    easters = pl.DataFrame({"feast": [easter(y) for y in range(FIRST, LAST + 1)]}).with_columns(
        year=pl.col("feast").dt.year()
    )
    work = (pl.col("code").is_null() & (pl.col("ds").dt.weekday() < 6)).sum().over(pl.col("ds").dt.truncate("1mo"))
    return (
        days.with_columns(year=pl.col("ds").dt.year())
        .join(easters, on="year")
        .select(
            "ds",
            holiday=pl.col("code").fill_null(0),
            next_holiday=(feast.backward_fill() - pl.col("ds")).dt.total_days().clip(0, FAR),
            last_holiday=(pl.col("ds") - feast.forward_fill()).dt.total_days().clip(0, FAR),
            holiday_before=pl.col("code").forward_fill(limit=6).fill_null(0),
            holiday_after=pl.col("code").backward_fill(limit=6).fill_null(0),
            easter=(pl.col("ds") - pl.col("feast")).dt.total_days().clip(-70, 70),
            workdays=work,
        )
    )


def holiday_names(country: str | None, region: str | None) -> dict[date, str]:
    """Public holidays by day; empty without a country; raises UserError for one that the holidays package lacks."""
    if not country:
        return {}
    import holidays

    try:
        return dict(
            sorted(
                holidays.country_holidays(
                    country, subdiv=region, years=range(FIRST, LAST + 1), language="en_US"
                ).items()
            )
        )
    except NotImplementedError as e:
        raise UserError(f"calendar.country: {country} {region or ''}: {e}; use an ISO code such as DE or US") from None


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month = (h + weekday - 7 * m + 90) // 25
    return date(year, month, (h + weekday - 7 * m + 33 * month + 19) % 32)
