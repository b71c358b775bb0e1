"""The calendar of a panel, what counts as observed, and what a cut knows of the coming days."""

import itertools
import zlib
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.data.buckets import bucket_of
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.data.windows import backtest_cutoffs
from forecasting.frequency import FREQS

NO_GROUPS = InMemory(pl.DataFrame())

KEY = ["unique_id", "ds"]
COLUMNS = {"known_ahead": ["price", "promo", "open", "event"], "known_after": ["visits"], "static": ["kind"]}
ROLES = {"price": "price", "promo": "promo", "open": "open", "stock": "visits"}
MONDAY = date(2024, 1, 1)


def job(freq: str = "1d", h: int = 7, **keys) -> Config:
    base = {"name": "x", "source": {}, "freq": freq, "h": h, "columns": {}}
    return Config.model_validate(base | keys)


def sold(unique_id: str, ds: list[date], y: list, **columns) -> pl.DataFrame:
    rows = {"unique_id": [unique_id] * len(ds), "ds": ds, "y": y} | columns
    return pl.DataFrame(rows, schema_overrides={"y": pl.Float64, "unique_id": pl.String, "ds": pl.Date})


def days(n: int, start: date = MONDAY) -> list[date]:
    return [start + timedelta(i) for i in range(n)]


def panel(rows: pl.DataFrame, config: Config, last: date) -> Panel:
    return Panel(config, InMemory(fill_gaps(flag_observations(rows, config), config, last)), (0,), NO_GROUPS)


# the calendar ----------------------------------------------------------------------------------------------------

series = st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True)


@given(
    freq=st.sampled_from(["1d", "1w", "1mo"]),
    gaps=st.sampled_from(["missing", "zero"]),
    taken=st.lists(series, min_size=1, max_size=4),
    ahead=st.integers(0, 5),
)
def test_gaps_are_filled_and_nothing_else_is_touched(freq, gaps, taken, ahead):
    """Any periods of any series: afterwards each runs from its first period to the last one of all, once."""
    config, shift = job(freq, clean={"gaps": gaps}), FREQS[freq].shift
    start = date(2021, 2, 1)
    parts = [sold(f"s{i}", [shift(start, p) for p in at], [float(p) for p in at]) for i, at in enumerate(taken)]
    rows = pl.concat(parts)
    last = max(rows["ds"])
    plan = [shift(last, 1 + k) for k in range(ahead)]
    rows = pl.concat([rows, sold("s0", plan, [None] * ahead)])
    made = fill_gaps(flag_observations(rows, config), config, last)
    assert made.select(KEY).equals(made.select(KEY).sort(KEY))
    for i, at in enumerate(taken):
        rows_of = made.filter(pl.col("unique_id") == f"s{i}")
        sold_on, end = {shift(start, p): float(p) for p in at}, shift(last, ahead if i == 0 else 0)
        calendar = [shift(shift(start, min(at)), k) for k in range(rows_of.height)]
        assert rows_of["ds"].to_list() == calendar
        assert calendar[-1] == end
        empty = 0.0 if gaps == "zero" else None
        assert rows_of["y"].to_list() == [sold_on.get(d, None if d > last else empty) for d in calendar]
        assert rows_of["y_raw"].to_list() == [sold_on.get(d) for d in calendar]
        flags = ["ahead" if d > last else "observed" if d in sold_on else "filled" for d in calendar]
        assert rows_of["flag"].to_list() == flags


@given(
    freq=st.sampled_from(["1d", "1w", "1mo"]),
    h=st.integers(1, 40),
    step=st.one_of(st.none(), st.integers(1, 50)),
    windows=st.integers(1, 5),
    calibration=st.integers(0, 4),
)
def test_cutoffs_leave_their_horizon_and_enough_windows_before(freq, h, step, windows, calibration):
    config = job(freq, h, backtest={"windows": windows, "step": step, "calibration": calibration})
    f, last = config.frequency, date(2024, 3, 1)
    reported, older = backtest_cutoffs(config, last)
    every = older + reported
    assert every == sorted(set(every))
    assert len(reported) == windows
    assert f.shift(reported[-1], h) == last
    for one, following in itertools.pairwise(every):
        assert f.shift(one, step or h) == following
    over = [c for c in every if f.shift(c, h) <= reported[0]]
    assert len(over) >= calibration, "the oldest reported window has its bounds from windows over by then"
    assert len(older) == 0 or len(over) == calibration, "and no older window is run in vain"


@given(ids=st.lists(st.text(max_size=12), min_size=1, max_size=20, unique=True), n=st.integers(1, 50))
def test_the_bucket_is_the_crc_of_the_name(ids, n):
    assert bucket_of(pl.Series(ids), n).to_list() == [zlib.crc32(i.encode("utf-8")) % n for i in ids]


