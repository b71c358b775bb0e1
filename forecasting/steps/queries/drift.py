"""Checks of a job: `read_drift` returns the table `drift`, `read_drift_report` the HTML report of a check,
`read_verdicts` sentences about past forecasts beside it, `read_open_alerts` what is wrong now.

All take a Session; nothing is measured here (see the step monitor).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.columns import NAMESPACE
from forecasting.services.store.report_files import read_report_file
from forecasting.steps.alerts import open_alerts
from forecasting.steps.monitoring.findings import verdict_lines
from forecasting.steps.queries.status import read_run_facts
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


def read_verdicts(session: Session, cutoff: date) -> list[str]:
    """Sentences about past forecasts against the backtest, all series first; none where another check was the last."""
    facts = read_run_facts(session, "monitor")
    return list(verdict_lines(facts.get("verdicts", ()))) if facts.get("cutoff") == str(cutoff) else []


def read_open_alerts(session: Session) -> pl.DataFrame:
    """The rows of `alerts` whose cause is not gone, the newest first."""
    return open_alerts(session.store)
