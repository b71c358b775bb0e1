"""A small job with models and a published forecast, and its REST API on a real server, for the tests of the API."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from dashboard.rest.context import Context
from forecasting.config import Config
from forecasting.steps.session import Session, open_session
from tests import chain
from tests.conftest import once

MODELS = ["ladder", chain.LIGHT, {"ensemble": {"members": ["LightGBM", "SeasonalMean4"]}}]


@cache
def ran() -> chain.Job:
    """The job after all steps, with two vintages; the tests of the API write what they serve into its tables."""
    rows = chain.sample().filter(pl.col("ds") > date(2023, 8, 1))

    def run(folder: Path) -> None:
        job = chain.make_in(folder, rows, models=MODELS, backtest={"windows": 1, "calibration": 1}, name="served")
        job.run(["ingest"])
        job.run(["backtest", "train", "predict"], cutoff=chain.LAST - timedelta(7))
        job.run(["predict"])

    return chain.Job(once("served", run)).copy()


@dataclass(frozen=True)
class Api:
    """A served job: an HTTP client at its /api/v1, a series, and the days of the horizon."""

    context: Context
    http: httpx.Client
    days: list[date]
    unique_id: str = "S1/I01"

    @property
    def config(self) -> Config:
        return self.context.config

    @property
    def spool(self) -> Path:
        return self.context.log.spool.folder

    @property
    def session(self) -> Session:
        return open_session(self.config)

    def forecasts(self, model: str | None = None) -> pl.DataFrame:
        """The published rows of the series by the champion, or by another model, as they are stored."""
        newest = self.session.vintages.row(0, named=True)
        rows = self.session.store.scan("forecasts", cutoff=newest["cutoff"])
        rows = rows.filter(grain="series", model=model or newest["champion"]).collect()
        return rows.sort("unique_id", "ds")

    def plans(self) -> pl.DataFrame:
        """[unique_id, ds, price, promo, open] of the horizon, as the source has planned them."""
        panel = self.session.store.scan("panel").filter(pl.col("ds") >= self.days[0]).collect()
        return panel.select("unique_id", "ds", "price", "promo", "open").sort("unique_id", "ds")

    def predict(self, **other: Any) -> httpx.Response:
        return self.http.post("/predict", json={"unique_id": self.unique_id, "ds": str(self.days[0])} | other)

    def batch(self, text: str | bytes) -> httpx.Response:
        return self.http.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"})
