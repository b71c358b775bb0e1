"""`Current`: the forecasts that are served now. `served()` returns the Served of the newest vintage, and looks at most
once in a while whether there is a newer one.

A vintage is a published forecast. Call it in a thread: it may read the store.
"""

import logging
import time
from threading import Lock

from dashboard.error_text import error_text
from dashboard.rest.problems import Refusal
from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.steps.serving.held import is_newest, open_challenger, open_served
from forecasting.steps.serving.served import Served
from forecasting.steps.session import Session, open_session

log = logging.getLogger(__name__)
Rivals = tuple[Served, Served | None]
"""What is served, and the challenger that answers its share, if there is one."""
LOOK_AFTER = 2.0
"""Seconds after which it is looked whether there is a newer vintage: no answer is older than that."""


class Current:
    """The newest vintage of a job, and the challenger's forecast beside it, kept between requests."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._known: Rivals | None = None
        self._looked = 0.0
        self._guard = Lock()

    def session(self) -> Session:
        """The session of what is served now; a new one where nothing is."""
        try:
            return self.served().session
        except Refusal:
            return open_session(self.config)

    def served(self) -> Served:
        """What is served now; see `rivals`."""
        return self.rivals()[0]

    def rivals(self) -> Rivals:
        """What is served now, its models loaded, and what answers a share of requests in its place, if anything does.

        Raises Refusal (409) when nothing can be served yet. While one request looks for a newer vintage, others are
        answered from the one that is known. One that cannot be opened is left out, with a line in the log.
        """
        known = self._known
        if known is not None and time.monotonic() - self._looked < LOOK_AFTER:
            return known
        if not self._guard.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            self._known = self._look()
            return self._known
        except UserError as error:
            if self._known is None:
                raise Refusal(409, error_text(error)) from None
            log.warning("a newer forecast cannot be served: %s", error)
            return self._known
        finally:
            self._looked = time.monotonic()
            self._guard.release()

    def _look(self) -> Rivals:
        """The newest vintage, opened if it is not the known one, and the newest challenger beside it."""
        served, challenger = self._known or (None, None)
        if served is None or not is_newest(served):
            served = open_served(self.config)
            _ = served.bundle, served.columns, served.series
            log.info("served now: the forecast of %s, version %s", served.cutoff, served.version)
        shared = self.config.serving.challenger_share > 0
        return served, open_challenger(served, challenger) if shared else None
