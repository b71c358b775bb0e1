"""The step monitor: `monitor` compares the newest periods with those a year ago, and scores past forecasts.

It takes a Session and a cutoff, writes the table `drift` and an HTML report, and returns an Outcome with the share of
drifted columns and one row of scores per vintage (a published forecast: cutoff + version).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.quality.freshness import freshness_messages, measure_freshness
from forecasting.data.windows import resolve_cutoff
from forecasting.services import drift, log
from forecasting.services.store import Store
from forecasting.services.store.report_files import write_report_file
from forecasting.services.store.vintages import scan_published, scan_shadows, shadow_vintages
from forecasting.steps import identity, run_log
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.realised import score_vintages
from forecasting.steps.reports.score_table import score_rows
from forecasting.steps.session import Session

NEWEST_DAYS = 56
"""Days that are compared at least; the horizon when it is longer, and one period when a period is longer."""
SAMPLE_ROWS = 20_000
"""Rows per sample: enough for a distribution, however large the panel."""


def monitor(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Compare the newest weeks with the same weeks a year before, and score the vintages whose actuals have come.

    Writes the table `drift` (one row per column) and the report reports/drift-<cutoff>.html. Without a year of history
    the weeks just before are the reference. The facts hold `share` (drifted columns / all columns), `drifted`, the
    spans `reference` and `current`, `freshness`, `realised` (one row of scores per vintage), and `shadows` (the same of
    the challengers' forecasts). The same data are not compared again without `force`. Raises UserError when nothing was
    observed by `cutoff`.
    """
    config, store = session.config, session.store
    at = resolve_cutoff(session.panel, cutoff)
    vintages = session.vintages.filter(pl.col("cutoff") <= at)
    shadows = shadow_vintages(store).filter(pl.col("cutoff") <= at)
    made = [frame.select("cutoff", "version").rows() for frame in (vintages, shadows) if frame.height]
    key = f"{at} {identity.data_version(store)} {made}"
    freshness = {"freshness": measure_freshness(store.scan("series").collect(), config, datetime.now().date())}
    recorded = None if force else run_log.last_facts(store, "monitor", key)
    if recorded:  # freshness is measured again, since another day may have passed
        return Outcome("monitor", recorded | freshness, reused=True)
    facts: dict[str, Any] = {"key": key, "cutoff": str(at)} | freshness | _measure_drift(session, vintages, at)
    facts["realised"] = score_vintages(session, vintages, scan_published(store), at)
    facts["shadows"] = score_vintages(session, shadows, scan_shadows(store), at)
    return Outcome("monitor", facts)


