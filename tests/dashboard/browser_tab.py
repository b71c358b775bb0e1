"""A browser tab that records script errors and requests beyond the server."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT = 30_000
"""Milliseconds to wait for what a page shows."""


class BrowserTab:
    """A tab on the dashboard at `base`, with the errors and foreign requests that occurred in it."""

    def __init__(self, browser: "Browser", base: str) -> None:
        self.base = base
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
        self.page.set_default_timeout(WAIT)
        self.wrong: list[str] = []
        self.outside: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("request", self._seen)

    def _seen(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", self.base.replace("http", "ws"))):
            self.outside.append(request.url)

    def go(self, path: str, ready: str) -> "Page":
        self.page.goto(self.base + path)
        self.page.wait_for_selector(ready)
        return self.page

    def figure(self, name: str) -> dict[str, Any]:
        """Traces and layout as Plotly holds them in the page."""
        self.page.wait_for_selector(f"#{name} .js-plotly-plot .main-svg")
        found: dict[str, Any] = self.page.evaluate(
            """name => { const p = document.querySelector(`#${name} .js-plotly-plot`);
            return {names: p.data.map(t => t.name), lengths: p.data.map(t => t.x.length),
                    title: p.layout.title.text, subtitle: p.layout.title.subtitle.text,
                    x: p.layout.xaxis.title.text, y: p.layout.yaxis.title.text, ink: p.layout.font.color}; }""",
            name,
        )
        return found

    def rows(self, name: str) -> int:
        """Rows of a table, header not counted."""
        self.page.wait_for_selector(f"#{name} .ag-row")
        return int(self.page.get_attribute(f"#{name} [role=grid]", "aria-rowcount")) - 1


def until(page: "Page", expression: str, arg: object = None) -> None:
    """Wait until an expression, or a function of `arg`, is true in the page.

    Playwright's wait_for_function would evaluate a text in the page, which its Content-Security-Policy forbids.
    """
    end = time.monotonic() + WAIT / 1000
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"never became true: {expression}"
        page.wait_for_timeout(50)
