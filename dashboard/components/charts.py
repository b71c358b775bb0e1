"""`chart_card(name, fig, height)` returns a card with a finished Plotly figure; `name` is the graph's id."""

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html

from dashboard.figures import describe

GRAPH = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
"""Plotly's settings of every graph: which of its buttons are shown."""


def chart_card(name: str, fig: go.Figure, height: int = 400) -> dmc.Card:
    """The figure `height` pixels high, with its description for screen readers; `name` is the graph's id."""
    graph = dcc.Graph(id=name, figure=fig, config=GRAPH, style={"height": f"{height}px"}, responsive=True)
    return dmc.Card(html.Div(graph, role="img", **{"aria-label": describe(fig)}))
