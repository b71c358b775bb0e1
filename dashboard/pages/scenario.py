"""Scenario: other prices, promotions or openings for one series over chosen days, and what the model expects then."""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard import figures
from dashboard.asking import ask, show
from dashboard.components import (
    chart,
    empty,
    grid,
    kpi,
    note,
    number,
    number_column,
    page,
    percent,
    records,
    text_column,
)
from dashboard.state import Field, decode, encode, iso
from dashboard.words import command, labels, periods, unit
from forecasting.config import Config
from forecasting.data.panel import Edit
from forecasting.errors import UserError
from forecasting.steps import queries

NAME, PATH, ORDER, ABOUT = "Scenario", "/scenario", 3, "What if"
LEAD = (
    "Change what is known ahead for one series and see what the model expects. "
    "Nothing is stored: the plan stays as it is."
)
OPS = {"=": "set to", "*=": "multiply by", "+=": "add", "-=": "subtract"}
FOUND = 50


def change_text(text: str) -> str:
    """A reader of "price*=0.9@2016-05-23:2016-05-29"."""
    return queries.spelled(queries.edit_of(text))


FIELDS = (
    Field("series"),
    Field("start", None, iso),
    Field("end", None, iso),
    Field("change", [], change_text, many=True),
)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """Controls and days as the query string has them; an empty result."""
    now = queries.status(config)
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
                data=_options(config, "", series), allowDeselect=False, nothingFoundMessage="No series has these words",
            ),
            {"base": 12, "sm": 6},
        ),
        (
            dmc.DatePickerInput(
                id="s-span", type="range", label=f"{figures.PERIOD[config.freq].title()}s to change",
                description=f"Between {ends[0]} and {ends[1]}", value=span, valueFormat="YYYY-MM-DD",
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
                id="s-op", label="Change", data=[{"value": v, "label": t} for v, t in OPS.items()], value="=",
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
    columns = [text_column("ds", figures.PERIOD[config.freq].title(), pinned="left", maxWidth=130)]
    columns += [{"field": c, "headerName": c, "editable": True} for c in config.columns.known_ahead]
    rows = queries.days_ahead(config, series) if series else pl.DataFrame()
    title = dmc.Title("What the plan says", order=2, size="h4")
    hint = dmc.Text("Edit a cell (Enter or double click) to change a single day.", size="sm", c="dimmed", mb="sm")
    return dmc.Card([title, hint, grid("s-days", rows, columns, height=300, getRowId="params.data.ds")])


def register(app: Dash, config: Config) -> None:
    """Search, the list of changes, the days, the run, the address."""

    @app.callback(
        Output("s-series", "data"),
        Input("s-series", "searchValue"),
        State("s-series", "value"),
        prevent_initial_call=True,
    )
    async def search(text: str | None, chosen: str | None) -> Any:
        # the box of a chosen series holds its name: that is no search
        return await ask(_options, config, "" if text == chosen else text or "", chosen)

    @app.callback(
        Output("s-changes", "data"),
        Output("s-value", "error"),
        Input("s-add", "n_clicks"),
        Input("s-clear", "n_clicks"),
        Input("s-days", "cellValueChanged"),
        Input({"type": "s-drop", "index": ALL}, "n_clicks"),
        State("s-span", "value"),
        State("s-column", "value"),
        State("s-op", "value"),
        State("s-value", "value"),
        State("s-changes", "data"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> tuple[Any, Any]:
        _, _, cells, dropped, span, column, op, value, changes = values
        if ctx.triggered_id == "s-clear":
            return [], None
        if ctx.triggered_id == "s-days":
            return with_cells(changes, cells or []), None
        if ctx.triggered_id == "s-add":
            return added(changes, span, f"{column}{op}{(value or '').strip()}")
        clicked = ctx.triggered_id["index"] if any(dropped) else None
        return (
            ([c for i, c in enumerate(changes) if i != clicked], None)
            if clicked is not None
            else (no_update, no_update)
        )

    @app.callback(Output("s-list", "children"), Input("s-changes", "data"))
    def listed(changes: list[str]) -> Any:
        return _list(changes)

    @app.callback(Output("s-days", "rowData"), Input("s-series", "value"), Input("s-changes", "data"))
    async def days(series: str | None, changes: list[str]) -> Any:
        return records(await ask(queries.days_ahead, config, series, _edits(changes))) if series else []

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

    @app.callback(
        Output("s-result", "children"),
        Input("s-answer", "data"),
        Input("s-changes", "data"),
        Input("s-series", "value"),
        Input("scheme", "data"),
    )
    async def result(answer: dict[str, Any] | None, changes: list[str], series: str | None, scheme: str | None) -> Any:
        return await show(_result, config, answer or {}, (series, changes), scheme)

    @app.callback(
        Output("address", "data", allow_duplicate=True),
        Input("s-series", "value"),
        Input("s-span", "value"),
        Input("s-changes", "data"),
        prevent_initial_call=True,
    )
    def address(series: str | None, span: list[str] | None, changes: list[str]) -> dict[str, str]:
        start, end = span if span and len(span) == 2 else (None, None)
        return {
            "path": PATH,
            "search": encode(FIELDS, {"series": series, "start": start, "end": end, "change": changes}),
        }


def added(changes: list[str], span: list[str] | None, change: str) -> tuple[Any, Any]:
    """The changes with one more, or what is wrong with it."""
    if not span or None in span:
        return no_update, "Choose the first and the last day first"
    try:
        return [*changes, change_text(f"{change}@{span[0]}:{span[1]}")], None
    except ValueError:
        return no_update, "Give a number, or a text to set"


def with_cells(changes: list[str], cells: list[dict[str, Any]]) -> list[str]:
    """The changes with edited cells: each sets one column on one day, in place of an earlier edit of that cell."""
    for cell in cells:
        day, column, value = cell["data"]["ds"], cell["colId"], cell.get("value")
        at = f"@{day}:{day}"
        changes = [c for c in changes if not (c.startswith(f"{column}=") and c.endswith(at))]
        if value not in (None, ""):
            changes = [*changes, change_text(f"{column}={value}{at}")]
    return changes


def _edits(changes: list[str]) -> list[Edit]:
    return [queries.edit_of(c) for c in changes]


def _options(config: Config, text: str, chosen: str | None) -> list[str]:
    return list(dict.fromkeys([*([chosen] if chosen else []), *queries.find_series(config, text, FOUND)]))


def _list(changes: list[str]) -> Any:
    """The changes in words, each with a button that takes it back."""
    if not changes:
        return dmc.Text("No change yet: the scenario equals the plan.", size="sm", c="dimmed")
    rows = []
    for i, edit in enumerate(_edits(changes)):
        days = f"on {edit.start}" if edit.start == edit.end else f"from {edit.start} to {edit.end}"
        words = f"{edit.column}: {OPS[edit.op]} {_plain(edit.value)} {days}"
        drop = dmc.Button(
            "Remove", id={"type": "s-drop", "index": i}, size="compact-xs", variant="subtle",
            **{"aria-label": f"Remove {words}"},
        )  # fmt: skip
        rows.append(dmc.Group([dmc.Text(words, size="sm"), drop], gap="xs", className="change"))
    return dmc.Stack(rows, gap=4)


def _plain(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _answer(config: Config, series: str, changes: list[str]) -> dict[str, Any]:
    """What the model says, as JSON: rows, warnings, and the question that it answers; or why it cannot."""
    try:
        edits = _edits(changes)
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
        grid("s-rows", rows, _columns(config, rows), height=420),
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
    through = queries.status(config).through
    both = figures.compare(rows, labels(config, f"Scenario for {series}", scheme, through))
    gap = figures.difference(rows, labels(config, f"Difference for {series}", scheme, through))
    return [chart("s-compare", both, 400), chart("s-gap", gap, 340)]


def _columns(config: Config, rows: pl.DataFrame) -> list[dict[str, Any]]:
    names = {"baseline": "Baseline", "yhat": "Scenario", "difference": "Difference"}
    names |= {c: f"{'Low' if c[:2] == 'lo' else 'High'} {c[3:]} %" for c in rows.columns if c[:3] in ("lo-", "hi-")}
    columns = [number_column(c, f"{label} ({unit(config)})") for c, label in names.items() if c in rows.columns]
    return [text_column("ds", figures.PERIOD[config.freq].title(), pinned="left", maxWidth=130), *columns]
