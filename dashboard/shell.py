"""The frame around every page: `shell_layout(config, pages)` returns header, navigation and the place of the page.

`register_shell(app, config, pages)` adds its callbacks: the pages that one may see, freshness of the data, who is
signed in, address, colours, burger.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard.access import visits
from dashboard.async_queries import run_query
from dashboard.page import Page
from dashboard.theme import MANTINE
from forecasting.config import Config
from forecasting.services.accounts.identity import Identity
from forecasting.steps import queries

NAVBAR_WIDTH = 220


def shell_layout(config: Config, pages: Sequence[Page]) -> dmc.MantineProvider:
    """Header, navigation to `pages`, and the place of the current page."""
    links = html.Nav(_links(p for p in pages if p.role == "viewer"), id="pages", **{"aria-label": "Pages"})
    shell = dmc.AppShell(
        [
            dmc.AppShellHeader(_header(config), px="md"),
            dmc.AppShellNavbar(links, p="sm"),
            dmc.AppShellMain(html.Div(dmc.Container(dash.page_container, size=1240, px=0), id="main", tabIndex=-1)),
        ],
        id="shell",
        header={"height": 60},
        navbar=_navbar(opened=False),
        padding="md",
    )
    skip = html.A("Skip to content", href="#main", className="skip")
    scheme = dcc.Store(id="scheme")
    # `_pages_location` draws the page of a URL; `address` holds the URL of what is drawn (assets/address.js writes it)
    return dmc.MantineProvider([dcc.Store(id="address"), scheme, skip, shell], theme=MANTINE, defaultColorScheme="auto")


def register_shell(app: Dash, config: Config, pages: Sequence[Page]) -> None:
    """Callbacks of the frame: links to pages, freshness, account, address, colour scheme, and the navigation on small
    screens.
    """

    @app.callback(Output("pages", "children"), Input("_pages_location", "pathname"))
    def links(_: str) -> Any:
        return _links(page for page in pages if visits.may(page.role))

    @app.callback(Output("freshness", "children"), Input("_pages_location", "pathname"))
    async def freshness(_: str) -> Any:
        return _freshness(await run_query(config, queries.read_status))

    @app.callback(Output("account", "children"), Input("_pages_location", "pathname"))
    def account(_: str) -> Any:
        return _account(visits.current())

    app.clientside_callback(ClientsideFunction("address", "write"), Input("address", "data"))
    # the toggle does not report what "auto" resolved to; the document does (assets/scheme.js follows its changes)
    current = ClientsideFunction("scheme", "current")
    app.clientside_callback(current, Output("scheme", "data"), Input("_pages_location", "pathname"))

    @app.callback(
        Output("shell", "navbar"),
        Output("burger", "opened"),
        Input("burger", "opened"),
        Input("_pages_location", "pathname"),
    )
    def navigation(opened: bool, _: str) -> tuple[dict[str, Any], bool]:
        """The burger opens the navigation on a small screen; going to a page closes it."""
        opened = bool(opened) and dash.ctx.triggered_id == "burger"
        return _navbar(opened=opened), opened


def _links(pages: Iterable[Page]) -> list[dmc.NavLink]:
    return [dmc.NavLink(label=p.name, href=p.path, active="exact", description=p.description) for p in pages]


def _navbar(*, opened: bool) -> dict[str, Any]:
    return {"width": NAVBAR_WIDTH, "breakpoint": "sm", "collapsed": {"mobile": not opened}}


def _header(config: Config) -> dmc.Group:
    burger = dmc.Burger(id="burger", hiddenFrom="sm", size="sm", opened=False, **{"aria-label": "Show the pages"})
    brand = html.A("demandcast", href="/", className="brand")
    job = dmc.Badge(config.name, variant="light", tt="none", className="hide-small")
    toggle = dmc.ColorSchemeToggle(
        id="scheme-toggle",
        lightIcon="☀",
        darkIcon="☾",
        variant="default",
        size="lg",
        **{"aria-label": "Light or dark colours"},
    )
    left = dmc.Group([burger, brand, job], gap="sm", wrap="nowrap")
    right = dmc.Group([html.Div(id="freshness"), html.Div(id="account"), toggle], gap="md", wrap="nowrap")
    return dmc.Group([left, right], justify="space-between", h="100%", wrap="nowrap")


def _account(who: Identity) -> Any:
    """Who is signed in, and the way out; nothing where one need not sign in."""
    if who.by != "session":
        return None
    name = dmc.Text(f"{who.name} · {who.role}", size="sm", c="dimmed", className="hide-small")
    leave = html.Form(html.Button("Sign out", type="submit", className="sign-out"), action="/sign-out", method="POST")
    return dmc.Group([name, leave], gap="xs", wrap="nowrap")


def _freshness(status: queries.Status) -> dmc.Text:
    if status.last_run is None:
        return dmc.Text("no run yet", size="sm", c="dimmed")
    through = ["Data through ", dmc.Text(str(status.through), span=True, inherit=True, className="date")]
    last_run = f" · last run {status.last_run:%Y-%m-%d %H:%M} UTC"
    run = dmc.Text(last_run, span=True, inherit=True, className="hide-small")
    return dmc.Text([*through, run], c="dimmed", ta="right", className="freshness")
