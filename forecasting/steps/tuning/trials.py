"""A tuning trial: TuningBacktest fits one model entry with other options and scores it on the tuning windows.

`error` takes options and a window and returns the metric, `compare` a paired test of two sets of options. Forecasts
take the production path; no model is kept and nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from forecasting import models
from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Panel
from forecasting.evaluation import paired_test
from forecasting.evaluation.metrics import score
from forecasting.services.hyperparameter_search import Params
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.origin import Origin, actuals
from forecasting.steps.forecasting.training import NO_BACKTESTS, train_models
from forecasting.steps.tuning.options import Metric
from forecasting.steps.tuning.space import update_entry
from forecasting.steps.tuning.windows import CACHE_BYTES


@dataclass(frozen=True)
class TuningBacktest:
    """Backtests of one recipe entry with different options, on the tuning cutoffs of a panel; scored by `metric`."""

    config: Config
    spec: ModelSpec
    panel: Panel
    cutoffs: Sequence[date]
    metric: Metric

    @cached_property
    def cuts(self) -> list[Cut]:
        """One cut per cutoff; cuts cache their features, which all trials share."""
        room = CACHE_BYTES // len(self.cutoffs)
        return [Cut(self.panel, at, self.config.h, cache_bytes=room) for at in self.cutoffs]

    def error(self, params: Params, window: int) -> float:
        """The metric with options `params` on one window (a share, or a multiple of the naive error).

        Infinity where the metric is undefined, because nothing was sold.
        """
        scored = score(self.forecasts(params, window)).filter(pl.col("metric") == self.metric)
        return float(scored["value"][0]) if scored.height else float("inf")

    def forecasts(self, params: Params, window: int) -> pl.DataFrame:
        """Forecasts with options `params` and actuals of one window.

        [unique_id, ds, cutoff, model, yhat, mase_scale, rmsse_scale, y]: one row per series, observed period and
        model, in units of y.
        """
        cut = self.cuts[window]
        spec = update_entry(self.spec, params)
        config = self.config.model_copy(
            update={"models": tuple(spec if m is self.spec else m for m in self.config.models)}
        )
        recipe = models.build_entry(spec, config)
        trained = train_models(recipe, Origin(cut, cut), NO_BACKTESTS)
        observed = actuals(self.panel, cut.cutoff, cut.end)
        forecasts = pl.concat([forecast_bucket(trained, cut, b) for b in self.panel.buckets], how="diagonal")
        columns = [*KEY, "cutoff", "model", "yhat", "mase_scale", "rmsse_scale"]
        return forecasts.select(columns).join(observed, on=KEY, how="inner")

    def compare(self, best: Params, current: Params) -> paired_test.Comparison | None:
        """Paired test of the best options against the current ones on all windows (see evaluation.paired_test)."""
        challenger, reference = (
            pl.concat([self.forecasts(params, i) for i in range(len(self.cuts))]) for params in (best, current)
        )
        return paired_test.compare_pair(challenger, reference)
