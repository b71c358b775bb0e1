"""`Context`: what the resources of the REST API work on, made once per app by `create_context(config)`."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dashboard.access.visits import current
from dashboard.rest.caching import AnswerCache
from dashboard.rest.counters import Counters
from dashboard.rest.current import Current
from dashboard.rest.jobs import Jobs
from forecasting.config import Config
from forecasting.services.prediction_spool import Spool
from forecasting.steps.serving.prediction_log import PredictionLog, Request
from forecasting.steps.serving.served import Served


@dataclass(frozen=True)
class Context:
    """The job, the forecasts that are served now, the log of what was served, jobs, answers and counters."""

    config: Config
    current: Current
    log: PredictionLog
    jobs: Jobs
    answers: AnswerCache
    counters: Counters

    def record(self, served: Served, rows: pl.DataFrame, operation: str) -> None:
        """Log and count the forecast rows of an answer, before it leaves, with the name of who asks."""
        self.log.record(served, rows, Request(operation, current().name))
        for version, count in rows.drop_nulls("yhat")["version"].value_counts().iter_rows():
            self.counters.predictions.labels(operation, version).inc(count)
        if "fallback" in rows.columns and (fallbacks := rows["fallback"].sum()):
            self.counters.fallbacks.labels(operation).inc(fallbacks)


def create_context(config: Config) -> Context:
    """What an app that serves this job works on; opens nothing yet."""
    spool = Spool(Path(config.serving.spool) / config.name)
    current, cache = Current(config), AnswerCache(config.serving.cache)
    return Context(config, current, PredictionLog(spool), Jobs(), cache, Counters())
