"""MinTrace against worked numbers and against the dense formula of the paper."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from forecasting.evaluation.hierarchy import aggregate_variances, backtest_variances, reconcile

DAY = date(2024, 1, 1)


def rows(values, var=None):
    names = list(values)
    given_ = {"unique_id": names, "ds": DAY, "yhat": list(values.values()), "var": var or [1.0] * len(names)}
    return pl.DataFrame(given_, schema_overrides={"yhat": pl.Float64, "var": pl.Float64})


def of(names, group="total"):
    return pl.DataFrame({"unique_id": list(names), "group": group})


@pytest.mark.parametrize(
    ("method", "a", "b"),
    [
        ("ols", 63.3333333, 33.3333333),
        ("wls_struct", 62.5, 32.5),
        ("wls_var", 61.9047619, 30.4761905),
    ],
)
def test_the_worked_example(method, a, b):
    found = reconcile(rows({"A": 60.0, "B": 30.0}, [4.0, 1.0]), rows({"total": 100.0}, [16.0]), of("AB"), method)
    assert found["yhat"].to_list() == pytest.approx([a, b], abs=1e-6)


def chain(seed, stores=3, items=4):
    """Base forecasts of a chain by store and item that do not add up, with all variances different."""
    rng = np.random.default_rng(seed)
    names = [f"s{i}/i{j}" for i in range(stores) for j in range(items)]
    homes = pl.concat(
        [of(names), *(of([n], f"store={n[:2]}") for n in names), *(of([n], f"item={n[3:]}") for n in names)]
    )
    groups = sorted(homes["group"].unique())
    base = {n: float(rng.gamma(5, 10)) for n in names}
    tops = {g: 1.2 * sum(base[n] for n in homes.filter(group=g)["unique_id"]) + rng.normal(0, 5) for g in groups}
    return rows(base, rng.gamma(3, 2, len(names)).tolist()), rows(tops, rng.gamma(9, 4, len(groups)).tolist()), homes


def dense(series, aggregates, homes, w):
    """(S'W^-1 S)^-1 S'W^-1 y, as the paper writes it."""
    names, groups = series["unique_id"].to_list(), aggregates["unique_id"].to_list()
    pairs = set(homes.rows())
    a = np.array([[float((n, g) in pairs) for n in names] for g in groups])
    s, y = np.vstack([a, np.eye(len(names))]), np.concatenate([aggregates["yhat"], series["yhat"]])
    inverse = np.diag(1 / w(a))
    return linalg.solve(s.T @ inverse @ s, s.T @ inverse @ y)


@given(st.integers(0, 1000))
def test_it_is_the_formula_of_the_paper(seed):
    series, aggregates, homes = chain(seed)
    series, n = series.sort("unique_id"), series.height
    weights = {
        "ols": lambda a: np.ones(n + len(a)),
        "wls_struct": lambda a: np.concatenate([a.sum(axis=1), np.ones(n)]),
        "wls_var": lambda a: np.concatenate([aggregates["var"], series["var"]]),
    }
    for method, w in weights.items():
        expected = dense(series, aggregates, homes, w)
        if (expected >= 0).all():
            found = reconcile(series, aggregates, homes, method)
            assert found["yhat"].to_numpy() == pytest.approx(expected, abs=1e-6)


def test_what_adds_up_already_stays():
    found = reconcile(rows({"A": 60.0, "B": 30.0}), rows({"total": 90.0}), of("AB"), "ols")
    assert found["yhat"].to_list() == pytest.approx([60.0, 30.0])


def test_nothing_falls_below_zero_and_closed_days_stay_zero():
    """The total is far below the series: the small one ends at 0, the closed one stays, the rest is shared."""
    series = rows({"big": 90.0, "shut": 0.0, "small": 2.0})
    found = dict(
        reconcile(series, rows({"total": 40.0}, [1e-9]), of(series["unique_id"]), "wls_var")
        .select("unique_id", "yhat")
        .iter_rows()
    )
    assert (found["small"], found["shut"]) == (0.0, 0.0)
    assert found["big"] == pytest.approx(40.0, abs=1e-6)


def test_below_zero_where_the_base_is():
    found = reconcile(rows({"A": -5.0, "B": 5.0}), rows({"total": -3.0}), of("AB"), "ols")
    assert found["yhat"].to_list() == pytest.approx([-6.0, 4.0])


def test_a_day_without_a_forecast_of_the_total_keeps_the_series():
    series = rows({"A": 60.0, "B": 30.0})
    later = series.with_columns(ds=pl.lit(DAY + timedelta(1)))
    found = reconcile(pl.concat([series, later]), rows({"total": 100.0}), of("AB"), "ols")
    assert found.filter(ds=DAY)["yhat"].sum() == pytest.approx(290 / 3)
    assert found.filter(pl.col("ds") > DAY)["yhat"].to_list() == [60.0, 30.0]


def test_thirty_thousand_series_are_solved_in_the_space_of_the_aggregates():
    n, rng = 30_000, np.random.default_rng(1)
    names = [f"s{i}" for i in range(n)]
    groups = [f"g{i % 100}" for i in range(n)]
    base = rng.gamma(2, 5, n)
    series = rows(dict(zip(names, base, strict=True)), rng.gamma(2, 5, n).tolist())
    homes = pl.concat([of(names), pl.DataFrame({"unique_id": names, "group": groups})])
    tops = rows(
        {"total": 1.1 * base.sum()} | {g: 1.05 * float(base[i::100].sum()) for i, g in enumerate(groups[:100])},
        [2e5, *[3e3] * 100],
    )
    found = reconcile(series, tops, homes, "wls_var").join(homes.filter(pl.col("group") != "total"), on="unique_id")
    assert (found["yhat"] >= 0).all()
    assert 1.0 < found["yhat"].sum() / base.sum() < 1.1


def test_variances_are_mean_squared_errors():
    past = pl.DataFrame({"unique_id": ["a", "a", "b", "b"], "y": [1.0, 3.0, 5.0, None], "yhat": [2.0, 1.0, 5.0, 9.0]})
    assert backtest_variances(past).rows() == [("a", 2.5), ("b", 0.0)]


def test_two_aggregates_of_the_same_series_that_never_erred_are_told_apart_by_nothing():
    """The system is singular: both are 100, and so is the sum of the series."""
    homes = pl.concat([of("AB"), of("AB", "kind=a")])
    found = reconcile(
        rows({"A": 60.0, "B": 30.0}), rows({"total": 100.0, "kind=a": 100.0}, [0.0, 0.0]), homes, "wls_var"
    )
    assert found["yhat"].to_list() == pytest.approx([65.0, 35.0])
    idle = reconcile(rows({"A": 0.0, "B": 0.0}), rows({"total": 5.0}, [0.0]), of("AB"), "wls_var")
    assert idle["yhat"].to_list() == [0.0, 0.0]


def test_sums_that_err_together_let_their_aggregates_weigh_more():
    """Four series that err by the same 1 sum to an error of 4: 16, where apart they would have 4. So a top that errs
    by 2 (squared 4) weighs as one of 1; the total then lies between top and sum, as 16 to 4.
    """
    base = pl.DataFrame({"unique_id": [*"ABCD"], "grain": "series", "y": [10.0] * 4, "yhat": [11.0] * 4})
    total = pl.DataFrame({"unique_id": ["total"], "grain": ["total"], "y": [40.0], "yhat": [44.0]})
    top = total.with_columns(yhat=pl.lit(42.0))
    found = aggregate_variances(top, pl.concat([base, total]))
    assert found.rows() == [("total", 1.0)]
    series = rows(dict.fromkeys("ABCD", 11.0))
    made = reconcile(series, rows({"total": 42.0}, found["var"].to_list()), of("ABCD"), "wls_var")
    assert made["yhat"].sum() == pytest.approx((16 * 42 + 4 * 44) / (16 + 4))
