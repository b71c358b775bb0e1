"""`plot_recent_sales(spans, labels)` returns the chart of recent weeks next to the same weeks a year before.

spans: [end, y, last_year], already summed per week (per period for weekly and monthly data).
"""

import plotly.graph_objects as go
import polars as pl

from dashboard.figures.layout import ChartLabels, chart_layout, xy


def plot_recent_sales(spans: pl.DataFrame, labels: ChartLabels) -> go.Figure:
    """Bars for the recent spans, a dotted line for the same spans a year before.

    spans: [end, y, last_year], one row per span; the line is left out when last_year is null throughout.
    """
    layout = chart_layout(labels)
    layout.yaxis.title.text = f"Sales ({labels.unit})"
    layout.xaxis.title.text = "Week ending" if labels.frequency.days == 1 else labels.x_title
    fig = go.Figure(layout=layout)
    c = labels.colours
    fig.add_bar(**xy(spans, "y", "end"), name="This year", marker={"color": c.forecast})
    if spans.height and spans["last_year"].count():
        line, marker = {"color": c.last_year, "width": 2, "dash": "dot"}, {"symbol": "diamond", "size": 8}
        before = xy(spans, "last_year", "end")
        fig.add_scatter(**before, name="Year before", mode="lines+markers", line=line, marker=marker)
    fig.update_yaxes(rangemode="tozero")
    return fig
