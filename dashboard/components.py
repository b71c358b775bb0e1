"""The pieces that pages are made of."""

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
import plotly.graph_objects as go
import polars as pl
from dash import dcc, html

from dashboard.figures import summary

GRAPH = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
GRID_THEME = """themeQuartz.withParams({
    backgroundColor: 'var(--dc-card)', foregroundColor: 'var(--mantine-color-text)', accentColor: 'var(--dc-accent)',
    headerBackgroundColor: 'var(--dc-head)', borderColor: 'var(--dc-line)', fontFamily: 'inherit', fontSize: 13,
    wrapperBorderRadius: 8, spacing: 6, browserColorScheme: 'inherit'})"""
ROW, HEADER = 36, 56
"""Pixels of a table's row and header."""
LIGHTS = {"ok": ("●", "teal"), "watch": ("▲", "orange"), "bad": ("■", "red"), "unknown": ("○", "gray")}


def page(title: str, lead: str, *children: Any) -> dmc.Stack:
    """A page's frame: heading, one sentence, content."""
    head = html.Div([dmc.Title(title, order=1, className="page-title"), dmc.Text(lead, c="dimmed", maw=760)])
    return dmc.Stack([head, *children], gap="lg")


def chart(name: str, fig: go.Figure, height: int = 400) -> dmc.Card:
    """A figure in a card, with its sentence for screen readers."""
    graph = dcc.Graph(id=name, figure=fig, config=GRAPH, style={"height": f"{height}px"}, responsive=True)
    return dmc.Card(html.Div(graph, role="img", **{"aria-label": summary(fig)}))


def kpi(name: str, label: str, value: str, beside: str, light: str = "unknown", verdict: str = "") -> dmc.Card:
    """One number: what it is, its value, what it is held against, and a light that also has words."""
    body = [
        dmc.Text(label, size="sm", c="dimmed", fw=500),
        dmc.Text(value, className="kpi-value", id=f"{name}-value"),
        dmc.Text(beside, size="sm"),
        lamp(light, verdict) if verdict else None,
    ]
    return dmc.Card(dmc.Stack([b for b in body if b is not None], gap=4), id=name, className="kpi")


def lamp(light: str, words: str) -> dmc.Group:
    """A light with its words: shape, colour and text say the same."""
    sign, colour = LIGHTS[light]
    mark = dmc.Text(sign, c=colour, span=True, **{"aria-hidden": "true"})
    return dmc.Group(
        [mark, dmc.Text(words, size="sm", span=True)], gap=6, wrap="nowrap", className=f"lamp lamp-{light}"
    )


def empty(title: str, why: str, command: str = "", name: str = "empty") -> dmc.Card:
    """Why there is nothing to see, and the command that fills it."""
    parts = [dmc.Title(title, order=3), dmc.Text(why, c="dimmed", ta="center", maw=560)]
    if command:
        copy = dmc.CopyButton(value=command, children="Copy", copiedChildren="Copied", size="xs", variant="light")
        parts.append(dmc.Group([dmc.Code(command, fz="sm", className="command"), copy], gap="xs", justify="center"))
    return dmc.Card(dmc.Stack(parts, align="center", py="xl", gap="sm"), id=name, className="empty")


def note(text: str, kind: str = "info", title: str | None = None) -> html.Div:
    """A remark (info), a warning (watch) or an error (bad)."""
    colour = {"info": "sea", "watch": "orange", "bad": "red"}[kind]
    return html.Div(
        dmc.Alert(text, title=title, color=colour, variant="light"), className=f"note note-{kind}", role="status"
    )


def grid(name: str, rows: pl.DataFrame, columns: Sequence[dict[str, Any]], **options: Any) -> dag.AgGrid:
    """A table with all rows of `rows`, sortable; as high as its rows up to `height`, beyond that it scrolls."""
    height = options.pop("height", 420)
    settings = {"theme": {"function": GRID_THEME}, "animateRows": False, "enableCellTextSelection": True}
    fits = rows.height * ROW + HEADER <= height
    return dag.AgGrid(
        id=name,
        rowData=records(rows),
        columnDefs=list(columns),
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "minWidth": 92,
            "flex": 1,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        dashGridOptions=settings | ({"domLayout": "autoHeight"} if fits else {}) | options.pop("settings", {}),
        style={"height": None if fits else f"{height}px", "width": "100%"},
        **options,
    )


def records(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON-able records; dates as ISO text, so that they sort."""
    return rows.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()


def text_column(field: str, header: str, **more: Any) -> dict[str, Any]:
    """A column of words or dates."""
    return {"field": field, "headerName": header, **more}


def number_column(field: str, header: str, digits: int = 1, **more: Any) -> dict[str, Any]:
    """A column of numbers: right-aligned, thousands grouped, the same digits in each row."""
    form = f"params.value == null ? '–' : d3.format(',.{digits}f')(params.value)"
    return {
        "field": field,
        "headerName": header,
        "type": "rightAligned",
        "valueFormatter": {"function": form},
        "cellClass": ["numbers", "ag-right-aligned-cell"],
        **more,
    }


def number(value: float | None, digits: int = 0) -> str:
    """12,345 or a dash."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1, signed: str = "") -> str:
    """0.123 as 12.3 %; `signed` is "+" where the sign matters."""
    return "–" if value is None else f"{value * 100:{signed}.{digits}f} %"
