"""Bounds of every forecast against its history, and models for rare sales on series that sell nothing or once."""

from datetime import date, timedelta

import hypothesis
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting import models
from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.models import guards

START = date(2024, 1, 1)
N, H = 120, 7
SIZES = st.floats(-1e7, 1e7).map(lambda x: round(x, 3))


def cut_of(
    series: dict[str, list[float | None]], n: int, recipe=("ladder",), kinds: dict[str, str] | None = None
) -> Cut:
    """A daily panel that ends after `n` days; shorter lists are the newest days of their series."""
    columns = {"static": ["kind"]} if kinds else {}
    given_ = {"name": "odd", "source": {"kind": "table"}, "freq": "1d", "h": H, "columns": columns}
    config = Config.model_validate(given_ | {"models": list(recipe), "clean": {"y_min": None}})
    parts = [
        pl.DataFrame(
            {"unique_id": name, "ds": [START + timedelta(n - len(y) + i) for i in range(len(y))], "y": y},
            schema_overrides={"y": pl.Float64},
        ).with_columns(*([pl.lit(kinds[name]).alias("kind")] if kinds else []))
        for name, y in series.items()
    ]
    last = START + timedelta(n - 1)
    rows = fill_gaps(flag_observations(pl.concat(parts), config), config, last)
    levels = ((), ("kind",)) if kinds else ((),)
    return Cut(Panel(config, InMemory(rows), (0,), InMemory(group_sums(rows, config, levels))), last, H)


def capped(cut: Cut, yhat: dict[str, float]) -> dict[str, tuple[float, str]]:
    rows = pl.DataFrame({"unique_id": list(yhat), "yhat": list(yhat.values()), "source": "M"})
    held = guards.cap_forecasts(rows, guards.forecast_limits(cut, cut.frame(0)))
    return {i: (y, s) for i, y, s in held.select("unique_id", "yhat", "source").iter_rows()}


@given(st.lists(SIZES, min_size=N, max_size=N), st.sets(st.integers(1, N - 1), max_size=20), st.floats(-1e9, 1e9))
def test_no_forecast_leaves_the_bounds_of_a_long_history(sold, gaps, yhat):
    y = [None if i in gaps else v for i, v in enumerate(sold)]
    top = max(abs(v) for v in y if v is not None)
    hypothesis.assume(top > 0)  # where nothing was ever sold the group tells the bound
    said, source = capped(cut_of({"a": y}, N), {"a": yhat})["a"]
    if abs(yhat) <= 5 * top:
        assert (said, source) == (yhat, "M")
    else:
        assert (said, source) == (pytest.approx(5 * top if yhat > 0 else -5 * top), "M (capped)")


def test_a_short_series_may_reach_what_its_group_has_known():
    low, high = [2.0] * N, [100.0] * N
    cut = cut_of(
        {"low": low, "high": high, "new": [1.0], "none": [0.0] * N},
        N,
        kinds=dict.fromkeys(("low", "new"), "a") | {"high": "b", "none": "b"},
    )
    held = capped(cut, {"low": 11.0, "high": 11.0, "new": 1e9, "none": 1e9})
    assert held["low"] == (10.0, "M (capped)")
    assert held["high"] == (11.0, "M")
    assert held["new"] == (5 * 34.0, "M (capped)")  # all series together: (2 + 100 + 0) / 3; its own kind: 2
    assert held["none"] == (5 * 50.0, "M (capped)")


def test_bounds_are_held_too_and_missing_ones_stay_missing():
    cut = cut_of({"a": [10.0] * N}, N)
    rows = pl.DataFrame(
        {"unique_id": ["a", "a"], "yhat": [9.0, 60.0], "source": "M", "lo-80": [None, 8.0], "hi-80": [70.0, None]}
    )
    held = guards.cap_forecasts(rows, guards.forecast_limits(cut, cut.frame(0)))
    assert held.rows() == [("a", 9.0, "M", None, 50.0), ("a", 50.0, "M (capped)", 8.0, None)]


def test_the_future_does_not_move_a_bound():
    before = cut_of({"a": [10.0] * N}, N)
    longer = cut_of({"a": [10.0] * N + [1e6] * 5}, N + 5)
    now = Cut(longer.panel, before.cutoff, H)
    assert capped(now, {"a": 1e5}) == capped(before, {"a": 1e5}) == {"a": (50.0, "M (capped)")}


ODD = {
    "zeros": [0.0] * N,
    "once": [0.0] * 60 + [4.0] + [0.0] * (N - 61),
    "last": [0.0] * (N - 1) + [3.0],
    "late": [None] * 100 + [0.0, 2.0] * 10,
    "rare": ([0.0] * 9 + [5.0]) * (N // 10),
    "one": [2.0],
}
RARE = [
    *("ADIDA", "CrostonClassic", "CrostonOptimized", "CrostonSBA", "IMAPA", "AutoETS", "AutoTheta", "Theta"),
    {"class": "TSB", "alpha_d": 0.1, "alpha_p": 0.1},
    {"class": "HoltWinters", "error_type": "M", "name": "Multiplied"},
    {"class": "AutoETS", "model": "MMM", "name": "MMM"},
    {"class": "ARIMA", "order": [1, 0, 0], "transform": "log", "name": "Logs"},
]


@pytest.mark.parametrize("spec", RARE, ids=lambda s: s if isinstance(s, str) else s.get("name", s["class"]))
def test_rare_sales_are_answered(spec):
    """Sensible numbers on series without sales, with one, with a late start: never above what was ever sold."""
    cut = cut_of(ODD, N, ["ladder", {"stats": spec}])
    rows = models.build(cut.config)[-1].fit(cut).predict(cut, 0)
    assert rows["unique_id"].n_unique() == len(ODD)
    assert rows.height == len(ODD) * H
    assert rows["yhat"].is_finite().all()
    tops = {name: max(v or 0.0 for v in y) for name, y in ODD.items()}
    for name, yhat in rows.select("unique_id", "yhat").iter_rows():
        assert -tops[name] - 1e-9 <= yhat <= 1.5 * tops[name] + 1e-9, (name, yhat)


@pytest.mark.parametrize(
    "spec",
    [
        {"class": "AutoETS", "model": "MMM", "name": "M"},
        {"class": "HoltWinters", "error_type": "M", "name": "M"},
    ],
    ids=lambda s: s["class"],
)
def test_what_multiplies_is_not_used_where_zeros_occur(spec):
    cut = cut_of({"zeros": ODD["once"], "whole": [5.0 + i % 7 for i in range(N)]}, N, ["ladder", {"stats": spec}])
    rows = models.build(cut.config)[-1].fit(cut).predict(cut, 0)
    sources = dict(rows.group_by("unique_id").agg(pl.col("source").unique().sort()).iter_rows())
    assert sources["whole"] == ["M"]
    assert "M" not in sources["zeros"]
