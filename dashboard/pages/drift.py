"""Drift: what changed against the same weeks a year before, per column over time, and the full report."""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, dcc, html

from dashboard import figures
from dashboard.async_queries import show
from dashboard.components import chart, empty, grid, lamp, note, number_column, page, text_column
from dashboard.labels import command, labels
from dashboard.state import Field, decode, encode, iso
from forecasting.config import Config
from forecasting.steps import queries

NAME, PATH, ORDER, ABOUT = "Drift", "/drift", 4, "What changed in the data"
LEAD = (
    "The newest weeks against the same weeks a year before: inputs, sales and forecasts. "
    "Drift is a reason to look, not a verdict."
)
FIELDS = (Field("cutoff", None, iso),)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The choice of the check and an empty body."""
    checks = _checks(config)
    cutoff = decode(FIELDS, query)["cutoff"]
    chosen = cutoff if cutoff in checks else next(iter(checks), None)
    select = dmc.Select(
        id="d-cutoff",
        label="Check at cutoff",
        data=checks,
        value=chosen,
        w={"base": "100%", "xs": 260},
        allowDeselect=False,
    )
    body = dcc.Loading(html.Div(id="d-body", style={"minHeight": 400}), delay_show=300)
    return page("Drift", LEAD, select if checks else html.Div(select, hidden=True), body)


def register(app: Dash, config: Config) -> None:
    """Drawing and the address."""

    @app.callback(Output("d-body", "children"), Input("d-cutoff", "value"), Input("scheme", "data"))
    async def body(cutoff: str | None, scheme: str | None) -> Any:
        return await show(_body, config, cutoff, scheme)

    @app.callback(
        Output("address", "data", allow_duplicate=True), Input("d-cutoff", "value"), prevent_initial_call=True
    )
    def address(cutoff: str | None) -> dict[str, str]:
        return {"path": PATH, "search": encode(FIELDS, {"cutoff": cutoff})}


def _checks(config: Config) -> list[str]:
    cutoffs = queries.read_drift(config)["cutoff"].unique().sort(descending=True)
    return [str(c) for c in cutoffs]


def _body(config: Config, cutoff: str | None, scheme: str | None) -> Any:
    if cutoff is None:
        why = "The newest weeks are compared with the same weeks a year before; the step monitor does it after a run."
        return empty("No drift check yet", why, command(config, "monitor"))
    verdict = pl.when("drifted").then(pl.lit("▲ drifted")).otherwise(pl.lit("● steady"))
    table = queries.read_drift(config).with_columns(ratio=ratio(), verdict=verdict)
    rows = table.filter(pl.col("cutoff") == date.fromisoformat(cutoff)).sort("ratio", descending=True, nulls_last=True)
    now = queries.read_status(config)
    fig = figures.drift(
        table, labels(config, "Drift per column over time", scheme, now.through, "p-values upside down")
    )
    parts = [
        _verdict(rows),
        chart("drift", fig, 400),
        grid("d-rows", rows, COLUMNS),
        _report(config, cutoff),
    ]
    return dmc.Stack(parts, gap="md")


def ratio() -> pl.Expr:
    """How far beyond its threshold a column is, above 1 when it drifted, whichever way its method's score points.

    A p-value drifts when it is small and a distance when it is large: the flag tells which one it is.
    """
    beyond = pl.col("score") / pl.col("threshold")
    p_value = pl.col("method").str.to_lowercase().str.contains("p_value|p-value|p value")
    return pl.when(p_value).then(1 / beyond.clip(lower_bound=0.01)).otherwise(beyond)


COLUMNS = [
    text_column("column", "Column"),
    text_column("kind", "What"),
    text_column("method", "Method", minWidth=180),
    number_column("score", "Score", 4),
    number_column("threshold", "Threshold", 3),
    text_column("verdict", "Verdict"),
]


def _verdict(rows: pl.DataFrame) -> dmc.Group:
    moved = rows.filter("drifted")["column"].to_list()
    words = f"{len(moved)} of {rows.height} columns drifted{': ' + ', '.join(moved) if moved else ''}"
    return lamp("watch" if moved else "ok", words)


def _report(config: Config, cutoff: str) -> Any:
    if queries.read_drift_report(config, date.fromisoformat(cutoff)) is None:
        return note("The HTML report of this check is no longer in the store; the numbers above are all that is kept.")
    # scripts yes, same origin no: the report draws itself but reaches neither the dashboard nor the network
    frame = html.Iframe(
        src=f"/reports/drift/{cutoff}",
        title=f"Drift report of {cutoff}",
        className="report",
        id="report",
        sandbox="allow-scripts",
    )
    return html.Section([dmc.Title("Full report", order=2, size="h4", mb="sm"), frame])
