"""Sums of series and of aggregates hold what they promise on windows that were not seen, where daily bounds do not."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from forecasting.evaluation import intervals
from forecasting.evaluation import sums as module
from forecasting.evaluation.sums import SumsRequest, forecast_sums

START = date(2024, 1, 1)
H, WINDOWS, KNOWN, SERIES, GROUPS = 14, 14, 4, 60, 6
LEVEL, SCALE = 100.0, 4.0
MEMBERS = pl.DataFrame(
    {"unique_id": [f"s{i:02}" for i in range(SERIES)], "group": [f"g{i % GROUPS}" for i in range(SERIES)]}
)
REQUEST = SumsRequest((7, H), (80,), 0.0, MEMBERS)


def lasting(rng, shape, phi):
    """Errors with variance 1 that hang together along the last axis."""
    e = rng.normal(size=shape)
    for t in range(1, shape[-1]):
        e[..., t] = phi * e[..., t - 1] + np.sqrt(1 - phi**2) * e[..., t]
    return e


def rows_of(grain, names, yhat, scale, y):
    """Backtest rows of (windows, series, steps)."""
    at = np.indices(y.shape).reshape(3, -1)
    columns = {
        "unique_id": [names[i] for i in at[1]],
        "cutoff": [START + timedelta(days=H * int(k)) for k in at[0]],
        "step": at[2] + 1,
        "y": y.ravel(),
        "yhat": np.full(y.size, yhat),
        "scale": np.full(y.size, scale),
        "mase_scale": np.full(y.size, scale),
        "rmsse_scale": np.full(y.size, scale**2),
        "grain": grain,
        "model": "m",
        "block": H,
        "closed": False,
    }
    return pl.DataFrame(columns).cast({"step": pl.Int32, "block": pl.Int32})


@pytest.fixture(scope="module")
def rows():
    """A chain whose errors share something with all, something with their department, and last for days."""
    rng = np.random.default_rng(4)
    own, every = lasting(rng, (WINDOWS, SERIES, H), 0.6), lasting(rng, (WINDOWS, 1, H), 0.8)
    department = lasting(rng, (WINDOWS, GROUPS, H), 0.8)[:, np.arange(SERIES) % GROUPS]
    y = LEVEL + SCALE * (0.7 * own + 0.2 * every + 0.7 * department)
    below = rows_of("series", MEMBERS["unique_id"].to_list(), LEVEL, SCALE, y)
    size = SERIES // GROUPS
    above = np.stack([y[:, np.arange(SERIES) % GROUPS == g].sum(axis=1) for g in range(GROUPS)], axis=1)
    return pl.concat([below, rows_of("dept", [f"g{g}" for g in range(GROUPS)], LEVEL * size, SCALE * 4, above)])


def window(rows, k):
    """A held-out window and the four before it."""
    cutoffs = rows["cutoff"].unique().sort()
    return SimpleNamespace(
        new=rows.filter(cutoff=cutoffs[k]), past=rows.filter(pl.col("cutoff").is_in(cutoffs[k - KNOWN : k]))
    )


def held(result, new, periods):
    """The share of sums within lo-80 and hi-80, by grain."""
    sold = new.filter(pl.col("step") <= periods).group_by("unique_id", "grain").agg(pl.col("y").sum())
    both = result.join(sold, on=["unique_id", "grain"])
    assert both.height == SERIES + GROUPS
    return both.select("grain", inside=pl.col("y").is_between("lo-80", "hi-80"))


def share(parts):
    return dict(pl.concat(parts).group_by("grain").agg(pl.col("inside").mean()).iter_rows())


def added(at, periods):
    """The bounds of the single days, added up."""
    daily = intervals.add_bounds(at.new, intervals.fit_quantiles(at.past, [80], 0.0), [80], 0.0)
    return daily.filter(pl.col("step") <= periods).group_by("unique_id", "grain").agg(pl.col("lo-80", "hi-80").sum())


@pytest.mark.parametrize("periods", [7, H])
def test_sums_hold_what_they_promise_and_sums_of_daily_bounds_do_not(rows, periods):
    found, naive = [], []
    for k in range(KNOWN, WINDOWS):
        at = window(rows, k)
        result = forecast_sums(at.new, at.past, REQUEST).filter(pl.col("periods") == periods)
        found.append(held(result, at.new, periods))
        naive.append(held(added(at, periods), at.new, periods))
    one, other = share(found), share(naive)
    assert one["series"] == pytest.approx(0.8, abs=0.04)
    assert other["series"] > 0.9
    assert one["dept"] == pytest.approx(0.8, abs=0.1)


def test_what_befalls_a_department_is_told_by_its_own_errors_alone(rows):
    """Without them its sum is that of its series' paths, which know nothing of it, and holds far less."""
    alone = []
    for k in range(KNOWN, WINDOWS):
        at = window(rows, k)
        result = forecast_sums(at.new, at.past.filter(pl.col("grain") == "series"), REQUEST).filter(
            pl.col("periods") == H
        )
        alone.append(held(result, at.new, H))
    assert share(alone)["dept"] < 0.7


