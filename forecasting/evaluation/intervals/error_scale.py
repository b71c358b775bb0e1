"""Error scale: boosters correct the expected size of an error for what past windows showed about such forecasts.

`fit_error_scale` takes scaled residuals and returns [model, grain, widths], `widths` being boosters as text;
`rescale_forecasts` and `rescale_residuals` take rows and these boosters and return the rows with `scale` corrected.

Errors that the boosters were trained on look smaller to them than new ones: half of the series get their scale from
boosters of the other half (cross-conformal prediction, Vovk 2015), and forecasts from both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.evaluation.intervals.residuals import GROUP, SCALE, YHAT, R, positive, scaled_residuals
from forecasting.models.lightgbm import error_size

FEWEST = 500
"""Errors that each half must have."""
SEASON, PERIOD = positive(pl.col("mase_scale")), positive(pl.col("rmsse_scale")).sqrt()
INPUTS = {"lift": YHAT.abs() / SEASON, "size": SCALE, "restless": PERIOD / SEASON}
INPUTS |= {"ahead": pl.col("step").cast(pl.Float64)}
"""How large a forecast is among the errors of its series, how large these are, how much of them comes from one period
to the next, and how far ahead it looks."""
RISING = ("ahead",)
"""Errors grow with the horizon; what else a window seems to teach about its days is its calendar and its shocks."""
HALF = (pl.col("unique_id").hash(seed=0).rank("dense").over(GROUP) % 2).alias("half")
HAS_INPUTS = pl.all_horizontal(pl.col(*INPUTS).is_finite()).fill_null(value=False)
"""Series that lack an input are new ones: no past error was made under such circumstances."""


def fit_error_scale(residuals: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths]: for each half of the series the text of boosters trained on the other half.

    One row per model and grain; none where a half has too few errors, or none above 0. `residuals` are scaled ones,
    with unique_id, step, mase_scale and rmsse_scale.
    """
    keys = residuals.select(*GROUP, "unique_id", "cutoff", "step", HALF, R.abs().alias("error"))
    rows, found = keys.with_columns(residuals.select(**INPUTS)), []
    for key in residuals.select(GROUP).unique().sort(GROUP).iter_rows():
        of_group = rows.filter(_is_group(*key), HAS_INPUTS)
        texts = [_train_half(of_group.filter(pl.col("half") != half)) for half in (0, 1)]
        if all(texts):
            found.append((*key, texts))
    return pl.DataFrame(found, dict.fromkeys(GROUP, pl.String) | {"widths": pl.List(pl.String)}, orient="row")


def _train_half(rows: pl.DataFrame) -> str | None:
    """The boosters of one half, in the order of the keys."""
    used = rows.sort("unique_id", "cutoff", "step")
    enough = rows.height >= FEWEST and (used["error"] > 0).any()
    return error_size.train_error_size(used.select(*INPUTS), used["error"], RISING) if enough else None


def error_scale_models(quantiles: pl.DataFrame) -> pl.DataFrame:
    """[model, grain, widths] of a quantile table: one row per model and grain that has boosters.

    >>> error_scale_models(pl.DataFrame({"model": ["A"], "grain": ["series"]})).height
    0
    """
    if "widths" not in quantiles.columns:  # of a bundle that was made before there were boosters
        return quantiles.select(*GROUP, widths=pl.lit(None)).clear()
    return quantiles.select(*GROUP, "widths").drop_nulls("widths")


def rescale_residuals(residuals: pl.DataFrame, boosters: pl.DataFrame) -> pl.DataFrame:
    """The rows with `scale` corrected by the boosters that were not trained on their series, and their residual `r`.

    `boosters` is [model, grain, widths]; rows without boosters or inputs keep their scale.
    """
    return scaled_residuals(_rescale(residuals.with_columns(HALF), boosters, _predict_by_other_half).drop("half"))


def rescale_forecasts(forecasts: pl.DataFrame, boosters: pl.DataFrame) -> pl.DataFrame:
    """The rows with `scale` corrected by the boosters of both halves; without boosters or inputs they keep theirs."""
    return _rescale(forecasts, boosters, _predict_by_both)


def _rescale(
    rows: pl.DataFrame,
    boosters: pl.DataFrame,
    predict: Callable[[list[str], pl.DataFrame], NDArray[np.float64]],
) -> pl.DataFrame:
    """The rows, `scale` times the factor that the boosters of their model and grain predict."""
    factors = np.ones(rows.height)
    inputs = rows.select(*GROUP, "^half$", **INPUTS)
    for *key, texts in boosters.select(*GROUP, "widths").iter_rows():
        of_group = inputs.select((_is_group(*key) & HAS_INPUTS).arg_true()).to_series()
        factors[of_group.to_numpy()] = predict(texts, inputs[of_group])
    return rows.with_columns(scale=SCALE * pl.lit(pl.Series(factors)))


def _predict_by_both(texts: list[str], rows: pl.DataFrame) -> NDArray[np.float64]:
    logs = [np.log(error_size.predict_error_size(text, rows.select(*INPUTS))) for text in texts]
    return np.exp(sum(logs) / len(logs))


def _predict_by_other_half(texts: list[str], rows: pl.DataFrame) -> NDArray[np.float64]:
    factors, half = np.ones(rows.height), rows["half"].to_numpy()
    for i, text in enumerate(texts):
        in_half = rows.filter(pl.col("half") == i)
        factors[half == i] = error_size.predict_error_size(text, in_half.select(*INPUTS))
    return factors


def _is_group(model: str, grain: str) -> pl.Expr:
    return (pl.col("model") == model) & (pl.col("grain") == grain)
