"""Any StatsForecast class by its name, fitted series by series."""

from forecasting.models.stats.model import FittedStats, Stats, build, load

__all__ = ["FittedStats", "Stats", "build", "load"]
