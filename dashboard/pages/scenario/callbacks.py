"""Callbacks of the scenario page: `register(app, config)` adds those of changes, plan, run, result and address.

The page keeps the changes as a list of texts like "price*=0.9@2016-05-23:2016-05-29"; those of the saved scenarios are
in `saved_callbacks`.
"""

from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update

from dashboard import choices
from dashboard.async_queries import render, run_query
from dashboard.error_text import error_text
from dashboard.page import register_address
from dashboard.pages.scenario.change_list import draw_change_list, value_hint
from dashboard.pages.scenario.changes import add_change, apply_cell_edits, remove_change
from dashboard.pages.scenario.controls import FIELDS, PATH
from dashboard.pages.scenario.result import draw_result
from dashboard.pages.scenario.run import edited_plan, export_rows, refuse, run_scenario
from dashboard.pages.scenario.saved_callbacks import register_saved
from forecasting.config import Config
from forecasting.errors import UserError

WHERE = Input("scenario-where", "value")
SERIES, DATES, CHANGES = Input("scenario-series", "value"), Input("scenario-dates", "value"), "scenario-changes"
CHOSEN = (State("scenario-series", "value"), State("scenario-where", "value"), State(CHANGES, "data"))


def register(app: Dash, config: Config) -> None:
    """Add the callbacks of the changes, the plan, the result, the saved scenarios, and the address."""
    _register_changes(app, config)
    _register_plan(app, config)
    _register_result(app, config)
    register_saved(app, config)

    def state(
        series: str | None, where: str, dates: list[str] | None, changes: list[str], compare: Any
    ) -> dict[str, Any]:
        start, end = dates if dates and len(dates) == 2 else (None, None)
        asked = {"series": series, "where": where, "start": start, "end": end}
        return asked | {"change": changes, "compare": compare or []}

    inputs = [SERIES, WHERE, DATES, Input(CHANGES, "data"), Input("scenario-compare", "value")]
    register_address(app, PATH, FIELDS, inputs, state)


def _register_changes(app: Dash, config: Config) -> None:
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
    async def change(*values: Any) -> tuple[Any, Any]:
        _, _, cells, clicks, dates, column, operation, value, changes = values
        if ctx.triggered_id == "scenario-clear":
            return [], None
        if ctx.triggered_id == "scenario-plan":
            return apply_cell_edits(changes, cells or []), None
        if ctx.triggered_id == "scenario-add":
            made, fault = add_change(changes, dates, f"{column}{operation}{(value or '').strip()}")
            fault = fault or await run_query(config, refuse, made[-1])
            return (no_update, fault) if fault else (made, None)
        return remove_change(changes, clicks, ctx.triggered_id["index"]), None

    @app.callback(
        Output("scenario-value", "placeholder"),
        Output("scenario-value", "description"),
        Input("scenario-column", "value"),
        SERIES,
    )
    def hint(column: str, series: str | None) -> tuple[str, str]:
        found = value_hint(column, series)
        return found["placeholder"], found["description"]

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

    @app.callback(
        Output("scenario-plan", "rowData"),
        Output("scenario-plan-card", "style"),
        SERIES,
        WHERE,
        Input(CHANGES, "data"),
    )
    async def plan(series: str | None, where: str | None, changes: list[str]) -> Any:
        if where:  # of several series there is no one plan
            return [], {"display": "none"}
        return await run_query(config, edited_plan, series, changes) if series else [], {}


def _register_result(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-outcome", "data"),
        Input("scenario-run", "n_clicks"),
        *CHOSEN,
        running=[(Output("scenario-run", "loading"), True, False)],
    )
    async def run(_: int | None, series: str | None, where: str | None, changes: list[str]) -> Any:
        # a link with changes shows its result at once
        asked = (series or where) and changes
        return await run_query(config, run_scenario, series, changes, where or "") if asked else {}

    @app.callback(
        Output("scenario-file", "data"),
        Output("scenario-outcome", "data", allow_duplicate=True),
        Input("scenario-export", "n_clicks"),
        *CHOSEN,
        prevent_initial_call=True,
    )
    async def export(_: int, series: str | None, where: str | None, changes: list[str]) -> Any:
        try:
            return await run_query(config, export_rows, series, changes, where or ""), no_update
        except UserError as error:
            return no_update, {"error": error_text(error)}

    @app.callback(
        Output("scenario-result", "children"),
        Input("scenario-outcome", "data"),
        SERIES,
        WHERE,
        Input(CHANGES, "data"),
        Input("scheme", "data"),
    )
    async def result(
        outcome: dict[str, Any] | None, series: str | None, where: str | None, changes: list[str], scheme: str | None
    ) -> Any:
        return await render(config, draw_result, outcome or {}, [series, changes, where or ""], scheme)
