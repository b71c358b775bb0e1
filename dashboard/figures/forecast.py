"""`plot_forecast(history, forecast, labels, cutoff)` returns the chart of one series, aggregate or sum.

history: [ds, y, promo]; forecast: [ds, yhat, lo-80, hi-80, ...] of one model. Shows the mean with its intervals.
"""

from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard.figures.bands import add_horizon, add_interval, add_promotions, interval_levels
from dashboard.figures.layout import ChartLabels, chart_layout, xy


def plot_forecast(
    history: pl.DataFrame, forecast: pl.DataFrame, labels: ChartLabels, cutoff: date | None = None
) -> go.Figure:
    """History and forecast of one selection, with its intervals, the cutoff and the shaded horizon.

    history: [ds, y] and optionally promo (share on promotion); forecast: [ds, yhat] and optionally lo-*, hi-*.
    """
    fig = go.Figure(layout=chart_layout(labels))
    c = labels.colours
    levels = interval_levels(forecast)
    for level in (n for n in levels if forecast[f"lo-{n}"].count()):
        add_interval(fig, forecast, level, f"{level} % interval", c.inner if level == levels[-1] else c.outer)
    fig.add_scatter(**xy(history, "y"), name="Actual", mode="lines", line={"color": c.ink, "width": 1.6})
    if forecast.height:
        line, marker = {"color": c.forecast, "width": 2.4}, {"size": 5, "symbol": "circle"}
        mean = xy(forecast, "yhat")
        fig.add_scatter(**mean, name="Forecast (mean)", mode="lines+markers", line=line, marker=marker)
    if cutoff:
        last = max(cutoff, forecast["ds"].max() if forecast.height else cutoff)
        add_horizon(fig, cutoff, last, labels)
    add_promotions(fig, history, labels)
    return fig
