"""The step monitor: `monitor` judges past forecasts by what was sold, measures drift, and says what follows.

It takes a Session, a cutoff and MonitorOptions, writes the tables `realised`, `drift` and `alerts` and reports, and
returns an Outcome with scores, verdicts, alerts, and the event for which the job is to be trained again. Drift alone is
news; an alert takes forecasts that are worse than the backtest made one expect.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from forecasting.config.sections import AlertKind
from forecasting.data.quality.freshness import measure_freshness
from forecasting.data.windows import resolve_cutoff
from forecasting.steps import identity, run_log
from forecasting.steps.alerts import Changes, Finding, note_findings, open_alerts
from forecasting.steps.monitoring import reports
from forecasting.steps.monitoring.baseline import compare_with_baseline, scores_of
from forecasting.steps.monitoring.check import Check, check_file, check_loaded
from forecasting.steps.monitoring.findings import find_old_sales
from forecasting.steps.monitoring.options import MonitorOptions
from forecasting.steps.monitoring.retraining import decide_retraining
from forecasting.steps.monitoring.summary import summarize
from forecasting.steps.registry import Outcome
from forecasting.steps.session import Session

__all__ = ["monitor", "summarize"]

LOOKED_FOR: tuple[AlertKind, ...] = ("damage", "coverage", "bias", "freshness")
"""The kinds of alerts that this step opens and closes."""


def monitor(
    session: Session, cutoff: date | None = None, *, force: bool = False, options: MonitorOptions | None = None
) -> Outcome:
    """Judge the forecasts whose days have come by `cutoff`, and compare the newest weeks with the same a year before.

    The facts hold `share` (drifted columns / all columns), `drifted`, the spans `reference` and `current`,
    `freshness`, `realised` (one row of scores per vintage), `shadows` (the same of challengers' forecasts), `served`
    (of forecasts on request), `verdicts` and `findings` (what is wrong), `alerts` (opened, closed, open), `retrain`
    (event and reason, or None) and `worse` (than a baseline). The same data are not looked at again without `force`;
    alerts and retraining are decided again, since another day or another config may ask for it. As of an earlier day,
    and for a file, no table changes but the scores of forecasts, and there are no alerts. Raises UserError when nothing
    was observed by `cutoff`.
    """
    options = options or MonitorOptions()
    if options.new_data:
        return _finish(session, check_file(session, options.new_data), options)
    at = resolve_cutoff(session.panel, cutoff)
    key = _key(session, at)
    recorded = None if force else run_log.last_facts(session.store, "monitor", key)
    if recorded is None:
        return _finish(session, check_loaded(session, at, key), options)
    return _finish(session, Check(at, recorded | {"key": key}), options, recorded)


def _key(session: Session, at: date) -> str:
    """What makes two checks the same: data, vintages, and by which rule they are judged."""
    store = session.store
    made = [
        frame.filter(pl.col("cutoff") <= at).select("cutoff", "version").rows()
        for frame in (session.vintages, store.scan("shadows").collect())
    ]
    counts = f"{store.version('predictions')} {identity.hashed(session.config, ['monitoring'])}"
    return f"{at} {identity.data_version(store)} {sorted(made[0])} {sorted(made[1])} {counts}"


def _finish(session: Session, check: Check, options: MonitorOptions, recorded: dict[str, Any] | None = None) -> Outcome:
    """Decide about alerts and retraining, write the files that were asked for, and return the outcome."""
    config, store, facts = session.config, session.store, dict(check.facts)
    if check.file is None:
        facts["freshness"] = measure_freshness(store.scan("series").collect(), config, datetime.now().date())
    findings = [Finding(**f) for f in facts["findings"] if f["kind"] != "freshness"]
    if check.is_newest(session):
        findings += find_old_sales(config, facts["freshness"])
        changes = note_findings(config, store, LOOKED_FOR, findings, check.at)
        facts["retrain"] = decide_retraining(session, check.at, findings)
    else:
        changes = Changes([], [])
    facts |= {"findings": [asdict(f) for f in findings], "alerts": _alert_facts(session, changes)}
    scores = scores_of(config, facts["verdicts"])
    if recorded is None and check.file is None:
        facts["report"] = reports.keep_reports(store, check.at, check.report, facts, config.monitoring.keep)
    facts["worse"] = compare_with_baseline(config, scores, options.baseline) if options.baseline else []
    if options.report_dir:
        reports.write_folder(options.report_dir, check.report, facts, scores)
    if options.alert_log:
        reports.log_alerts(options.alert_log, _log_lines(check, changes, findings))
    outcome = Outcome("monitor", facts, logged=check.file is None)
    return replace(outcome, reused=recorded is not None and _decides_the_same(recorded, facts))


def _decides_the_same(recorded: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether nothing that the run log should tell is new."""
    opened = facts["alerts"]["opened"] or facts["alerts"]["closed"]
    return not opened and recorded.get("retrain") == facts.get("retrain")


def _alert_facts(session: Session, changes: Changes) -> dict[str, Any]:
    """The alerts that were opened and closed, and all that are open, as plain JSON."""
    shown = ("id", "kind", "subject", "severity", "message", "opened_at")
    rows = open_alerts(session.store).select(pl.col(*shown[:-1]), pl.col("opened_at").cast(pl.String)).to_dicts()
    brief = {name: [alert["id"] for alert in alerts] for name, alerts in asdict(changes).items()}
    return brief | {"open": rows}


def _log_lines(check: Check, changes: Changes, findings: list[Finding]) -> list[dict[str, Any]]:
    """Lines for a log of alerts; for a file, of which no alerts are kept, what was found."""
    if check.file is not None:
        return [{"status": "found", "cutoff": check.at, "file": check.file} | asdict(f) for f in findings]
    kept = ("id", "kind", "subject", "severity", "message", "cutoff", "owner", "link", "opened_at", "closed_at")
    rows = [("opened", alert) for alert in changes.opened] + [("closed", alert) for alert in changes.closed]
    return [{"status": status} | {name: alert[name] for name in kept} for status, alert in rows]
