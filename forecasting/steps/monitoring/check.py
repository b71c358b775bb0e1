"""One look at a job: `check_loaded` at its loaded data, `check_file` at sales of a file; both return a Check.

A Check is the day up to which sales are known, the facts that were found, and the report of the drift. `check_loaded`
writes the tables `realised` and `drift`; `check_file` writes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.services.drift import DriftReport
from forecasting.services.store.vintages import scan_published, scan_shadows, shadow_vintages
from forecasting.steps.monitoring.drift_check import check_drift
from forecasting.steps.monitoring.findings import find_wrong, judge_past
from forecasting.steps.monitoring.new_data import read_new_rows
from forecasting.steps.monitoring.realised import actuals_since, overall, past_rows, score_past
from forecasting.steps.session import Session

ORIGINS = {"published": "realised", "shadow": "shadows", "served": "served"}
"""Who has made a past forecast, and the name of its scores in the facts."""


@dataclass(frozen=True)
class Check:
    """Sales up to `at`, what was found, and the report of the drift (None where none was drawn now)."""

    at: date
    facts: dict[str, Any]
    report: DriftReport | None = None
    file: str | None = None

    def is_newest(self, session: Session) -> bool:
        """Whether this is the state of the job, and not a look back or one at a file."""
        return self.file is None and self.at == session.panel.newest


def check_loaded(session: Session, at: date, key: str) -> Check:
    """Look at the loaded data up to `at`, and keep the scores of past forecasts and the drift of the columns."""
    store = session.store
    vintages = session.vintages.filter(pl.col("cutoff") <= at)
    shadows = shadow_vintages(store).filter(pl.col("cutoff") < at)
    past = vintages.filter(pl.col("cutoff") < at)
    sold = actuals_since(session, pl.concat([past, shadows]), at) if past.height or shadows.height else pl.DataFrame()
    rows = past_rows(session, past, scan_published(store), sold)
    scores = pl.concat(
        [
            score_past(session, rows, "published", at),
            score_past(session, past_rows(session, shadows, scan_shadows(store), sold), "shadow", at),
        ]
    )
    store.merge("realised", scores)
    found = check_drift(session, vintages, at)
    if found.report is not None:
        run_at = pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC"))
        columns = found.report.table.with_columns(cutoff=pl.lit(at), run_at=run_at)
        store.merge("drift", columns.select(store.tables["drift"].schema.names()), ignore=("run_at",))
    facts = _facts(session, vintages, rows, found.facts()) | {"key": key, "cutoff": str(at)}
    return Check(at, facts | {name: overall(scores, origin) for origin, name in ORIGINS.items()}, found.report)


def check_file(session: Session, file: str) -> Check:
    """Look at the sales of a file: past forecasts of its days, and its columns against those of a year before."""
    newest, remarks = read_new_rows(session, file)
    at = newest["ds"].max()
    assert isinstance(at, date), "a file without sales was refused"
    sold = newest.select("unique_id", "ds", "y").drop_nulls("y")
    past = session.vintages.filter(pl.col("cutoff") < at)
    rows = past_rows(session, past, scan_published(session.store), sold)
    found = check_drift(session, past, at, newest)
    scores = score_past(session, rows, "published", at)
    facts = _facts(session, past, rows, found.facts()) | {"cutoff": str(at), "file": file, "left_out": remarks}
    facts |= {name: overall(scores, origin) for origin, name in ORIGINS.items()}
    return Check(at, facts, found.report, file)


def _facts(session: Session, vintages: pl.DataFrame, rows: pl.DataFrame, drift: dict[str, Any]) -> dict[str, Any]:
    """Drift, verdicts and what is wrong."""
    verdicts = judge_past(session, vintages, rows)
    findings = find_wrong(session.config, verdicts, drift["drifted"])
    return drift | {"verdicts": verdicts, "findings": [asdict(f) for f in findings], "retrain": None}
