"""What runs beside the requests: `background(context)` is entered while an app serves.

The log of what was served is stored each minute, first of all what a killed process has left; the models are loaded, so
that the first request need not wait for them. Failures are logged, and tried again a minute later.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dashboard.rest.context import Context
from dashboard.rest.problems import Refusal
from forecasting.steps.serving.prediction_log import store_predictions
from forecasting.steps.session import open_session

log = logging.getLogger(__name__)
EVERY = 60.0
"""Seconds between two stores of the log."""


@asynccontextmanager
async def background(context: Context) -> AsyncIterator[None]:
    """Warm up, and store the log each minute and at the end."""
    tasks = [asyncio.create_task(asyncio.to_thread(_warm, context)), asyncio.create_task(_store_each_minute(context))]
    yield
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)
    await asyncio.to_thread(store_log, context)


async def _store_each_minute(context: Context) -> None:
    while True:
        await asyncio.to_thread(store_log, context)
        await asyncio.sleep(EVERY)


def store_log(context: Context) -> None:
    """Store what was served so far; what cannot be stored stays in the spool."""
    try:
        if context.log.spool.folder.exists():
            stored = store_predictions(open_session(context.config).store, context.log.spool)
            context.counters.stored.inc(stored)
    except Exception:
        log.exception("the log of predictions could not be stored; it stays in %s", context.log.spool.folder)


def _warm(context: Context) -> None:
    """Load the newest vintage and its models."""
    try:
        context.current.served()
    except Refusal as error:
        log.warning("no forecasts are served yet: %s", error)
    except Exception:
        log.exception("the models could not be loaded; each request tries again")
    _spare_from_collections()


def _spare_from_collections() -> None:
    """Leave what is loaded by now out of collections of garbage: walking through it halts all requests meanwhile."""
    gc.collect()
    gc.freeze()
