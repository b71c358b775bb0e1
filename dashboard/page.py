"""What makes up a page (`Page`), and the callbacks that all pages share.

`add_page(app, config, page)` enters it in the Dash app; `register_address` keeps its controls in the query string. Both
add callbacks to the app and return nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dash
from dash import Dash, Input, Output, dcc, html

from dashboard.access.visits import may
from dashboard.async_queries import render_layout
from dashboard.components import page_frame
from dashboard.url_state import QueryField, encode
from forecasting.config import Config
from forecasting.services.accounts.identity import Role


@dataclass(frozen=True)
class Page:
    """One page: its name and description in the navigation, its path, its layout and its callbacks, and the least role
    that one has to have to see it.

    `layout(config, query)` returns the controls as the parsed query string sets them, `register(app, config)` adds the
    callbacks that fill the rest.
    """

    name: str
    path: str
    order: int
    description: str
    layout: Callable[[Config, dict[str, Any]], Any]
    register: Callable[[Dash, Config], None]
    role: Role = "viewer"


def add_page(app: Dash, config: Config, page: Page) -> None:
    """Enter the page in Dash's registry, and fill its place with its layout whenever its query string changes."""

    def place(**query: Any) -> html.Div:
        """The query string of the page and the place of its layout, which a callback draws in a thread."""
        layout = html.Div(id=f"page-{page.name}", className="page", style={"minHeight": 400})
        return html.Div([dcc.Store(id=f"query-{page.name}", data=query), layout])

    title = f"{page.name} · demandcast"
    dash.register_page(f"dashboard.pages.{page.name}", path=page.path, name=page.name, title=title, layout=place)

    @app.callback(Output(f"page-{page.name}", "children"), Input(f"query-{page.name}", "data"))
    async def draw(query: dict[str, Any]) -> Any:
        if not may(page.role):
            return page_frame(page.name, f"This page needs the role {page.role}.")
        return await render_layout(config, page.layout, query)

    page.register(app, config)


def register_address(
    app: Dash, path: str, fields: Sequence[QueryField], inputs: Sequence[Input], state: Callable[..., dict[str, Any]]
) -> None:
    """Keep the query string of the page at `path` up to date: `state(*values of inputs)` by field name."""

    @app.callback(Output("address", "data", allow_duplicate=True), *inputs, prevent_initial_call=True)
    def address(*values: Any) -> dict[str, str]:
        return {"path": path, "search": encode(fields, state(*values))}
