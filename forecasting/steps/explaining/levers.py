"""What planned prices, promotions and other plans do to forecasts: `lever_steps` returns forecasts with and without.

It takes trained models, a cut and first prices, and asks the models themselves: trees, the regression of a SARIMAX or
whatever else is in a model answers for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import inf

import polars as pl

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY, is_shut
from forecasting.models import guards, sources
from forecasting.models.base import Fitted, FittedCombination
from forecasting.planning.explain.usual import usual_plans


def lever_steps(fitted: Mapping[str, Fitted], cut: Cut, prices: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, model, yhat, source, closed, free, without_promotion, without_price, without_other]: one row per
    future row of the cut's bucket 0 and model, in units of y; see planning.explain.split.

    `yhat` is within the limits of forecasts, `free` and the others are not.
    """
    frame = cut.frame(0)
    shut = frame.filter(pl.col("ds") > cut.cutoff).select(*KEY, closed=is_shut(cut.config))
    raw = pl.concat(_named(models.predict(model, cut, 0, {}), name) for name, model in fitted.items())
    rows = guards.cap_forecasts(raw, guards.forecast_limits(cut, frame)).join(shut, on=KEY, how="left")
    met = rows.filter(~pl.col("closed"), (pl.col("yhat") <= 0) | pl.col("source").str.ends_with(sources.CAPPED))
    bounded = set(met["model"])
    steps: dict[tuple[Edit, ...], pl.DataFrame] = {(): _free(fitted, cut, bounded) if bounded else raw}
    found = rows.join(steps[()].select(*KEY, "model", free="yhat"), on=[*KEY, "model"], maintain_order="left")
    for name, edits in usual_plans(frame, prices, cut.config, cut.cutoff).items():
        if edits not in steps:
            planned = replace(cut, edits=(*cut.edits, *edits)).with_shared_frames(cut.shared_frames())
            steps[edits] = _free(fitted, planned, bounded)
        step = steps[edits].select(*KEY, "model", pl.col("yhat").alias(name))
        found = found.join(step, on=[*KEY, "model"], how="left", maintain_order="left")
    return found


def _free(fitted: Mapping[str, Fitted], cut: Cut, bounded: Collection[str]) -> pl.DataFrame:
    """[unique_id, ds, model, yhat, source]: the forecasts without caps, those of the `bounded` models without bounds.

    What the cut shares with all series stays as planned: other plans are those of its own series.
    """
    config = cut.config.model_copy(update={"clean": cut.config.clean.model_copy(update={"y_min": -inf})})
    loose = replace(cut, panel=replace(cut.panel, config=config)).with_shared_frames(cut.shared_frames())
    cuts = {name: loose if name in bounded else cut for name in fitted}
    return pl.concat(_named(models.predict(model, cuts[name], 0, {}), name) for name, model in fitted.items())


def _named(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select(*KEY, pl.lit(name).alias("model"), "yhat", "source")


def of_series(fitted: Mapping[str, Fitted], on: Mapping[str, str]) -> dict[str, Fitted]:
    """The models among them that learn from the sales of series, not from other models."""
    return {n: f for n, f in fitted.items() if on[n] == "series" and not isinstance(f, FittedCombination)}
