"""Rows of models that reconcile: made when all series and their aggregates have been forecast, from both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from forecasting.data.panel import KEY
from forecasting.evaluation import hierarchy, intervals
from forecasting.models import cold_start, guards
from forecasting.models.base import finish
from forecasting.models.reconcile import FittedReconcile

if TYPE_CHECKING:
    from forecasting.steps.produce import Origin, Trained


def joint(trained: Trained) -> list[FittedReconcile]:
    """The models among the trained ones that reconcile."""
    return [f for f in trained.fitted.values() if isinstance(f, FittedReconcile)]


def variances(past: pl.DataFrame, at: Origin, names: Sequence[str]) -> pl.DataFrame:
    """[model, unique_id, var] of a model of series and one of aggregates: their mean squared errors in the newest
    windows that were over by the cutoff, so that a look back finds what was found that night.
    """
    over = intervals.newest_windows(past, at.cut.cutoff, at.config.backtest.calibration)
    base, top = (over.filter(pl.col("model") == name) for name in names)
    series = hierarchy.backtest_variances(base.filter(pl.col("grain") == "series"))
    told = (series, hierarchy.aggregate_variances(top, base))
    named = [part.with_columns(model=pl.lit(name)) for name, part in zip(names, told, strict=True)]
    return pl.concat(named).select("model", "unique_id", "var")


def bases(trained: Trained, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are reconciled later, without bounds and medians: these are the base's own, but of new series."""
    own = [c for c in rows.columns if c.startswith(("lo-", "hi-")) or c == "q50"]
    mine = rows.filter(pl.col("model").is_in([f.base for f in joint(trained)]))
    return mine.with_columns(pl.when(cold_start.is_like()).then(pl.col(own)).name.keep())


def rows(
    trained: Trained, at: Origin, below: pl.DataFrame, above: pl.DataFrame, homes: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """The rows of all series by each model that reconciles, like those of its base in `below` (see `bases`).

    `above` are the forecasts of the aggregates, `homes` [unique_id, group] the aggregates of each series.
    """
    for fitted in joint(trained):
        base, top = below.filter(pl.col("model") == fitted.base), above.filter(pl.col("model") == fitted.top)
        # what new series will sell, the past of the aggregates does not know of: it is beside the point and stays
        known, new = (base.filter(which) for which in (~cold_start.is_like(), cold_start.is_like()))
        found = hierarchy.reconcile(_weighed(known, fitted), _weighed(top, fitted), homes, "wls_var")
        agreed = known.drop("yhat").join(found, on=KEY).with_columns(source=pl.lit(fitted.name))
        both = pl.concat([agreed, new.select(agreed.columns)]).with_columns(model=pl.lit(fitted.name))
        made = finish(both, at.config)
        most = [guards.caps(at.cut, at.cut.frame(bucket)) for bucket in at.cut.panel.buckets]
        yield guards.capped(made, pl.concat(most))


def _weighed(forecasts: pl.DataFrame, fitted: FittedReconcile) -> pl.DataFrame:
    """unique_id, ds, yhat and var; null where no window has told it."""
    return forecasts.select(*KEY, "yhat", "model").join(fitted.variances, on=["unique_id", "model"], how="left")