# what is observed ------------------------------------------------------------------------------------------------


def test_flags_tell_why_a_number_is_not_a_demand():
    config = job(columns={"known_ahead": ["open"], "known_after": ["left"], "open": "open", "stock": "left"})
    rows = sold(
        "a", days(8), [5, 0, 0, 3, 0, None, 4, None], open=[1, 1, 0, 0, 1, 1, None, 0], left=[9, 9, 9, 9, 0, 9, None, 9]
    )
    seen = flag_observations(rows, config)
    assert seen["flag"].to_list() == [
        "observed",
        "observed",  # open, and nothing sold: a zero
        "closed",
        "observed",  # a sale on a day marked closed is a sale
        "out_of_stock",
        "missing",
        "observed",
        "closed",
    ]
    assert seen["y"].to_list() == [5, 0, None, 3, None, None, 4, None]
    assert seen["y_raw"].to_list() == [5, 0, 0, 3, 0, None, 4, None]


def test_a_day_ahead_is_ahead_even_when_it_is_planned_to_be_closed():
    config = job(columns={"known_ahead": ["open"], "open": "open"})
    made = fill_gaps(
        flag_observations(sold("a", days(4), [1, 2, None, None], open=[1, 1, 0, 1]), config), config, days(2)[-1]
    )
    assert made["flag"].to_list() == ["observed", "observed", "ahead", "ahead"]


def test_made_rows_repeat_the_static_columns_and_know_no_driver():
    config = job(columns={"known_ahead": ["price"], "static": ["kind"]})
    rows = sold("a", [MONDAY, MONDAY + timedelta(2)], [1, 2], price=[1.0, 2.0], kind=["k", "k"])
    made = fill_gaps(flag_observations(rows, config), config, MONDAY + timedelta(3))
    assert made["kind"].to_list() == ["k"] * 4
    assert made["price"].to_list() == [1.0, None, 2.0, None]


# a cut -----------------------------------------------------------------------------------------------------------


def chain(config: Config, n: int = 40, last: int = 30) -> Panel:
    """Two series of `n` days of which the first `last` are sold; the drivers are planned to the end."""
    parts = []
    for name in ("a", "b"):
        ds = days(n)
        y = [float(i) if i < last else None for i in range(n)]
        columns = {"price": [1.0 + i for i in range(n)], "promo": [float(i % 3 == 0) for i in range(n)]}
        columns |= {"open": [float(d.isoweekday() < 7) for d in ds], "event": ["fair"] * n, "visits": [1.0] * n}
        parts.append(sold(name, ds, y, **columns, kind=["k" + name] * n))
    return panel(pl.concat(parts), config, days(last)[-1])


def drivers(**keys) -> Config:
    return job(columns=COLUMNS | ROLES, **keys)


@given(at=st.integers(5, 29), h=st.integers(1, 10))
def test_a_cut_knows_nothing_of_the_sales_after_its_day(at, h):
    config = drivers(h=h)
    cut = Cut(chain(config), days(40)[at], h)
    frame = cut.frame(0)
    later = frame.filter(pl.col("ds") > cut.cutoff)
    assert later.select(KEY).rows() == [(u, d) for u in "ab" for d in days(40)[at + 1 : at + 1 + h]]
    assert later.select("y", "y_raw", "flag", "visits").null_count().row(0) == (2 * h,) * 4
    assert later["price"].to_list() == [1.0 + i for i in range(at + 1, at + 1 + h)] * 2
    assert later["kind"].to_list() == ["ka"] * h + ["kb"] * h
    history = chain(config).scan(0).filter(pl.col("ds") <= cut.cutoff).collect()
    assert_frame_equal(frame.filter(pl.col("ds") <= cut.cutoff), history)


