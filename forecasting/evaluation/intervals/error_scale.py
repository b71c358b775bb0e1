"""Which forecasts miss by more than the size of their series tells, learned from the errors of the windows before.

Errors that the boosters have learned from look smaller to them than new ones: half of the series are told by boosters
of the other half (cross-conformal prediction, Vovk 2015), and forecasts by both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.intervals.residuals import GROUP, SCALE, YHAT, R, positive, scaled_residuals
from forecasting.models.lightgbm import error_size

FEWEST, MOST = 500, 100_000
"""Errors that each half must have, and those that are enough for 160 leaves."""
SEASON, PERIOD = positive(pl.col("mase_scale")), positive(pl.col("rmsse_scale")).sqrt()
INPUTS = {"lift": YHAT / SEASON, "size": SCALE, "restless": PERIOD / SEASON, "ahead": pl.col("step").cast(pl.Float64)}
"""How large a forecast is among the errors of its series, how large these are, how much of them comes from one period
to the next, and how far ahead it looks."""
RISING = ("ahead",)
"""Errors grow with the horizon; what else a window seems to teach about its days is its calendar and its shocks."""
PLACE = pl.col("unique_id").hash(seed=0).rank("dense").over(GROUP)
HALF = (PLACE % 2).alias("half")
WHOLE = pl.all_horizontal(pl.col(*INPUTS).is_finite()).fill_null(value=False)
"""Series of which an input is unknown are new ones: nobody is like them."""


def fit_error_scale(residuals: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths]: for each half of the series the text of boosters that learned from the other half; no row
    where a half has too few errors, or none above 0.

    `residuals` are scaled ones, with unique_id, step, mase_scale and rmsse_scale.
    """
    told = residuals.select(*GROUP, "unique_id", "cutoff", "step", HALF, PLACE.alias("place"), R.abs().alias("error"))
    rows, found = told.with_columns(residuals.select(**INPUTS)), []
    for key in residuals.select(GROUP).unique().sort(GROUP).iter_rows():
        mine = rows.filter(_of(*key), WHOLE)
        texts = [_text(mine.filter(pl.col("half") != half)) for half in (0, 1)]
        if all(texts):
            found.append((*key, texts))
    return pl.DataFrame(found, dict.fromkeys(GROUP, pl.String) | {"widths": pl.List(pl.String)}, orient="row")


def _text(rows: pl.DataFrame) -> str | None:
    """The boosters of one half; where it has many errors, of whole series in an order that does not matter."""
    every = max(1, -(-rows.height // MOST))
    few = rows.filter(pl.col("place") // 2 % every == 0).sort("unique_id", "cutoff", "step")
    enough = rows.height >= FEWEST and (few["error"] > 0).any()
    return error_size.train_error_size(few.select(*INPUTS), few["error"], RISING) if enough else None


def error_scale_models(quantiles: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths] of a quantile table; nothing in one that was made before there were any."""
    if "widths" not in quantiles.columns:
        return quantiles.select(*GROUP, widths=pl.lit(None)).clear()
    return quantiles.select(*GROUP, "widths").drop_nulls("widths")


def rescale_residuals(residuals: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The same residuals, `scale` as those boosters tell it that have not seen the series."""
    return scaled_residuals(_told(residuals.with_columns(HALF), known, _by_the_other).drop("half"))


def rescale_forecasts(forecasts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The forecasts, `scale` as the boosters of both halves tell it."""
    return _told(forecasts, known, _by_both)


def _told(
    rows: pl.DataFrame, known: pl.DataFrame, say: Callable[[list[str], pl.DataFrame], NDArray[np.float64]]
) -> pl.DataFrame:
    """The rows, `scale` times what the boosters of their model and grain say; as it was where nobody can be asked."""
    factors = np.ones(rows.height)
    inputs = rows.select(*GROUP, "^half$", **INPUTS)
    for *key, texts in known.select(*GROUP, "widths").iter_rows():
        mine = inputs.select((_of(*key) & WHOLE).arg_true()).to_series()
        factors[mine.to_numpy()] = say(texts, inputs[mine])
    return rows.with_columns(scale=SCALE * pl.lit(pl.Series(factors)))


def _by_both(texts: list[str], rows: pl.DataFrame) -> NDArray[np.float64]:
    said = [np.log(error_size.predict_error_size(text, rows.select(*INPUTS))) for text in texts]
    return np.exp(sum(said) / len(said))


def _by_the_other(texts: list[str], rows: pl.DataFrame) -> NDArray[np.float64]:
    said, half = np.ones(rows.height), rows["half"].to_numpy()
    for i, text in enumerate(texts):
        said[half == i] = error_size.predict_error_size(text, rows.filter(pl.col("half") == i).select(*INPUTS))
    return said


def _of(model: str, grain: str) -> pl.Expr:
    return (pl.col("model") == model) & (pl.col("grain") == grain)
