"""Drift of the newest periods against the same season a year before: `check_drift` measures it and returns Drift.

The rows of both spans are sampled by series; columns of the panel are data and target, `yhat` of past forecasts is the
prediction. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import collect_each
from forecasting.data.panel import Panel
from forecasting.services import drift, log
from forecasting.services.store import Store
from forecasting.services.store.vintages import scan_published
from forecasting.steps import run_log
from forecasting.steps.session import Session

NEWEST_DAYS = 56
"""Days that are compared at least; the horizon when it is longer, and one period when a period is longer."""
SAMPLE_ROWS = 20_000
"""Rows per sample: enough for a distribution, however large the panel."""

Span = tuple[date, date]


@dataclass(frozen=True)
class Drift:
    """What was found: the report (None without a reference) and the spans that were compared."""

    report: drift.DriftReport | None
    reference: Span | None = None
    current: Span | None = None

    def facts(self) -> dict[str, Any]:
        """share and drifted; with a reference also not_drawn (columns), reference and current (first and last day)."""
        if self.report is None:
            return {"share": None, "drifted": []}
        found = {"share": self.report.share, "drifted": self.report.table.filter("drifted")["column"].to_list()}
        spans = {"reference": self.reference, "current": self.current}
        drawn = {"not_drawn": list(self.report.not_drawn)}
        return found | drawn | {name: [str(day) for day in span] for name, span in spans.items() if span}


def check_drift(session: Session, vintages: pl.DataFrame, at: date, newest: pl.DataFrame | None = None) -> Drift:
    """The drift of the columns up to `at`; `newest` are rows like those of the panel that are compared in its stead."""
    config, panel = session.config, session.panel
    before, span = compared_spans(config, panel, at)
    if before[0] > before[1]:
        return Drift(None)
    kinds: dict[str, drift.Kind] = dict.fromkeys((*config.columns.known_ahead, *config.columns.known_after), "data")
    kinds |= {"y": "target"}
    reference = _sample_days(session, before, list(kinds))
    current = _sample_days(session, span, list(kinds)) if newest is None else _sampled(newest.select(list(kinds)))
    if predictions := _compared_predictions(session.store, vintages):
        reference = _append_predictions(reference, predictions[0])
        current = _append_predictions(current, predictions[1])
        kinds["yhat"] = "prediction"
    with log.step("drift", columns=len(kinds)):
        most = config.monitoring.columns
        return Drift(drift.measure_drift(reference, current, kinds, SAMPLE_ROWS, most=most), before, span)


def newest_periods(config: Config) -> int:
    """How many of the newest periods are compared, where there are as many."""
    return max(config.h, -(-NEWEST_DAYS // config.frequency.days))


def compared_spans(config: Config, panel: Panel, cutoff: date) -> tuple[Span, Span]:
    """First and last day of the reference, then of the newest periods up to `cutoff`; both shorter with less history.

    With a single period of history no reference is left: its span ends before it starts.
    """
    f, periods = config.frequency, newest_periods(config)
    starts = collect_each([panel.scan(b).select(pl.col("ds").min()) for b in panel.buckets])
    first = min(s.item() for s in starts if s.item() is not None)
    history: int = pl.select(f.steps(pl.lit(first), pl.lit(cutoff))).item() + 1
    if history < periods + f.year:
        periods = min(periods, history // 2)
    back = f.year if history >= periods + f.year else periods
    start = f.shift(cutoff, 1 - periods)
    return (f.shift(start, -back), f.shift(cutoff, -back)), (start, cutoff)


def sample_series(series: pl.DataFrame, share: float) -> pl.DataFrame:
    """[unique_id] of a share of the series of each stratum [unique_id, stratum], one of each at least.

    Which ones does not depend on what else there is: the same series are compared before and now, night after night.

    >>> series = pl.DataFrame({"unique_id": list("abcdefghij"), "stratum": ["smooth"] * 8 + ["lumpy"] * 2})
    >>> sample_series(series, 0.5).height, sample_series(series, 0.01).height
    (5, 2)
    """
    place = pl.col("unique_id").hash(seed=0).rank("ordinal").over("stratum")
    chosen = place <= (pl.len().over("stratum") * share).ceil()
    return series.sort("unique_id").filter(chosen).select("unique_id")


def _sample_days(session: Session, span: Span, columns: list[str]) -> pl.DataFrame:
    """All days of the span, without filled ones, of as many series as make about SAMPLE_ROWS rows, by demand class.

    Polars reads the rows of these series alone: a sample of a large panel takes no more memory than a small one.
    """
    panel = session.panel
    series = session.store.scan("series").select("unique_id", stratum="demand_class").collect()
    periods: int = pl.select(session.config.frequency.steps(pl.lit(span[0]), pl.lit(span[1]))).item() + 1
    chosen = sample_series(series, SAMPLE_ROWS / max(series.height * periods, SAMPLE_ROWS))
    days = pl.col("ds").is_between(*span) & (pl.col("flag") != "filled")
    parts = [
        panel.scan(b).filter(days).join(chosen.lazy(), on="unique_id", how="semi").select(columns)
        for b in panel.buckets
    ]
    return pl.concat(pl.collect_all(parts, engine="streaming"))


def _sampled(rows: pl.DataFrame) -> pl.DataFrame:
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
