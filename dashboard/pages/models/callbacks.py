"""The models page: `layout(config, query)` returns form and empty body, `register(app, config)` adds the callbacks.

Promotion and rollback are an admin's; the registry keeps who did it and why.
"""

from functools import partial
from typing import Any

from dash import Dash, Input, Output, State, dcc, no_update

from dashboard.access.visits import may, needs, note_object
from dashboard.async_queries import render, run_query
from dashboard.components import loading_area, page_frame
from dashboard.error_text import error_text
from dashboard.pages.models.body import draw_body, promotion_card
from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.steps.lifecycle import champions
from forecasting.steps.lifecycle.champions import Promotion
from forecasting.steps.session import Session

LEAD = (
    "Every training is a version. One of them, the champion, forecasts; another may forecast beside it, to be scored."
)
REVISION = "models-revision"
"""A counter that goes up with every change, so that the table is drawn again."""


def layout(_: Config, __: dict[str, Any]) -> Any:
    """The form for admins, and the place of the body."""
    form = [promotion_card()] if may("admin") else []
    return page_frame("Models", LEAD, loading_area("models-body"), *form, dcc.Store(id=REVISION, data=0))


def register(app: Dash, config: Config) -> None:
    """Draw the versions, and change which one forecasts."""

    @app.callback(Output("models-body", "children"), Input(REVISION, "data"))
    async def body(_: int) -> Any:
        return await render(config, draw_body)

    outputs = [("models-message", "children"), ("models-reason", "value"), (REVISION, "data")]

    @app.callback(
        *(Output(*place) for place in outputs),
        Input("models-promote", "n_clicks"),
        State("models-version", "value"),
        State("models-reason", "value"),
        State(REVISION, "data"),
        prevent_initial_call=True,
    )
    @needs("admin")
    async def promote(_: int, version: Any, reason: str | None, revision: int) -> Any:
        note_object(f"version {version}")
        return await _changed(config, partial(_promote, version, reason or ""), revision)

    @app.callback(
        *(Output(*place, allow_duplicate=True) for place in outputs),
        Input("models-rollback", "n_clicks"),
        State("models-reason", "value"),
        State(REVISION, "data"),
        prevent_initial_call=True,
    )
    @needs("admin")
    async def rollback(_: int, reason: str | None, revision: int) -> Any:
        return await _changed(config, partial(_rollback, reason or ""), revision)


async def _changed(config: Config, change: Any, revision: int) -> Any:
    """What the page shows after a change, or after one that was refused."""
    try:
        promotion: Promotion = await run_query(config, change)
    except UserError as error:
        return error_text(error), no_update, no_update
    before = "" if promotion.before is None else f", version {promotion.before} is the challenger"
    message = f"Version {promotion.version} is the champion{before}. Its forecasts are published by the next predict."
    return message, "", (revision or 0) + 1


def _promote(version: Any, reason: str, session: Session) -> Promotion:
    if not isinstance(version, int):
        raise UserError("choose a version, by its number")
    return champions.promote(session, version, reason)


def _rollback(reason: str, session: Session) -> Promotion:
    return champions.rollback(session, reason)
