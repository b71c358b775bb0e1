"""The models among which a recipe chooses: CANDIDATES holds a Candidate per statistical model, `booster` makes heads.

A Candidate has the entry of `models` that makes it, what its cost is known by, and whether facts speak against it:
`against` takes Facts and returns why it is no use for such data, or None. LADDER and COMBINATION are always
part of a recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from forecasting.config import ModelSpec
from forecasting.recipe.facts import Facts

FEW = 5
"""So few series are worth every model: what it costs is seconds."""
MOSTLY = 0.5
"""A share above it is most of something."""
FEWEST_RARE = 0.05
"""Models for rare sales are tried where at least this share of the series sells now and then."""
PROPORTION = 1.0
"""Logarithms make changes equal that grow with this power of the level."""
SEASONS = 3
"""Models that difference by the season need so many seasons to be estimated."""

Doubt = Callable[[Facts], str | None]


@dataclass(frozen=True)
class Candidate:
    """A statistical model that may be chosen: its entry, its name in the cost model, and the doubt that facts raise."""

    spec: ModelSpec
    cost: str
    against: Doubt

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def periods(self) -> float:
        """The most periods of a series that it is fitted on."""
        return float(self.spec.options.get("periods", inf))


def stats(name: str, cls: str, **options: Any) -> ModelSpec:
    """The entry of a StatsForecast class under a name."""
    return ModelSpec(family="stats", name=name, options={"class": cls, **options})


def _rare_sales(facts: Facts) -> str | None:
    if facts.rare > MOSTLY:
        return f"{facts.rare:.0%} of the series sell now and then, which it does not know of"
    return None


def _no_logarithm(facts: Facts) -> str | None:
    if facts.positive < MOSTLY:
        return f"{1 - facts.positive:.0%} of the series hold a 0 or less, of which there is no logarithm"
    return _rare_sales(facts)


def _logarithm(facts: Facts) -> str | None:
    """Few series are no sample for a trial: there it is their growth that decides between values and logarithms."""
    if facts.series <= FEW and facts.growth is not None and facts.growth < PROPORTION:
        return f"changes grow with the level by a power of {facts.growth:.2f}, too little for logarithms"
    return _no_logarithm(facts)


def _values(facts: Facts) -> str | None:
    if facts.series <= FEW and (facts.growth or 0) >= PROPORTION and _no_logarithm(facts) is None:
        return f"changes grow with the level by a power of {facts.growth:.2f}: it is fitted on logarithms"
    return _rare_sales(facts)


def _steady_sales(facts: Facts) -> str | None:
    if facts.rare < FEWEST_RARE:
        return f"it is for rare sales, and {facts.rare:.0%} of the series sell now and then"
    return None


def _short_series(facts: Facts) -> str | None:
    if facts.lengths[-1] < SEASONS * facts.season:
        return f"it needs {SEASONS} seasons of {facts.season}, and the longest series has {facts.lengths[-1]} periods"
    return _no_logarithm(facts) if facts.series <= FEW else _rare_sales(facts)


def _many_series(facts: Facts) -> str | None:
    if facts.series > FEW:
        return f"it is tried where there are at most {FEW} series, and there are {facts.series:,}"
    return _short_series(facts)


NEWEST = {"periods": 730}
"""Dear models forget what is older than two years of days, and fit them in a fraction of the time. Of coarser series
these are all periods."""
SMOOTHING, THETA = "SeasonalExponentialSmoothingOptimized", "DynamicOptimizedTheta"
CROSTON = {"alpha_d": 0.1, "alpha_p": 0.1}
AIRLINE = {"order": [0, 1, 1], "seasonal_order": [0, 1, 1], "transform": "log", **NEWEST}
SARIMAX = {"order": [1, 0, 0], "seasonal_order": [0, 1, 1], "include_drift": True, "transform": "log"}

CANDIDATES = (
    Candidate(stats("IMAPA", "IMAPA"), "IMAPA", _steady_sales),
    Candidate(stats("TSB", "TSB", **CROSTON), "TSB", _steady_sales),
    Candidate(stats("SeasonalSmoothing", SMOOTHING), SMOOTHING, _rare_sales),
    Candidate(stats("Theta", THETA, **NEWEST), THETA, _values),
    Candidate(stats("Theta-log", THETA, transform="log", **NEWEST), THETA, _logarithm),
    Candidate(stats("AutoETS", "AutoETS", **NEWEST), "AutoETS", _values),
    Candidate(stats("AutoETS-log", "AutoETS", transform="log", **NEWEST), "AutoETS", _logarithm),
    Candidate(stats("AutoCES", "AutoCES", **NEWEST), "AutoCES", _values),
    Candidate(stats("AutoCES-log", "AutoCES", transform="log", **NEWEST), "AutoCES", _logarithm),
    Candidate(stats("Airline", "ARIMA", **AIRLINE), "Airline", _short_series),
    Candidate(stats("SARIMAX", "ARIMA", **SARIMAX), "SARIMAX", _many_series),
)

LADDER = ModelSpec(family="naive", name="ladder")
COMBINATION = ModelSpec(family="ensemble", name="Combination", options={"weights": "learned"})
HEADS = {"mean": "LightGBM", "median": "LightGBM-median", "change": "LightGBM-change"}
"""What boosters predict (the mean, the median, the change from the last value) -> the name of the model."""


def booster(head: str, years: float, rows: int) -> ModelSpec:
    """The entry of the boosters of a head."""
    own: dict[str, dict[str, Any]] = {"mean": {}, "median": {"predicts": "median"}, "change": {"target": "change"}}
    options = {"years": years, "rows": rows} | own[head]
    return ModelSpec(family="lightgbm", name=HEADS[head], options=options)
