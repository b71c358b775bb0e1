"""Scenario: other prices, promotions or openings for one series over chosen days, and what the model expects then."""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html

from dashboard import changes as edited
from dashboard import choices, figures
from dashboard.async_queries import ask, show
from dashboard.columns import day_column, period_columns
from dashboard.components import chart, empty, grid, kpi, note, number, page, percent, records
from dashboard.labels import command, labels, periods, unit
from dashboard.state import Field, decode, encode, iso
from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.steps import queries

NAME, PATH, ORDER, ABOUT = "Scenario", "/scenario", 3, "What if"
LEAD = (
    "Change what is known ahead for one series and see what the model expects. "
    "Nothing is stored: the plan stays as it is."
)
NAMES = {"baseline": "Baseline", "yhat": "Scenario", "difference": "Difference"}
FIELDS = (
    Field("series"),
    Field("start", None, iso),
    Field("end", None, iso),
    Field("change", [], edited.change_text, many=True),
)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """Controls and days as the query string has them; an empty result."""
    now = queries.read_status(config)
    if now.cutoff is None:
        return page(
            "Scenario", LEAD, empty("No model to ask yet", "A scenario needs a published forecast.", command(config))
        )
    if not config.columns.known_ahead:
        why = "The config names no column under columns.known_ahead, so there is nothing a plan could change."
        return page("Scenario", LEAD, empty("Nothing to change", why))
    state = decode(FIELDS, query)
    series = state["series"] or next(iter(queries.find_series(config, "", 1)), None)
    first, last = (config.frequency.shift(now.cutoff, step) for step in (1, config.h))
    span = [state["start"] or str(first), state["end"] or str(last)]
    return page(
        "Scenario",
        LEAD,
        dcc.Store(id="s-changes", data=state["change"]),
        dcc.Store(id="s-answer"),
        _controls(config, series, span, (first, last)),
        _days(config, series),
        dcc.Loading(html.Div(id="s-result", style={"minHeight": 200}), delay_show=300),
    )


def _controls(config: Config, series: str | None, span: list[str], ends: tuple[date, date]) -> dmc.Card:
    columns = list(config.columns.known_ahead)
    cells = [
        (
            dmc.Select(
                id="s-series", label="Series", description="Type to search all series", searchable=True,
                filter={"function": "asTheyCome"}, value=series,
                data=choices.series(config, "", series), allowDeselect=False,
                nothingFoundMessage="No series has these words",
            ),
            {"base": 12, "sm": 6},
        ),
        (
            dmc.DatePickerInput(
                id="s-span", type="range", valueFormat="YYYY-MM-DD", value=span,
                label=f"{config.frequency.unit.title()}s to change",
                description=f"Between {ends[0]} and {ends[1]}",
                minDate=str(ends[0]), maxDate=str(ends[1]), allowSingleDateInRange=True,
            ),
            {"base": 12, "sm": 6},
        ),
        (
            dmc.Select(id="s-column", label="Column", data=columns, value=columns[0], allowDeselect=False),
            {"base": 6, "sm": 3},
        ),
        (
            dmc.Select(
                id="s-op", label="Change", data=[{"value": v, "label": t} for v, t in edited.OPS.items()], value="=",
                allowDeselect=False,
            ),
            {"base": 6, "sm": 3},
        ),
        (dmc.TextInput(id="s-value", label="Value", placeholder="for example 0.9"), {"base": 6, "sm": 3}),
        (dmc.Button("Add change", id="s-add", variant="light", fullWidth=True), {"base": 6, "sm": 3}),
    ]  # fmt: skip
    row = dmc.Grid([dmc.GridCol(c, span=s) for c, s in cells], gutter="md", align="flex-end")
    buttons = dmc.Group([dmc.Button("Run scenario", id="s-run"), dmc.Button("Clear", id="s-clear", variant="default")])
    return dmc.Card(dmc.Stack([row, html.Div(id="s-list", role="status"), buttons], gap="md"))


def _days(config: Config, series: str | None) -> dmc.Card:
    columns = [day_column(config)]
    columns += [{"field": c, "headerName": c, "editable": True} for c in config.columns.known_ahead]
    rows = queries.days_ahead(config, series) if series else pl.DataFrame()
    title = dmc.Title("What the plan says", order=2, size="h4")
    hint = dmc.Text("Edit a cell (Enter or double click) to change a single day.", size="sm", c="dimmed", mb="sm")
    return dmc.Card([title, hint, grid("s-days", rows, columns, height=300, getRowId="params.data.ds")])


def register(app: Dash, config: Config) -> None:
    """Search, the list of changes, the days, the run, the address."""
    _register_changes(app)
    _register_days(app, config)
    _register_result(app, config)

    @app.callback(
        Output("address", "data", allow_duplicate=True),
        Input("s-series", "value"),
        Input("s-span", "value"),
        Input("s-changes", "data"),
        prevent_initial_call=True,
    )
    def address(series: str | None, span: list[str] | None, changes: list[str]) -> dict[str, str]:
        start, end = span if span and len(span) == 2 else (None, None)
        state = {"series": series, "start": start, "end": end, "change": changes}
        return {"path": PATH, "search": encode(FIELDS, state)}


