"""Trials: whether dear models and logarithms pay, on a sample of series and a window before the first reported one.

`plan_trial` takes Facts and what the config asks for, and says which models are tried on how many series, none where
the budget has no room for it; None where there is nothing to ask, or nothing to try it on. `run_trial` takes the panel,
the first reported cutoff and the plan, and returns {model: Trial}: by how much a combination with the model errs less
than the same without it. The sample holds series of all sizes and is bounded by a share of the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import nnls

from forecasting import models
from forecasting.config import ModelSpec
from forecasting.data.cleaning import clean_as_of_cutoff
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Panel, sample_panel
from forecasting.recipe.booster_size import block_ends
from forecasting.recipe.budget import Constraints
from forecasting.recipe.candidates import CANDIDATES, LADDER, booster
from forecasting.recipe.cost import Boosters, stats_units
from forecasting.recipe.facts import Facts

DEAR = 0.02
"""Models that take a larger share of the budget are tried first, cheaper ones are run at once."""
FEWEST_SERIES, MOST_SERIES = 16, 200
"""Fewer series tell nothing, more are not needed."""
WORTH = 0.005
"""A model stays out when it saves less than this share of the error."""
TRIMMED = 0.05
"""Of the gains of the series this share at each end is drawn in before their mean is taken (a Winsorised mean), or a
few odd series decide: gains on samples of two sets of unlike monthly series spread a third less, those on samples of
three sets of sales, which are alike, as much as before."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialPlan:
    """`tried` are names of candidates, the cheapest first, `members` those that they are tried beside; `series` is the
    number of series, `units` what the trial is foreseen to cost.
    """

    tried: tuple[str, ...]
    members: tuple[str, ...]
    series: int
    units: float


@dataclass(frozen=True)
class Trial:
    """The share of the error that a combination saves with the model, its standard error, and on how many series."""

    gain: float
    error: float
    series: int

    @property
    def earns(self) -> bool:
        """Whether the model lowers the error by a share that is worth its cost."""
        return self.gain >= WORTH

    @property
    def words(self) -> str:
        """What was found, for a sentence."""
        return f"in a trial on {self.series} series it changed the error by {-self.gain:+.1%} (+-{self.error:.1%})"


def is_dear(units: float, constraints: Constraints, windows: int) -> bool:
    """Whether a model that costs so many units a window has to show in a trial that it earns them."""
    return units * windows > DEAR * constraints.budget


def plan_trial(facts: Facts, constraints: Constraints, windows: int) -> TrialPlan | None:
    """The trial of models that cost more than a share of the budget for so many windows, and of those on logarithms,
    which help one class and hurt the next on the same data.

    Where the budget pays for all candidates, logarithms need no trial: a backtest of all series knows more than a trial
    on some. A model that it could not pay for in the end is not tried, and where the share for a trial is too small for
    all on the fewest series, the dearest are not, or none is. None where no model is to be tried, and where there are
    too few series or periods for a trial.
    """
    costs = {c.name: stats_units(c.cost, facts, c.periods) for c in CANDIDATES if not c.against(facts)}
    by_cost = sorted(costs, key=lambda name: (costs[name], name))
    pays_for_all = sum(costs.values()) * windows <= constraints.stats
    logs = {c.name for c in CANDIDATES if c.spec.options.get("transform") == "log" and not pays_for_all}
    tried = [name for name in by_cost if name in logs or is_dear(costs[name], constraints, windows)]
    members = tuple(name for name in by_cost if name not in tried)
    tried = [name for name in tried if costs[name] * windows <= constraints.stats]
    if not tried or facts.series < FEWEST_SERIES or facts.span < 2 * facts.h + max(facts.season, 4):
        return None
    while tried:
        each = sum(costs[name] for name in (*members, *tried)) / facts.series
        sizes = range(min(MOST_SERIES, facts.series), FEWEST_SERIES - 1, -1)
        units = {n: _units(facts, each, n) for n in sizes}
        if series := next((n for n in sizes if units[n] <= constraints.trial), 0):
            return TrialPlan(tuple(tried), members, series, round(units[series], 1))
        tried.pop()
    return TrialPlan((), members, 0, 0.0)


