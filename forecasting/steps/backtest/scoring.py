"""Scores of backtest windows: `score_windows` makes Scores of rows of the table `backtests`, one model at a time.

Scores holds rows of the table `scores`, and scores per series; `overall_scores` returns the overall ones as dicts.
`recent_sales` returns what each series sold up to a cutoff, for the weights of WRMSSE. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from polars import selectors as cs

from forecasting.data.buckets import collect_each
from forecasting.data.closures.ended import ENDED
from forecasting.data.panel import Panel
from forecasting.evaluation.comparisons import gain_scores
from forecasting.evaluation.metrics import reported_metrics, score
from forecasting.evaluation.metrics.wrmsse import ALL_GRAINS, METRIC, series_rmsse, weigh_rmsse
from forecasting.evaluation.paired_test import model_wapes
from forecasting.evaluation.scores import build_scores, skill_scores
from forecasting.models.naive import LADDER

SINGLE = pl.col("grain") == "series"
COMPARED = ("model", "recipe", "grain", "unique_id", "cutoff", "ds", "y", "yhat", "q50")
"""What a comparison of two models reads of their rows."""
SCORED = cs.by_name(*COMPARED, "mase_scale", "rmsse_scale", "block") | cs.matches("^(lo|hi)-")
"""What scores read of the rows of a model."""


@dataclass(frozen=True)
class Scores:
    """`table` holds rows of the table `scores`, `by_series` [model, grain, unique_id, metric, value]."""

    table: pl.DataFrame
    by_series: pl.DataFrame


def overall_scores(table: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per model and grain over all cutoffs, segments and horizons, from rows of the table `scores`."""
    everything = (pl.col("segment") == "all") & (pl.col("horizon") == "all") & pl.col("cutoff").is_null()
    everything &= pl.col("grain") != ALL_GRAINS
    wide = table.filter(everything).pivot(
        "metric", index=["grain", "model"], values="value", aggregate_function="first"
    )
    kept = reported_metrics(wide.columns)
    finite: list[pl.Expr] = [pl.when(pl.col(c).is_finite()).then(c) for c in kept]
    if "wape" not in kept:  # nothing was sold in any window
        finite.append(pl.lit(None, pl.Float64).alias("wape"))
    return wide.select("model", "grain", *finite).sort("grain", "wape", "model").to_dicts()


def overall_wrmsse(table: pl.DataFrame) -> dict[str, float]:
    """WRMSSE over all grains and cutoffs by model, the lowest first."""
    overall = pl.col("metric") == METRIC, pl.col("grain") == ALL_GRAINS, pl.col("cutoff").is_null()
    return dict(table.filter(*overall).sort("value").select("model", "value").iter_rows())


def score_windows(reported: pl.LazyFrame, segments: pl.DataFrame, weights: pl.DataFrame) -> Scores:
    """All scores of the `reported` backtest rows.

    `segments` is [unique_id, segment], `weights` those of WRMSSE (see `metrics.wrmsse.recent_weights`).
    """
    names = reported.select(pl.col("model").unique().sort()).collect()["model"].to_list()
    tables, by_series, rmsse, wapes = [], [], [], []
    for name in names:
        rows = reported.filter(pl.col("model") == name).select(SCORED).collect()
        tables.append(build_scores(rows, segments))
        by_series.append(score(rows, ["model", "grain", "unique_id"]))
        rmsse.append(series_rmsse(rows))
        if name in LADDER and _is_sold(rows):
            wapes.append(model_wapes(rows.filter(SINGLE)))
    scored, ladder = pl.concat(tables), [name for name in LADDER if name in names]
    parts = [scored, skill_scores(scored, ladder), weigh_rmsse(pl.concat(rmsse), weights)]
    if wapes:
        parts += _gains(reported, names, str(pl.concat(wapes).sort("wape", "model")["model"][0]))
    return Scores(pl.concat(parts, how="diagonal"), pl.concat(by_series))


def _is_sold(rows: pl.DataFrame) -> bool:
    return bool((rows.filter(SINGLE)["y"].fill_null(0.0) != 0).any())


def _gains(reported: pl.LazyFrame, names: Iterable[str], best: str) -> list[pl.DataFrame]:
    """Rows of the table `scores`: the gain of every other model over the best of the ladder."""
    single = reported.filter(SINGLE).select(COMPARED)
    rival = single.filter(pl.col("model") == best).collect()
    pairs = (pl.concat([rival, single.filter(pl.col("model") == name).collect()]) for name in names if name != best)
    return [gain_scores(pair, [best]) for pair in pairs]


def count_scored(reported: pl.LazyFrame, model: str) -> dict[str, int]:
    """How many of the `reported` rows of single series by `model` (of which there are as many as by any) are scored,
    and how many are not: closed and ended are those without a sale in which 0 was forecast, unobserved all others.
    """
    rows = reported.filter(SINGLE, pl.col("model") == model)
    exempt, ended = pl.col("y").is_null(), pl.col("source") == ENDED
    why = pl.when(exempt & ended).then(pl.lit("ended")).when(exempt & pl.col("closed")).then(pl.lit("closed"))
    named = why.when(exempt).then(pl.lit("unobserved")).otherwise(pl.lit("scored")).alias("why")
    return dict(rows.group_by(named).len().sort("why").collect().iter_rows())


def recent_sales(panel: Panel, at: Iterable[date]) -> pl.DataFrame:
    """[cutoff, unique_id, _value, static columns ...]: what each series sold in the h periods up to each cutoff, in
    money where a column holds the price, else in units.
    """
    config = panel.config
    price = pl.col(config.columns.price) if config.columns.price else pl.lit(1.0)
    value = (pl.col("y") * price).sum()
    statics = [pl.col(c).drop_nulls().last() for c in config.static_columns]
    parts = []
    for cutoff in at:
        days = pl.col("ds").is_between(config.frequency.shift(cutoff, 1 - config.h), cutoff)
        rows = [panel.scan(bucket).filter(days) for bucket in panel.buckets]
        sums = [part.group_by("unique_id").agg(value.alias("_value"), *statics) for part in rows]
        parts += [part.with_columns(cutoff=pl.lit(cutoff)) for part in collect_each(sums)]
    return pl.concat(parts)
