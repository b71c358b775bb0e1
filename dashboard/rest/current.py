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
LOOK_AFTER = 2.0
"""Seconds after which it is looked whether there is a newer vintage: no answer is older than that."""


class Current:
    """The newest vintage of a job, kept between requests."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._served: Served | None = None
        self._challenger: Served | None = None
        self._looked = 0.0
        self._guard = Lock()

    def session(self) -> Session:
        """The session of what is served now; a new one where nothing is."""
        try:
            return self.served().session
        except Refusal:
            return open_session(self.config)

    def challenger(self) -> Served | None:
        """What answers a share of requests in place of what is served (serving.challenger_share), if anything."""
        challenger = self._challenger
        return challenger if challenger and challenger.cutoff == self.served().cutoff else None

    def served(self) -> Served:
        """What is served now, its models loaded; raises Refusal (409) when nothing can be served yet.

        While one request looks for a newer vintage, others are answered from the one that is known. One that cannot be
        opened is left out, with a line in the log.
        """
        known = self._served
        if known is not None and time.monotonic() - self._looked < LOOK_AFTER:
            return known
        if not self._guard.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            return self._look()
        except UserError as error:
            if self._served is None:
                raise Refusal(409, error_text(error)) from None
            log.warning("a newer forecast cannot be served: %s", error)
            return self._served
        finally:
            self._looked = time.monotonic()
            self._guard.release()

    def _look(self) -> Served:
        """The newest vintage, opened if it is not the known one."""
        if self._served is None or not is_newest(self._served):
            served = open_served(self.config)
            _ = served.bundle, served.columns, served.series
            log.info("served now: the forecast of %s, version %s", served.cutoff, served.version)
            self._served = served
        if self.config.serving.challenger_share:
            self._challenger = open_challenger(self._served, self._challenger)
        return self._served
