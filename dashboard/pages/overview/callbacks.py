"""The overview: `layout(config, query)` returns heading and empty body, `register(app, config)` adds its callback.

The page has no controls, so the query is not used.
"""

from typing import Any

from dash import Dash, Input, Output

from dashboard.async_queries import render
from dashboard.components import loading_area, page_frame
from dashboard.labels import count_periods
from dashboard.pages.overview.body import draw_body
from forecasting.config import Config


def layout(config: Config, _: dict[str, Any]) -> Any:
    """The heading and the place of the body."""
    horizon = f"The next {count_periods(config, config.h)} of {config.name}"
    lead = f"{horizon}, how far the forecasts can be trusted, and whether the data are sound."
    return page_frame("Overview", lead, loading_area("overview-body"))


def register(app: Dash, config: Config) -> None:
    """Fill the body, again whenever the colour scheme changes."""

    @app.callback(Output("overview-body", "children"), Input("scheme", "data"))
    async def body(scheme: str | None) -> Any:
        return await render(config, draw_body, scheme)
