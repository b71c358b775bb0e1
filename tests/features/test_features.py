"""Features against slow arithmetic on lists; nothing younger than the lead is read, nothing older than the lookback."""

import math
from dataclasses import replace
from datetime import date
from itertools import groupby
from statistics import fmean, stdev

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.features import GroupData, peers
from forecasting.features.base import LEAD, Context, Lead
from forecasting.features.groups import group_label, priors
from forecasting.features.looked_up import LookedUp
from forecasting.features.sales import CHANGE, LEVEL, history_columns, long_column

FREQS = ("1d", "1w", "1mo", "1q", "1y")
LEADS = {"1d": (1, 7, 14, 42, 340), "1w": (1, 4, 8, 45), "1mo": (1, 6, 8, 12, 24), "1q": (1, 4, 6), "1y": (1, 3)}
every = pytest.mark.parametrize(("freq", "lead"), [(f, lead) for f in FREQS for lead in LEADS[f]])
YEAR = {"1d": 364, "1w": 52, "1mo": 12, "1q": 4, "1y": 1}
SEASON = {"1d": 7, "1w": 52, "1mo": 12, "1q": 4, "1y": 1}
WINDOWS = {"1d": (7, 28, 30, 91), "1w": (4, 13, 26, 52), "1mo": (3, 6, 12), "1q": (2, 4, 8), "1y": (2, 3, 5)}
QUARTER = {"1d": 91, "1w": 26, "1mo": 12, "1q": 4, "1y": 3}
UNIT = {"1d": 91, "1w": 52, "1mo": 12, "1q": 4, "1y": 3}
ROUND = 1e-7


