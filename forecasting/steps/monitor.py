"""Monitor: have the data moved since the same season a year ago, and how did past forecasts do?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.data.quality.freshness import freshness_messages, measure_freshness
from forecasting.data.windows import resolve_cutoff
from forecasting.evaluation.metrics import reported_metrics, score
from forecasting.services import drift, log
from forecasting.services.store import Store
from forecasting.services.store.report_files import write_report_file
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting.origin import actuals
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.score_table import score_rows
from forecasting.steps.session import Session

NEWEST_DAYS = 56
"""At least so many days are compared (one period when it is longer), at least a horizon."""
VALUES = 20_000
"""Rows per side: what a distribution needs, however large the panel."""


def monitor(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Compare the newest weeks with the same weeks a year before, and score the vintages whose days have come.

    Writes the table `drift` and the report reports/drift-<cutoff>.html. Without a year of history the weeks just
    before are the reference. The same data are not compared again without `force`.
    """
    config, store, panel = session.config, session.store, session.panel
    at = resolve_cutoff(panel, cutoff)
    vintages = session.vintages.filter(pl.col("cutoff") <= at)
    key = f"{at} {identity.data_version(store)} {vintages.select('cutoff', 'version').rows()}"
    fresh = {"freshness": measure_freshness(store.scan("series").collect(), config, datetime.now().date())}
    known = None if force else run_log.last_facts(store, "monitor", key)
    if known:
        return Outcome("monitor", known | fresh, reused=True)  # another day may have passed
    facts: dict[str, Any] = {"key": key, "cutoff": str(at)} | fresh | _drift(config, store, panel, at)
    facts["realised"] = _realised(config, store, panel, vintages, at)
    return Outcome("monitor", facts)


