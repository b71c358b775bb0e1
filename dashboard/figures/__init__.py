"""Charts of the pages: frames in, Plotly figures out; knows neither Dash nor the store.

Every figure has a title, "Actuals through <date>" below it, axis titles with units and a legend; the horizon of a
forecast is shaded.
"""

from dashboard.figures.drift import plot_drift
from dashboard.figures.forecast import plot_forecast
from dashboard.figures.layout import ChartLabels, describe
from dashboard.figures.recent_sales import plot_recent_sales
from dashboard.figures.scenario import plot_comparison, plot_difference, plot_scenario

__all__ = [
    "ChartLabels",
    "describe",
    "plot_comparison",
    "plot_difference",
    "plot_drift",
    "plot_forecast",
    "plot_recent_sales",
    "plot_scenario",
]
