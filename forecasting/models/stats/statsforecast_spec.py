"""The specification of a StatsForecast model: a class by its name, its options, regressors and a transform.

`StatsForecastSpec.make` returns a fresh, unfitted object of the class, `to_json` and `from_json` turn the specification
into a mapping and back; `classes` returns all that StatsForecast has, {name: class}. Nothing is fitted or checked here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from forecasting.models.stats import state

QUICK = (
    *("ADIDA", "ConstantModel", "CrostonClassic", "CrostonOptimized", "CrostonSBA", "HistoricAverage", "IMAPA"),
    *("Naive", "RandomWalkWithDrift", "SeasonalNaive", "SeasonalWindowAverage", "TSB", "WindowAverage", "ZeroModel"),
    *("SeasonalExponentialSmoothing", "SeasonalExponentialSmoothingOptimized"),
    *("SimpleExponentialSmoothing", "SimpleExponentialSmoothingOptimized"),
)
"""Classes that take a tenth of a millisecond for a series, less than it takes to hand the series to another process."""


@cache
def classes() -> dict[str, type]:
    """All model classes of StatsForecast by name."""
    import statsforecast.models as found

    every = inspect_classes(found)
    return {n: c for n, c in every.items() if c.__module__ == found.__name__ and not n.startswith("_")}


def inspect_classes(module: Any) -> dict[str, type]:
    """The classes in a module by name."""
    return {n: c for n, c in vars(module).items() if isinstance(c, type)}


@dataclass(frozen=True)
class StatsForecastSpec:
    """A class of statsforecast.models, its options, the columns that it may regress on (None: all numeric ones),
    whether series whose values are all above 0 are fitted as they are or on their logarithm (`transform`), and on how
    many of their newest `periods` (None: on all).
    """

    cls: str
    options: dict[str, Any]
    regressors: tuple[str, ...] | None
    transform: str = "none"
    periods: int | None = None

    @property
    def forwards(self) -> bool:
        """Whether stored coefficients can be applied to a longer history."""
        return state.can_forward(classes()[self.cls], self.options)

    @property
    def quick(self) -> bool:
        """Whether a fit takes no time worth sharing among processes."""
        return self.cls in QUICK

    def make(self) -> Any:
        """A fresh object of the class."""
        options = dict(self.options)
        if isinstance(options.get("trend_forecaster"), str):
            options["trend_forecaster"] = classes()[options["trend_forecaster"]]()
        return classes()[self.cls](**options)

    def to_json(self) -> dict[str, Any]:
        """The fields as a mapping that can be written as JSON."""
        return asdict(self)

    @staticmethod
    def from_json(stored: dict[str, Any]) -> StatsForecastSpec:
        """The specification that `to_json` gave."""
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in stored["options"].items()}
        regressors = None if stored["regressors"] is None else tuple(stored["regressors"])
        further = {"transform": stored["transform"], "periods": stored.get("periods")}  # older versions have no periods
        return StatsForecastSpec(stored["cls"], options, regressors, **further)