def _units(facts: Facts, each: float, series: int) -> float:
    """Units of a trial on so many series, of which each costs so many with all statistical models."""
    share = series / facts.series
    recent = {years: int(rows * share) for years, rows in facts.recent.items()}
    sample = replace(facts, series=series, cells=int(facts.cells * share), recent=recent)
    return each * series + Boosters(len(block_ends(facts)), 5, 400_000).units(sample)


def run_trial(panel: Panel, reported: date, plan: TrialPlan) -> dict[str, Trial]:
    """What the models of the plan bring in the h periods up to `reported`, the first reported cutoff."""
    if not plan.tried:
        return {}
    config = panel.config
    before = config.frequency.shift(reported, -config.h)
    sample = sample_panel(panel, reported, lambda series: plan.series / max(series.height, 1))
    names = ("LightGBM", *plan.members, *plan.tried)
    specs = [booster("mean", 5, 400_000), *(c.spec for name in names for c in CANDIDATES if c.name == name)]
    rows = _forecasts(sample, before, specs)
    errors = Errors.of(rows, names)
    pool, found = ["LightGBM", *plan.members], {}
    for name in plan.tried:
        found[name] = errors.compare(pool, name)
        pool += [name] if found[name].earns else []
    return found


def _forecasts(sample: Panel, cutoff: date, specs: Sequence[ModelSpec]) -> pl.DataFrame:
    """[unique_id, ds, y, scale, one column per model]: forecasts of the window, `scale` the mean size of y before."""
    cut = Cut(sample, cutoff, sample.config.h)
    config = sample.config.model_copy(update={"models": (LADDER, *specs)})
    frame, size = cut.frame(0), pl.col("y").abs().mean()
    scales = frame.filter(pl.col("ds") <= cutoff).group_by("unique_id").agg(scale=size)
    known = clean_as_of_cutoff(sample.scan(0).drop("bucket", strict=False).collect(), config)
    seen = known.filter(pl.col("ds").is_between(cutoff, cut.end, closed="right")).select(*KEY, "y")
    rows = seen.drop_nulls().join(scales.filter(pl.col("scale") > 0), on="unique_id")
    for model in (model for spec in specs for model in models.build_entry(spec, config)):
        forecast = model.fit(cut).predict(cut, 0).select(*KEY, pl.col("yhat").alias(model.name))
        rows = rows.join(forecast, on=KEY)
    return rows.sort(KEY)


@dataclass(frozen=True)
class Errors:
    """Forecasts and y of rows in units of the size of their series, and the number of the series of each row."""

    forecasts: Mapping[str, Floats]
    y: Floats
    series: NDArray[np.int64]

    @staticmethod
    def of(rows: pl.DataFrame, names: Sequence[str]) -> Errors:
        scaled = rows.select(pl.col("y", *names) / pl.col("scale"))
        number = (rows["unique_id"].rank("dense") - 1).cast(pl.Int64).to_numpy()
        return Errors({name: scaled[name].to_numpy() for name in names}, scaled["y"].to_numpy(), number)

    def compare(self, pool: Sequence[str], name: str) -> Trial:
        """The gain of a combination of the pool and the model over one of the pool alone."""
        if not len(self.y):
            return Trial(0.0, 0.0, 0)
        without, together = self._combined(pool), self._combined([*pool, name])
        gains = without - together
        gains = gains.clip(*np.quantile(gains, (TRIMMED, 1 - TRIMMED)))
        total = max(float(without.mean()), 1e-12)
        deviation = float(gains.std(ddof=1)) / max(len(gains), 1) ** 0.5 if len(gains) > 1 else float("inf")
        return Trial(float(gains.mean()) / total, deviation / total, len(gains))

    def _combined(self, names: Sequence[str]) -> Floats:
        """The mean absolute error of each series with weights that the other half of the series found best."""
        matrix = np.column_stack([self.forecasts[name] for name in names])
        errors: Floats = np.empty(len(self.y))
        for half in (0, 1):
            mine = self.series % 2 == half
            weights: Any = nnls(matrix[~mine], self.y[~mine])[0] if (~mine).any() else np.ones(len(names))
            weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(names), 1 / len(names))
            errors[mine] = np.abs(matrix[mine] @ weights - self.y[mine])
        counts = np.bincount(self.series)
        return np.asarray(np.bincount(self.series, errors) / np.maximum(counts, 1), dtype=np.float64)