def _register_changes(app: Dash) -> None:
    @app.callback(
        Output("s-changes", "data"),
        Output("s-value", "error"),
        Input("s-add", "n_clicks"),
        Input("s-clear", "n_clicks"),
        Input("s-days", "cellValueChanged"),
        Input({"type": "s-drop", "index": ALL}, "n_clicks"),
        *(State(name, "value") for name in ("s-span", "s-column", "s-op", "s-value")),
        State("s-changes", "data"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> tuple[Any, Any]:
        _, _, cells, clicks, span, column, op, value, changes = values
        if ctx.triggered_id == "s-clear":
            return [], None
        if ctx.triggered_id == "s-days":
            return edited.with_cells(changes, cells or []), None
        if ctx.triggered_id == "s-add":
            return edited.added(changes, span, f"{column}{op}{(value or '').strip()}")
        return edited.without(changes, clicks, ctx.triggered_id["index"]), None

    @app.callback(Output("s-list", "children"), Input("s-changes", "data"))
    def listed(changes: list[str]) -> Any:
        return edited.listed(changes)


def _register_days(app: Dash, config: Config) -> None:
    @app.callback(
        Output("s-series", "data"),
        Input("s-series", "searchValue"),
        State("s-series", "value"),
        prevent_initial_call=True,
    )
    async def search(text: str | None, chosen: str | None) -> Any:
        # the box of a chosen series holds its name: that is no search
        return await ask(choices.series, config, "" if text == chosen else text or "", chosen)

    @app.callback(Output("s-days", "rowData"), Input("s-series", "value"), Input("s-changes", "data"))
    async def days(series: str | None, changes: list[str]) -> Any:
        return await ask(_planned, config, series, changes) if series else []


def _register_result(app: Dash, config: Config) -> None:
    @app.callback(
        Output("s-answer", "data"),
        Input("s-run", "n_clicks"),
        State("s-series", "value"),
        State("s-changes", "data"),
        running=[(Output("s-run", "loading"), True, False)],
    )
    async def run(_: int | None, series: str | None, changes: list[str]) -> Any:
        # a link with changes shows its result at once
        return await ask(_answer, config, series, changes) if series and changes else {}

    asked = (Input("s-changes", "data"), Input("s-series", "value"))

    @app.callback(Output("s-result", "children"), Input("s-answer", "data"), *asked, Input("scheme", "data"))
    async def result(answer: dict[str, Any] | None, changes: list[str], series: str | None, scheme: str | None) -> Any:
        return await show(_result, config, answer or {}, (series, changes), scheme)


def _planned(config: Config, series: str, changes: list[str]) -> list[dict[str, Any]]:
    """The plan with its changes; without them when they make no sense, which the run will say."""
    try:
        return records(queries.days_ahead(config, series, edited.edits(changes)))
    except UserError:
        return records(queries.days_ahead(config, series))


def _answer(config: Config, series: str, changes: list[str]) -> dict[str, Any]:
    """What the model says, as JSON: rows, warnings, and the question that it answers; or why it cannot."""
    try:
        edits = edited.edits(changes)
        rows = queries.what_if(config, series, edits)
        return {"rows": records(rows), "warnings": queries.outside(config, series, edits), "asked": [series, changes]}
    except UserError as e:
        return {"error": str(e)}


def _result(config: Config, answer: dict[str, Any], asked: tuple[str | None, list[str]], scheme: str | None) -> Any:
    if "error" in answer:
        return note(answer["error"], "bad", "The scenario could not be run")
    if "rows" not in answer:
        return empty("No scenario yet", "Choose days, a column and a value, add the change, and press Run scenario.")
    rows = pl.DataFrame(answer["rows"], infer_schema_length=None).with_columns(pl.col("ds").str.to_date())
    series = answer["asked"][0]
    stale = list(asked) != answer["asked"]
    parts = [
        note("Series or changes are no longer those of this result: press Run scenario.", "watch") if stale else None,
        *(note(w, "watch", "Outside of what training saw") for w in answer["warnings"]),
        _totals(config, rows),
        *_charts(config, rows, series, scheme),
        grid("s-rows", rows, period_columns(config, rows, NAMES), height=420),
    ]
    return dmc.Stack([p for p in parts if p is not None], gap="md")


def _totals(config: Config, rows: pl.DataFrame) -> dmc.SimpleGrid:
    base, new = rows["baseline"].sum(), rows["yhat"].sum()
    span = f"{unit(config)} in {periods(config, rows.height)}"
    share = percent(new / base - 1, 1, "+") if base else "–"
    cards = [
        kpi("s-baseline", "Baseline", number(base, 1), span),
        kpi("s-scenario", "Scenario", number(new, 1), span),
        kpi("s-difference", "Difference", f"{new - base:+,.1f}", f"{share} on the baseline"),
    ]
    return dmc.SimpleGrid(cards, cols={"base": 1, "xs": 3})


def _charts(config: Config, rows: pl.DataFrame, series: str, scheme: str | None) -> list[dmc.Card]:
    through = queries.read_status(config).through
    both = figures.compare(rows, labels(config, f"Scenario for {series}", scheme, through))
    gap = figures.difference(rows, labels(config, f"Difference for {series}", scheme, through))
    return [chart("s-compare", both, 400), chart("s-gap", gap, 340)]
