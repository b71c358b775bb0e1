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
from forecasting.steps.forecasting.origin import actuals
from forecasting.steps.monitoring.drift_check import check_drift, newest_periods
from forecasting.steps.monitoring.findings import find_wrong, judge_past
from forecasting.steps.monitoring.new_data import read_new_rows
from forecasting.steps.monitoring.realised import KEY, overall, past_rows, score_past
from forecasting.steps.monitoring.served import roles_of_answers, served_rows
from forecasting.steps.serving.served import CHALLENGER
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
    past = vintages.filter(pl.col("cutoff") < at)
    rows, scores = _score_all(session, past, at)
    found = check_drift(session, vintages, at)
    if found.report is not None:
        run_at = pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC"))
        columns = found.report.table.with_columns(cutoff=pl.lit(at), run_at=run_at)
        store.merge("drift", columns.select(store.tables["drift"].schema.names()), ignore=("run_at",))
    facts = _facts(session, vintages, rows, found.facts()) | {"key": key, "cutoff": str(at)}
    facts |= {name: overall(scores, origin) for origin, name in ORIGINS.items()}
    return Check(at, facts | {"trial": _trial(session, at, facts["served"])}, found.report)


def _trial(session: Session, at: date, served: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The scores of what was served, of cutoffs at which champion and challenger have answered, with `answered_by`."""
    roles = roles_of_answers(session, _open_since(session, at)).with_columns(pl.col("cutoff").cast(pl.String))
    role_of = {(cutoff, version): role for cutoff, version, role in roles.iter_rows()}
    scored = [row | {"answered_by": role_of.get((row["cutoff"], row["version"]))} for row in served]
    both = {row["cutoff"] for row in scored if row["answered_by"] == CHALLENGER}
    return [row for row in scored if row["answered_by"] and row["cutoff"] in both]


def _open_since(session: Session, at: date) -> date:
    """The day after which the sales may still be corrected that forecasts are scored by."""
    config = session.config
    return config.frequency.shift(at, -config.h - newest_periods(config))


def _score_all(session: Session, past: pl.DataFrame, at: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of past forecasts whose scores may still change, and the scores of all, which `realised` keeps.

    Those of which no day lies in the newest weeks are read from the table: their sales are not corrected any more.
    """
    store, config = session.store, session.config
    open_since = _open_since(session, at)
    stored = store.scan("realised").filter(pl.col("through") <= at).collect()
    shadows = shadow_vintages(store).filter(pl.col("cutoff") < at)
    to_score = [
        made.filter((pl.col("cutoff") > open_since) | ~pl.struct("cutoff", "version").is_in(_scored(stored, origin)))
        for origin, made in (("published", past), ("shadow", shadows))
    ]
    first: list[date] = [cutoff for made in to_score for cutoff in made["cutoff"]]
    sold = actuals(session.panel, config.frequency.shift(min([*first, open_since]), 1), at)
    rows = past_rows(session, to_score[0], scan_published(store), sold)
    fresh = [
        score_past(session, rows, "published"),
        score_past(session, past_rows(session, to_score[1], scan_shadows(store), sold), "shadow"),
        score_past(session, served_rows(session, open_since, sold), "served"),
    ]
    scores = pl.concat(fresh)
    if at == session.panel.newest:  # a look back knows fewer days of forecasts than are scored already
        store.merge("realised", scores)
    return rows, pl.concat([scores, stored.join(scores, on=[*KEY, "origin"], how="anti")])


def _scored(stored: pl.DataFrame, origin: str) -> pl.Series:
    """Cutoff and version of the forecasts of this origin that have scores."""
    return stored.filter(pl.col("origin") == origin).select(pl.struct("cutoff", "version").unique()).to_series()


def check_file(session: Session, file: str) -> Check:
    """Look at the sales of a file: past forecasts of its days, and its columns against those of a year before."""
    newest, remarks = read_new_rows(session, file)
    at = newest["ds"].max()
    assert isinstance(at, date), "a file without sales was refused"
    sold = newest.select("unique_id", "ds", "y").drop_nulls("y")
    past = session.vintages.filter(pl.col("cutoff") < at)
    rows = past_rows(session, past, scan_published(session.store), sold)
    found = check_drift(session, past, at, newest)
    scores = score_past(session, rows, "published")
    facts = _facts(session, past, rows, found.facts()) | {"cutoff": str(at), "file": file, "left_out": remarks}
    facts |= {name: overall(scores, origin) for origin, name in ORIGINS.items()}
    return Check(at, facts, found.report, file)


def _facts(session: Session, vintages: pl.DataFrame, rows: pl.DataFrame, drift: dict[str, Any]) -> dict[str, Any]:
    """Drift, verdicts and what is wrong."""
    verdicts = judge_past(session, vintages, rows)
    findings = find_wrong(session.config, verdicts, drift["drifted"])
    return drift | {"verdicts": verdicts, "findings": [asdict(f) for f in findings], "retrain": None}
