"""Trials on a sample: who is tried, what a trial may cost, and that it tells a useful model from a useless one."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from forecasting.config.keys import BUDGET
from forecasting.recipe import Constraints, Trial, choose, plan_trial, run_trial
from forecasting.recipe.candidates import HEADS
from forecasting.recipe.trial import DEAR, Errors, TrialPlan
from tests.recipe.test_choice import daily, facts, names, why
from tests.recipe.test_facts import FIRST, panel

SMOOTHING, THETA = "SeasonalSmoothing", "Theta"


def test_dear_models_are_tried_on_a_sample_within_a_share_of_the_budget() -> None:
    plan = plan_trial(facts(), Constraints(BUDGET), 3)
    assert plan is not None
    assert {"AutoETS", "AutoETS-log", "Theta-log", "AutoCES-log"} <= set(plan.tried)
    assert SMOOTHING in plan.members
    assert not set(plan.tried) & set(plan.members)
    assert 16 <= plan.series <= 200
    assert plan.units <= Constraints(BUDGET).trial


def test_the_dearest_are_not_tried_where_a_trial_would_take_too_much_and_are_left_out() -> None:
    """AutoETS could be paid for in the end, but not a trial of it on the fewest series."""
    made, constraints = daily(70, 1900), Constraints(BUDGET / 3)
    plan = plan_trial(made, constraints, 4)
    assert plan is not None
    assert "Theta-log" in plan.tried
    assert not {"AutoETS", "AutoETS-log"} & {*plan.tried, *plan.members}
    found = {name: Trial(0.05, 0.01, plan.series) for name in plan.tried}
    recipe = choose(made, constraints, found)
    assert "AutoETS" not in names(recipe)
    assert f"too many for a trial within {constraints.trial:.1f}" in why(recipe, "AutoETS")


@pytest.mark.parametrize("made", [daily(70, 1900), daily(300, 800)])
def test_what_a_small_budget_cannot_try_is_not_run_untried(made: Any) -> None:
    """Half of a budget that has room for a trial must not buy a dear model for want of one."""
    budgets = [BUDGET / 2**k for k in range(10)]
    plans = {budget: plan_trial(made, Constraints(budget), 4) for budget in budgets}
    assert any(plan is not None and not plan.tried for plan in plans.values())
    for budget, plan in plans.items():
        if plan is not None and not plan.tried:
            recipe = choose(made, Constraints(budget), {})
            dear = [v for v in recipe.verdicts if v.chosen and v.model not in HEADS.values()]
            assert all(v.units * 4 <= DEAR * budget for v in dear)


def test_where_the_budget_pays_for_all_dear_models_are_tried_but_cheap_ones_on_logarithms_are_not() -> None:
    plan = plan_trial(daily(70, 1900), Constraints(3 * BUDGET), 4)
    assert plan is not None
    assert "AutoETS" in plan.tried
    assert "AutoCES-log" in plan.members


def test_what_the_budget_could_never_pay_for_is_not_tried() -> None:
    plan = plan_trial(daily(1115, 900), Constraints(BUDGET), 4)
    assert plan is not None
    assert "AutoCES" in plan.tried
    assert "AutoETS" not in plan.tried


@pytest.mark.parametrize(
    ("made", "budget"),
    [
        (facts(5), BUDGET),  # all are run
        (facts(20), BUDGET),  # none is dear, and the budget pays for logarithms, too
        (facts(20, 34, positive=0.0, span=60), BUDGET),  # none is dear or on logarithms
        (facts(30_000), 10.0),  # not even a sample is affordable
        (facts(length=40, span=40), BUDGET),  # no window before the first reported one
        (daily(1000, 900, rare=0.9, positive=0.0), 1e6),  # none is any use
    ],
)
def test_nothing_is_tried_without_need_or_room(made: Any, budget: float) -> None:
    assert plan_trial(made, Constraints(budget), 3) is None


def test_a_model_that_does_not_earn_is_left_out_and_one_that_does_is_named_when_too_dear() -> None:
    found = {"AutoETS": Trial(-0.01, 0.012, 100), "AutoETS-log": Trial(0.05, 0.01, 100)}
    recipe, little = (choose(facts(), Constraints(budget), found) for budget in (2 * BUDGET, BUDGET / 10))
    assert "AutoETS" not in names(recipe)
    assert why(recipe, "AutoETS").startswith(
        "in a trial on 100 series it changed the error by +1.0% (+-1.2%): it has to save 0.5%"
    )
    assert "AutoETS-log" in names(recipe)
    assert "AutoETS-log" not in names(little)
    assert "changed the error by -5.0%" in why(little, "AutoETS-log")
    assert "would include it" in why(little, "AutoETS-log")


@pytest.mark.parametrize(
    ("gain", "error", "earns"), [(0.05, 0.01, True), (0.005, 0.01, True), (0.004, 0.03, False), (-0.02, 0.01, False)]
)
def test_a_model_stays_out_when_it_saves_less_than_its_cost_is_worth(gain: float, error: float, earns: bool) -> None:
    assert Trial(gain, error, 50).earns is earns


def trending(end: int) -> dict[str, list[float | None]]:
    """Steep lines up to a day, where they fall back to where they began."""
    rng, at = np.random.default_rng(5), np.arange(134)
    line = np.where(at < end, 50 + at, 50)
    return {f"s{i:02}": list(line * (1 + i / 20) + rng.normal(0, 1, 134)) for i in range(24)}


def test_a_trial_tells_a_useful_model_from_a_useless_one() -> None:
    """Theta goes on with a trend, of which smoothing of the season knows nothing."""
    plan = TrialPlan((THETA,), (SMOOTHING,), 20, 1.0)
    first = FIRST + timedelta(126)
    useful, useless = (run_trial(panel(trending(end)), first, plan)[THETA] for end in (134, 120))
    assert useful.earns
    assert useful.gain > 0.2
    assert not useless.earns
    assert useful.series == 20


def test_a_trial_sees_nothing_after_the_first_reported_cutoff() -> None:
    plan, first = TrialPlan((THETA,), (SMOOTHING,), 20, 1.0), FIRST + timedelta(126)
    series = trending(134)
    spoiled = {name: [*y[:127], *(1e6 for _ in y[127:])] for name, y in series.items()}
    assert run_trial(panel(series), first, plan) == run_trial(panel(spoiled), first, plan)


def test_an_odd_series_does_not_decide_whether_a_model_earns() -> None:
    """The model is a little worse for 39 series, and saves the large error of one."""
    odd = np.arange(40) == 17
    forecasts = {"LightGBM": np.where(odd, 30.0, 1.05), THETA: np.where(odd, 1.0, 1.06)}
    found = Errors(forecasts, np.ones(40), np.arange(40)).compare(["LightGBM"], THETA)
    assert -0.02 < found.gain < 0.005
