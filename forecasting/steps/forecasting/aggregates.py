"""Forecasts of aggregates: `partial_sums` adds up rows of series, `aggregate_rows` returns the rows of all aggregates.

The latter takes those sums and the forecasts of models that are fitted on aggregates. Frames [unique_id, ds, model,
yhat, grain ...]; calibrated bounds are added later, and nothing is written.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.panel import KEY
from forecasting.data.schemas import AGGREGATE_BUCKET
from forecasting.features.groups import GROUP_AT
from forecasting.models.sources import SUM_OF_SERIES
from forecasting.steps.forecasting.bucket_forecasts import with_scales
from forecasting.steps.forecasting.origin import Origin


def partial_sums(rows: pl.DataFrame, memberships: pl.DataFrame) -> pl.DataFrame:
    """[unique_id (of the aggregate), ds, model, yhat, grain]: what the rows add to each aggregate, and of y where it is
    there; `memberships` as from `origin.memberships`.
    """
    values = [c for c in ("yhat", "y") if c in rows.columns]
    parts = rows.drop_nulls(values).join(memberships, on="unique_id")
    added = [pl.col(values).sum()]
    made = [
        parts.group_by(pl.col(c).alias("unique_id"), "ds", "model")
        .agg(added)
        .with_columns(grain=pl.lit(c.removeprefix(GROUP_AT)))
        for c in memberships.columns[1:]
    ]
    return pl.concat(made)


def aggregate_rows(fitted: pl.DataFrame, at: Origin, sums: pl.DataFrame) -> pl.DataFrame:
    """The rows of all aggregates: the `sums` of their series (parts as from `partial_sums`), and the forecasts of
    models that are `fitted` on aggregates; in bucket AGGREGATE_BUCKET.
    """
    columns = [c for c in ("yhat", "y") if c in sums.columns]
    below = sums.group_by("grain", "unique_id", "ds", "model").agg(pl.col(columns).sum())
    summed = below.drop("grain", "y", strict=False)
    summed = summed.with_columns(source=pl.lit(SUM_OF_SERIES), cold_start=pl.lit(value=False))
    rows = pl.concat([summed, fitted], how="diagonal")
    rows = rows.join(below.select("unique_id", "grain").unique(), on="unique_id")
    if "y" in columns:
        rows = rows.join(below.select(*KEY, "y").unique(KEY), on=KEY, how="left")
    return with_scales(rows, at.aggregated.frame(0), at.aggregated, AGGREGATE_BUCKET).sort("grain", "model", *KEY)
