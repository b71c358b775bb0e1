"""Dates against the holidays package day by day, and against Easter Sundays as printed in almanacs."""

import calendar as almanac
import zlib
from datetime import date, timedelta

import holidays
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.features import Features, GroupData, calendar
from forecasting.features.base import Lead

EASTER = [
    *(date(1954, 4, 18), date(1967, 3, 26), date(1981, 4, 19), date(1999, 4, 4), date(2000, 4, 23), date(2008, 3, 23)),
    *(date(2011, 4, 24), date(2014, 4, 20), date(2015, 4, 5), date(2016, 3, 27), date(2018, 4, 1), date(2019, 4, 21)),
    *(date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25), date(2049, 4, 18), date(2076, 4, 19)),
]
NO_SUMS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})
FIRST, DAYS = date(2022, 11, 15), 800


def told(freq: str, ds: list[date], country: str | None = "DE", region: str | None = None, **more) -> dict[str, list]:
    """The date features of the days, by name."""
    return of(freq, pl.DataFrame({"ds": ds}), {"country": country, "region": region, **more}).to_dict(as_series=False)


def of(freq: str, rows: pl.DataFrame, calendar: dict) -> pl.DataFrame:
    """The date features of rows that have ds and static columns."""
    job = {"name": "x", "source": {}, "freq": freq, "h": 7, "calendar": calendar}
    statics = [c for c in rows.columns if c != "ds"]
    config = Config.model_validate(job | {"columns": {"static": statics}})
    frame = rows.with_columns(unique_id=pl.lit("a"), y=1.0)
    made = Features(config, dict(frame.schema), ())
    return made.prepare(frame, GroupData(NO_SUMS, None), 1).select(made.exprs(Lead.of(1))).select("^cal_.*$")


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