RULES = [
    ("price", "last", lambda i: 1.0 + 34),
    ("price", 9.5, lambda i: 9.5),
    ("promo", "same_weekday", lambda i: float((i - 7 * -(-(i - 34) // 7)) % 3 == 0)),
    ("promo", "repeat_last_year", lambda i: None),
    ("promo", None, lambda i: None),
    ("event", "=none", lambda i: "none"),
    ("event", "last", lambda i: "fair"),
]


@pytest.mark.parametrize(("column", "rule", "expected"), RULES, ids=lambda v: str(v) if not callable(v) else "")
def test_a_rule_goes_on_where_the_plan_ends(column, rule, expected):
    """Planned to day 35, forecast to day 44: what is planned stays, the rest follows the rule."""
    config = drivers(h=15, future={column: rule})
    cut = Cut(chain(config, n=35), days(30)[-1], 15)
    got = cut.frame(0).filter(pl.col("ds") > cut.cutoff, pl.col("unique_id") == "b")[column].to_list()
    planned = {"price": lambda i: 1.0 + i, "promo": lambda i: float(i % 3 == 0), "event": lambda i: "fair"}[column]
    assert got == [planned(i) if i < 35 else expected(i) for i in range(30, 45)]


def test_the_last_value_goes_on_however_long_ago_it_was_beside_rules_that_look_back_less_far():
    config = job(h=3, columns={"known_ahead": ["price", "open"]}, future={"price": "last", "open": "same_weekday"})
    ds = days(200)
    price = [5.0 if i == 3 else None for i in range(200)]
    rows = sold("a", ds, [1.0] * 200, price=price, open=[float(i % 7 != 6) for i in range(200)])
    coming = Cut(panel(rows, config, ds[-1]), ds[-1], 3).frame(0).filter(pl.col("ds") > ds[-1])
    assert coming["price"].to_list() == [5.0] * 3
    assert coming["open"].to_list() == [float(i % 7 != 6) for i in (200, 201, 202)]


def test_last_year_is_364_days_ago_so_that_weekdays_agree():
    n = 400
    config = job(h=14, columns={"known_ahead": ["promo"]}, future={"promo": "repeat_last_year"})
    rows = sold("a", days(n), [1.0] * n, promo=[float(i) for i in range(n)])
    cut = Cut(panel(rows, config, days(n)[-1]), days(n)[-1], 14)
    later = cut.frame(0).filter(pl.col("ds") > cut.cutoff)
    assert later["promo"].to_list() == [float(i - 364) for i in range(n, n + 14)]
    assert [d.weekday() for d in later["ds"]] == [days(n)[i - 364].weekday() for i in range(n, n + 14)]


def test_the_same_weekday_is_a_week_ago_whatever_the_season():
    config = job(h=10, season_length=28, columns={"known_ahead": ["open"]}, future={"open": "same_weekday"})
    rows = sold("a", days(30), [1.0] * 30, open=[float(d.isoweekday() < 7) for d in days(30)])
    cut = Cut(panel(rows, config, days(30)[-1]), days(30)[-1], 10)
    later = cut.frame(0).filter(pl.col("ds") > cut.cutoff)
    assert later["open"].to_list() == [float(d.isoweekday() < 7) for d in later["ds"]]


def test_a_series_that_ended_years_ago_is_history_but_not_forecast():
    config = job(h=3)
    long = days(1500)
    rows = pl.concat([sold("old", long[:300], [1.0] * 300), sold("new", long, [2.0] * 1500)])
    cut = Cut(panel(rows, config, long[-1]), long[-1], 3)
    frame = cut.frame(0)
    assert set(frame["unique_id"]) == {"old", "new"}
    assert set(frame.filter(pl.col("ds") > cut.cutoff)["unique_id"]) == {"new"}
    later = Cut(cut.panel, long[600], 3).frame(0)
    assert set(later.filter(pl.col("ds") > long[600])["unique_id"]) == {"old", "new"}, "a year without a sale is no end"


def test_a_series_that_begins_later_is_not_in_the_cut():
    config = job(h=3)
    rows = pl.concat([sold("old", days(20), [1.0] * 20), sold("new", days(20)[15:], [2.0] * 5)])
    assert set(Cut(panel(rows, config, days(20)[-1]), days(20)[10], 3).frame(0)["unique_id"]) == {"old"}


# edits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "value", "changed"),
    [
        ("=", 5.0, lambda p: 5.0),
        ("*=", 0.5, lambda p: p / 2),
        ("+=", 1.5, lambda p: p + 1.5),
        ("-=", 1.0, lambda p: p - 1),
    ],
)
def test_an_edit_changes_its_column_on_its_days_where_it_holds(op, value, changed):
    config = drivers(h=8)
    panel_, cutoff = chain(config), days(30)[-1]
    edit = Edit("price", op, value, days(40)[28], days(40)[33], "kind = 'ka'")
    plain, edited = Cut(panel_, cutoff, 8).frame(0), Cut(panel_, cutoff, 8, (edit,)).frame(0)
    assert_frame_equal(plain.drop("price"), edited.drop("price"))
    for before, after in zip(plain.iter_rows(named=True), edited.iter_rows(named=True), strict=True):
        inside = before["unique_id"] == "a" and days(40)[30] <= before["ds"] <= days(40)[33]
        wanted = changed(before["price"]) if inside else before["price"]
        assert after["price"] == wanted, before["ds"]


def test_edits_follow_each_other_and_the_past_is_never_edited():
    config = drivers(h=4)
    edits = (Edit("price", "=", 10.0, MONDAY, days(60)[-1]), Edit("price", "*=", 2.0, MONDAY, days(60)[-1]))
    frame = Cut(chain(config), days(30)[-1], 4, edits).frame(0).filter(pl.col("unique_id") == "a")
    assert frame["price"].to_list() == [1.0 + i for i in range(30)] + [20.0] * 4
