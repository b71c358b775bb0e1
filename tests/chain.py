"""A small chain from raw file to published forecasts, run once for all tests that only look at it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from polars.testing import assert_frame_equal

from forecasting import config as configs
from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.sources import TAGS
from forecasting.steps import run_step
from forecasting.steps.registry import Outcome
from forecasting.steps.session import open_session
from tests.conftest import SCRATCH, once

H = 14
DAYS = 500
START = date(2023, 1, 1)
LAST = START + timedelta(DAYS - 1)
OVER = LAST - timedelta(H)
"""The cutoff of the newest backtest window."""
STEPS = ("ingest", "backtest", "train", "predict")
KEY = ["unique_id", "ds", "model"]
BOUNDS = ["lo-80", "hi-80", "lo-95", "hi-95"]

LIGHT = {"lightgbm": {"trees": 15, "params": {"min_data_in_leaf": 10, "num_leaves": 15}}}
REGRESSION = {"stats": {"class": "ARIMA", "name": "Regression", "order": [1, 0, 0]}}
SUMS = {"stats": {"class": "ARIMA", "name": "Sums", "order": [1, 0, 0], "on": "aggregates"}}
RECIPE = ["ladder", LIGHT, REGRESSION, SUMS, {"ensemble": {"members": ["LightGBM", "Regression"]}}]

JOB: dict[str, Any] = {
    "name": "chain",
    "source": {"kind": "table", "columns": {"unique_id": ["store", "item"], "ds": "ds", "y": "y"}},
    "freq": "1d",
    "h": H,
    "columns": {
        "known_ahead": ["price", "promo", "open"],
        "known_after": ["stock"],
        "static": ["category"],
        "price": "price",
        "promo": "promo",
        "open": "open",
        "stock": "stock",
    },
    "levels_of_aggregation": [[], ["store"]],
    "calendar": {"country": "DE"},
    "future": {"price": "last", "promo": 0, "open": "same_weekday"},
    "backtest": {"windows": 2, "step": H, "calibration": 2},
    "models": RECIPE,
}
NO_LEVERS: dict[str, Any] = {
    "columns": {"known_ahead": ["open"], "static": ["category"], "open": "open"},
    "future": {"open": "same_weekday"},
}
"""Sections of a job without price and promotion: a training of it learns no effects of them, which takes seconds."""
SAMPLE: dict[str, Any] = {
    "name": "sample",
    "source": {"kind": "synthetic", "options": {"stores": 2, "items": 4, "days": DAYS, "start": START, "seed": 3}},
    "freq": "1d",
    "h": H,
    "columns": {
        "known_ahead": ["price", "promo", "open"],
        "known_after": ["stock"],
        "static": ["category", "store", "item"],
    },
    "calendar": {"country": "DE"},
}


@dataclass(frozen=True)
class Job:
    """A config file with a lake and a registry of its own."""

    folder: Path

    def config(self, **overrides: Any) -> Config:
        return configs.load(self.folder / "job.yaml", {k.replace("__", "."): v for k, v in overrides.items()})

    def run(self, steps: Sequence[str] = STEPS, cutoff: date | None = None, **overrides: Any) -> list[Outcome]:
        config = self.config(**overrides)
        return [run_step(step, config, cutoff) for step in steps]

    def table(self, name: str, **equals: Any) -> pl.DataFrame:
        return open_session(self.config()).store.scan(name, **equals).collect()

    def copy(self, folder: Path | None = None) -> "Job":
        """The same job as it is now, for a test that goes on with it."""
        return _placed(shutil.copytree(self.folder, folder or place(), dirs_exist_ok=True))


def place() -> Path:
    return Path(tempfile.mkdtemp(prefix="chain-", dir=SCRATCH.name))


@cache
def sample() -> pl.DataFrame:
    """What the chain sold, as its file tells it: the last h days are planned, not yet sold."""
    return sources.load(Config.model_validate(SAMPLE)).long.drop(*TAGS, "unique_id")


def make(rows: pl.DataFrame | None = None, **keys: Any) -> Job:
    """A job over these rows (default: the sample); keyword arguments replace sections of JOB. Nothing is run."""
    return make_in(place(), rows, **keys)


def make_in(folder: Path, rows: pl.DataFrame | None = None, **keys: Any) -> Job:
    """The same in a folder that is there."""
    (sample() if rows is None else rows).write_parquet(folder / "sales.parquet")
    (folder / "job.yaml").write_text(yaml.safe_dump(JOB | keys))
    return _placed(folder)


def _placed(folder: Path) -> Job:
    told = yaml.safe_load((folder / "job.yaml").read_text())
    if told["source"]["kind"] == "table":
        told["source"]["path"] = str(folder / "sales.parquet")
    told["store"] = {"root": str(folder / "lake")}
    told["tracking"] = {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "mlartifacts")}
    (folder / "job.yaml").write_text(yaml.safe_dump(told))
    return Job(folder)


def shared(name: str, rows: pl.DataFrame | None = None, **keys: Any) -> tuple[Job, dict[str, Outcome]]:
    """The job of `make` after all steps, and what they told: run once for all processes of the tests under this name.

    Do not write into it: `copy` it.
    """

    def run(folder: Path) -> None:
        told = [outcome.as_dict() for outcome in make_in(folder, rows, **keys).run()]
        (folder / "told.json").write_text(json.dumps(told))

    folder = once(name, run)
    told = [Outcome(**outcome) for outcome in json.loads((folder / "told.json").read_text())]
    return Job(folder), dict(zip(STEPS, told, strict=True))


@cache
def ran() -> tuple[Job, dict[str, Outcome]]:
    """The job over the sample after ingest, backtest, train and predict, and what they told. Do not write into it."""
    return shared("ran")


def versions(job: Job) -> dict[str, int | None]:
    """The Delta version of every table but `runs`, the diary."""
    store = open_session(job.config()).store
    return {name: store.version(name) for name in store.tables if name != "runs"}


def spoilt(rows: pl.DataFrame, after: date, **columns: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """The rows with columns changed on the days after `after`."""
    late = pl.col("ds") > after
    return rows.with_columns(
        pl.when(late).then(change(pl.col(c))).otherwise(c).cast(rows.schema[c]).alias(c)
        for c, change in columns.items()
    )


NIGHT = """
import sys
from datetime import date
from forecasting.config import load
from forecasting.steps import run_step
config, cutoff = load(sys.argv[1]), date.fromisoformat(sys.argv[2])
for step in ("backtest", "train", "predict"):
    run_step(step, config, cutoff)
"""


@cache
def night() -> Job:
    """The job trained and predicted at OVER by another process, the newer sales lying in its store."""

    def run(folder: Path) -> None:
        job = ran()[0].copy(folder)
        subprocess.run([sys.executable, "-c", NIGHT, str(job.folder / "job.yaml"), str(OVER)], check=True)

    return Job(once("night", run))


def assert_alike(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Row for row the same forecasts, q50 and bounds, up to the last digits."""
    columns = [*KEY, "grain", "cutoff", "yhat", "q50", *BOUNDS, "interval", "source", "step", "block"]
    both = [frame.select(columns).sort(*KEY, "grain") for frame in (one, other)]
    assert both[0].height > 0
    assert_frame_equal(*both, rel_tol=1e-9, abs_tol=1e-9)
