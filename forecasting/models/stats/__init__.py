"""Any StatsForecast class by its name, fitted series by series; `build` makes it from its entry in the config.

`Stats.fit` takes a Cut (what was known on a cutoff, future rows included) and returns a FittedStats, whose `predict`
returns one forecast row per future row of a bucket; `load` takes the folder that it was saved into.
"""

from forecasting.models.stats.model import FittedStats, Stats, build, load

__all__ = ["FittedStats", "Stats", "build", "load"]
