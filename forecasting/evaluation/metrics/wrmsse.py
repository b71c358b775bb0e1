"""WRMSSE, the measure of the M5 competition: RMSSE of every series and aggregate, weighted by its recent sales.

`recent_weights` takes recent sales [cutoff, unique_id, _value, static columns] and levels of groups and returns
[cutoff, grain, unique_id, weight]; `wrmsse_scores` takes rows of `backtests` and these weights and returns rows for
the table `scores`.

Within a grain (single series, stores, ..., the total) the weights are shares of recent revenue, or of recent units
where there is no price; grains weigh alike (Makridakis, Spiliotis & Assimakopoulos, The M5 accuracy competition, 2022).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.evaluation.metrics.registry import expression
from forecasting.evaluation.metrics.scoring import pool_metrics, scored_rows
from forecasting.features.groups import Level, grain, group_label

METRIC = "wrmsse"
ALL_GRAINS = "all"
"""The grain of the figure over all grains."""
KEY = ("model", "recipe", "cutoff", "grain")


def recent_weights(recent: pl.DataFrame, levels: Iterable[Level]) -> pl.DataFrame:
    """[cutoff, grain, unique_id, weight]: recent sales of every series and of the groups of every level, one row each.

    `recent` is [cutoff, unique_id, _value, static columns], in money or units of y; a negative
    one weighs by its size.

    >>> recent = pl.DataFrame({"cutoff": 1, "unique_id": ["a", "b"], "_value": [3.0, 5.0]})
    >>> recent_weights(recent, [()]).filter(pl.col("grain") != "series").row(0)
    (1, 'total', 'total', 8.0)
    """
    series = recent.select("cutoff", "unique_id", grain=pl.lit("series"), weight=pl.col("_value").abs())
    names = [(grain(level), group_label(level)) for level in levels]
    groups = [
        recent.select("cutoff", label.alias("unique_id"), grain=pl.lit(g), weight=pl.col("_value").abs())
        for g, label in names
    ]
    return pl.concat([series, *groups]).group_by("cutoff", "grain", "unique_id").agg(pl.col("weight").sum())


def wrmsse_scores(rows: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """[model, recipe, cutoff, grain, segment, horizon, metric, value], as in the table `scores`, one row per score.

    `rows` are backtest rows, `weights` those of `recent_weights`. Series without an RMSSE are left out and the others
    weigh the more. Grain "all" is the mean over all grains, for models that forecast all of them; cutoff null is the
    mean over cutoffs. Raises ValueError when a row with an observation has no forecast.
    """
    return weigh_rmsse(series_rmsse(rows), weights)


def series_rmsse(rows: pl.DataFrame) -> pl.DataFrame:
    """[model, recipe, cutoff, grain, unique_id, rmsse] of backtest rows, one row per series; those without an RMSSE are
    left out. Raises ValueError when a row with an observation has no forecast.
    """
    return pool_metrics(scored_rows(rows), [*KEY, "unique_id"], {"rmsse": expression("rmsse")}).drop_nulls("rmsse")


def weigh_rmsse(each: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """The rows of `wrmsse_scores` from a table of `series_rmsse`, of all models together."""
    weighted = each.join(weights, on=["cutoff", "grain", "unique_id"]).filter(pl.col("weight") > 0)
    value = (pl.col("rmsse") * pl.col("weight")).sum() / pl.col("weight").sum()
    grains = weighted.sort(*KEY, "unique_id").group_by(KEY, maintain_order=True).agg(value=value)
    complete = pl.col("grain").n_unique().over("model", "recipe", "cutoff") == grains["grain"].n_unique()
    mean = (
        grains.filter(complete).group_by("model", "recipe", "cutoff", maintain_order=True).agg(pl.col("value").mean())
    )
    by_cutoff = pl.concat([grains, mean.select(*KEY[:3], grain=pl.lit(ALL_GRAINS), value="value")])
    overall = by_cutoff.group_by("model", "recipe", "grain", maintain_order=True).agg(pl.col("value").mean())
    overall = overall.with_columns(cutoff=pl.lit(None, pl.Date))
    both = pl.concat([by_cutoff, overall.select(by_cutoff.columns)])
    everything = {"segment": pl.lit("all"), "horizon": pl.lit("all"), "metric": pl.lit(METRIC)}
    return both.with_columns(**everything).select(*KEY, *everything, "value")
