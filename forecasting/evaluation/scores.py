"""Scores: every metric of every model by cutoff, segment and horizon, and the skill against the naive ladder.

`build_scores` takes rows of `backtests` and segments [unique_id, segment]; `skill_scores` takes its result and the
names of the ladder. Both return [model, recipe, cutoff, grain, segment, horizon, metric, value], one row per score, as
the table `scores` has them; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import polars as pl

from forecasting.evaluation.metrics import score

KEY = ("model", "recipe", "cutoff", "grain", "segment", "horizon")
CELL = ("cutoff", "grain", "segment", "horizon")
SKILLS = ("skill", "skill_seasonal_naive")


def build_scores(backtests: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """[model, recipe, cutoff, grain, segment, horizon, metric, value]: one row per score of the reported rows.

    `segments` is [unique_id, segment]; series without one (aggregates) count under "all" only. cutoff null means all
    cutoffs together, segment "all" and horizon "all" likewise; other horizons are the blocks, as "1-7". Raises
    ValueError when a row with an observation has no forecast.
    """
    reported = backtests.filter("reported") if "reported" in backtests.columns else backtests
    rows = reported.join(segments.select("unique_id", "segment"), on="unique_id", how="left")
    rows = rows.join(block_labels(rows), on=["grain", "block"], how="left")
    return pl.concat([cell.select(*KEY, "metric", "value") for cell in score_cells(rows)]).sort(*KEY, "metric")


def score_cells(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """One frame with the columns of `build_scores` for every choice of one or all cutoffs, segments, horizons."""
    everything = {
        "cutoff": pl.lit(None, pl.Date).alias("cutoff"),
        "segment": pl.lit("all").alias("segment"),
        "horizon": pl.lit("all").alias("horizon"),
    }
    for split in product((True, False), repeat=len(everything)):
        kept = [name for name, keep in zip(everything, split, strict=True) if keep]
        filled = [expr for name, expr in everything.items() if name not in kept]
        part = rows.drop_nulls([name for name in kept if name == "segment"])
        yield score(part, ["model", "recipe", "grain", *kept]).with_columns(filled)


def block_labels(rows: pl.DataFrame) -> pl.DataFrame:
    """[grain, block, horizon]: "1-7" for the block that ends at step 7, "1" for a block of one step; one row per block.

    >>> rows = pl.DataFrame({"grain": "series", "block": [1, 7, 7, 14]})
    >>> block_labels(rows)["horizon"].to_list()
    ['1', '2-7', '8-14']
    """
    blocks = rows.select("grain", "block").unique().sort("grain", "block")
    first = pl.col("block").shift(1).over("grain").fill_null(0) + 1
    span = pl.when(first == pl.col("block")).then(pl.format("{}", first)).otherwise(pl.format("{}-{}", first, "block"))
    return blocks.with_columns(horizon=span)


def best_models(scores: pl.DataFrame, models: Sequence[str]) -> pl.DataFrame:
    """[grain, model, value]: of `models` the one with the lowest WAPE over everything, one row per grain."""
    overall = (pl.col("segment") == "all") & (pl.col("horizon") == "all") & pl.col("cutoff").is_null()
    wapes = scores.filter(overall & (pl.col("metric") == "wape") & pl.col("model").is_in(models))
    return wapes.sort("value", "model").group_by("grain", maintain_order=True).first().select("grain", "model", "value")


def skill_scores(scores: pl.DataFrame, ladder: Sequence[str], naive: str = "SeasonalNaive") -> pl.DataFrame:
    """[model, recipe, cutoff, grain, segment, horizon, metric, value] of the metrics skill and skill_seasonal_naive.

    Both are 1 - WAPE / WAPE of a reference, a share (skill score, Murphy 1988): of the best of the `ladder` by grain
    (over everything, so that it is one method), and of `naive`.
    """
    seasonal = pl.DataFrame({"grain": scores["grain"].unique()}).with_columns(model=pl.lit(naive))
    references = dict(zip(SKILLS, (best_models(scores, ladder).select("grain", "model"), seasonal), strict=True))
    return pl.concat([skill_against(scores, reference, name) for name, reference in references.items()])


def skill_against(scores: pl.DataFrame, reference: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows like those of `skill_scores` for one metric `name`: against the model that `reference` [grain, model] names,
    cell by cell; none where the reference has no WAPE above 0.
    """
    wapes = scores.filter(pl.col("metric") == "wape", pl.col("value") >= 0)
    base = wapes.join(reference, on=["grain", "model"]).group_by(CELL).agg(base=pl.col("value").min())
    paired = wapes.join(base.filter(pl.col("base") > 0), on=CELL, nulls_equal=True)
    return paired.select(*KEY, metric=pl.lit(name), value=1 - pl.col("value") / pl.col("base"))