def test_means_add_up_and_bounds_are_in_order(rows):
    at = window(rows, WINDOWS - 1)
    result = forecast_sums(at.new, at.past, SumsRequest((1, 7), (80, 95), 0.0, MEMBERS))
    assert result.columns == ["unique_id", "grain", "periods", "yhat", "q50", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert result.height == 2 * (SERIES + GROUPS)
    assert result.filter(pl.col("grain") == "series", pl.col("periods") == 7)["yhat"].to_list() == [7 * LEVEL] * SERIES
    for low, high in (("lo-95", "lo-80"), ("lo-80", "q50"), ("q50", "hi-80"), ("hi-80", "hi-95")):
        assert (result[low] < result[high]).all(), (low, high)


def test_series_in_many_parts_have_a_total_as_wide_as_in_one(rows, monkeypatch):
    """Drawn with different windows the parts' common errors would cancel in the total."""
    at = window(rows, WINDOWS - 1)
    shocks = pl.col("cutoff").rank("dense").cast(pl.Float64)
    past = at.past.with_columns(
        y=pl.col("yhat") + pl.col("scale") * (shocks - 2.5 + 0.1 * (pl.col("y") - pl.col("yhat")) / SCALE)
    )
    total = at.new.filter(pl.col("unique_id") == "g0").with_columns(unique_id=pl.lit("total"), grain=pl.lit("total"))
    new = pl.concat([at.new.filter(pl.col("grain") == "series"), total])
    request = SumsRequest((H,), (80,), 0.0, MEMBERS.with_columns(group=pl.lit("total")))
    widths = []
    for part in (SERIES, 7):
        monkeypatch.setattr(module, "PART", part)
        result = forecast_sums(new, past.filter(pl.col("grain") == "series"), request).filter(
            pl.col("grain") == "total"
        )
        widths.append(result.select(pl.col("hi-80") - pl.col("lo-80")).item())
    assert widths[0] == pytest.approx(widths[1], rel=0.02)
    assert widths[0] > SERIES * H * SCALE * 2  # shocks of -1.5 to 1.5 scales, of all series and days at once


def test_a_series_that_starts_later_adds_what_it_sells_from_then_on(rows):
    at = window(rows, WINDOWS - 1)
    late = at.new.filter((pl.col("unique_id") != "s00") | (pl.col("step") > 10))
    result = forecast_sums(late, at.past, REQUEST).filter(pl.col("unique_id") == "s00")
    assert result["yhat"].to_list() == [0.0, 4 * LEVEL]
    assert result.row(0)[3:] == (0.0,) * 4


def test_without_a_window_there_is_nothing_to_draw_from(rows):
    with pytest.raises(ValueError, match="no past window"):
        forecast_sums(window(rows, KNOWN).new, rows.clear(), REQUEST)


def test_bounds_of_new_series_add_up_but_not_where_most_periods_sell_nothing(rows):
    """By hand: 7 days with bounds of 50 and 150 make 350 and 1,050; rare sales are drawn, as chance decides the day."""
    newest = rows.filter(pl.col("grain") == "series", pl.col("cutoff") == pl.col("cutoff").max())
    own = {"q50": 90.0, "lo-80": 50.0, "hi-80": 150.0, "cold_start": True}
    first, second, other = (newest.filter(pl.col("unique_id") == f"s0{i}") for i in range(3))
    usual = first.with_columns(pl.lit(v).alias(c) for c, v in own.items())
    rare = second.with_columns(pl.lit(v).alias(c) for c, v in (own | {"q50": 0.0, "lo-80": 0.0}).items())
    established = other.with_columns(pl.lit(v).alias(c) for c, v in (own | {"cold_start": False}).items())
    past = rows.filter(pl.col("cutoff") < pl.col("cutoff").max())
    result = forecast_sums(pl.concat([usual, rare, established]), past, REQUEST).filter(periods=7)
    found = {r["unique_id"]: (r["q50"], r["lo-80"], r["hi-80"]) for r in result.iter_rows(named=True)}
    assert found["s00"] == pytest.approx((630, 350, 1050))
    for name in ("s01", "s02"):
        assert 600 < found[name][1] < found[name][2] < 800
