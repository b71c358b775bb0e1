"""Charts of a scenario: `plot_scenario` its forecast over the baseline, `plot_difference` the difference of the two.

Both take the scenario's rows of one series [ds, baseline, yhat, difference, lo-*, hi-*] and ChartLabels and return a
figure; nothing is forecast here.
"""

import plotly.graph_objects as go
import polars as pl

from dashboard.figures.bands import add_interval, interval_levels
from dashboard.figures.layout import ChartLabels, chart_layout, xy


def plot_scenario(forecasts: pl.DataFrame, labels: ChartLabels) -> go.Figure:
    """Baseline and scenario over the horizon, with the narrowest interval of the scenario.

    forecasts: [ds, baseline, yhat, lo-*, hi-*], one row per period; bounds are those of the scenario.
    """
    fig = go.Figure(layout=chart_layout(labels))
    c = labels.colours
    for level in interval_levels(forecasts)[-1:]:
        add_interval(fig, forecasts, level, f"{level} % interval of the scenario", c.outer)
    fig.add_scatter(**xy(forecasts, "baseline"), name="Baseline", mode="lines", line={"color": c.ink, "dash": "dot"})
    line, marker = {"color": c.scenario, "width": 2.4}, {"symbol": "square"}
    fig.add_scatter(**xy(forecasts, "yhat"), name="Scenario", mode="lines+markers", line=line, marker=marker)
    return fig


def plot_difference(forecasts: pl.DataFrame, labels: ChartLabels) -> go.Figure:
    """Scenario minus baseline per period as bars; forecasts: [ds, difference]."""
    fig = go.Figure(layout=chart_layout(labels))
    fig.add_bar(**xy(forecasts, "difference"), name="Scenario - baseline", marker={"color": labels.colours.scenario})
    fig.update_yaxes(title_text=f"Difference ({labels.unit} per {labels.frequency.unit})", zerolinewidth=1.5)
    return fig
