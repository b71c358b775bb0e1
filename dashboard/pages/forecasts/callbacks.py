"""Callbacks of the forecasts page: `register(app, config)` adds those of search, models, body, address and export.

They take the values of the controls and return options, the body of `draw_body`, or the CSV download.
"""

from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update

from dashboard import choices
from dashboard.async_queries import render, run_query
from dashboard.page import register_address
from dashboard.pages.forecasts.body import draw_body
from dashboard.pages.forecasts.controls import FIELDS, PATH
from dashboard.pages.forecasts.export import export_csv
from forecasting.config import Config

SELECTION, VINTAGE, MODEL, SPAN = "forecasts-selection", "forecasts-vintage", "forecasts-model", "forecasts-span"


def register(app: Dash, config: Config) -> None:
    """Add the callbacks of the controls, of the body and its address, and of the export."""
    _register_controls(app, config)
    chosen = [Input(name, "value") for name in (SELECTION, VINTAGE, MODEL, SPAN)]

    @app.callback(Output("forecasts-body", "children"), Input("scheme", "data"), *chosen)
    async def body(scheme: str | None, names: list[str] | None, vintage: str, model: str, span: str) -> Any:
        return await render(config, draw_body, (names or [], vintage, model), span, scheme)

    def state(names: list[str] | None, vintage: str, model: str, span: str) -> dict[str, Any]:
        return {"show": names, "vintage": vintage, "model": model, "span": span}

    register_address(app, PATH, FIELDS, chosen, state)

    @app.callback(
        Output("forecasts-file", "data"),
        Input("forecasts-export", "n_clicks"),
        *(State(name, "value") for name in (SELECTION, VINTAGE, MODEL)),
        prevent_initial_call=True,
    )
    async def export(_: int, names: list[str] | None, vintage: str | None, model: str | None) -> Any:
        return await run_query(config, export_csv, names or [], vintage, model) if ctx.triggered_id else no_update


def _register_controls(app: Dash, config: Config) -> None:
    """The options follow the search and what is already selected."""

    @app.callback(
        Output(SELECTION, "data"), Input(SELECTION, "searchValue"), State(SELECTION, "value"), prevent_initial_call=True
    )
    async def search(text: str | None, selected: list[str] | None) -> Any:
        return await run_query(config, choices.selection_options, text or "", selected or [])

    @app.callback(Output(SELECTION, "value"), Input(SELECTION, "value"), prevent_initial_call=True)
    def keep_one_kind(names: list[str] | None) -> Any:
        kept = choices.keep_last_kind(names or [])
        return no_update if kept == names else kept

    @app.callback(
        Output(MODEL, "data"),
        Output(MODEL, "value"),
        Input(VINTAGE, "value"),
        Input(SELECTION, "value"),
        State(MODEL, "value"),
        prevent_initial_call=True,
    )
    async def models(vintage: str | None, names: list[str] | None, model: str | None) -> Any:
        options = await run_query(config, choices.model_options, vintage, names or [])
        return options, model if model in options else next(iter(options), None)
