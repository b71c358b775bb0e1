"""The decomposition against a chain whose effects are known, and its parts against arithmetic by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.planning.decomposition import decompose, fit_pooled, read_design
from forecasting.planning.decomposition.shrinkage import shrink_to_groups

FIRST, DAYS, H = date(2023, 1, 2), 728, 14
WEEK = np.log(np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9]))
TRUTH = {"a": (20.0, 0.10, -2.0, 0.7), "b": (6.0, 0.10, -1.0, 0.4), "c": (40.0, -0.20, -1.5, 0.5)}
"""Level at a price of 2, trend a year, elasticity and log uplift of three items."""


def small_chain(seed: int) -> tuple[Config, pl.DataFrame, pl.DataFrame]:
    """Rows of three items in two stores, drawn from a Poisson distribution around known effects, and these effects."""
    rng, parts = np.random.default_rng(seed), []
    days = pl.date_range(FIRST, FIRST + timedelta(DAYS + H - 1), eager=True)
    yearly = 0.3 * np.cos(2 * np.pi * (days.dt.ordinal_day().to_numpy() - 180) / 365.25)
    for item, (usual, trend, elasticity, uplift) in TRUTH.items():
        for store in ("S1", "S2"):
            price = 2.0 * np.repeat(rng.choice([1.0, 1.0, 1.0, 0.8, 1.1], 27), 28)[: len(days)]
            promo = np.repeat(rng.random(106) < 0.15, 7)[: len(days)]
            effects = {
                "trend": trend * np.arange(len(days)) / 364,
                "season": WEEK[(days.dt.weekday() - 1).to_numpy()] + yearly,
                "price": elasticity * np.log(price / price[0]),
                "promotion": uplift * promo,
            }
            level = usual * (price[0] / 2.0) ** elasticity  # at the price of the beginning
            mean = level * np.exp(sum(effects.values()))
            parts.append(
                pl.DataFrame({"unique_id": f"{store}/{item}", "ds": days, "store": store, "item": item, "price": price})
                .with_columns(promo=pl.Series(promo).cast(pl.Float64), y=pl.Series(rng.poisson(mean).astype(float)))
                .with_columns(pl.Series(f"true_{name}", value) for name, value in effects.items())
                .with_columns(true_level=level)
            )
    rows = pl.concat(parts)
    columns = {"known_ahead": ["price", "promo"], "static": ["store", "item"], "price": "price", "promo": "promo"}
    given = {
        "name": "three",
        "source": {"kind": "table"},
        "freq": "1d",
        "h": H,
        "columns": columns,
        "models": ["ladder"],
    }
    config = Config.model_validate(given)
    last = FIRST + timedelta(DAYS - 1)
    sold = rows.drop("^true_.*$").with_columns(y=pl.when(pl.col("ds") <= last).then("y"))
    return config, fill_gaps(flag_observations(sold, config), config, last), rows


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    config, panel_rows, truth = small_chain(5)
    none = InMemory(pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64}))
    cut = Cut(Panel(config, InMemory(panel_rows), (0,), none), FIRST + timedelta(DAYS - 1), H)
    design = read_design(cut, cut.frame(0))
    return decompose(design, fit_pooled(design)).join(truth, on=["unique_id", "ds"])


@pytest.mark.parametrize(("effect", "most"), [("trend", 0.15), ("season", 0.1), ("price", 0.1), ("promotion", 0.1)])
def test_known_effects_are_found(found, effect, most):
    """Errors as a share of the size of the effect, over history and horizon."""
    # a season counted from the mean factor of the week: the level bears what is left of the logarithms' mean
    known = found[f"true_{effect}"] - (np.log(np.exp(WEEK).mean()) if effect == "season" else 0.0)
    assert (found[effect] - known).abs().sum() < most * known.abs().sum()


def test_the_level_is_that_of_the_first_day(found):
    level = found["true_level"] * np.exp(WEEK).mean()
    assert ((found["level"] / level).log().abs().max()) < 0.06


def test_days_without_a_holiday_or_a_closing_have_no_such_effect(found):
    assert found["holiday"].abs().max() == 0
    assert found["opening"].abs().max() == 0


def test_groups_whose_estimates_differ_by_chance_are_taken_for_equal():
    rng = np.random.default_rng(1)
    estimates, errors = 2.0 + 0.1 * rng.standard_normal(200), np.full(200, 0.01)
    found = shrink_to_groups(estimates, errors, {"item": [f"i{k % 20}" for k in range(200)]})
    assert found.mean == pytest.approx(2.0, abs=0.03)
    assert max(abs(e) for e in found.effects["item"].values()) < 0.1
    assert found.variance < 0.004


def test_groups_that_differ_keep_their_own_estimate():
    groups = {"item": ["a"] * 50 + ["b"] * 50}
    estimates = np.array([1.0] * 50 + [3.0] * 50)
    found = shrink_to_groups(estimates, np.full(100, 0.01), groups)
    assert found.of({"item": ["a", "b"]}, 2) == pytest.approx([1.0, 3.0], abs=0.02)
