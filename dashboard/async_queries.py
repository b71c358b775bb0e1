"""Questions are asked in threads: on FastAPI a callback runs on the event loop and would hold up everybody else."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from dashboard.components import note
from forecasting.errors import UserError

log = logging.getLogger(__name__)


async def ask(question: Callable[..., Any], *args: Any) -> Any:
    """The answer of a question that reads the store; the event loop stays free meanwhile."""
    return await asyncio.to_thread(question, *args)


async def show(build: Callable[..., Any], *args: Any) -> Any:
    """What `build` makes of the data; a note in its place when that fails, so that the rest of the page still works."""
    try:
        return await ask(build, *args)
    except UserError as e:
        return note(str(e), "bad", "This cannot be shown")
    except Exception:
        log.exception("%s failed", getattr(build, "__name__", "a page"))
        return note(
            "The server's log tells what went wrong; the other pages still work.", "bad", "This could not be shown"
        )
