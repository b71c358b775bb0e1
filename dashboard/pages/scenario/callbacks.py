"""Callbacks of the scenario page: `register(app, config)` adds those of changes, plan, run, result and address.

The page keeps the changes as a list of texts like "price*=0.9@2016-05-23:2016-05-29"; those of the saved scenarios are
in `saved_callbacks`.
"""

from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx

from dashboard import choices
from dashboard.async_queries import render, run_query
from dashboard.page import register_address
from dashboard.pages.scenario.change_list import draw_change_list
from dashboard.pages.scenario.changes import add_change, apply_cell_edits, remove_change
from dashboard.pages.scenario.controls import FIELDS, PATH
from dashboard.pages.scenario.result import draw_result
from dashboard.pages.scenario.run import edited_plan, run_scenario
from dashboard.pages.scenario.saved_callbacks import register_saved
from forecasting.config import Config

SERIES, DATES, CHANGES = Input("scenario-series", "value"), Input("scenario-dates", "value"), "scenario-changes"


def register(app: Dash, config: Config) -> None:
    """Add the callbacks of the changes, the plan, the result, the saved scenarios, and the address."""
    _register_changes(app)
    _register_plan(app, config)
    _register_result(app, config)
    register_saved(app, config)

    def state(series: str | None, dates: list[str] | None, changes: list[str]) -> dict[str, Any]:
        start, end = dates if dates and len(dates) == 2 else (None, None)
        return {"series": series, "start": start, "end": end, "change": changes}

    register_address(app, PATH, FIELDS, [SERIES, DATES, Input(CHANGES, "data")], state)


def _register_changes(app: Dash) -> None:
    @app.callback(
        Output(CHANGES, "data"),
        Output("scenario-value", "error"),
        Input("scenario-add", "n_clicks"),
        Input("scenario-clear", "n_clicks"),
        Input("scenario-plan", "cellValueChanged"),
        Input({"type": "scenario-remove", "index": ALL}, "n_clicks"),
        *(State(f"scenario-{name}", "value") for name in ("dates", "column", "operation", "value")),
        State(CHANGES, "data"),
        prevent_initial_call=True,
    )
    def change(*values: Any) -> tuple[Any, Any]:
        _, _, cells, clicks, dates, column, operation, value, changes = values
        if ctx.triggered_id == "scenario-clear":
            return [], None
        if ctx.triggered_id == "scenario-plan":
            return apply_cell_edits(changes, cells or []), None
        if ctx.triggered_id == "scenario-add":
            return add_change(changes, dates, f"{column}{operation}{(value or '').strip()}")
        return remove_change(changes, clicks, ctx.triggered_id["index"]), None

    @app.callback(Output("scenario-change-list", "children"), Input(CHANGES, "data"))
    def change_list(changes: list[str]) -> Any:
        return draw_change_list(changes)


def _register_plan(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-series", "data"),
        Input("scenario-series", "searchValue"),
        State("scenario-series", "value"),
        prevent_initial_call=True,
    )
    async def search(text: str | None, selected: str | None) -> Any:
        # the box of a selected series holds its name: that is no search
        return await run_query(config, choices.series_options, "" if text == selected else text or "", selected)

    @app.callback(Output("scenario-plan", "rowData"), SERIES, Input(CHANGES, "data"))
    async def plan(series: str | None, changes: list[str]) -> Any:
        return await run_query(config, edited_plan, series, changes) if series else []


def _register_result(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-outcome", "data"),
        Input("scenario-run", "n_clicks"),
        State("scenario-series", "value"),
        State(CHANGES, "data"),
        running=[(Output("scenario-run", "loading"), True, False)],
    )
    async def run(_: int | None, series: str | None, changes: list[str]) -> Any:
        # a link with changes shows its result at once
        return await run_query(config, run_scenario, series, changes) if series and changes else {}

    @app.callback(
        Output("scenario-result", "children"),
        Input("scenario-outcome", "data"),
        SERIES,
        Input(CHANGES, "data"),
        Input("scheme", "data"),
    )
    async def result(outcome: dict[str, Any] | None, series: str | None, changes: list[str], scheme: str | None) -> Any:
        return await render(config, draw_result, outcome or {}, [series, changes], scheme)
