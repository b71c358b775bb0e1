"""Dates against the holidays package day by day, and against Easter Sundays as printed in almanacs."""

import calendar as almanac
from datetime import date, timedelta

import holidays
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.features import Features, calendar

EASTER = [
    *(date(1954, 4, 18), date(1967, 3, 26), date(1981, 4, 19), date(1999, 4, 4), date(2000, 4, 23), date(2008, 3, 23)),
    *(date(2011, 4, 24), date(2014, 4, 20), date(2015, 4, 5), date(2016, 3, 27), date(2018, 4, 1), date(2019, 4, 21)),
    *(date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25), date(2049, 4, 18), date(2076, 4, 19)),
]
NO_SUMS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})
FIRST, DAYS = date(2022, 11, 15), 800


def told(freq: str, ds: list[date], country: str | None = "DE", region: str | None = None) -> dict[str, list]:
    """The date features of the days, by name."""
    where = {"country": country, "region": region}
    config = Config.model_validate({"name": "x", "source": {}, "freq": freq, "h": 7, "calendar": where})
    frame = pl.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0})
    made = Features(config, dict(frame.schema), ())
    rows = made.prepare(frame, NO_SUMS, 1).select(made.exprs(1))
    return rows.select("^cal_.*$").to_dict(as_series=False)


def some_days(n: int = DAYS) -> list[date]:
    return [FIRST + timedelta(i) for i in range(n)]


@pytest.mark.parametrize("sunday", EASTER, ids=str)
def test_easter_is_the_sunday_of_the_almanac(sunday):
    assert calendar.easter(sunday.year) == sunday


def test_the_offset_to_easter_counts_days_up_to_seventy():
    days = [date(2024, 3, 30), date(2024, 3, 31), date(2024, 4, 1), date(2024, 1, 2), date(2024, 11, 5)]
    assert told("1d", days)["cal_easter"] == [-1, 0, 1, -70, 70]


def test_the_plain_date_features_are_those_of_the_standard_library():
    days = some_days()
    got = told("1d", days)
    assert got["cal_weekday"] == [d.isoweekday() for d in days]
    assert got["cal_monthday"] == [d.day for d in days]
    assert got["cal_month"] == [d.month for d in days]
    assert got["cal_yearday"] == [d.timetuple().tm_yday for d in days]
    assert got["cal_month_left"] == [almanac.monthrange(d.year, d.month)[1] - d.day for d in days]
    assert told("1w", days)["cal_yearweek"] == [d.isocalendar().week for d in days]


@pytest.mark.parametrize(("country", "region"), [("DE", None), ("DE", "BY"), ("US", None)])
def test_a_day_has_a_code_exactly_when_the_holidays_package_names_it(country, region):
    days = some_days()
    known = holidays.country_holidays(country, subdiv=region, years=range(2022, 2026), language="en_US")
    codes = told("1d", days, country, region)["cal_holiday"]
    assert [code > 0 for code in codes] == [d in known for d in days]
    names: dict[float, set[str]] = {}
    for day, code in zip(days, codes, strict=True):
        names.setdefault(code, set()).add(known.get(day, "").removesuffix(" (observed)"))
    assert all(len(of) == 1 for of in names.values()), "one code, one name"


def test_the_days_to_and_from_a_holiday_are_counted_to_fifteen():
    days = some_days()
    known = holidays.country_holidays("DE", years=range(2022, 2026))
    got = told("1d", days)
    ahead = [next((n for n in range(15) if d + timedelta(n) in known), 15) for d in days]
    behind = [next((n for n in range(15) if d - timedelta(n) in known), 15) for d in days]
    assert got["cal_next_holiday"] == ahead
    assert got["cal_last_holiday"] == behind


def test_a_week_knows_the_holiday_in_the_seven_days_up_to_and_from_its_date():
    days = some_days()
    known = holidays.country_holidays("DE", years=range(2022, 2026), language="en_US")
    daily = dict(zip(days, told("1d", days)["cal_holiday"], strict=True))
    got = told("1w", days)
    inner = range(7, DAYS - 7)
    for side, name in ((-1, "cal_holiday_before"), (1, "cal_holiday_after")):
        week = [[days[i] + side * timedelta(n) for n in range(7)] for i in inner]
        expected = [next((daily[d] for d in reach if d in known), 0) for reach in week]
        assert [got[name][i] for i in inner] == expected, name


def test_a_month_knows_its_working_days_and_whether_easter_is_in_it():
    known = holidays.country_holidays("DE", years=range(1950, 2101))
    months = [date(y, m, 1) for y in sorted({e.year for e in EASTER}) for m in range(1, 13)]
    got = told("1mo", months)
    every = [[date(d.year, d.month, n + 1) for n in range(almanac.monthrange(d.year, d.month)[1])] for d in months]
    assert got["cal_workdays"] == [sum(d.weekday() < 5 and d not in known for d in ds) for ds in every]
    feasts = {(e.year, e.month) for e in EASTER}
    assert got["cal_easter_month"] == [(d.year, d.month) in feasts for d in months]


def test_without_a_country_there_are_dates_but_no_holidays():
    names = set(told("1d", some_days(3), None))
    assert "cal_weekday" in names
    assert not any("holiday" in name for name in names)


def test_an_unknown_country_is_named():
    with pytest.raises(UserError, match=r"calendar\.country: XX"):
        told("1d", some_days(3), "XX")
