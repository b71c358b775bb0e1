"""Callbacks of the saved scenarios: `register_saved(app, config)` adds save, list, open, duplicate and withdraw.

Save, duplicate and withdraw add an entry to the table `actions`; open puts series and changes into the controls, and
runs nothing.
"""

from itertools import count
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update

from dashboard import choices
from dashboard.access.visits import needs, note_object, require
from dashboard.async_queries import render, run_query
from dashboard.error_text import error_text
from dashboard.pages.scenario.changes import to_edits
from dashboard.pages.scenario.compare import draw_comparison, saved_names
from dashboard.pages.scenario.run import chosen
from dashboard.pages.scenario.saved import draw_saved_scenarios
from forecasting.config import Config
from forecasting.data.edits import format_edit
from forecasting.errors import UserError
from forecasting.steps import actions
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session

KEPT = (no_update, no_update)
"""Options and value of the series stay where a scenario is of several."""
REVISION = "scenario-saved-revision"
"""A counter that goes up with every entry, so that the list is drawn again."""


def register_saved(app: Dash, config: Config) -> None:
    """Add the callbacks of the card."""

    @app.callback(Output("scenario-saved", "children"), Input(REVISION, "data"))
    async def saved(_: int) -> Any:
        return await render(config, draw_saved_scenarios)

    _register_save(app, config)
    _register_open(app, config)
    _register_duplicate(app, config)
    _register_withdraw(app, config)
    _register_comparison(app, config)


def _register_save(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-save-message", "children"),
        Output("scenario-reason", "value"),
        Output(REVISION, "data"),
        inputs=[Input("scenario-save", "n_clicks")],
        state=[
            State(REVISION, "data"),
            {name: State(f"scenario-{name}", "value") for name in ("name", "reason", "series", "where")},
            State("scenario-changes", "data"),
        ],
        prevent_initial_call=True,
    )
    @needs("planner")
    async def save(_: int, revision: int, form: dict[str, str | None], changes: list[str]) -> Any:
        name, series = form["name"] or "", chosen(form["series"], form["where"])
        note_object(name)
        error, message = await run_query(config, _save, name, series, changes, form["reason"] or "")
        return (error, no_update, no_update) if error else (message, "", revision + 1)


def _register_open(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-series", "data", allow_duplicate=True),
        Output("scenario-series", "value"),
        Output("scenario-where", "value"),
        Output("scenario-changes", "data", allow_duplicate=True),
        Output("scenario-name", "value"),
        Input({"type": "scenario-open", "name": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def open_saved(clicks: list[int | None]) -> Any:
        if not any(clicks):  # the buttons were drawn, none was pressed
            return no_update
        return await run_query(config, _open, ctx.triggered_id["name"])


def _register_duplicate(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-save-message", "children", allow_duplicate=True),
        Output(REVISION, "data", allow_duplicate=True),
        Input({"type": "scenario-duplicate", "name": ALL}, "n_clicks"),
        State(REVISION, "data"),
        prevent_initial_call=True,
    )
    async def duplicate(clicks: list[int | None], revision: int) -> Any:
        if not any(clicks):  # the buttons were drawn, for any reader
            return no_update
        require("planner", ctx.triggered_id["name"])
        return await run_query(config, _duplicate, ctx.triggered_id["name"]), revision + 1


def _register_comparison(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-comparison", "children"), Input("scenario-compare", "value"), Input("scheme", "data")
    )
    async def comparison(names: list[str] | None, scheme: str | None) -> Any:
        return await render(config, draw_comparison, names or [], scheme)

    @app.callback(Output("scenario-compare", "data"), Input(REVISION, "data"), prevent_initial_call=True)
    async def names(_: int) -> Any:
        return await run_query(config, saved_names)


def _register_withdraw(app: Dash, config: Config) -> None:
    @app.callback(
        Output("scenario-withdraw-dialog", "opened"),
        Output("scenario-withdraw-name", "children"),
        Output("scenario-withdraw-reason", "value"),
        Input({"type": "scenario-withdraw", "name": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def choose(clicks: list[int | None]) -> Any:
        return (True, ctx.triggered_id["name"], "") if any(clicks) else no_update

    @app.callback(
        Output("scenario-withdraw-dialog", "opened", allow_duplicate=True),
        Output("scenario-withdraw-reason", "error"),
        Output(REVISION, "data", allow_duplicate=True),
        Input("scenario-withdraw-confirm", "n_clicks"),
        State("scenario-withdraw-name", "children"),
        State("scenario-withdraw-reason", "value"),
        State(REVISION, "data"),
        prevent_initial_call=True,
    )
    @needs("planner")
    async def withdraw(_: int, name: str, reason: str, revision: int) -> Any:
        note_object(name)
        error = await run_query(config, _withdraw, name, reason or "")
        return (no_update, error, no_update) if error else (False, None, revision + 1)


def _save(session: Session, name: str, series: SeriesFilter, changes: list[str], reason: str) -> tuple[str, str]:
    """The error, if any, and the message of success."""
    try:
        version = actions.save_scenario(session, name, series.unique_id, to_edits(changes), reason, series.where)
    except UserError as error:
        return error_text(error), ""
    return "", f"Saved {name.strip()} as version {version}."


def _open(session: Session, name: str) -> tuple[Any, ...]:
    """Options and value of the series, the condition, the changes and the name of a saved scenario."""
    saved = actions.open_saved_scenario(session, name)
    changes = [format_edit(edit) for edit in saved.edits]
    series = (choices.series_options(session, "", saved.unique_id), saved.unique_id) if saved.unique_id else KEPT
    return *series, saved.where or "", changes, saved.name


def _duplicate(session: Session, name: str) -> str:
    """What came of it: the name of the copy is the first one that is free."""
    taken = set(saved_names(session))
    copy = next(free for n in count(2) if (free := f"{name} ({n})") not in taken)
    try:
        actions.duplicate_scenario(session, name, copy)
    except UserError as error:
        return error_text(error)
    return f"Saved a copy as {copy}."


def _withdraw(session: Session, name: str, reason: str) -> str:
    """The error, "" when the scenario was withdrawn."""
    try:
        actions.withdraw_scenario(session, name, reason)
    except UserError as error:
        return error_text(error)
    return ""
