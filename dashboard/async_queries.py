"""Queries and page bodies in threads: FastAPI runs callbacks on the event loop, where a query would block all others.

`run_query(config, query, *args)` returns `query(session, *args)` and raises its errors; `render` does the same for
components and turns errors into a notice. Each opens one session, so that all it shows is of the same load.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from dashboard.access.visits import open_own_session
from dashboard.components import notice
from dashboard.error_text import error_text
from forecasting.config import Config
from forecasting.errors import UserError

log = logging.getLogger(__name__)


async def run_query(config: Config, query: Callable[..., Any], *args: Any) -> Any:
    """`query(session, *args)`, computed in a thread on a session that is opened for this call."""
    return await asyncio.to_thread(_on_session, query, config, *args)


async def render(config: Config, build: Callable[..., Any], *args: Any) -> Any:
    """The components that `build(session, *args)` returns, or a notice with the reason why there are none."""
    return await asyncio.to_thread(_build_or_explain, partial(_on_session, build, config, *args))


async def render_layout(config: Config, layout: Callable[..., Any], query: dict[str, Any]) -> Any:
    """The components that `layout(config, query)` returns, or a notice; a layout opens a session if it needs one."""
    return await asyncio.to_thread(_build_or_explain, partial(layout, config, query))


def _on_session(function: Callable[..., Any], config: Config, *args: Any) -> Any:
    return function(open_own_session(config), *args)


def _build_or_explain(build: Callable[[], Any]) -> Any:
    """The result of `build`; when it fails a notice in its place, so that the rest of the page still works."""
    try:
        return build()
    except UserError as error:
        return notice(error_text(error), "bad", "This cannot be shown")
    except Exception:
        log.exception("a part of a page failed")
        text = "The log of the server has the reason; the other pages still work."
        return notice(text, "bad", "This could not be shown")
