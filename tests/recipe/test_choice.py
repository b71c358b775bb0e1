"""What a recipe chooses for which facts: tables of facts and expectations, and that more budget takes nothing away."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from forecasting.config import Config
from forecasting.config.keys import BUDGET
from forecasting.recipe import Constraints, Facts, Recipe, choose
from forecasting.recipe.booster_size import choose_boosters, sizes
from forecasting.recipe.budget import BOOSTERS, STATS
from forecasting.recipe.candidates import CANDIDATES, HEADS
from forecasting.recipe.choice import count_windows
from forecasting.recipe.cost import Boosters, coefficients, interpolate, stats_units
from forecasting.recipe.facts import YEARS

STEADY = ["SeasonalSmoothing", "Theta", "Theta-log", "AutoETS", "AutoETS-log", "AutoCES", "AutoCES-log"]
BUDGETS = (1, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)


def facts(series: int = 1400, length: int = 117, **other: object) -> Facts:
    """Monthly series of one length, above 0, with a trend and a season."""
    rows = series * length
    recent = {years: series * min(length, 12 * years) for years in YEARS}
    monthly = Facts(
        freq="1mo", h=18, season=12, windows=1, step=18, series=series, rows=rows, cells=rows, recent=recent,
        lengths=(length,) * 11, span=length, gaps=0.0, zeros=0.0, negatives=0.0, rare=0.0, positive=1.0, trend=0.8,
        seasonality=0.5, wandering=1.0, growth=None, features=30, known_ahead=0, texts=1,
    )  # fmt: skip
    return replace(monthly, **other)  # type: ignore[arg-type]


DAILY = {"freq": "1d", "h": 42, "step": 42, "season": 7, "features": 70, "windows": 2}


def daily(series: int, length: int, **other: object) -> Facts:
    """The same of days."""
    recent = {years: series * min(length, 364 * years) for years in YEARS}
    return facts(series, length, recent=recent, **(DAILY | other))


def names(recipe: Recipe) -> list[str]:
    return [spec.name for spec in recipe.models]


def why(recipe: Recipe, model: str) -> str:
    return next(v.why for v in recipe.verdicts if v.model == model)


def test_1400_monthly_series_get_all_smooth_models_and_boosters_of_many_years() -> None:
    recipe = choose(facts(), Constraints(3 * BUDGET))
    assert names(recipe) == ["ladder", *HEADS.values(), *STEADY, "Airline", "Combination"]
    assert recipe.units <= 3 * BUDGET
    assert recipe.blocks is None
    assert recipe.windows == 1 + recipe.calibration >= 3
    assert [spec.options["years"] >= 8 for spec in recipe.models if spec.family == "lightgbm"] == [True] * 3


def test_models_are_the_same_however_many_windows_are_reported() -> None:
    few, many = (choose(daily(1115, 900, windows=n), Constraints(BUDGET)) for n in (2, 10))
    assert few.models == many.models
    assert many.windows == few.windows + 8
    assert many.units > 2 * few.units


def test_changes_are_learned_where_series_wander() -> None:
    recipes = [choose(facts(wandering=ratio), Constraints(BUDGET)) for ratio in (0.7, 1.3)]
    assert [HEADS["change"] in names(recipe) for recipe in recipes] == [True, False]
    assert "1.30 times" in why(recipes[1], HEADS["change"])


def test_a_thousand_daily_series_of_years_get_boosters_and_quick_models() -> None:
    recipe = choose(daily(1115, 900), Constraints(BUDGET))
    assert "LightGBM" in names(recipe)
    assert "AutoETS" not in names(recipe)
    needed = int(why(recipe, "AutoETS").split("budget: ")[1].split()[0])
    assert needed > BUDGET
    assert "AutoETS" in names(choose(daily(1115, 900), Constraints(needed + 1)))


@pytest.mark.parametrize(
    ("made", "chosen", "left_out"),
    [
        (facts(1), [*STEADY, "Airline", "SARIMAX"], {"IMAPA": "rare sales", "TSB": "rare sales"}),
        (
            facts(1, growth=1.2),
            [n for n in STEADY if n.endswith(("-log", "g"))] + ["Airline", "SARIMAX"],
            {"Theta": "power of 1.20"},
        ),
        (
            facts(1, growth=0.6),
            [n for n in STEADY if "-log" not in n] + ["Airline", "SARIMAX"],
            {"Theta-log": "power of 0.60"},
        ),
        (facts(6, growth=1.2), [*STEADY, "Airline"], {"SARIMAX": "at most 5 series, and there are 6"}),
        (
            facts(1, length=24, span=24, h=6),
            STEADY,
            {"SARIMAX": "needs 3 seasons of 12", "LightGBM": "24 observed rows"},
        ),
        (
            facts(2674, length=50, rare=0.97, zeros=0.7, positive=0.01),
            ["IMAPA", "TSB"],
            {"AutoETS": "97% of the series sell now and then", "Theta-log": "no logarithm"},
        ),
        (
            facts(300, rare=0.1, positive=0.4),
            ["IMAPA", "TSB", "SeasonalSmoothing", "Theta", "AutoETS", "AutoCES", "Airline"],
            {"AutoETS-log": "60% of the series hold a 0 or less"},
        ),
    ],
)
def test_facts_decide_on_statistical_models(made: Facts, chosen: list[str], left_out: dict[str, str]) -> None:
    recipe = choose(made, Constraints(BUDGET))
    assert [n for n in names(recipe) if n not in HEADS.values()] == ["ladder", *chosen, "Combination"]
    for model, words in left_out.items():
        assert model not in names(recipe)
        assert words in why(recipe, model)


@pytest.mark.parametrize("made", [facts(), facts(1), daily(70, 1900), daily(30_000, 1900), facts(9, 30)])
def test_a_larger_budget_takes_nothing_away(made: Facts) -> None:
    recipes = [choose(made, Constraints(budget)) for budget in BUDGETS]
    for less, more in pairwise(recipes):
        assert set(names(less)) <= set(names(more))
        before, after = (next((m.options for m in r.models if m.family == "lightgbm"), {}) for r in (less, more))
        assert all(before[key] <= after[key] for key in ("years", "rows") if before)


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("made", [facts(), facts(1), daily(70, 1900), daily(30_000, 1900), facts(3, 10, span=10)])
def test_every_candidate_has_a_verdict_with_its_reason(made: Facts, budget: float) -> None:
    recipe = choose(made, Constraints(budget))
    assert sorted(v.model for v in recipe.verdicts) == sorted([*HEADS.values(), *(c.name for c in CANDIDATES)])
    assert {v.model for v in recipe.verdicts if v.chosen} == set(names(recipe)) - {"ladder", "Combination"}
    assert all(v.why and not v.why.endswith(".") for v in recipe.verdicts)
    assert choose(made, Constraints(budget)) == recipe


def test_all_windows_fit_into_the_budget() -> None:
    """Each share pays for all windows, those for calibration included; only the smallest boosters may cost more."""
    for made in (facts(), facts(150, 60), daily(300, 800)):
        recipe = choose(made, Constraints(400))
        costs = {c.name: stats_units(c.cost, made, c.periods) for c in CANDIDATES}
        stats = sum(u for name, u in costs.items() if name in names(recipe)) * recipe.windows
        assert stats <= STATS * 400
        assert recipe.units - stats <= BOOSTERS * 400 + 0.1


def test_what_the_config_asks_for_is_kept() -> None:
    asked = choose(facts(), Constraints(BUDGET, blocks=(6, 18), calibration=1))
    assert (asked.blocks, asked.calibration, asked.windows) == ((6, 18), 1, 2)


def test_windows_are_those_that_the_history_has() -> None:
    assert count_windows(facts(span=100), 5) == 1 + 2  # half of the history at least, one every 18: 82, 64
    assert count_windows(facts(span=30), 5) == 1  # 18 periods at least
    assert count_windows(facts(span=18), 5) == 1
    assert count_windows(facts(step=9), 2) == 1 + 2 + 1  # between half-overlapping windows lies one more


@pytest.mark.parametrize(("h", "asked", "blocks"), [(7, None, 1), (28, None, 2), (28, (7, 14, 28), 3)])
def test_steps_of_days_share_boosters_but_those_of_the_first_week(h: int, asked: Any, blocks: int) -> None:
    assert choose_boosters(facts(h=h, freq="1d", season=7), 1e6, asked).blocks == blocks


def test_sizes_grow_and_end_with_all_heads_and_years() -> None:
    found = list(sizes(facts()))
    for before, after in pairwise(found):
        assert all(getattr(after, name) >= getattr(before, name) for name in ("rows", "heads", "years"))
        assert after != before
    assert (found[-1].heads, found[-1].years) == (3, 12)


def test_few_rows_are_learned_in_half_the_trees() -> None:
    many, few = (facts(recent=dict.fromkeys(YEARS, rows)) for rows in (500_000, 50_000))
    assert [Boosters(4, 2, 50_000).terms(made)["trees"] for made in (many, few)] == [800, 400]


def test_a_larger_budget_makes_boosters_no_smaller() -> None:
    """Even where a larger size is the cheaper one, as rows are divided into one part more."""
    known, places = facts(recent={years: 190_000 if years < 3 else 210_000 for years in YEARS}), []
    ladder = list(sizes(known))
    for units in np.geomspace(1, 10 * max(size.units(known) for size in ladder), 200):
        chosen = choose_boosters(known, units)
        places.append(ladder.index(chosen))
        assert chosen.units(known) <= units or chosen == ladder[0]
    assert places == sorted(places)
    assert places[-1] == len(ladder) - 1


def test_a_recipe_survives_json_and_replaces_auto() -> None:
    recipe = choose(facts(), Constraints(2 * BUDGET))
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    keys = {"name": "x", "source": {"path": "a.csv"}, "freq": "1mo", "h": 18, "budget": 2 * BUDGET}
    config = Config.model_validate(keys)
    applied = recipe.applied_to(config)
    assert Config.model_validate(applied.model_dump()) == applied
    assert (applied.models, applied.blocks, applied.calibration) == (recipe.models, None, recipe.calibration)


def test_costs_lie_on_a_line_in_logarithms() -> None:
    assert interpolate([[10, 1.0], [100, 10.0], [1000, 1000.0]], 200) == pytest.approx(40.0)  # 10 x 2 ** 2
    assert interpolate([[10, 1.0], [100, 10.0]], 5) == 1.0
    assert interpolate([[100, 2.0]], 300) == 6.0
    assert stats_units("Airline", daily(9, 2000), 730) == stats_units("Airline", daily(9, 730))
    assert set(coefficients()["stats"]) == {c.cost for c in CANDIDATES}
