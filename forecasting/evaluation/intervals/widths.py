"""Which forecasts miss by more than the size of their series tells, learned from the errors of the windows before.

Errors that the boosters have learned from look smaller to them than new ones: half of the series are told by boosters
of the other half (cross-conformal prediction, Vovk 2015), and forecasts by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from forecasting.evaluation.intervals.residuals import GROUP, SCALE, YHAT, R, positive, scaled
from forecasting.models import lightgbm_sizes

ENOUGH = 1000
"""Errors that each half must have."""
SEASON, STEP = positive(pl.col("mase_scale")), positive(pl.col("rmsse_scale")).sqrt()
INPUTS = {"lift": YHAT / SEASON, "size": SCALE, "restless": STEP / SEASON, "ahead": pl.col("step")}
"""How large a forecast is among the errors of its series, how large these are, how much of them comes from one period
to the next, and how far ahead it looks."""
HALF = (pl.col("unique_id").hash(seed=0) % 2).alias("half")
"""Of no meaning beyond one table: other versions of Polars may halve otherwise."""


def learned(residuals: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths]: for each half of the series the text of boosters that learned from the other half; no row
    where a half has too few errors, or none above 0.

    `residuals` are scaled ones, with unique_id, step, mase_scale and rmsse_scale.
    """
    rows = residuals.select(*GROUP, HALF, R.abs().alias("error"), **INPUTS)
    groups = rows.partition_by(GROUP, as_dict=True, maintain_order=True)
    texts = {key: [_text(group.filter(pl.col("half") != half)) for half in (0, 1)] for key, group in groups.items()}
    known = [(*key, said) for key, said in texts.items() if all(said)]
    return pl.DataFrame(known, dict.fromkeys(GROUP, pl.String) | {"widths": pl.List(pl.String)}, orient="row")


def _text(rows: pl.DataFrame) -> str | None:
    enough = rows.height >= ENOUGH and (rows["error"] > 0).any()
    return lightgbm_sizes.learned(rows.select(*INPUTS), rows["error"]) if enough else None


def crossed(residuals: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The same residuals, `scale` as those boosters tell it that have not seen the series."""
    rows = residuals.with_columns(HALF)
    asked = (
        (where & (pl.col("half") == half), texts[half : half + 1]) for where, texts in _of(known) for half in (0, 1)
    )
    return scaled(_told(rows, asked).drop("half"))


def within(quantiles: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths] of a quantile table; nothing in one that was made before there were any."""
    if "widths" not in quantiles.columns:
        return quantiles.select(*GROUP, widths=pl.lit(None)).clear()
    return quantiles.select(*GROUP, "widths").drop_nulls("widths")


def applied(forecasts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The forecasts, `scale` as the boosters of both halves tell it."""
    return _told(forecasts, _of(known))


def _of(known: pl.DataFrame) -> Iterator[tuple[pl.Expr, list[str]]]:
    """Which rows are of a model and grain, and its boosters."""
    for model, grain, texts in known.select(*GROUP, "widths").iter_rows():
        yield (pl.col("model") == model) & (pl.col("grain") == grain), texts


def _told(rows: pl.DataFrame, asked: Iterable[tuple[pl.Expr, Sequence[str]]]) -> pl.DataFrame:
    """The rows, `scale` times the geometric mean of what their boosters say; as it was where nobody was asked."""
    factors, inputs = np.ones(rows.height), rows.select(**INPUTS)
    for where, texts in asked:
        mine = rows.select(where.arg_true()).to_series()
        said = [np.log(lightgbm_sizes.told(text, inputs[mine])) for text in texts]
        factors[mine.to_numpy()] = np.exp(np.mean(said, axis=0))
    return rows.with_columns(scale=SCALE * pl.lit(pl.Series(factors)))
