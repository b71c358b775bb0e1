"""The summary of a monitoring: `summarize` makes Sections of its facts: drift, freshness, past forecasts, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forecasting.data.quality.freshness import freshness_messages
from forecasting.evaluation.metrics import format_value, in_display_order, label
from forecasting.steps.alerts import KINDS
from forecasting.steps.monitoring.findings import verdict_lines
from forecasting.steps.registry import Facts, Section
from forecasting.steps.reports.score_table import score_rows

TITLES = {
    "realised": "Past forecasts against actuals",
    "shadows": "The challenger's against actuals",
    "served": "Forecasts on request against actuals",
}
SHOWN = 14
"""Past forecasts that are listed, the newest; the table `realised` has all."""


def summarize(facts: Facts) -> list[Section]:
    """Drift beside what became of forecasts: drifted columns, verdicts and scores, then alerts and what follows."""
    sections = [Section("Drift", (*_drift_lines(facts), *freshness_messages(facts.get("freshness", {}))))]
    if verdicts := facts.get("verdicts"):
        sections.append(Section("Past forecasts against the backtest", tuple(verdict_lines(verdicts))))
    for name, title in TITLES.items():
        rows = score_rows(facts.get(name, ()))
        more = f" (the newest {SHOWN} of {len(rows)})" if len(rows) > SHOWN else ""
        sections += [Section(f"{title}{more}", (), rows[-SHOWN:])] if rows else []
    if lines := tuple(_trial_lines(facts.get("trial", ()))):
        sections.append(Section("Champion and challenger, each on what it answered", lines))
    if lines := tuple(_alert_lines(facts)):
        sections.append(Section("Alerts", lines))
    return sections


def _drift_lines(facts: Facts) -> Iterator[str]:
    yield from facts.get("left_out", ())
    if facts["share"] is None:
        yield "not compared: a single period has no earlier one to be compared with"
        return
    newest, before = (" to ".join(facts[span]) for span in ("current", "reference"))
    drifted = f": {', '.join(facts['drifted'])}" if facts["drifted"] else ""
    yield f"{newest} against {before}: {facts['share']:.1%} of the columns drifted{drifted}"
    if left_out := facts.get("not_drawn"):
        yield f"measured and not drawn in the report (monitoring.columns): {', '.join(left_out)}"
    if facts.get("report"):
        yield f"report: {facts['report']}"


def _trial_lines(trial: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in trial:
        scores = ", ".join(
            f"{label(name)} {format_value(name, row[name])}" for name in in_display_order(row, "summary")
        )
        yield f"{row['cutoff']}: {row['answered_by']}, version {row['version']}: {scores} of {row['n']:,.0f} answers"


def _alert_lines(facts: Facts) -> Iterator[str]:
    alerts = facts.get("alerts", {"open": (), "closed": ()})
    new = set(alerts.get("opened", ()))
    for alert in alerts["open"]:
        state = "new" if alert["id"] in new else f"open since {alert['opened_at'][:16]}"
        yield f"{alert['id']} {alert['severity']}, {state}: {KINDS[alert['kind']].title}: {alert['message']}"
    if facts.get("file"):
        yield from (f"{KINDS[f['kind']].title}: {f['message']}" for f in facts["findings"])
    if alerts["closed"]:
        yield f"closed, since the cause is gone: {', '.join(alerts['closed'])}"
    if retrain := facts.get("retrain"):
        yield f"to be trained again: {retrain['reason']}"
    yield from (f"worse than the baseline: {text}" for text in facts.get("worse", ()))
