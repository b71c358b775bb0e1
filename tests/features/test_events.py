"""Own events against slow arithmetic on sets of days; the end of the horizon sees what a past day sees."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.features import Features, GroupData
from forecasting.features.base import Lead
from forecasting.features.calendar import events
from forecasting.features.calendar.places import event_code
from forecasting.frequency import FREQS

NO_SUMS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})
FIRST, DAYS, H = date(2022, 1, 3), 900, 14
CUTOFF = FIRST + timedelta(DAYS - 1)
FAR = 30
DAY = timedelta(1)
FAIRS = {  # name -> (place, first day, days)
    "spring fair": [("", date(2022, 4, 8), 5), ("", date(2023, 4, 20), 5), ("", date(2024, 4, 12), 5)],
    "wine": [("S1", date(2022, 9, 2), 3), ("S1", date(2023, 9, 1), 3), ("S1", CUTOFF + 10 * DAY, 3)],
    "match": [("S2", date(2023, 4, 22), 1), ("S2", CUTOFF + (H + 3) * DAY, 1)],
}


def table() -> pl.DataFrame:
    rows = [
        ("fairs", place, first + timedelta(n), name)
        for name, held in FAIRS.items()
        for place, first, days in held
        for n in range(days)
    ]
    return pl.DataFrame(rows, schema=events.SCHEMA, orient="row")


def config(freq: str = "1d", **calendar) -> Config:
    told = {"events": {"fairs": {"path": "fairs.csv", "ds": "day", "name": "fair", "on": ["store"]}}} | calendar
    job = {"name": "x", "source": {}, "freq": freq, "h": H, "columns": {"static": ["store"]}, "calendar": told}
    return Config.model_validate(job)


def sold(stores: tuple[str, ...] = ("S1", "S2"), days: int = DAYS) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    ds = [FIRST + timedelta(n) for n in range(days)]
    parts = [
        pl.DataFrame({"unique_id": s, "ds": ds, "y": rng.poisson(20, days).astype(float), "store": s}) for s in stores
    ]
    return pl.concat(parts)


def cut(rows: pl.DataFrame, job: Config, cutoff: date = CUTOFF) -> Cut:
    rows = rows.with_columns(y_raw=pl.col("y"), flag=pl.lit("observed"))
    return Cut(Panel(job, InMemory(rows), (0,), InMemory(NO_SUMS), events=InMemory(table())), cutoff, H)


def matrix(at: Cut, lead: int = H) -> pl.DataFrame:
    frame = at.frame(0)
    made = Features(at.config, dict(frame.schema), ())
    rows = made.prepare(frame, GroupData(NO_SUMS, None), lead)
    return rows.select(
        "unique_id", "ds", "y", *(f.expr.alias(f.name) for f in made.all(Lead.of(lead))), made.exprs(Lead.of(lead))[-1]
    )


def on(store: str) -> dict[date, str]:
    """The days of a store with their events, several of a day joined."""
    found: dict[date, set[str]] = {}
    for _, place, day, name in table().iter_rows():
        if place in ("", store):
            found.setdefault(day, set()).add(name)
    return {day: "+".join(sorted(names)) for day, names in found.items()}


def test_every_feature_of_a_day_is_what_slow_arithmetic_says():
    got = matrix(cut(sold(), config()))
    for store in ("S1", "S2"):
        named, rows = on(store), got.filter(pl.col("unique_id") == store)
        days = rows["ds"].to_list()
        assert days[-1] == CUTOFF + H * DAY

        def number(day: date, named=named) -> int:
            return event_code(named[day]) if day in named else 0

        def nth(day: date, named=named) -> int:
            """1 on the first day of an event, 2 on the next."""
            n = 0
            while named.get(day) and named.get(day - n * DAY) == named[day]:
                n += 1
            return n

        def way(day: date, side: int, named=named) -> int:
            return next((n for n in range(FAR) if day + side * n * DAY in named), FAR)

        assert rows["event_fairs_today"].to_list() == [number(d) for d in days]
        assert rows["event_fairs_day"].to_list() == [nth(d) for d in days]
        for side, name in ((1, "next"), (-1, "last")):
            away = [way(d, side) for d in days]
            assert rows[f"event_fairs_{name}"].to_list() == away
            codes = [number(d + side * n * DAY) if n < FAR else 0 for d, n in zip(days, away, strict=True)]
            assert rows[f"event_fairs_{name}_code"].to_list() == codes


def test_the_end_of_the_horizon_sees_what_comes_after_it():
    """Otherwise a model would learn from days that see on and be asked about days that do not."""
    last = matrix(cut(sold(), config())).filter(pl.col("ds") == CUTOFF + H * DAY, pl.col("unique_id") == "S2")
    assert last["event_fairs_next"].item() == 3
    assert last["event_fairs_next_code"].item() == event_code("match")


@pytest.mark.parametrize("back", [0, 1, 9, 60])
def test_a_day_is_told_the_same_as_history_and_as_future(back):
    """All of the date and event features of the days after an earlier cutoff are those of the same days once past."""
    job = config(country="DE", paydays=[-1])
    late, early = matrix(cut(sold(), job)), matrix(cut(sold(), job, CUTOFF - (H + back) * DAY))
    coming = pl.col("ds").is_between(CUTOFF - (H + back - 1) * DAY, CUTOFF - back * DAY)
    told = [c for c in late.columns if c.startswith(("cal_", "event_")) and not c.endswith("_again")]
    assert len(told) > 20
    one, other = (m.filter(coming).select("unique_id", "ds", *told) for m in (late, early))
    assert one.height == 2 * H
    assert one.equals(other)


@pytest.mark.parametrize("lead", [1, 14, 200, 380])
def test_what_sold_on_the_same_day_of_the_same_event_before(lead):
    rows = sold()
    got = matrix(cut(rows, config()), lead)
    y = {(store, day): value for store, day, value in rows.select("unique_id", "ds", "y").iter_rows()}
    seen = 0
    for store, day, _, *_ in got.filter(pl.col("event_fairs_today") > 0).iter_rows():
        named = on(store)
        first = day
        while named.get(first - DAY) == named[day]:
            first -= DAY
        starts = [d for d in named if named[d] == named[day] and named.get(d - DAY) != named[d]]
        ends = {s: next(n for n in range(1, 9) if named.get(s + n * DAY) != named[s]) for s in starts}
        nth = (day - first).days
        known = [s + nth * DAY for s in starts if nth < ends[s]]
        before = max((d for d in known if lead <= (day - d).days <= lead + 728 and d >= FIRST), default=None)
        row = got.filter(pl.col("unique_id") == store, pl.col("ds") == day).row(0, named=True)
        if before is None or row["level"] is None:
            assert row["event_fairs_again"] is None, (store, day)
        else:
            assert row["event_fairs_again"] == pytest.approx(y[store, before] / row["level"]), (store, day, before)
            seen += 1
    assert seen > 2


def test_the_newest_sales_do_not_reach_what_sold_before():
    rows, job, lead = sold(), config(country="DE"), 14
    for day in (CUTOFF, date(2024, 4, 13), date(2023, 9, 1)):
        whole = matrix(cut(rows, job), lead)
        for newest, same in ((day - lead * DAY, True), (FIRST, False)):
            spoilt = rows.with_columns(y=pl.when(pl.col("ds") > newest).then(1e6).otherwise("y"))
            one, other = (m.filter(pl.col("ds") == day).drop("y") for m in (whole, matrix(cut(spoilt, job), lead)))
            assert one.equals(other) == same


@pytest.mark.parametrize("lead", [1, 14])
def test_no_feature_needs_more_than_the_lookback_it_declares(lead):
    rows, job = sold(days=2200), config(country="DE")
    end = FIRST + 2199 * DAY
    at = cut(rows, job, end)
    frame = at.frame(0)
    made = Features(job, dict(frame.schema), ())
    for day in (date(2024, 4, 14), end + H * DAY):
        whole = made.prepare(frame, GroupData(NO_SUMS, None), lead)
        for feature in made.all(Lead.of(lead)):
            if not feature.name.startswith(("cal_", "event_", "like_")):
                continue
            since = day - feature.lookback * DAY
            tail = made.prepare(frame.filter(pl.col("ds") >= since), GroupData(NO_SUMS, None), lead)
            one, other = (
                f.select("ds", feature.expr.alias("is")).filter(pl.col("ds") == day)["is"] for f in (whole, tail)
            )
            assert one.is_null().equals(other.is_null()), feature.name
            assert ((one - other).abs() < 1e-9).fill_null(True).all(), feature.name


def test_weeks_and_months_know_their_share_of_events():
    named = on("S1")
    ds = [FIRST + timedelta(7 * n) for n in range(125)]
    rows = pl.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0, "store": "S1"})
    got = events.add_event_columns(rows, table(), config("1w"))
    after = [[d + n * DAY for n in range(7)] for d in ds]
    before = [[d - n * DAY for n in range(7)] for d in ds]
    for name, weeks in (("after", after), ("before", before)):
        share = [sum(d in named for d in week) / 7 for week in weeks]
        assert got[f"event_fairs_share_{name}"].to_list() == pytest.approx(share)
        nearest = [next((event_code(named[d]) for d in week if d in named), 0) for week in weeks]
        assert got[f"event_fairs_{name}"].to_list() == nearest
    months = [date(y, m, 1) for y in (2022, 2023) for m in range(1, 13)]
    rows = pl.DataFrame({"unique_id": "a", "ds": months, "y": 1.0, "store": "S1"})
    got = events.add_event_columns(rows, table(), config("1mo"))["event_fairs_share"].to_list()
    every = [[d + n * DAY for n in range(31) if (d + n * DAY).month == d.month] for d in months]
    assert got == pytest.approx([sum(d in named for d in month) / len(month) for month in every])
    rows = rows.filter(pl.col("ds").dt.month().is_in([1, 4, 7, 10]))
    got = events.add_event_columns(rows, table(), config("1q"))["event_fairs_share"].to_list()
    quarters = [[d for month in every[i : i + 3] for d in month] for i in range(0, len(months), 3)]
    assert got == pytest.approx([sum(d in named for d in quarter) / len(quarter) for quarter in quarters])


@pytest.mark.parametrize(("freq", "lead"), [("1w", 1), ("1w", 8), ("1mo", 1), ("1mo", 5)])
def test_what_sold_in_the_week_or_month_of_the_same_event_before(freq, lead):
    """The spring fair lies in another week from year to year, and could lie in another month."""
    step = FREQS[freq]
    ds = [
        step.shift(date(2022, 1, 3) if freq == "1w" else date(2022, 1, 1), n)
        for n in range(140 if freq == "1w" else 32)
    ]
    rows = pl.concat(
        pl.DataFrame({"unique_id": s, "ds": ds, "y": [10.0 * i + k for i in range(len(ds))], "store": s})
        for k, s in enumerate(("S1", "S2"))
    )
    job = config(freq)
    got = events.add_recurrence_lag(events.add_event_columns(rows, table(), job), job, lead)
    seen = 0
    for (store,), mine in got.group_by("unique_id"):
        named = on(store)
        within = [[d for d in sorted(named) if start <= d < step.shift(start, 1)] for start in ds]
        first = [named[days[0]] if days else None for days in within]
        nth = [0] * len(ds)
        for i, name in enumerate(first):
            nth[i] = 1 + (nth[i - 1] if i and first[i - 1] == name else 0)
        for i, name in enumerate(first):
            likes = [k for k in range(i - lead + 1) if name and (first[k], nth[k]) == (name, nth[i])]
            expected = i - likes[-1] if likes and i - likes[-1] <= lead + 2 * step.year else None
            assert mine["event_fairs_again_lag"][i] == expected, (store, ds[i], name)
            seen += expected is not None
    assert seen >= 4
    if freq == "1mo":
        assert {"event_fairs_share", "event_fairs_code"} <= set(got.columns)


def test_aggregates_see_the_events_of_all_places_only():
    rows = sold().drop("store").filter(pl.col("unique_id") == "S1")
    got = events.add_event_columns(rows, table(), config())
    everywhere = {day for _, place, day, _ in table().iter_rows() if place == ""}
    assert [c > 0 for c in got["event_fairs_today"]] == [d in everywhere for d in got["ds"]]


def test_no_events_known_and_no_rows_are_no_error():
    rows = sold(days=3)
    got = events.add_event_columns(rows, events.SCHEMA.to_frame(), config())
    assert got["event_fairs_next"].to_list() == [FAR] * 6
    assert events.add_event_columns(rows.clear(), table(), config()).height == 0
    assert events.add_event_columns(rows, table(), config(events={})).equals(rows)
