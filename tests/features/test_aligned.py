"""The like day of earlier years against a slow search: as far from the same holiday, else on the same weekday."""

from datetime import date, timedelta

import holidays
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.features import Features, GroupData, calendar
from forecasting.features.base import Lead
from tests.features.test_features import LEADS, YEAR, Slow, every, mean, over, same

NO_SUMS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})
DAYS = {"1d": 1, "1w": 7}
NEAR, APART = 15, 45


def feasts(country: str | None) -> dict[str, list[date]]:
    known = holidays.country_holidays(country, years=range(2008, 2031)) if country else {}
    found: dict[str, list[date]] = {"Easter Sunday": [calendar.easter(year) for year in range(2008, 2031)]}
    for day, names in sorted(known.items()):
        for name in names.split("; "):
            if "observed" not in name:
                found.setdefault(name, []).append(day)
    return found


def lag(day: date, freq: str, year: int, known: dict[str, list[date]]) -> int:
    """Periods from the day back to its like about `year` periods ago."""
    found = []
    for days in known.values():
        fixed = len({(d.month, d.day) for d in days}) == 1
        for i, feast in enumerate(days):
            away = (day - feast).days
            for before in days[:i] if abs(away) <= NEAR else ():
                periods = round((feast - before).days / DAYS[freq])
                if abs(periods - year) <= APART // DAYS[freq]:
                    found.append((abs(away), fixed, away > 0, periods))
    return min(found)[-1] if found else year


def years(freq: str, lead: int) -> tuple[int, int]:
    """The first whole years whose surroundings are over, and one more."""
    first = next(n for n in range(YEAR[freq], 10_000, YEAR[freq]) if n - APART // DAYS[freq] >= lead)
    return first, first + YEAR[freq]


@pytest.mark.parametrize(("freq", "lead"), [(f, lead) for f in DAYS for lead in LEADS[f]])
def test_what_sold_on_the_like_day_is_what_a_slow_search_finds(bench, freq, lead):
    b = bench(freq)
    got, known = b.matrix(lead), feasts("DE")
    seen = 0
    for (name,), rows in b.frame.partition_by("unique_id", as_dict=True).items():
        said = got.filter(pl.col("unique_id") == name)
        for t in range(0, rows.height, 7 if freq == "1d" else 3):
            slow = Slow(rows, freq, lead, t)
            level = slow.level()
            lags = [lag(rows["ds"][t], freq, year, known) for year in years(freq, lead)]
            sold = [over(slow.at(slow.y, k), level) for k in lags]
            assert same(said["f:like_year_ago"][t], sold[0]), (name, rows["ds"][t], lags)
            assert same(said["f:like_years_ago"][t], mean(sold)), (name, rows["ds"][t], lags)
            seen += sold[0] is not None and lags[0] % YEAR[freq] != 0
    assert seen > 20 or lead > YEAR[freq] - APART, "the search has found holidays"


@every
def test_months_hold_the_days_around_a_holiday_themselves(bench, freq, lead):
    names = {f.name for f in bench(freq).made.all(Lead.of(lead))}
    assert ("like_year_ago" in names) == (freq in ("1d", "1w"))


def day_read(day: date, country: str | None, lead: int = 1) -> date:
    """Which day like_year_ago of a daily row reads."""
    config = Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": 7, "calendar": {"country": country}})
    ds = [day - timedelta(n) for n in range(1200)][::-1]
    frame = pl.DataFrame({"unique_id": "a", "ds": ds, "y": [float(d.toordinal()) for d in ds]})
    made = Features(config, dict(frame.schema), ())
    row = made.prepare(frame, GroupData(NO_SUMS, None), lead).select(
        made.exprs(Lead.of(lead))[-1], *(f.expr.alias(f.name) for f in made.all(Lead.of(lead)))
    )
    return date.fromordinal(round(row["like_year_ago"][-1] * row["level"][-1]))


@pytest.mark.parametrize(
    ("day", "country", "like"),
    [
        (date(2024, 3, 31), "DE", date(2023, 4, 9)),  # Easter
        (date(2024, 3, 28), "DE", date(2023, 4, 6)),  # the Thursday before
        (date(2024, 11, 28), "US", date(2023, 11, 23)),  # Thanksgiving
        (date(2024, 11, 29), "US", date(2023, 11, 24)),  # the Friday after it
        (date(2024, 12, 23), "US", date(2023, 12, 23)),
        (date(2024, 2, 10), "HK", date(2023, 1, 22)),  # Lunar New Year
        (date(2024, 4, 10), "TR", date(2023, 4, 21)),  # Eid al-Fitr
        (date(2024, 8, 7), "US", date(2023, 8, 9)),  # no holiday near: the same weekday
        (date(2024, 3, 30), None, date(2023, 4, 8)),  # Easter moves trade without a country, too
    ],
    ids=str,
)
def test_the_like_day_of_last_year(day, country, like):
    assert day_read(day, country) == like


def test_a_long_lead_reads_the_like_day_of_the_year_before():
    assert day_read(date(2024, 3, 31), "DE", lead=330) == date(2022, 4, 17)