@pytest.mark.parametrize(("freq", "months"), [("1q", 3), ("1y", 12)])
def test_quarters_and_years_know_their_working_days(freq, months):
    known = holidays.country_holidays("DE", years=range(1950, 2101))
    starts = [date(y, m, 1) for y in range(2020, 2025) for m in range(1, 13, months)]
    got = told(freq, starts)
    ends = [date(d.year + (d.month + months) // 13, (d.month + months - 1) % 12 + 1, 1) for d in starts]
    every = [[s + timedelta(n) for n in range((e - s).days)] for s, e in zip(starts, ends, strict=True)]
    workdays = [sum(d.weekday() < 5 and d not in known for d in ds) for ds in every]
    assert got[f"cal_{'quarter' if freq == '1q' else 'year'}_workdays"] == workdays
    if freq == "1q":
        assert got["cal_quarter"] == [(d.month + 2) // 3 for d in starts]
        share = dict(zip(starts, got["cal_quarter_easter"], strict=True))
        assert share[date(2024, 1, 1)] == pytest.approx(14 / 91), "Easter Sunday was March 31st"
        assert share[date(2024, 4, 1)] == 0
        assert share[date(2020, 4, 1)] == pytest.approx(12 / 91), "it was April 12th"


def test_without_a_country_there_are_dates_but_no_holidays():
    names = set(told("1d", some_days(3), None))
    assert "cal_weekday" in names
    assert not any("holiday" in name for name in names)


def test_an_unknown_country_is_named():
    with pytest.raises(UserError, match=r"calendar\.country: XX"):
        told("1d", some_days(3), "XX")


@pytest.mark.parametrize("column", ["country", "region"])
def test_an_unknown_place_of_a_series_is_named_with_its_column(column):
    rows = pl.DataFrame({"ds": some_days(3), "land": ["BY" if column == "region" else "US", "ZZ", None]})
    with pytest.raises(UserError, match=rf"calendar\.{column}_column: .*ZZ \(from the column land\)"):
        of("1d", rows, {"country": "DE", f"{column}_column": "land"})


def test_the_next_and_the_last_holiday_are_told_apart():
    """Three days before Christmas is not three days before Labour Day."""
    days = some_days()
    known = holidays.country_holidays("DE", years=range(2022, 2026))
    got = told("1d", days)
    daily = dict(zip(days, got["cal_holiday"], strict=True))
    inner = range(15, DAYS - 15)
    for side, name in ((1, "next"), (-1, "last")):
        reach = [[days[i + side * n] for n in range(15)] for i in inner]
        expected = [next((daily[d] for d in ds if d in known), 0) for ds in reach]
        assert [got[f"cal_{name}_holiday_code"][i] for i in inner] == expected
    at = dict(zip(days, got["cal_next_holiday_code"], strict=True))
    assert len({at[date(2023, 12, 22)], at[date(2023, 4, 28)], 0}) == 3


def test_long_weekends_and_bridges():
    days = some_days()
    got = told("1d", days)
    known = holidays.country_holidays("DE", years=range(2022, 2026))
    free = {d: d in known or d.weekday() >= 5 for d in (FIRST + timedelta(i) for i in range(-30, DAYS + 30))}

    def run(d: date) -> int:
        if not free[d]:
            return 0
        before = next(n for n in range(20) if not free[d - timedelta(n)])
        return before + next(n for n in range(20) if not free[d + timedelta(n)]) - 1

    assert got["cal_free_days"] == [run(d) for d in days]
    day = timedelta(1)
    assert got["cal_bridge"] == [not free[d] and free[d - day] and free[d + day] for d in days]
    ascension = date(2023, 5, 18)
    assert got["cal_bridge"][days.index(ascension + day)] == 1


def test_each_store_sees_the_holidays_of_its_own_region():
    days = some_days(400)
    stores = pl.DataFrame({"state": ["BY", "HH", None]}).join(pl.DataFrame({"ds": days}), how="cross")
    got = of("1d", stores, {"country": "DE", "region": "NW", "region_column": "state"})["cal_holiday"].to_list()
    for i, region in enumerate(("BY", "HH", "NW")):
        known = holidays.country_holidays("DE", subdiv=region, years=range(2022, 2025))
        mine = got[i * 400 : (i + 1) * 400]
        assert [code > 0 for code in mine] == [d in known for d in days], region
    assert got[days.index(date(2022, 12, 25))] == got[400 + days.index(date(2022, 12, 25))] > 0, "one feast, one code"


def test_stores_of_several_countries_have_their_own_holidays_and_weekends():
    days = some_days(400)
    rows = pl.DataFrame({"ds": days}).join(pl.DataFrame({"land": ["US", "SA", None]}), how="cross")
    got = of("1d", rows, {"country": "DE", "region": "BY", "country_column": "land"})
    for i, (country, region) in enumerate((("US", None), ("SA", None), ("DE", "BY"))):
        known = holidays.country_holidays(country, subdiv=region, years=range(2021, 2026))
        mine = got.gather_every(3, i)
        assert [code > 0 for code in mine["cal_holiday"]] == [d in known for d in days], country
        free = {d: d in known or d.weekday() in known.weekend for d in days}
        assert [n > 0 for n in mine["cal_free_days"]] == list(free.values()), country
    assert got["cal_next_feast"].gather_every(3, 1).null_count() == 0


@pytest.mark.parametrize(
    ("country", "name"), [("TR", "Eid al-Fitr"), ("SA", "Eid al-Fitr"), ("HK", "Chinese New Year")]
)
def test_feasts_of_the_moon_are_found_by_how_they_move(country, name):
    """The days to the next one count down to the first day that bears the name, whatever its year's date."""
    days = some_days()
    known = holidays.country_holidays(country, years=range(2021, 2027), language="en_US")
    named = sorted(d for d, n in known.items() if name in n and "observed" not in n and "Eve" not in n)
    first = [d for i, d in enumerate(named) if i == 0 or (d - named[i - 1]).days > 7]
    ahead = told("1d", days, country)["cal_next_feast"]
    for day in (d for d in first if days[40] < d < days[-1]):
        i = days.index(day)
        assert ahead[i] == 0
        assert ahead[i - 5] == 5 or any(ahead[i - 5 + k] == 0 for k in range(5)), "or another feast comes first"


@pytest.mark.parametrize("country", ["DE", "US", "GB"])
def test_where_feasts_follow_easter_or_a_weekday_there_are_none_of_the_moon(country):
    assert "cal_next_feast" not in told("1d", some_days(3), country)


def test_the_run_up_to_easter_and_to_eid_is_shared_out_among_months():
    months = [date(y, m, 1) for y in range(2015, 2030) for m in range(1, 13)]
    got = told("1mo", months, "TR")
    known = holidays.country_holidays("TR", years=range(2014, 2032), language="en_US")
    eids = sorted(d for d, n in known.items() if "Eid al-" in n)
    first = [d for i, d in enumerate(eids) if i == 0 or (d - eids[i - 1]).days > 7]
    every = [[date(d.year, d.month, n + 1) for n in range(almanac.monthrange(d.year, d.month)[1])] for d in months]
    share = [sum(any(0 <= (f - d).days < 28 for f in first) for d in ds) / len(ds) for ds in every]
    assert got["cal_feast_share"] == pytest.approx(share)
    easters = {y: calendar.easter(y) for y in range(2015, 2030)}
    share = [sum(0 <= (easters[d.year] - d).days < 14 for d in ds) / len(ds) for ds in every]
    assert got["cal_easter_share"] == pytest.approx(share)


def test_a_week_knows_how_many_of_its_days_are_holidays_and_what_comes_after():
    days = some_days()
    known = holidays.country_holidays("DE", years=range(2022, 2026))
    daily = dict(zip(days, told("1d", days)["cal_holiday"], strict=True))
    got = told("1w", days)
    for i in range(14, DAYS - 14):
        after, before = days[i : i + 7], days[i - 6 : i + 1]
        assert got["cal_holidays_after"][i] == pytest.approx(sum(d in known for d in after) / 7)
        assert got["cal_holidays_before"][i] == pytest.approx(sum(d in known for d in before) / 7)
        assert got["cal_holiday_later"][i] == next((daily[d] for d in days[i + 7 : i + 14] if d in known), 0)


@pytest.mark.parametrize(
    ("paydays", "move"), [([15, -1], "before"), ([1, 31], "never"), ([-3], "before"), ([30], "before")]
)
def test_paydays_are_counted_to_and_from(paydays, move):
    days = some_days()
    known = holidays.country_holidays("DE", years=range(2022, 2026))
    paid = set()
    for d in (FIRST + timedelta(i) for i in range(-60, DAYS + 60)):
        length = almanac.monthrange(d.year, d.month)[1]
        if d.day in [min(p, length) if p > 0 else max(length + 1 + p, 1) for p in paydays]:
            while move == "before" and (d in known or d.weekday() >= 5):
                d -= timedelta(1)
            paid.add(d)
    got = told("1d", days, paydays=paydays, paydays_move=move)
    assert got["cal_next_payday"] == [next(n for n in range(62) if d + timedelta(n) in paid or n == 31) for d in days]
    assert got["cal_last_payday"] == [next(n for n in range(62) if d - timedelta(n) in paid or n == 31) for d in days]


@pytest.mark.parametrize("freq", ["1d", "1w", "1mo"])
def test_a_day_is_told_the_same_alone_and_among_others(freq):
    """A row at the end of the horizon sees the coming holidays and paydays just as one of the past does."""
    days = [date(2023, m, 1) for m in range(1, 13)] if freq == "1mo" else some_days(120)
    many = told(freq, days, "TR", paydays=[-1])
    for i in (0, 5, len(days) - 1):
        assert {name: values[i : i + 1] for name, values in many.items()} == told(
            freq, days[i : i + 1], "TR", paydays=[-1]
        )


def test_codes_are_those_of_names_in_every_place_and_process():
    assert told("1d", [date(2024, 12, 25)], "DE")["cal_holiday"] == [zlib.crc32(b"Christmas Day") % 2**20 + 1]
    assert told("1d", [date(2024, 12, 25)], "US")["cal_holiday"] == [zlib.crc32(b"Christmas Day") % 2**20 + 1]


def test_months_and_quarters_know_where_easter_lay_a_year_ago():
    """Easter Sunday: 9 April 2023, 31 March 2024, 20 April 2025; people shop for it in the 14 days up to it."""
    told = calendar.days("DE", None)
    of = {row["ds"]: row for row in told.filter(pl.col("ds").dt.day() == 1).iter_rows(named=True)}
    ago = {m: of[date(2024, m, 1)]["easter_share_ago"] for m in (2, 3, 4, 5)}
    assert ago == pytest.approx({2: 0, 3: 5 / 31, 4: 9 / 30, 5: 0})
    assert of[date(2025, 3, 1)]["easter_share_ago"] == pytest.approx(14 / 31)
    quarters = {q: of[date(2024, q, 1)]["quarter_easter_ago"] for q in (1, 4)}
    assert quarters == pytest.approx({1: 5 / 90, 4: 9 / 91})
    leap = told.filter(pl.col("ds") == date(2024, 2, 29))
    assert leap["easter_share_ago"].item() == 0
    assert "easter_share_ago" not in calendar.days(None, None).columns, "without a country months are only months"


def test_a_further_holiday_counts_as_one_of_the_country_does():
    """A Wednesday that is made Christmas Day: its code, the days around it, and a free day."""
    days, jubilee = some_days(400), date(2023, 6, 14)
    rows = pl.DataFrame({"ds": days})
    plain = of("1d", rows, {"country": "DE"})
    more = of("1d", rows, {"country": "DE", "holidays": {str(jubilee): "Christmas Day", "2022-12-25": "Jubilee"}})
    i, christmas = days.index(jubilee), days.index(date(2022, 12, 25))
    assert plain["cal_holiday"][i] == 0 < more["cal_holiday"][i] == plain["cal_holiday"][christmas]
    assert more["cal_holiday"][christmas] != plain["cal_holiday"][christmas], "the further name comes first"
    assert more["cal_next_holiday"][i - 3] == 3 < plain["cal_next_holiday"][i - 3]
    assert (plain["cal_free_days"][i], more["cal_free_days"][i]) == (0, 1)
    far = [k for k, day in enumerate(days) if abs((day - jubilee).days) > 31 and k != christmas]
    assert more["cal_next_holiday"].gather(far).to_list() == plain["cal_next_holiday"].gather(far).to_list()


def test_further_holidays_need_a_country():
    with pytest.raises(ValueError, match=r"add calendar\.country"):
        of("1d", pl.DataFrame({"ds": some_days(3)}), {"holidays": {"2022-01-02": "Jubilee"}})
