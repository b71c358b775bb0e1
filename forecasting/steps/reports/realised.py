"""Past forecasts against what was sold: `score_vintages` takes vintages and their rows, and returns scores of each.

A vintage is a forecast of one cutoff and version: published, or made by a challenger. Nothing is written.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from forecasting.evaluation.metrics import reported_metrics, score
from forecasting.steps.forecasting.origin import actuals
from forecasting.steps.session import Session

KEY = ["cutoff", "version", "model"]


def score_vintages(session: Session, vintages: pl.DataFrame, rows: pl.LazyFrame, at: date) -> list[dict[str, Any]]:
    """Scores of the champion model of each vintage on the days observed since, up to `at`: one row per vintage.

    `rows` are those of `forecasts`; vintages of which no day was observed have no row.
    """
    past = vintages.filter(pl.col("cutoff") < at)
    if past.is_empty():
        return []
    of_series = rows.filter(pl.col("grain") == "series", pl.col("cutoff").is_in(past["cutoff"].unique().to_list()))
    champions = past.select("cutoff", "version", model="champion")
    forecasts = of_series.collect().join(champions, on=KEY, how="semi")
    observed = actuals(session.panel, forecasts["ds"].min(), at)  # type: ignore[arg-type]
    # no MASE and RMSSE: their error scales are those of each vintage's cutoff, and need a pass over the history each
    scored = forecasts.join(observed, on=["unique_id", "ds"]).with_columns(
        pl.lit(None, pl.Float64).alias(scale) for scale in ("mase_scale", "rmsse_scale")
    )
    wide = score(scored, KEY).pivot("metric", index=KEY, values="value")
    metrics = [c for c in ("n", *reported_metrics(wide.columns)) if c in wide.columns]
    finite = [pl.when(pl.col(c).is_finite()).then(c) for c in metrics]
    return wide.select(pl.col("cutoff").cast(pl.String), "version", "model", *finite).sort("cutoff").to_dicts()
