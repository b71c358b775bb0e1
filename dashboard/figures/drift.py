"""`plot_drift(scores, labels)` returns the chart of drift checks: each column's score relative to its threshold.

scores: [cutoff, column, ratio]; the ratios are computed by the caller.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.figures.layout import ChartLabels, chart_layout, xy

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
"""Markers of the columns in turn, so that colour is not all that tells them apart."""


def plot_drift(scores: pl.DataFrame, labels: ChartLabels, columns: Sequence[str] = ()) -> go.Figure:
    """Lines of score / threshold over the checks, one per column: above 1 a column has drifted.

    scores: [cutoff, column, ratio]; all columns when `columns` is empty.
    """
    layout = chart_layout(labels)
    layout.yaxis.title.text = "Score ÷ threshold (no unit)"
    layout.xaxis.title.text = "Cutoff of the check"
    layout.xaxis.type = "category"  # checks are few and far between; as dates a single one would get an axis of hours
    fig = go.Figure(layout=layout)
    c = labels.colours
    hues = (c.forecast, c.last_year, c.scenario, "#009e73", c.ink, c.muted)
    for i, column in enumerate(columns or scores["column"].unique().sort().to_list()):
        rows = scores.filter(pl.col("column") == column).sort("cutoff").with_columns(pl.col("cutoff").cast(pl.String))
        marker, line = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 9}, {"color": hues[i % len(hues)], "width": 1.6}
        fig.add_scatter(**xy(rows, "ratio", "cutoff"), name=column, mode="lines+markers", line=line, marker=marker)
    fig.add_hline(y=1, line={"color": c.muted, "dash": "dash"}, annotation_text="threshold")
    return fig
