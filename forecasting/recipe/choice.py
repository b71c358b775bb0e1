"""Choice of a recipe: `choose` takes Facts of a panel and what the config asks for, and returns a Recipe.

It is a pure function of them, of trials and of the cost model: no clock, no chance, no data. Boosters and statistical
models have a share of the budget each, which has to pay for a backtest of few windows. A larger budget takes no model,
block or year away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil

from forecasting.config import ModelSpec
from forecasting.data.windows import least_history
from forecasting.recipe.booster_size import FEWEST_ROWS, choose_boosters, sizes, wanders
from forecasting.recipe.budget import STATS, Constraints
from forecasting.recipe.candidates import CANDIDATES, COMBINATION, FEW, HEADS, LADDER, booster
from forecasting.recipe.cost import Boosters, stats_units
from forecasting.recipe.facts import Facts
from forecasting.recipe.recipe import Recipe, Verdict
from forecasting.recipe.trial import WORTH, Trial, is_dear

LEAST_WINDOWS, MOST_WINDOWS = 2, 3
"""Calibration windows: so many at least where the history has them, and so many where the budget has room. Older ones
are forecast by the boosters of the oldest, and the errors of boosters grow as they age."""

PAID = 2
"""Reported windows that the budget pays for. Further ones take as much again: models do not become smaller by being
looked at more often."""


def least_windows(facts: Facts, constraints: Constraints) -> int:
    """Windows that the budget has to pay for: with those for calibration that there have to be."""
    return count_windows(_paid(facts), LEAST_WINDOWS if constraints.calibration is None else constraints.calibration)


def _paid(facts: Facts) -> Facts:
    return replace(facts, windows=min(facts.windows, PAID))


def choose(facts: Facts, constraints: Constraints, trials: Mapping[str, Trial] | None = None) -> Recipe:
    """The recipe for a panel; `trials` tell of dear models whether they earn their cost, None where none was planned.

    Where one was, a dear model that it had no room for is left out.
    """
    windows, paid = least_windows(facts, constraints), _paid(facts)
    boosters = choose_boosters(facts, constraints.boosters / count_trainings(paid, windows), constraints.blocks)
    costs = {c.name: stats_units(c.cost, facts, c.periods) for c in CANDIDATES}
    plan = _affordable(facts, costs, constraints, windows, trials)
    dear = sum(costs[name] for name in plan.chosen)
    calibration = _calibration(paid, constraints, dear)
    models = (LADDER, *_heads(boosters), *(c.spec for c in CANDIDATES if c.name in plan.chosen), COMBINATION)
    verdicts = (*_of_boosters(paid, boosters, constraints, windows), *_of_stats(plan, costs, constraints, windows))
    fitted = count_windows(facts, calibration)
    units = round(boosters.units(facts) * count_trainings(facts, fitted) + dear * fitted, 1)
    return Recipe(models, constraints.blocks, calibration, fitted, units, constraints.budget, verdicts, facts.to_json())


def _heads(boosters: Boosters) -> list[ModelSpec]:
    """The entries of the heads."""
    return [booster(head, boosters.years, boosters.rows) for head in list(HEADS)[: boosters.heads]]


def count_windows(facts: Facts, calibration: int) -> int:
    """Windows that are fitted: reported and older ones, as far as the history reaches.

    Where windows overlap, older ones are run in between that no bound rests on.
    """
    overlap = -(-facts.h // facts.step) - 1
    reach = max(0, facts.span - least_history(facts.h, facts.span)) // facts.step
    return facts.windows + min(reach, calibration + overlap if calibration else 0)


def count_trainings(facts: Facts, windows: int) -> int:
    """Windows for which boosters are trained: older ones have those of the oldest."""
    return facts.windows + min(1, windows - facts.windows)


def _calibration(facts: Facts, constraints: Constraints, units: float) -> int:
    """Calibration windows: as many as there is room for where statistical models take so many units in each."""
    if constraints.calibration is not None:
        return constraints.calibration

    def fits(number: int) -> bool:
        windows = count_windows(facts, number)
        return windows > count_windows(facts, number - 1) and units * windows <= constraints.stats

    found = LEAST_WINDOWS
    while found < MOST_WINDOWS and fits(found + 1):
        found += 1
    return found


@dataclass(frozen=True)
class Plan:
    """Names of the `chosen` statistical models, reasons `against` some, and `so_far`, the units of a window of each
    together with all cheaper ones that nothing speaks against; `earned` is what trials say for some.
    """

    chosen: tuple[str, ...]
    against: Mapping[str, str]
    so_far: Mapping[str, float]
    earned: Mapping[str, str]


def _affordable(
    facts: Facts,
    costs: Mapping[str, float],
    constraints: Constraints,
    windows: int,
    trials: Mapping[str, Trial] | None,
) -> Plan:
    """The statistical models that neither facts nor trials speak against: the cheapest first, as long as their share
    of the budget lasts for all windows. One or few series get all of them.
    """
    units, untried = constraints.stats / windows, dict[str, str]()
    if trials is not None:
        dear = (name for name in costs if is_dear(costs[name], constraints, windows) and costs[name] <= units)
        why = f"it takes {{:,.1f}} units a window, too many for a trial within {constraints.trial:,.1f}"
        untried = {name: why.format(costs[name]) for name in dear if name not in trials}
    trials = trials or {}
    no_use = f": it has to save {WORTH:.1%}"
    vain = {name: trial.words + no_use for name, trial in trials.items() if not trial.earns}
    doubts = untried | vain
    against = {c.name: reason for c in CANDIDATES if (reason := c.against(facts) or doubts.get(c.name))}
    open_ones = sorted((name for name in costs if name not in against), key=lambda name: (costs[name], name))
    so_far = dict(zip(open_ones, accumulate(costs[name] for name in open_ones), strict=True))
    few = facts.series <= FEW
    earned = {name: trial.words for name, trial in trials.items() if trial.earns}
    return Plan(tuple(name for name in open_ones if few or so_far[name] <= units), against, so_far, earned)


def _of_boosters(facts: Facts, boosters: Boosters, constraints: Constraints, windows: int) -> Iterator[Verdict]:
    """A verdict on each head; units are those of a window."""
    share, fits = constraints.boosters, count_trainings(facts, windows)
    trainings = _count(fits, "training")
    if not boosters.heads:
        why = f"{facts.rows:,} observed rows are too few for trees: they need {FEWEST_ROWS}"
        yield from (Verdict(name, False, why, 0.0) for name in HEADS.values())
        return
    units = boosters.units(facts)
    rows = min(facts.recent[int(boosters.years)], boosters.rows)
    what = f"{boosters.years:g} years of training rows ({rows:,}), {_count(boosters.blocks, 'block')}"
    why = f"{what}: {units * fits:,.1f} of {share:,.0f} units for boosters in {trainings}"
    yield Verdict(HEADS["mean"], True, why, round(units / boosters.heads, 2))
    for heads, head in ((2, "median"), (3, "change")):
        if head == "change" and not wanders(facts):
            ratio = f"the last value errs {facts.wandering:.2f} times as much as the recent level"
            yield Verdict(HEADS[head], False, f"{ratio}: the series do not wander", round(units / boosters.heads, 2))
            continue
        larger = next(size for size in sizes(facts, constraints.blocks) if size.heads == heads)
        total = larger.units(facts)
        if boosters.heads < heads:
            taken = f"{total * fits:,.1f} units in {trainings}, of {share:,.0f}"
            why = f"with it, which comes after {larger.rows:,} training rows, boosters would take {taken}"
        yield Verdict(HEADS[head], boosters.heads >= heads, why, round(total / heads, 2))


def _of_stats(plan: Plan, costs: Mapping[str, float], constraints: Constraints, windows: int) -> Iterator[Verdict]:
    """A verdict on each candidate, in their order; units are those of a window."""
    share = constraints.stats
    for name in (c.name for c in CANDIDATES):
        cost = round(costs[name], 2)
        if name in plan.against:
            yield Verdict(name, False, plan.against[name], cost)
            continue
        total = plan.so_far[name] * windows
        sum_ = f"{plan.earned[name]}; " if name in plan.earned else ""
        sum_ += f"with the cheaper ones it comes to {total:,.1f} of {share:,.0f} units in {windows} windows"
        if name in plan.chosen:
            why = f"there are few series, for which every model is tried; {sum_}" if total > share else sum_
            yield Verdict(name, True, why, cost)
        else:
            yield Verdict(name, False, f"{sum_}; budget: {ceil(total / STATS)} would include it", cost)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)
