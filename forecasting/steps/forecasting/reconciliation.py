"""Rows of models that reconcile: `reconciled_rows` makes them of forecasts of all series and of their aggregates.

It takes Trained models, an Origin and both kinds of forecasts, and yields (bucket, rows) of series only: aggregates are
summed later. `base_rows` selects the rows that are reconciled. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from forecasting.data.closures.closures import CLOSED
from forecasting.data.closures.ended import ENDED
from forecasting.data.panel import KEY, Rows
from forecasting.evaluation import hierarchy
from forecasting.models import guards
from forecasting.models.base import finish
from forecasting.models.reconcile import FittedReconcile
from forecasting.steps.forecasting.bucket_forecasts import expected_error
from forecasting.steps.forecasting.origin import Origin
from forecasting.steps.forecasting.training import Trained


def reconcilers(trained: Trained) -> list[FittedReconcile]:
    """The models among the trained ones that reconcile."""
    return [f for f in trained.fitted.values() if isinstance(f, FittedReconcile)]


def base_rows(trained: Trained, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are reconciled later; bounds and medians belong to the base model and stay of new series only."""
    bounds = [c for c in rows.columns if c.startswith(("lo-", "hi-")) or c == "q50"]
    bases = rows.filter(pl.col("model").is_in([f.base for f in reconcilers(trained)]))
    return bases.with_columns(pl.when("cold_start").then(pl.col(bounds)).name.keep())


def reconciled_rows(
    trained: Trained, at: Origin, bases: Mapping[int, Rows], above: pl.DataFrame, memberships: pl.DataFrame
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Bucket by bucket the rows of each model that reconciles, in the columns of its base in `bases` (see `base_rows`).

    `above` are the forecasts of the aggregates, `memberships` [unique_id, columns of group_columns] those of
    each series.
    Only the base forecasts of all series are in memory at once: sums need them all.
    """
    groups = memberships.unpivot(index="unique_id", value_name="group").drop("variable")
    for fitted in reconcilers(trained):
        mine = {bucket: rows().filter(pl.col("model") == fitted.base) for bucket, rows in bases.items()}
        # the past of the aggregates knows nothing of what new series will sell: these stay as they are
        kept = (*KEY, "yhat", "model", "yhat_min")
        seen = pl.concat([rows.filter(~pl.col("cold_start")).select(kept) for rows in mine.values()])
        base, top = seen.collect(), above.filter(pl.col("model") == fitted.top).select(*KEY, "yhat", "model")
        found = hierarchy.reconcile(_with_variances(base, fitted), _with_variances(top, fitted), groups, "wls_var")
        for bucket, rows in mine.items():
            yield bucket, _agreed(fitted, at, bucket, rows.collect(), found)


def _agreed(fitted: FittedReconcile, at: Origin, bucket: int, base: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The base rows of a bucket with the reconciled forecasts `found` [unique_id, ds, yhat]."""
    seen, new = (base.filter(which) for which in (~pl.col("cold_start"), pl.col("cold_start")))
    shut = pl.when(pl.col("source").is_in([CLOSED, ENDED])).then("source")
    agreed = seen.drop("yhat").join(found, on=KEY).with_columns(source=pl.coalesce(shut, pl.lit(fitted.name)))
    both = pl.concat([agreed, new.select(agreed.columns)]).with_columns(model=pl.lit(fitted.name))
    limits = guards.forecast_limits(at.cut, at.cut.frame(bucket))
    return guards.cap_forecasts(finish(both), limits).with_columns(expected_error())


def _with_variances(forecasts: pl.DataFrame, fitted: FittedReconcile) -> pl.DataFrame:
    """[unique_id, ds, yhat, model, var]; null where no window has measured it."""
    return forecasts.join(fitted.variances, on=["unique_id", "model"], how="left")