def spans(config: Config, panel: Panel, at: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """First and last day of the reference and of the newest weeks; both shorter where the history is.

    Of a single period no reference is left: its span ends before it starts.
    """
    f = config.frequency
    periods = max(config.h, -(-NEWEST_DAYS // f.days))
    starts = pl.collect_all([panel.scan(b).select(pl.col("ds").min()) for b in panel.buckets])
    first = min(s.item() for s in starts if s.item() is not None)
    have: int = pl.select(f.steps(pl.lit(first), pl.lit(at))).item() + 1
    if have < periods + f.year:
        periods = min(periods, have // 2)
    back = f.year if have >= periods + f.year else periods
    now = f.shift(at, 1 - periods), at
    return (f.shift(now[0], -back), f.shift(at, -back)), now


def _drift(config: Config, store: Store, panel: Panel, at: date) -> dict[str, Any]:
    before, now = spans(config, panel, at)
    if before[0] > before[1]:
        return {"share": None, "drifted": [], "report": None}
    kinds: dict[str, drift.Kind] = dict.fromkeys((*config.columns.known_ahead, *config.columns.known_after), "data")
    kinds |= {"y": "target"}
    reference, current = (_days(panel, span, list(kinds)) for span in (before, now))
    said = _predictions(store, at)
    if said:
        reference, current = (_beside(frame, yhat) for frame, yhat in zip((reference, current), said, strict=True))
        kinds["yhat"] = "prediction"
    with log.step("drift", columns=len(kinds)):
        found = drift.measure_drift(reference, current, kinds, VALUES)
    rows = found.table.with_columns(cutoff=pl.lit(at), run_at=pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")))
    store.merge("drift", rows.select(store.tables["drift"].schema.names()), ignore=("run_at",))
    name = f"reports/drift-{at}.html"
    write_report_file(store, name, found.html.encode())
    told = {"share": found.share, "drifted": found.table.filter("drifted")["column"].to_list()}
    weeks = {"reference": [str(d) for d in before], "current": [str(d) for d in now]}
    return told | weeks | {"report": f"{store.root}/{name}"}


def _days(panel: Panel, span: tuple[date, date], columns: list[str]) -> pl.DataFrame:
    """A sample of the rows of the days first..last."""
    days = pl.col("ds").is_between(*span)
    parts = pl.collect_all(
        [panel.scan(b).filter(days, pl.col("flag") != "filled").select(columns) for b in panel.buckets]
    )
    rows = pl.concat(parts)
    return rows.sample(min(VALUES, rows.height), seed=0)  # every n-th row could be Sundays alone


def _predictions(store: Store, at: date) -> tuple[pl.Series, pl.Series] | None:
    """What the champion forecast in the oldest backtest window, and what it forecasts in the newest vintage."""
    vintage = published_vintages(store).filter(pl.col("cutoff") <= at).head(1)
    if vintage.is_empty():
        return None
    when, version, champion, recipe = vintage.select("cutoff", "version", "champion", "recipe").row(0)
    mine = (pl.col("model") == champion) & (pl.col("grain") == "series")
    now = scan_published(store, "forecasts", cutoff=when).filter(mine, pl.col("version") == version)
    past = store.scan("backtests").filter(mine, pl.col("recipe") == recipe)
    oldest = past.filter(pl.col("cutoff") == pl.col("cutoff").min())
    then, new = (frame.select("yhat").collect()["yhat"] for frame in (oldest, now))
    return (then, new) if then.len() and new.len() else None


def _beside(frame: pl.DataFrame, yhat: pl.Series) -> pl.DataFrame:
    """The frame and below it the values of one more column; the nulls that this makes do not count."""
    some = yhat.sample(min(VALUES, yhat.len()), seed=0)
    return pl.concat([frame, some.to_frame("yhat")], how="diagonal")


def _realised(config: Config, store: Store, panel: Panel, vintages: pl.DataFrame, at: date) -> list[dict[str, Any]]:
    """Scores of the champions' published forecasts on the days that have come since, by vintage."""
    past = vintages.filter(pl.col("cutoff") < at)
    if past.is_empty():
        return []
    rows = scan_published(store, "forecasts", cutoff=past["cutoff"].unique().to_list()).filter(
        pl.col("grain") == "series"
    )
    served = past.select("cutoff", "version", model="champion")
    mine = rows.collect().join(served, on=["cutoff", "version", "model"], how="semi")
    truth = actuals(panel, mine["ds"].min(), at)  # type: ignore[arg-type]
    # no MASE and RMSSE: their units are of each vintage's day, and would take a walk over the history for every one
    both = mine.join(truth, on=["unique_id", "ds"]).with_columns(
        pl.lit(None, pl.Float64).alias(scale) for scale in ("mase_scale", "rmsse_scale")
    )
    wide = score(both, ["cutoff", "version", "model"]).pivot(
        "metric", index=["cutoff", "version", "model"], values="value"
    )
    kept = [c for c in ("n", *reported_metrics(wide.columns)) if c in wide.columns]
    finite = [pl.when(pl.col(c).is_finite()).then(c) for c in kept]
    return wide.select(pl.col("cutoff").cast(pl.String), "version", "model", *finite).sort("cutoff").to_dicts()


def summarize(facts: Facts) -> list[Section]:
    """The summary of the monitoring: drifted columns, freshness, and the scores of past forecasts."""
    lines = (*_drift_lines(facts), *freshness_messages(facts.get("freshness", {})))
    scores = score_rows(facts["realised"])
    return [Section("Drift", lines), *([Section("Past forecasts against actuals", (), scores)] if scores else [])]


def _drift_lines(facts: Facts) -> list[str]:
    if facts["share"] is None:
        return ["not compared: a single period has no earlier one to be compared with"]
    newest, before = (" to ".join(facts[span]) for span in ("current", "reference"))
    drifted = f": {', '.join(facts['drifted'])}" if facts["drifted"] else ""
    compared = f"{newest} against {before}: {facts['share']:.1%} of the columns drifted{drifted}"
    return [compared, f"report: {facts['report']}"]
