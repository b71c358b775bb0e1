"""One trial: the recipe with other options, fitted and scored on the tuning windows by the path that serves."""

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
from forecasting.steps.tuning.space import applied
from forecasting.steps.tuning.windows import MEMORY


@dataclass(frozen=True)
class Ground:
    """What trials are made on: the entry of the recipe, the panel that may be seen, the cutoffs, the metric."""

    config: Config
    spec: ModelSpec
    panel: Panel
    cutoffs: Sequence[date]
    metric: Metric

    @cached_property
    def cuts(self) -> list[Cut]:
        """The cuts at the cutoffs, which keep what is made of them."""
        room = MEMORY // len(self.cutoffs)
        return [Cut(self.panel, at, self.config.h, room=room) for at in self.cutoffs]

    def error(self, params: Params, part: int) -> float:
        """The error on the window of one cutoff, a share or a multiple of the naive one; inf where nothing was sold."""
        scored = score(self.forecasts(params, part)).filter(pl.col("metric") == self.metric)
        return float(scored["value"][0]) if scored.height else float("inf")

    def forecasts(self, params: Params, part: int) -> pl.DataFrame:
        """unique_id, ds, cutoff, model, y, yhat and the scales of the rows of one window that were observed."""
        cut = self.cuts[part]
        spec = applied(self.spec, params)
        config = self.config.model_copy(
            update={"models": tuple(spec if m is self.spec else m for m in self.config.models)}
        )
        recipe = models.build_entry(spec, config)
        trained = train_models(recipe, Origin(cut, cut), NO_BACKTESTS)
        truth = actuals(self.panel, cut.cutoff, cut.end)
        said = pl.concat([forecast_bucket(trained, cut, b) for b in self.panel.buckets], how="diagonal")
        columns = [*KEY, "cutoff", "model", "yhat", "mase_scale", "rmsse_scale"]
        return said.select(columns).join(truth, on=KEY, how="inner")

    def compared(self, best: Params, now: Params) -> paired_test.Comparison | None:
        """The best against what is set now on all windows, paired (see evaluation.gate)."""
        own, other = (pl.concat([self.forecasts(p, i) for i in range(len(self.cuts))]) for p in (best, now))
        return paired_test.compare_pair(own, other)