def compared_spans(config: Config, panel: Panel, cutoff: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """First and last day of the reference, then of the newest periods up to `cutoff`; both shorter with less history.

    With a single period of history no reference is left: its span ends before it starts.
    """
    f = config.frequency
    periods = max(config.h, -(-NEWEST_DAYS // f.days))
    starts = pl.collect_all([panel.scan(b).select(pl.col("ds").min()) for b in panel.buckets])
    first = min(s.item() for s in starts if s.item() is not None)
    history: int = pl.select(f.steps(pl.lit(first), pl.lit(cutoff))).item() + 1
    if history < periods + f.year:
        periods = min(periods, history // 2)
    back = f.year if history >= periods + f.year else periods
    start = f.shift(cutoff, 1 - periods)
    return (f.shift(start, -back), f.shift(cutoff, -back)), (start, cutoff)


def _measure_drift(session: Session, vintages: pl.DataFrame, at: date) -> dict[str, Any]:
    """Write the drift of the columns and its report; returns share, drifted, reference, current and report.

    Only share, drifted and report, without values, when there is no reference.
    """
    config, store, panel = session.config, session.store, session.panel
    before, newest = compared_spans(config, panel, at)
    if before[0] > before[1]:
        return {"share": None, "drifted": [], "report": None}
    kinds: dict[str, drift.Kind] = dict.fromkeys((*config.columns.known_ahead, *config.columns.known_after), "data")
    kinds |= {"y": "target"}
    reference, current = (_sample_days(panel, span, list(kinds)) for span in (before, newest))
    if predictions := _compared_predictions(store, vintages):
        reference = _append_predictions(reference, predictions[0])
        current = _append_predictions(current, predictions[1])
        kinds["yhat"] = "prediction"
    with log.step("drift", columns=len(kinds)):
        report = drift.measure_drift(reference, current, kinds, SAMPLE_ROWS)
    rows = report.table.with_columns(cutoff=pl.lit(at), run_at=pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")))
    store.merge("drift", rows.select(store.tables["drift"].schema.names()), ignore=("run_at",))
    name = f"reports/drift-{at}.html"
    write_report_file(store, name, report.html.encode())
    result = {"share": report.share, "drifted": report.table.filter("drifted")["column"].to_list()}
    spans = {"reference": [str(d) for d in before], "current": [str(d) for d in newest]}
    return result | spans | {"report": f"{store.root}/{name}"}


def _sample_days(panel: Panel, span: tuple[date, date], columns: list[str]) -> pl.DataFrame:
    """At most SAMPLE_ROWS rows of the days of the span, without filled ones, drawn at random with a fixed seed."""
    days = pl.col("ds").is_between(*span)
    parts = pl.collect_all(
        [panel.scan(b).filter(days, pl.col("flag") != "filled").select(columns) for b in panel.buckets]
    )
    rows = pl.concat(parts)
    return rows.sample(min(SAMPLE_ROWS, rows.height), seed=0)  # every n-th row could be Sundays alone


def _compared_predictions(store: Store, vintages: pl.DataFrame) -> tuple[pl.Series, pl.Series] | None:
    """`yhat` of the champion in the oldest backtest window, and in the newest vintage; None where one is missing."""
    if vintages.is_empty():
        return None
    cutoff, version, champion, recipe = vintages.head(1).select("cutoff", "version", "champion", "recipe").row(0)
    of_champion = (pl.col("model") == champion) & (pl.col("grain") == "series")
    newest = scan_published(store, "forecasts", cutoff=cutoff).filter(of_champion, pl.col("version") == version)
    backtests = run_log.scan_scored(store, "backtests").filter(of_champion, pl.col("recipe") == recipe)
    oldest = backtests.filter(pl.col("cutoff") == pl.col("cutoff").min())
    before, now = (frame.select("yhat").collect()["yhat"] for frame in (oldest, newest))
    return (before, now) if before.len() and now.len() else None


def _append_predictions(frame: pl.DataFrame, yhat: pl.Series) -> pl.DataFrame:
    """The rows of the frame, and below them rows with `yhat` only; drift ignores the nulls of the other columns."""
    sample = yhat.sample(min(SAMPLE_ROWS, yhat.len()), seed=0)
    return pl.concat([frame, sample.to_frame("yhat")], how="diagonal")


def summarize(facts: Facts) -> list[Section]:
    """The summary of the monitoring: drifted columns, freshness, and the scores of past forecasts."""
    lines = (*_drift_lines(facts), *freshness_messages(facts.get("freshness", {})))
    titles = {"realised": "Past forecasts against actuals", "shadows": "The challenger's against actuals"}
    scores = {title: score_rows(facts.get(name, ())) for name, title in titles.items()}
    return [Section("Drift", lines), *(Section(title, (), rows) for title, rows in scores.items() if rows)]


def _drift_lines(facts: Facts) -> list[str]:
    if facts["share"] is None:
        return ["not compared: a single period has no earlier one to be compared with"]
    newest, before = (" to ".join(facts[span]) for span in ("current", "reference"))
    drifted = f": {', '.join(facts['drifted'])}" if facts["drifted"] else ""
    compared = f"{newest} against {before}: {facts['share']:.1%} of the columns drifted{drifted}"
    return [compared, f"report: {facts['report']}"]
