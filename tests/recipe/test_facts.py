"""Facts of a panel: counted by hand, from rows up to a day alone, and strengths that known series have."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.panel import InMemory, Panel
from forecasting.recipe import Facts, count_facts

FIRST = date(2022, 1, 3)
NONE = InMemory(pl.DataFrame(schema={"group": pl.String, "ds": pl.Date}))


def panel(series: dict[str, list[float | None]], **keys: Any) -> Panel:
    """Daily series from FIRST on."""
    config = Config.model_validate({"name": "x", "source": {"path": "a.csv"}, "freq": "1d", "h": 7} | keys)
    parts = [
        pl.DataFrame(
            {
                "unique_id": name,
                "ds": [FIRST + timedelta(i) for i in range(len(y))],
                "y": pl.Series(y, dtype=pl.Float64),
            }
        )
        for name, y in series.items()
    ]
    rows = pl.concat(parts).with_columns(y_raw=pl.col("y"), flag=pl.lit("observed"))
    return Panel(config, InMemory(rows), (0,), NONE)


def test_facts_are_counted() -> None:
    made = panel({"a": [None, 4, 0, None, -2, 6], "b": [1, 2, 3, 4, 5, 6], "c": [None] * 6}, clean={"y_min": None})
    facts = count_facts(made, FIRST + timedelta(4))
    assert (facts.series, facts.rows, facts.cells, facts.span) == (2, 8, 15, 5)
    assert (facts.lengths[0], facts.lengths[-1]) == (4, 5)
    assert facts.gaps == pytest.approx(1 - 8 / 9)
    assert (facts.zeros, facts.negatives) == (1 / 8, 1 / 8)
    assert (facts.rare, facts.positive) == (0.5, 0.5)  # of a, a third of the values is 0
    assert set(facts.recent.values()) == {8}


def test_nothing_after_the_day_changes_a_fact() -> None:
    rng = np.random.default_rng(3)
    y = {name: list(rng.poisson(20, 200).astype(float)) for name in "abc"}
    spoiled = {name: [*values[:150], *(v * 100 for v in values[150:])] for name, values in y.items()}
    day = FIRST + timedelta(149)
    keys = {"clean": {"outliers": {"rule": "hampel"}}}
    assert count_facts(panel(spoiled, **keys), day) == count_facts(panel(y, **keys), day)


def shape(y: np.ndarray[Any, Any]) -> Facts:
    return count_facts(panel({"a": list(y)}), FIRST + timedelta(len(y) - 1))


def test_strengths_tell_season_trend_and_wandering_apart() -> None:
    rng, at = np.random.default_rng(1), np.arange(400)
    noise = rng.normal(0, 1, 400)
    season = shape(100 + 5 * np.sin(2 * np.pi * at / 7) + noise)
    trend, walk, flat = shape(100 + 0.5 * at + noise), shape(100 + rng.normal(0, 1, 400).cumsum()), shape(100 + noise)
    assert season.seasonality > 0.8 > 0.3 > max(f.seasonality for f in (trend, walk, flat))
    assert min(trend.trend, walk.trend) > 0.8 > 0.3 > max(season.trend, flat.trend)
    assert walk.wandering < 0.8 < 1.2 < flat.wandering


def test_a_panel_without_an_observation_has_facts() -> None:
    facts = count_facts(panel({"a": [None, None]}), FIRST + timedelta(1))
    assert (facts.series, facts.rows, facts.lengths, facts.wandering) == (0, 0, (0,) * 11, 1.0)


def test_growth_is_the_power_of_the_level_by_which_changes_grow() -> None:
    rng, at = np.random.default_rng(2), np.arange(700)
    level = 20 * np.exp(at / 300)
    noise = rng.normal(0, 2, 700)
    same, half, whole = (shape(level + (level / 20) ** power * noise).growth for power in (0.0, 0.5, 1.0))
    assert (same, half, whole) == (pytest.approx(0, abs=0.2), pytest.approx(0.5, abs=0.2), pytest.approx(1, abs=0.2))
    assert shape(np.full(20, 5.0)).growth is None
