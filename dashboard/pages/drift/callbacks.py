"""The drift page: `layout(config, query)` returns the choice of a check, `register(app, config)` adds the callbacks.

query: the parsed query string, {cutoff: ISO date}. The body itself is drawn by `draw_body`.
"""

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html

from dashboard.async_queries import render
from dashboard.components import link_notices, loading_area, page_frame
from dashboard.page import register_address
from dashboard.pages.drift.body import draw_body
from dashboard.url_state import QueryField, decode, iso_date, unread
from forecasting.config import Config
from forecasting.steps import queries
from forecasting.steps.session import open_session

PATH = "/drift"
LEAD = (
    "The newest weeks compared with the same weeks a year before: inputs, sales and forecasts. "
    "Drift is a reason to look, not a verdict."
)
FIELDS = (QueryField("cutoff", None, iso_date),)


def layout(config: Config, query: dict[str, Any]) -> Any:
    """The choice of the check, and the place of the body."""
    cutoffs = queries.read_drift(open_session(config))["cutoff"].unique().sort(descending=True)
    checks = [str(cutoff) for cutoff in cutoffs]
    wanted = decode(FIELDS, query)["cutoff"]
    select = dmc.Select(
        id="drift-cutoff",
        label="Check at cutoff",
        data=checks,
        value=wanted if wanted in checks else next(iter(checks), None),
        w={"base": "100%", "xs": 260},
        allowDeselect=False,
    )
    choice = select if checks else html.Div(select, hidden=True)
    return page_frame("Drift", LEAD, *link_notices(unread(FIELDS, query)), choice, loading_area("drift-body"))


def register(app: Dash, config: Config) -> None:
    """Draw the chosen check and keep it in the address."""

    @app.callback(Output("drift-body", "children"), Input("drift-cutoff", "value"), Input("scheme", "data"))
    async def body(cutoff: str | None, scheme: str | None) -> Any:
        return await render(config, draw_body, cutoff, scheme)

    register_address(app, PATH, FIELDS, [Input("drift-cutoff", "value")], lambda cutoff: {"cutoff": cutoff})
