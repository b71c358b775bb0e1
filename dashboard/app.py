"""The shell: one ASGI process that serves the pages and the API."""

import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any

import dash
import dash_mantine_components as dmc
import httpx
import uvicorn
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from fastapi import FastAPI

from dashboard import api, pages
from dashboard.async_queries import ask, show
from dashboard.theme import MANTINE
from forecasting.config import Config
from forecasting.steps import queries

log = logging.getLogger(__name__)


def build(config: Config) -> FastAPI:
    """The ASGI app of a job. One process serves one config: Dash keeps its page registry per process."""
    server = api.build(config, _wake)
    app = Dash(
        "dashboard",
        server=server,
        use_pages=True,
        pages_folder="",
        title=f"demandcast · {config.name}",
        update_title=None,
        suppress_callback_exceptions=True,
        on_error=_failed,
    )
    found = sorted(_pages(), key=lambda page: page.ORDER)
    for page in found:
        title = f"{page.NAME} · demandcast"
        dash.register_page(
            page.__name__, path=page.PATH, name=page.NAME, title=title, layout=partial(_frame, page.NAME)
        )
        _fill(app, config, page)
        page.register(app, config)
    app.layout = _shell(config, found)
    _register(app, config)
    return server


def _frame(name: str, **query: Any) -> html.Div:
    """A page before its layout has asked the store: its query string, and the place where it goes."""
    place = html.Div(id=f"page-{name}", className="page", style={"minHeight": 400})
    return html.Div([dcc.Store(id=f"query-{name}", data=query), place])


def _fill(app: Dash, config: Config, page: ModuleType) -> None:
    @app.callback(Output(f"page-{page.NAME}", "children"), Input(f"query-{page.NAME}", "data"))
    async def fill(query: dict[str, Any]) -> Any:
        return await show(page.layout, config, query)


@asynccontextmanager
async def _wake(server: FastAPI) -> AsyncIterator[None]:
    """Ask for "/" once: Dash sets its callbacks up on the first request there; another page would come too early."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://dashboard")
    async with client:
        await client.get("/")
    yield


def _failed(error: Exception) -> None:
    """Dash answers 500 and says nothing: the log must."""
    log.error("a callback failed", exc_info=error)
    raise error


def serve(config: Config, host: str = "127.0.0.1", port: int = 8050) -> None:
    """Serve the dashboard until interrupted."""
    uvicorn.run(build(config), host=host, port=port, log_level="warning")


def _pages() -> list[ModuleType]:
    """Every module in pages/: each has NAME, PATH, ORDER, ABOUT, layout(config, query) and register(app, config)."""
    return [importlib.import_module(m.name) for m in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}.")]


def _shell(config: Config, found: list[ModuleType]) -> dmc.MantineProvider:
    links = [dmc.NavLink(label=p.NAME, href=p.PATH, active="exact", description=p.ABOUT) for p in found]
    shell = dmc.AppShell(
        [
            dmc.AppShellHeader(_header(config), px="md"),
            dmc.AppShellNavbar(html.Nav(links, **{"aria-label": "Pages"}), p="sm"),
            dmc.AppShellMain(html.Div(dmc.Container(dash.page_container, size=1240, px=0), id="main", tabIndex=-1)),
        ],
        id="shell",
        header={"height": 60},
        navbar={"width": 220, "breakpoint": "sm", "collapsed": {"mobile": True}},
        padding="md",
    )
    skip = html.A("Skip to content", href="#main", className="skip")
    scheme = dcc.Store(id="scheme")
    # `_pages_location` draws the page of a URL; `address` holds the URL of what is drawn (assets/address.js writes it)
    return dmc.MantineProvider([dcc.Store(id="address"), scheme, skip, shell], theme=MANTINE, defaultColorScheme="auto")


def _header(config: Config) -> dmc.Group:
    burger = dmc.Burger(id="burger", hiddenFrom="sm", size="sm", opened=False, **{"aria-label": "Show the pages"})
    brand = html.A("demandcast", href="/", className="brand")
    job = dmc.Badge(config.name, variant="light", tt="none", className="hide-small")
    toggle = dmc.ColorSchemeToggle(
        id="toggle",
        lightIcon="☀",
        darkIcon="☾",
        variant="default",
        size="lg",
        **{"aria-label": "Light or dark colours"},
    )
    left = dmc.Group([burger, brand, job], gap="sm", wrap="nowrap")
    return dmc.Group(
        [left, dmc.Group([html.Div(id="fresh"), toggle], gap="md", wrap="nowrap")],
        justify="space-between",
        h="100%",
        wrap="nowrap",
    )


def _register(app: Dash, config: Config) -> None:
    @app.callback(Output("fresh", "children"), Input("_pages_location", "pathname"))
    async def fresh(_: str) -> Any:
        return _freshness(await ask(queries.read_status, config))

    app.clientside_callback(ClientsideFunction("address", "write"), Input("address", "data"))
    # the toggle does not say what "auto" came to; the document does, then and whenever it changes (assets/scheme.js)
    seen = ClientsideFunction("scheme", "seen")
    app.clientside_callback(seen, Output("scheme", "data"), Input("_pages_location", "pathname"))

    @app.callback(
        Output("shell", "navbar"),
        Output("burger", "opened"),
        Input("burger", "opened"),
        Input("_pages_location", "pathname"),
    )
    def drawer(opened: bool, _: str) -> tuple[dict[str, Any], bool]:
        """The burger opens the navigation on a small screen; going to a page closes it."""
        opened = bool(opened) and dash.ctx.triggered_id == "burger"
        return {"width": 220, "breakpoint": "sm", "collapsed": {"mobile": not opened}}, opened


def _freshness(now: queries.Status) -> dmc.Text:
    if now.last_run is None:
        return dmc.Text("no run yet", size="sm", c="dimmed")
    through = ["Data through ", dmc.Text(str(now.through), span=True, inherit=True, className="date")]
    run = dmc.Text(f" · last run {now.last_run:%Y-%m-%d %H:%M} UTC", span=True, inherit=True, className="hide-small")
    return dmc.Text([*through, run], c="dimmed", ta="right", className="fresh")
