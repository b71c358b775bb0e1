"""Which forecasts miss by more than the size of their series tells, learned from the errors of the windows before.

Errors that the boosters have learned from look smaller to them than new ones: half of the series are told by boosters
of the other half (cross-conformal prediction, Vovk 2015), and forecasts by both.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation.intervals.residuals import GROUP, SCALE, YHAT, R, positive, scaled
from forecasting.models import lightgbm_sizes

ENOUGH = 1000
"""Errors that each half must have."""
HALF = (pl.col("unique_id").rank("dense").over(GROUP) % 2).alias("half")


def learned(residuals: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths]: for each half of the series the text of boosters that learned from the other half; no row
    where a half has too few errors, or none above 0.

    `residuals` are scaled ones, with unique_id, step, mase_scale and rmsse_scale.
    """
    groups = residuals.with_columns(HALF).partition_by(GROUP, as_dict=True, maintain_order=True)
    texts = {key: [_text(group.filter(pl.col("half") != half)) for half in (0, 1)] for key, group in groups.items()}
    known = [(*key, said) for key, said in texts.items() if all(said)]
    return pl.DataFrame(known, dict.fromkeys(GROUP, pl.String) | {"widths": pl.List(pl.String)}, orient="row")


def _text(rows: pl.DataFrame) -> str | None:
    errors = rows.select(R.abs()).to_series()
    return lightgbm_sizes.learned(_inputs(rows), errors) if rows.height >= ENOUGH and (errors > 0).any() else None


def crossed(residuals: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The same residuals, `scale` as those boosters tell it that have not seen the series."""
    halves = residuals.with_columns(HALF)
    parts = [_told(halves.filter(pl.col("half") == half), known, (half,)) for half in (0, 1)]
    return scaled(pl.concat(parts).drop("half"))


def within(quantiles: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths] of a quantile table; nothing in one that was made before there were any."""
    if "widths" not in quantiles.columns:
        return quantiles.select(*GROUP, widths=pl.lit(None)).clear()
    return quantiles.select(*GROUP, "widths").drop_nulls("widths")


def applied(forecasts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The forecasts in their order, `scale` as the boosters of both halves tell it."""
    return _told(forecasts, known, (0, 1))


def _told(rows: pl.DataFrame, known: pl.DataFrame, halves: Sequence[int]) -> pl.DataFrame:
    ordered = rows.with_row_index("order")
    parts = [ordered.join(known, on=GROUP, how="anti")]
    for *key, texts in known.select(*GROUP, "widths").iter_rows():
        mine = ordered.filter(pl.all_horizontal(pl.col(c) == v for c, v in zip(GROUP, key, strict=True)))
        if mine.height:
            said = [lightgbm_sizes.told(texts[half], _inputs(mine)).log() for half in halves]
            parts.append(mine.with_columns(scale=SCALE * pl.mean_horizontal(*map(pl.lit, said)).exp()))
    return pl.concat(parts).sort("order").drop("order")


def _inputs(rows: pl.DataFrame) -> pl.DataFrame:
    """What tells how far a forecast misses: how large it is among its series' errors, these errors, how much of them
    comes from one period to the next, and how far ahead it looks.
    """
    season, step = positive(pl.col("mase_scale")), positive(pl.col("rmsse_scale")).sqrt()
    return rows.select(lift=YHAT / season, size=SCALE, step_share=step / season, ahead="step")
