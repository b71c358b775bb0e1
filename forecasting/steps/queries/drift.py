"""Drift checks of a job: the scores per column and the HTML report of a check."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.services.store.report_files import read_report_file
from forecasting.steps.session import open_store


def read_drift(config: Config) -> pl.DataFrame:
    """The table `drift`: one row per check and column, oldest cutoff first."""
    return open_store(config).scan("drift").sort("cutoff", "kind", "column").collect()


def read_drift_report(config: Config, cutoff: date) -> bytes | None:
    """The HTML report of the check at `cutoff`; None when there is none."""
    try:
        return read_report_file(open_store(config), f"reports/drift-{cutoff}.html")
    except FileNotFoundError:
        return None
