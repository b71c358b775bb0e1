"""What each input of the trees adds to a forecast: `tree_contributions` takes a FittedLightGBM, a Cut and a bucket.

It returns [unique_id, ds, input, units]: the contributions of the trees (their exact Shapley values, as LightGBM gives
them) on the scale on which trees add up, mostly a logarithm, divided into units of y. Nothing is trained here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features import ZERO
from forecasting.models.lightgbm.fitted import FittedLightGBM
from forecasting.models.lightgbm.targets import TO_LEVELS

if TYPE_CHECKING:
    import lightgbm

Floats = NDArray[np.float64]
AVERAGE = "average"
"""In the place of an input: what the trees forecast on average of the rows that they learned from, at this level."""
NEAR = 1e-9
"""Two sums of trees that differ by less are equal."""


def tree_contributions(fitted: FittedLightGBM, cut: Cut, bucket: int) -> pl.DataFrame:
    """[unique_id, ds, input, units]: AVERAGE and every input of the trees, for each future row that they forecast.

    The units of a row add up to its forecast before bounds and caps, in units of y: each contribution is multiplied by
    the slope from the average to the forecast, which is the logarithmic mean where trees add up logarithms.
    """
    parts = []
    for rows, end in fitted.coming_inputs(cut, bucket):
        if rows.height:
            units = np.mean([_units(booster, rows, fitted) for booster in fitted.boosters[end]], axis=0)
            units[:, -1] += rows[ZERO].to_numpy()
            names = [*(f"_{name}" for name in fitted.inputs), f"_{AVERAGE}"]
            wide = pl.concat([rows.select(KEY), pl.DataFrame(units, schema=names)], how="horizontal")
            parts.append(wide.unpivot(names, index=list(KEY), variable_name="input", value_name="units"))
    empty = cut.frame(bucket).clear().select(*KEY, input=pl.lit("", pl.String), units=pl.lit(0.0))
    found = pl.concat([empty, *parts]).with_columns(pl.col("input").str.strip_prefix("_"))
    return found.sort(KEY, maintain_order=True)


def _units(booster: lightgbm.Booster, rows: pl.DataFrame, fitted: FittedLightGBM) -> Floats:
    """The units of each input of one booster, shape (rows, inputs + 1), the average last."""
    inputs = rows.select(fitted.inputs).cast(pl.Float32).to_numpy()
    added = np.asarray(booster.predict(inputs, pred_contrib=True), dtype=np.float64)
    value = np.asarray(booster.predict(inputs), dtype=np.float64)
    trees = booster.num_trees()
    if np.allclose(value * trees, added.sum(axis=1), rtol=NEAR, atol=NEAR):
        added /= trees  # a forest forecasts the mean of its trees
    total, average = added.sum(axis=1), added[:, -1]
    # squared errors predict what the trees add up to, other objectives its exponential
    plain = np.allclose(value, total, rtol=NEAR, atol=NEAR)
    high, low = (_to_levels(sums if plain else np.exp(sums), fitted) for sums in (total, average))
    apart = np.abs(total - average) > NEAR
    slope = np.where(apart, (high - low) / np.where(apart, total - average, 1.0), 0.0)
    added[:, :-1] *= slope[:, None]
    added[:, -1] = high - added[:, :-1].sum(axis=1)
    return np.asarray(added * rows["level"].to_numpy()[:, None])


def _to_levels(predicted: Floats, fitted: FittedLightGBM) -> Floats:
    return pl.select(TO_LEVELS[fitted.predicts](pl.lit(pl.Series(predicted)))).to_series().to_numpy()
