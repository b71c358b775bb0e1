"""Closed phases and ended series: found where they are, and not by chance."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.closures.closures import Closures, closed_groups
from forecasting.data.closures.ended import newest_rows
from forecasting.data.closures.rhythm import closed_phases
from forecasting.data.closures.words import rhythm_remarks, silent_remarks
from forecasting.frequency import FREQS
from tests.data.conftest import MakeConfig as Make

DAY = date(2021, 1, 4)
"""A Monday."""
SUMMER = {("year", month) for month in (0, 1, 2, 3, 9, 10, 11)}


def every_day(n: int, first: date = DAY) -> list[date]:
    return [first + timedelta(i) for i in range(n)]


def months(n: int, first: int = 5) -> list[date]:
    return [date(2021 + (first - 1 + i) // 12, (first - 1 + i) % 12 + 1, 1) for i in range(n)]


def found(days: list[date], freq: str = "1d") -> set[tuple[str, int]]:
    rows = pl.DataFrame({"id": "a", "ds": days}, schema={"id": pl.String, "ds": pl.Date})
    return set(closed_phases(rows, FREQS[freq]).select("cycle", "phase").rows())


def weekdays(days: list[date]) -> set[int]:
    return {phase for cycle, phase in found(days) if cycle == "week"}


def test_weekends_without_a_row_are_closed_after_some_weeks() -> None:
    shut = [d for d in every_day(70) if d.weekday() < 5]
    assert weekdays(shut) == {5, 6}
    assert weekdays(shut[:15]) == set(), "three weeks may be chance"
    assert weekdays(every_day(70)) == set()


def test_some_sundays_before_christmas_are_exceptions_and_two_in_a_row_of_late_are_not() -> None:
    year = [d for d in every_day(700) if d.weekday() < 6]
    advent = [d for d in every_day(700) if d.weekday() == 6 and d.month == 12][:4]
    assert weekdays([*year, *advent]) == {6}
    newest = [d for d in every_day(700) if d.weekday() == 6][-2:]
    assert weekdays([*year, *newest]) == set(), "it has begun to open"


def test_a_weekday_that_was_open_for_years_is_closed_after_two_months() -> None:
    days = every_day(700)
    assert weekdays([d for d in days if d.weekday() or d < days[-60]]) == {0}
    assert weekdays([d for d in days if d.weekday() or d < days[-20]]) == set()


def test_a_season_of_sale_is_closed_in_the_other_months() -> None:
    assert found([d for d in months(29) if 5 <= d.month <= 9], "1mo") == SUMMER
    assert found([d for d in months(17) if 5 <= d.month <= 9], "1mo") == set(), "one winter may be a pause"
    kiosk = [d for d in every_day(880, date(2021, 5, 1)) if 5 <= d.month <= 9 and d.weekday()]
    assert {*SUMMER, ("week", 0)} <= found(kiosk)
    assert not {("week", i) for i in range(1, 7)} & found(kiosk)


def test_dates_on_a_longer_grid() -> None:
    weeks = [DAY + timedelta(7 * i) for i in range(60)]
    assert ("stride 2", 1) in found(weeks[::2], "1w")
    assert ("stride 2", 0) not in found(weeks[::2], "1w")
    assert found(weeks, "1w") == set()
    quarters = found([d for d in months(60, 1) if d.month in (1, 4, 7, 10)], "1mo")
    assert {("stride 3", 1), ("stride 3", 2)} <= quarters
    assert ("stride 3", 0) not in quarters


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6, 0.9])
def test_sparse_sales_are_not_closed_by_chance(share: float) -> None:
    rng, days = np.random.default_rng(3), np.array(every_day(800))
    parts = [pl.DataFrame({"id": str(i), "ds": days[rng.random(800) < share].tolist()}) for i in range(400)]
    assert closed_phases(pl.concat(parts), FREQS["1d"]).is_empty()


def panel(sold: dict[str, list[date]], last: date, statics: dict[str, str] | None = None) -> pl.DataFrame:
    """Series complete on the calendar to `last`, 5 a day with a row, and seven coming days."""
    parts = []
    for name, days in sold.items():
        end = last + timedelta(7)
        every = pl.DataFrame({"ds": pl.date_range(min(days), end, eager=True)})
        came = pl.col("ds").is_in(days)
        flag = pl.when(came).then(pl.lit("observed")).when(pl.col("ds") <= last).then(pl.lit("filled"))
        y = pl.when(came).then(5.0)
        store = pl.lit((statics or {}).get(name, "S"))
        parts.append(every.select(unique_id=pl.lit(name), ds="ds", y=y, y_raw=y, flag=flag, store=store))
    return pl.concat(parts).sort("unique_id", "ds")


def closures(config: Config, rows: pl.DataFrame, cutoff: date) -> Closures:
    seen = rows.filter(pl.col("y").is_not_null())
    parts = [seen.with_columns(group=pl.lit("total")), seen.with_columns(group=pl.format("store={}", "store"))]
    sums = pl.concat(parts).group_by("group", "ds").agg(y_sum=pl.col("y").sum(), y_count=pl.len())
    groups = closed_groups(sums, config, cutoff)
    known = pl.col("ds") <= cutoff
    return Closures(config, cutoff, lambda: groups, lambda: newest_rows(rows.lazy().filter(known)).collect())


def ended(config: Config, rows: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    return closures(config, rows, cutoff).ended(rows.filter(pl.col("ds") <= cutoff), NOBODY)


LAST = DAY + timedelta(7 * 40 + 4)
NOBODY = pl.Series([], dtype=pl.String)
OPEN = [d for d in every_day((LAST - DAY).days + 1) if d.weekday() != 6]


def coming(rows: pl.DataFrame, name: str) -> dict[date, str | None]:
    return dict(rows.filter(pl.col("ds") > LAST, pl.col("unique_id") == name).select("ds", "flag").iter_rows())


@pytest.fixture
def config(make_config: Make) -> Config:
    return make_config(columns={"static": ["store"]})


def test_a_new_item_inherits_the_rhythm_of_its_store(config: Config) -> None:
    """Store A is shut on Sundays, B is not: a new item of A, and one sold too rarely to tell, are shut with it."""
    every = every_day((LAST - DAY).days + 1)
    sold = {"A/milk": OPEN, "A/new": OPEN[-3:], "A/rare": OPEN[::29], "B/milk": every, "B/new": every[-3:]}
    rows = panel(sold, LAST, {name: name[0] for name in sold})
    marked = closures(config, rows, LAST).mark(rows, NOBODY)
    for name in sold:
        shut = {d for d, flag in coming(marked, name).items() if flag == "closed"}
        assert shut == ({d for d in coming(marked, name) if d.weekday() == 6} if name[0] == "A" else set()), name
    past = marked.filter(pl.col("flag") == "closed", pl.col("ds") <= LAST, pl.col("unique_id") == "A/milk")
    assert past.height == 40
    assert past["y"].null_count() == 40


def test_what_is_told_wins_over_what_is_inferred(config: Config, make_config: Make) -> None:
    rows = panel({"a": OPEN}, LAST)
    by_hand = make_config(calendar={"closed": ["Monday"]}, columns={"static": ["store"]})
    marked = closures(by_hand, rows, LAST).mark(rows, NOBODY)
    assert {d.weekday() for d, flag in coming(marked, "a").items() if flag == "closed"} == {0}
    for keys in ({"calendar": {"closed": []}}, {"clean": {"closed": "as_told"}}):
        never = make_config(columns={"static": ["store"]}, **keys)
        assert closures(never, rows, LAST).mark(rows, NOBODY).equals(rows)
    opened = make_config(columns={"static": ["store"], "known_ahead": ["open"], "open": "open"})
    told = rows.with_columns(open=pl.when(pl.col("ds") > LAST + timedelta(3)).then(1.0))
    shut = {d for d, flag in coming(closures(opened, told, LAST).mark(told, NOBODY), "a").items() if flag == "closed"}
    assert shut == {LAST + timedelta(2)}, "a Sunday of which columns.open says nothing"


def test_only_rows_up_to_the_cutoff_decide(config: Config) -> None:
    """The shop rests on Sundays after the cutoff only: ten weeks later that is a rhythm, at the cutoff it is none."""
    cutoff = LAST - timedelta(70)
    rows = panel({"a": [d for d in every_day((LAST - DAY).days + 1) if d <= cutoff or d.weekday() != 6]}, LAST)
    for day, shut in ((cutoff, set()), (LAST, {6})):
        marked = closures(config, rows, day).mark(rows, NOBODY).filter(pl.col("ds") > day)
        assert {d.weekday() for d in marked.filter(pl.col("flag") == "closed")["ds"]} == shut


def test_an_item_that_stopped_has_ended_and_one_with_long_gaps_has_not(config: Config) -> None:
    every = every_day(900)
    last = every[-1]
    easter_and_christmas = [d for d in every if d.month in (4, 12) and d.day < 22]
    sold = {"on": every, "gone": every[:700], "late": every[:-5], "twice a year": easter_and_christmas[:-40]}
    sold |= {"rare": every[:600:80]}
    rows = panel(sold, last)
    known = closures(config, rows, last)
    assert ended(config, rows, last)["unique_id"].to_list() == ["gone"]
    marked = known.mark(rows, NOBODY)
    assert set(marked.filter(pl.col("ds") > last, pl.col("unique_id") == "gone")["flag"]) == {"ended"}
    assert marked.filter(pl.col("ds") <= last).equals(rows.filter(pl.col("ds") <= last))


@pytest.mark.parametrize(("rule", "gone"), [("auto", {"gone"}), ("never", set()), (5, {"gone", "late"})])
def test_the_key_says_when_a_series_has_ended(make_config: Make, rule: str | int, gone: set[str]) -> None:
    every = every_day(400)
    rows = panel({"on": every, "gone": every[:200], "late": every[:-5]}, every[-1])
    config = make_config(clean={"ended": rule})
    assert set(ended(config, rows, every[-1])["unique_id"]) == gone


def test_nobody_has_ended_when_most_fall_silent_at_once(config: Config) -> None:
    """Nine of ten stores stop within a week and one goes on for a year: their data are late."""
    every = every_day(700)
    rows = panel({f"s{i}": every[: 330 + i] for i in range(6)} | {"on": every}, every[-1])
    assert ended(config, rows, every[-1]).is_empty()
    one_by_one = panel({f"s{i}": every[: 100 + 60 * i] for i in range(6)} | {"on": every}, every[-1])
    assert ended(config, one_by_one, every[-1]).height == 6


def test_a_series_that_is_planned_further_on_has_not_ended(config: Config) -> None:
    every = every_day(400)
    rows = panel({"on": every, "gone": every[:250], "promoted": every[:200]}, every[-1])
    marked = closures(config, rows, every[-1]).mark(rows, pl.Series(["promoted"]))
    assert set(marked.filter(pl.col("flag") == "ended")["unique_id"]) == {"gone"}


def test_the_words(config: Config, make_config: Make) -> None:
    rows = panel({"a": OPEN, "b": every_day((LAST - DAY).days + 1)}, LAST, {"a": "A", "b": "B"})
    known = closures(config, rows, LAST)
    remarks = rhythm_remarks(known.phases(rows.filter(pl.col("ds") <= LAST)), 2, config)
    assert [r.message.split(":")[0] for r in remarks] == ["no rows on Sundays in 1 of 2 series (a)"]
    assert remarks[0].harm == "forecast"
    weekly = make_config(freq="1w")
    every_second = pl.DataFrame({"unique_id": "a", "cycle": ["stride 2", "stride 4", "stride 4"], "phase": [1, 1, 3]})
    (told,) = rhythm_remarks(every_second, 1, weekly)
    assert told.message.startswith("no rows in 1 of 2 weeks: forecast as closed (0)")


def test_silent_series_are_told_with_their_share_of_the_forecast() -> None:
    last = [date(2024, 1, 31), date(2024, 2, 29)]
    silent = pl.DataFrame({"unique_id": ["x", "y"], "last": last, "mean": [10.0, 5.0], "ended": [True, False]})
    gone, old = (remark.message for remark in silent_remarks(silent, 4, forecast=300.0, h=10))
    assert gone.startswith("1 of 4 series (x) has ended: no row after 2024-01-31, forecast as 0")
    assert "25% of the forecast" in gone
    assert old.startswith("1 of 4 series (y) has been silent for long: no row after 2024-02-29")
    assert "17% of the forecast" in old
