"""Fitting a bundle: `fit_bundle` fits a recipe at an Origin, learns bounds, and returns a Bundle; nothing is stored.

An origin is a cut of the series and one of their aggregates; a bundle is the fitted models with their quantile table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from forecasting import models
from forecasting.data.panel import count_observed
from forecasting.planning.response.history import learn_levers
from forecasting.services.console import track
from forecasting.services.engine.background import in_background
from forecasting.services.store import Store
from forecasting.services.store.unfinished import Progress
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.origin import Origin
from forecasting.steps.forecasting.training import train_models
from forecasting.steps.lifecycle.golden import golden_forecasts


@dataclass(frozen=True)
class Lesson:
    """What a bundle is fitted on: an origin, the rows of earlier backtests, and the table of series."""

    origin: Origin
    past: pl.LazyFrame
    store: Store


def fit_bundle(lesson: Lesson, champion: str, facts: dict[str, Any], progress: Progress | None = None) -> Bundle:
    """The bundle of all models of the recipe, of which `champion` serves; models that `progress` holds are not fitted
    again. `facts` are kept with it.
    """
    origin, config = lesson.origin, lesson.origin.config
    recipe = models.build(config, count_observed(origin.cut.panel))
    with in_background(learn_levers, origin.cut) as levers:  # minutes of one thread
        trained = train_models(track(recipe, "train: fits"), origin, lesson.past, progress)
        quantiles = learn_quantiles(lesson.past, trained.fitted, origin)
        golden = golden_forecasts(trained, quantiles, origin.cut, lesson.store)
    return Bundle(trained, quantiles, champion, facts, config, golden, levers())
