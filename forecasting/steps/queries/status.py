"""How fresh and how sound: last runs, what they said, drift and its report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.services.store.report_files import read_report_file
from forecasting.services.store.vintages import published_vintages
from forecasting.steps.session import open_store


@dataclass(frozen=True)
class Status:
    """What is there: last observed day, last run, the newest published vintage, how many series."""

    through: date | None
    last_run: datetime | None
    cutoff: date | None
    champion: str | None
    series: int


def status(config: Config) -> Status:
    """The job's state in one look; every field is None (or 0) before the first run."""
    store = open_store(config)
    series = store.scan("series").select(pl.col("last").max(), pl.len().alias("n")).collect().row(0)
    run = store.scan("runs").select(pl.col("run_at").max()).collect().item()
    newest = published_vintages(store).head(1)
    cutoff, champion = (newest["cutoff"].item(), newest["champion"].item()) if newest.height else (None, None)
    return Status(series[0], run, cutoff, champion, series[1])


def facts(config: Config, step: str) -> dict[str, Any]:
    """What the last run of `step` told (see the step's own docstring); empty when it has never run."""
    runs = open_store(config).scan("runs").filter(pl.col("step") == step)
    last = runs.sort("run_at").tail(1).select("facts").collect()
    return dict(json.loads(last.item())) if last.height else {}


def drift(config: Config) -> pl.DataFrame:
    """The table `drift`, oldest cutoff first."""
    return open_store(config).scan("drift").sort("cutoff", "kind", "column").collect()


def report(config: Config, cutoff: date) -> bytes | None:
    """The HTML drift report of `cutoff`; None when there is none."""
    try:
        return read_report_file(open_store(config), f"reports/drift-{cutoff}.html")
    except FileNotFoundError:
        return None