class Slow:
    """One series as lists, and the features of its row `t` by the book; after the last row drivers stay as they are."""

    def __init__(self, rows: pl.DataFrame, freq: str, lead: int, t: int) -> None:
        self.y, self.price, self.promo, self.open = (rows[c].to_list() for c in ("y", "price", "promo", "open"))
        self.freq, self.lead, self.t, self.year, self.quarter = freq, lead, t, YEAR[freq], QUARTER[freq]

    def past(self, values: list, window: int, lag: int) -> list:
        """What is known of the `window` values that end `lag` periods before t."""
        end = self.t - lag
        return [v for v in values[max(0, end - window + 1) : end + 1] if v is not None] if end >= 0 else []

    def at(self, values: list, lag: int):
        i = self.t - lag
        return values[i] if 0 <= i < len(values) else None

    def level(self):
        near, far = self.past(self.y, UNIT[self.freq], self.lead), self.past(self.y, 3 * self.year, self.lead)
        return fmean(math.sqrt(v) for v in near) ** 2 if sum(near) else fmean(far) if sum(far) else None

    def phases(self) -> list[int]:
        season = SEASON[self.freq]
        first = math.ceil(self.lead / season) * season
        return [first + season * i for i in range(8 if season < self.year else 2)]

    def sales(self) -> dict:
        """In units of y: still to be divided by the level."""
        out = {f"lag_{i}": self.at(self.y, self.lead + i) for i in range(4)}
        lags = self.phases()
        out |= {f"season_{i}": self.at(self.y, k) for i, k in enumerate(lags[:4])}
        for n in (n for n in (4, 8) if n <= len(lags)):
            out[f"season_mean_{n}"] = mean([self.at(self.y, k) for k in lags[:n]])
        for w in WINDOWS[self.freq]:
            known = self.past(self.y, w, self.lead)
            out |= {f"mean_{w}": mean(known), f"std_{w}": stdev(known) if len(known) > 1 else None}
        width = WINDOWS[self.freq][0]
        year = self.year * math.ceil((self.lead + width) / self.year)
        out |= {"year_ago": self.at(self.y, year)}
        out |= {"year_ago_around": mean(self.past(self.y, width, year - width // 2))}
        return out | {"year_ago_level": mean(self.past(self.y, self.quarter, self.lead + self.year))}

    def shares(self) -> dict:
        end = self.t - self.lead + 1
        window = self.y[max(0, end - self.quarter) : max(0, end)]
        known = [v for v in window if v is not None]
        zero = mean([float(v == 0) for v in known])
        return {"zeros": zero, "seen": len(known) / len(window) if window else None}

    def drivers(self) -> dict:
        out: dict = {}
        for name in ("price", "promo", "open"):
            values = getattr(self, name)
            out |= {
                name: self.at(values, 0),
                f"{name}_before": self.at(values, 1),
                f"{name}_after": self.at([*values, values[-1]], -1),
            }
        width = WINDOWS[self.freq][0]
        for name in ("promo", "open"):
            values = getattr(self, name)
            out[f"{name}_share_before"] = mean(self.past(values, width, 1))
            out[f"{name}_share_long"] = mean(self.past(values, 2 * width, 1))
            coming = values[self.t + 1 : self.t + 1 + width]
            out[f"{name}_share_after"] = mean(coming or values[-1:])
        known = self.past(self.price, self.quarter, 0)
        out |= {"price_to_mean": self.at(self.price, 0) / fmean(known), "price_to_high": known[-1] / max(known)}
        before = self.at(self.price, 1)
        return out | {"price_change": known[-1] / before if before else None}

    def promoted(self) -> dict:
        today, level = self.at(self.promo, 0), self.level()
        alike = [self.at(self.y, k) for k in self.phases() if self.at(self.promo, k) == today]
        window = range(max(0, self.t - self.lead - 2 * self.quarter + 1), max(0, self.t - self.lead + 1))
        with_it = mean([self.y[i] for i in window if self.promo[i] > 0])
        without = mean([self.y[i] for i in window if self.promo[i] == 0])
        lately = with_it if today > 0 else without
        made = {"promo_alike": over(mean(alike), level), "promo_lately": over(lately, level)}
        return made | {"promo_lift": over(with_it, without)}

    def all(self) -> dict:
        level = self.level()
        scaled = {name: over(value, level) for name, value in self.sales().items()}
        return {"level": level, "steps_ahead": self.lead} | scaled | self.shares() | self.drivers() | self.promoted()


def mean(values: list):
    known = [v for v in values if v is not None]
    return fmean(known) if known else None


def over(value, unit):
    return None if value is None or not unit else value / unit


@every
def test_every_sales_and_driver_feature_is_what_slow_arithmetic_says(bench, freq, lead):
    b = bench(freq)
    got = b.matrix(lead)
    compared = set()
    for (name,), rows in b.frame.partition_by("unique_id", as_dict=True).items():
        said = got.filter(pl.col("unique_id") == name)
        n = rows.height
        for t in sorted({0, 1, lead, lead + 5, n // 2, n // 2 + 13, n - 20, n - 2, n - 1}):
            expected = Slow(rows, freq, lead, t).all()
            for feature, value in expected.items():
                answer = said[f"f:{feature}"][t]
                assert same(answer, value), (name, t, feature, answer, value)
            compared |= set(expected)
    others = {c.removeprefix("f:") for c in got.columns if c.startswith("f:")} - compared
    assert {
        o for o in others if not o.startswith(("cal_", "like_", "total_", "store_", "price_slope_", "price_dear_"))
    } == set(), "no feature is left out"


def same(answer, value) -> bool:
    if value is None or answer is None:
        return value is None and answer is None
    return math.isclose(answer, value, rel_tol=1e-9, abs_tol=ROUND)


@every
def test_group_priors_are_what_slow_arithmetic_says(bench, freq, lead):
    b = bench(freq)
    said = priors(b.group_sums, b.config, lead, b.config.frequency.shift(b.group_sums["ds"].max(), lead))
    shift, year, quarter, short = b.config.frequency.shift, YEAR[freq], QUARTER[freq], WINDOWS[freq][0]
    back = year * math.ceil((lead + max(short, quarter // 2)) / year)
    last = max(b.frame["ds"])
    for label in ("total", "store=S1"):
        members = b.frame if label == "total" else b.frame.filter(pl.col("store") == "S1")
        sold: dict[date, list[float]] = {}
        for ds, y in members.select("ds", "y").drop_nulls().iter_rows():
            sold.setdefault(ds, []).append(y)
        daily = {ds: fmean(ys) for ds, ys in sold.items()}
        first = min(daily)

        def around(day: date, window: int, lag: int, daily=daily, first=first):
            days = [shift(day, -lag - i) for i in range(window)]
            return mean([daily.get(d) for d in days if d >= first])

        for ds in (shift(last, -quarter), shift(last, -3), last, shift(last, lead)):
            row = said.filter((pl.col("group") == label) & (pl.col("ds") == ds)).row(0, named=True)
            level = around(ds, quarter, 0)
            season = over(around(ds, short, back - short // 2), around(ds, quarter, back - quarter // 2))
            assert same(row["now"], over(around(ds, short, 0), level)), (label, ds)
            assert same(row["trend"], over(level, around(ds, quarter, year))), (label, ds)
            assert same(row["season"], season), (label, ds)


@every
def test_nothing_younger_than_the_lead_is_read(bench, freq, lead):
    """Sales within `lead` periods before a row, of its own series and of all others, change none of its features."""
    b = bench(freq)
    n = b.frame["ds"].n_unique()
    whole = b.matrix(lead)
    for t in (n - 1, n - 9, n // 2):
        row = b.frame["ds"].unique().sort()[t]
        newest = b.config.frequency.shift(row, -lead)
        young = pl.when(pl.col("ds") > newest)
        frame = b.frame.with_columns(y=young.then(1e6).otherwise("y"))
        sums = b.group_sums.with_columns(
            young.then(1e6).otherwise("y_sum").alias("y_sum"), y_count=young.then(1).otherwise("y_count")
        )
        there = pl.col("ds") == row
        after = b.matrix(lead, frame, sums).filter(there)
        assert after.equals(whole.filter(there), null_equal=True), (row, differing(after, whole.filter(there)))


@every
def test_the_newest_known_sale_is_read(bench, freq, lead):
    """The same, one period earlier: otherwise the test above could not fail."""
    b = bench(freq)
    row = max(b.frame["ds"])
    newest = pl.when(pl.col("ds") == b.config.frequency.shift(row, -lead))
    sums = b.group_sums.with_columns(newest.then(1e6).otherwise("y_sum").alias("y_sum"))
    there = (pl.col("ds") == row) & (pl.col("unique_id") == "s0")
    after = b.matrix(lead, b.frame.with_columns(y=newest.then(1e6).otherwise("y")), sums).filter(there)
    changed = differing(after, b.matrix(lead).filter(there))
    assert {"f:lag_0", f"f:mean_{WINDOWS[freq][0]}", "f:total_now"} <= changed


def differing(one: pl.DataFrame, other: pl.DataFrame) -> set[str]:
    return {c for c in one.columns if not one[c].equals(other[c], null_equal=True)}


@every
def test_the_tail_of_a_series_gives_the_features_of_its_whole_history(bench, freq, lead):
    b = bench(freq)
    row = b.config.frequency.shift(max(b.frame["ds"]), -8)
    since = b.config.frequency.shift(row, -b.made.lookback(lead))
    assert since > min(b.frame["ds"]), "the history must be longer than the lookback, or nothing is tested"
    there = pl.col("ds") == row
    tail = b.matrix(lead, b.frame.filter(pl.col("ds") >= since)).filter(there)
    whole = b.matrix(lead).filter(there)
    assert wrong(tail, whole) == set()


@every
def test_each_feature_needs_no_more_than_the_lookback_it_declares(bench, freq, lead):
    b = bench(freq)
    row = b.config.frequency.shift(max(b.frame["ds"]), -8)
    whole = b.matrix(lead).filter(pl.col("ds") == row)
    features = sorted(b.made.all(Lead.of(lead)), key=lambda feature: feature.lookback)
    for lookback, alike in groupby(features, key=lambda feature: feature.lookback):
        since = b.config.frequency.shift(row, -lookback)
        tail = b.prepared(lead, b.frame.filter(pl.col("ds") >= since))
        exprs = [feature.expr.cast(pl.Float64).alias(f"f:{feature.name}") for feature in alike]
        assert wrong(tail.select("ds", *exprs).filter(pl.col("ds") == row), whole) == set()


def wrong(one: pl.DataFrame, other: pl.DataFrame) -> set[str]:
    """The features that differ by more than the noise of a running sum."""
    features = [c for c in one.columns if c.startswith("f:")]
    near = {c: ((one[c] - other[c]).abs() <= 1e-9 * other[c].abs() + ROUND).fill_null(True).all() for c in features}
    return {c for c in features if not near[c] or not one[c].is_null().equals(other[c].is_null())}


def test_the_names_of_groups_hold_all_their_columns_and_none_for_a_missing_value():
    frame = pl.DataFrame({"store": ["S1", None], "category": ["food", "fun"]})
    labels = frame.select(group_label(("store", "category")).alias("g"), group_label(()).alias("all"))
    assert labels["g"].to_list() == ["store=S1/category=food", "store=none/category=fun"]
    assert labels["all"].to_list() == ["total", "total"]


def test_names_are_unique_and_float32_goes_to_the_model(bench):
    b = bench("1d")
    names = b.made.names
    assert len(names) == len(set(names))
    rows = b.prepared(14, b.frame).select(b.made.exprs(Lead.of(14)))
    assert rows.columns == [*names, "_zero", "level"]
    assert set(rows.drop("_zero", "level").dtypes) == {pl.Float32}
    assert rows.schema["level"] == pl.Float64


def test_a_level_of_zero_is_none_and_not_the_noise_of_a_running_sum(bench):
    """Sums that are updated from row to row leave about 1e-17 where nothing was sold; as a unit it would ruin a fit."""
    b, rng = bench("1d"), np.random.default_rng(0)
    years, quiet = 3 * YEAR["1d"], 200
    made = 0
    for i in range(60):
        sold = np.concatenate([rng.gamma(2, 5, 200).round(2), np.zeros(years + quiet)])
        sold[rng.random(len(sold)) < 0.2] = np.nan
        frame = pl.DataFrame({"unique_id": f"n{i}", "y": sold}).with_columns(pl.col("y").fill_nan(None))
        made += int((frame["y"].rolling_mean(91, min_samples=1)[-quiet:] != 0).any())
        context = Context(b.config, {})
        today = frame.with_columns(long_column(context)).select(history_columns(context))[LEVEL]
        levels = today.shift(1)[-quiet + 1 :]
        assert levels.null_count() == len(levels)
    assert made > 0, "no noise was made, so nothing was tested"


@every
def test_few_rows_of_a_large_frame_have_the_features_that_they_have_among_all_of_them(bench, freq, lead):
    b = bench(freq)
    rows = b.prepared(lead, b.frame).with_columns(pl.lit(lead, pl.Int32).alias(LEAD))
    some = (pl.col("ds") > b.config.frequency.shift(max(b.frame["ds"]), -9)) | (pl.int_range(pl.len()) % 17 == 3)
    whole = LookedUp(rows)
    few = whole.rows(some)
    alone = few.select(b.made.exprs(Lead.by_row(lead, whole)))
    assert 0 < few.height < rows.height / 2
    assert alone.equals(rows.select(some.alias("some"), *b.made.exprs(Lead.by_row(lead))).filter("some").drop("some"))


@pytest.mark.parametrize("target", ["level", CHANGE])
@every
def test_coming_rows_have_the_features_that_they_have_among_all_rows(bench, freq, lead, target):
    """What is known of the days that they do not look up is not computed; rolling sums begin on other rows."""
    b = bench(freq)
    made, f = replace(b.made, target=target), b.config.frequency
    cutoff = f.shift(max(b.frame["ds"]), -lead)
    is_coming, step = pl.col("ds") > cutoff, f.steps(pl.lit(cutoff), pl.col("ds")).clip(1).alias(LEAD)
    unsold = b.frame.with_columns(y=pl.when(~is_coming).then("y"))
    means = peers.mean_by_group([peers.sum_by_group(unsold, Context(b.config, made.schema))])
    data = GroupData(b.group_sums.filter(pl.col("ds") <= cutoff), means)
    whole = made.prepare(unsold, data, lead).with_columns(step)
    among = whole.with_columns(made.exprs(Lead.by_row(lead))).filter(is_coming)
    known = made.look_up(unsold, data, lead, cutoff)
    rows = made.describe_rows(known.rows(is_coming), data, lead).with_columns(step)
    alone = rows.select(made.exprs(Lead.by_row(lead, known)))
    assert alone.height == lead * b.frame["unique_id"].n_unique()
    assert_frame_equal(alone, among.select(alone.columns), rel_tol=1e-6, abs_tol=1e-9)
    if target == "level" and f.days == 1 and lead < 100:
        assert 0 < known.history.height < 0.6 * unsold.height
