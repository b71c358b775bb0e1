"""What is wrong with past forecasts: `judge_past` takes past rows and returns a verdict per segment, `find_wrong` the
Findings that follow from verdicts.

A verdict is a dict (see evaluation/damage). All series together come first: where they are wrong no segment has a
finding of its own, and of several things that are wrong with one subject the gravest is reported with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import AlertKind
from forecasting.evaluation.damage import FEWEST_ROWS, judge, newest_rows
from forecasting.evaluation.metrics import scored_rows
from forecasting.steps import run_log
from forecasting.steps.alerts import EVERYTHING, Finding
from forecasting.steps.monitoring.realised import KEY, segments
from forecasting.steps.session import Session

SIGNAL = 4.0
"""A tracking signal beyond this is bias: the usual limit (Brown 1959)."""
MORE_MISSES = 1.5
"""Intervals are too narrow when so many times more sales lie outside than their level says."""

DEVIATIONS = 3.0
"""So many standard deviations of a share of so few rows are chance."""

JUDGED = ("unique_id", "cutoff", "ds", "step", "block", "y", "yhat", "q50")
"""What is read of the rows of a backtest, besides one interval."""

Verdict = Mapping[str, Any]


def judge_past(session: Session, vintages: pl.DataFrame, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """A verdict per segment on the newest of these past rows, all series first; none without backtests of their model.

    Rows are judged that the same model of the same recipe has made as the newest of them: the backtest tells of it.
    """
    if rows.is_empty():
        return []
    made_by = vintages.select(*KEY[:2], "champion", "recipe").join(rows.select(*KEY[:2]).unique(), on=KEY[:2])
    newest = made_by.sort(KEY[:2], descending=True).row(0, named=True)
    of_model = made_by.filter(pl.col("champion") == newest["champion"], pl.col("recipe") == newest["recipe"])
    judged = newest_rows(rows.join(of_model.select(KEY[:2]), on=KEY[:2], how="semi"), session.config.frequency.days)
    of_recipe = pl.col("recipe") == newest["recipe"], pl.col("model") == newest["champion"], pl.col("grain") == "series"
    level = min(session.config.level)
    # a backtest of later says what the damage itself has made usual
    before = pl.col("ds") < judged["ds"].min(), pl.col("y").is_not_null()
    windows = run_log.scan_scored(session.store, "backtests").filter(*of_recipe, *before)
    tested = windows.select(*JUDGED, f"lo-{level}", f"hi-{level}").collect()
    if tested.is_empty():
        return []
    tested = scored_rows(tested.join(segments(session), on="unique_id", how="left").sort("cutoff", "unique_id", "ds"))
    past = scored_rows(judged)
    parts = [judge(_all_series(past), _all_series(tested), level)]
    parts += [judge(past.drop_nulls("segment"), tested.drop_nulls("segment"), level)]
    span = {"first": str(judged["ds"].min()), "last": str(judged["ds"].max()), "model": newest["champion"]}
    return [row | span for part in parts for row in part.to_dicts()]


def _all_series(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(segment=pl.lit(EVERYTHING))


def find_wrong(config: Config, verdicts: Sequence[Verdict], drifted: Sequence[str]) -> list[Finding]:
    """The findings of the verdicts; `drifted` columns are named beside forecasts that are worse."""
    found = [finding for verdict in verdicts if (finding := _finding(config, verdict, drifted))]
    whole = [finding for finding in found if finding.subject == EVERYTHING]
    return whole or found


def _finding(config: Config, verdict: Verdict, drifted: Sequence[str]) -> Finding | None:
    """The gravest thing that is wrong with the segment, and the others in its sentence."""
    if verdict["n"] < FEWEST_ROWS:
        return None
    wrong: dict[AlertKind, str] = dict(_wrong(config, verdict))
    if not wrong:
        return None
    kind = next(iter(wrong))
    if kind == "damage" and drifted:
        wrong[kind] += f"; drifted against the same season of last year: {', '.join(drifted)}"
    of = "" if verdict["segment"] == EVERYTHING else f" of {verdict['segment']} series"
    text = f"{verdict['first']} to {verdict['last']}, {verdict['model']}: {'; '.join(wrong.values())}"
    return Finding(kind, verdict["segment"], f"forecasts{of} for {text}")


def _wrong(config: Config, verdict: Verdict) -> Iterator[tuple[AlertKind, str]]:
    """Kind and sentence of each thing that is wrong, the gravest first."""
    excess, tolerance = verdict["excess"], config.monitoring.tolerance
    if excess is not None and excess > max(1 + tolerance, verdict["limit"]):
        yield (
            "damage",
            f"WAPE is {verdict['wape']:.1%} where the backtest made one expect {verdict['expected']:.1%}: {excess:.2f} "
            f"times as much, and chance explains {verdict['limit']:.2f} times",
        )
    level, misses = min(config.level), verdict["misses"]
    usual = 1 - level / 100
    by_chance = usual + DEVIATIONS * (usual * (1 - usual) / verdict["n"]) ** 0.5
    most = max(MORE_MISSES * usual, by_chance, (verdict["worst_misses"] or 0.0) * (1 + tolerance))
    if misses is not None and misses > most:
        yield "coverage", f"{misses:.1%} of the sales lie outside the interval of {level} %, which means {usual:.0%}"
    bias, signal = verdict["bias"], verdict["signal"]
    largest = (verdict["worst_bias"] or 0.0) * (1 + tolerance)
    if bias is not None and signal is not None and abs(signal) > SIGNAL and abs(bias) > largest:
        side = "too much" if bias > 0 else "too little"
        yield "bias", f"{side} is forecast: bias {bias:+.1%}, tracking signal {signal:+.1f}"


def find_old_sales(config: Config, freshness: Mapping[str, Any]) -> list[Finding]:
    """That the newest sales are older than limits.max_age allows."""
    limit = config.limits.max_age
    if limit is None or not freshness or freshness["age"] <= limit:
        return []
    text = f"the newest sales are of {freshness['newest']}, {freshness['age']} days ago (limits.max_age: {limit})"
    return [Finding("freshness", EVERYTHING, text)]


def verdict_lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """A sentence per verdict of a segment, all series first."""
    for v in verdicts:
        name = "all series" if v["segment"] == EVERYTHING else f"{v['segment']} series"
        if v["n"] < FEWEST_ROWS:
            yield f"{name}: {v['n']} rows, fewer than the {FEWEST_ROWS} that a verdict takes"
        elif v["excess"] is None:
            yield f"{name}: no verdict, since nothing was sold or the backtest made no error"
        else:
            signal = "" if v["signal"] is None else f", tracking signal {v['signal']:+.1f}"
            yield (
                f"{name}, {v['first']} to {v['last']}: WAPE {v['wape']:.1%}, {v['excess']:.2f} times what the backtest "
                f"made one expect (chance explains {v['limit']:.2f} times){signal}"
            )
