"""Charts of a scenario: `plot_scenario` its forecast over the baseline, `plot_difference` the difference of the two.

Both take the scenario's rows of one series [ds, baseline, yhat, difference, lo-*, hi-*] and ChartLabels and return a
figure; `plot_comparison` takes rows of several scenarios. Nothing is forecast here.
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


DASHES = ("solid", "dash", "dashdot", "longdash")
"""Lines of scenarios side by side differ in more than their colour."""
SYMBOLS = ("square", "circle", "diamond", "triangle-up")


def plot_comparison(days: pl.DataFrame, labels: ChartLabels) -> go.Figure:
    """Several scenarios over the baseline where they have the same one, else the difference of each.

    days: [scenario_name, ds, baseline, yhat, difference], one row per scenario and period.
    """
    fig = go.Figure(layout=chart_layout(labels))
    parts = days.partition_by("scenario_name", maintain_order=True)
    shared = all((part["baseline"] - parts[0]["baseline"]).abs().max() == 0 for part in parts)
    if shared:
        line = {"color": labels.colours.ink, "dash": "dot"}
        fig.add_scatter(**xy(parts[0], "baseline"), name="Baseline", mode="lines", line=line)
    else:
        fig.update_yaxes(title_text=f"Difference ({labels.unit} per {labels.frequency.unit})", zerolinewidth=1.5)
    for part, dash, symbol in zip(parts, DASHES, SYMBOLS, strict=False):
        shown = xy(part, "yhat" if shared else "difference")
        name = part["scenario_name"][0]
        fig.add_scatter(**shown, name=name, mode="lines+markers", line={"dash": dash}, marker={"symbol": symbol})
    return fig
