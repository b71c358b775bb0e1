"""State of a job from its store: `read_status` for the whole job, `read_run_facts` for the last run of one step.

Both take a Session. A Status has the last observed day, the last run and the newest vintage (a published forecast);
facts are what a step recorded of its run, {name: JSON value}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from forecasting.steps.session import Session


@dataclass(frozen=True)
class Status:
    """Last observed day, time of the last run, cutoff and champion of the newest vintage, number of series."""

    through: date | None
    last_run: datetime | None
    cutoff: date | None
    champion: str | None
    series: int


def read_status(session: Session) -> Status:
    """The state of the job; every field is None (or 0) before the first run."""
    series = session.store.scan("series").select(pl.col("last").max(), pl.len().alias("n")).collect().row(0)
    run = session.store.scan("runs").select(pl.col("run_at").max()).collect().item()
    newest = session.vintages.head(1)
    cutoff, champion = (newest["cutoff"].item(), newest["champion"].item()) if newest.height else (None, None)
    return Status(series[0], run, cutoff, champion, series[1])


def read_run_facts(session: Session, step: str) -> dict[str, Any]:
    """The facts that the last run of `step` recorded (see the docstring of the step); empty when it has never run."""
    runs = session.store.scan("runs").filter(pl.col("step") == step)
    last = runs.sort("run_at").tail(1).select("facts").collect()
    return dict(json.loads(last.item())) if last.height else {}
