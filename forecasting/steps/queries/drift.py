"""Drift checks of a job: `read_drift` returns the table `drift`, `read_drift_report` the HTML report of a check.

Both take a Session; nothing is measured here (see the step monitor).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.columns import NAMESPACE
from forecasting.services.store.report_files import read_report_file
from forecasting.steps.session import Session


def read_drift(session: Session) -> pl.DataFrame:
    """The table `drift`: one row per check and column, by the names that a user knows, oldest cutoff first."""
    rows = session.store.scan("drift").sort("cutoff", "kind", "column")
    return rows.with_columns(pl.col("column").str.replace_all(NAMESPACE, "", literal=True)).collect()


def read_drift_report(session: Session, cutoff: date) -> bytes | None:
    """The HTML report of the check at `cutoff`; None when there is none."""
    try:
        return read_report_file(session.store, f"reports/drift-{cutoff}.html")
    except FileNotFoundError:
        return None
