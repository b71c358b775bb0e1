"""Training: `train_models` fits every model of a recipe at an Origin; `save_trained` and `load_trained` keep them.

It returns Trained: fitted models by name. Models that combine others take ensemble weights and error variances from
rows of earlier backtests; intervals are not fitted here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.data.windows import comparable_from
from forecasting.evaluation import ensemble_weights, hierarchy, intervals
from forecasting.evaluation.segments import demand_segments
from forecasting.models.base import Fitted, FittedWithRemarks, Model, ModelInMemory
from forecasting.models.weights import Weights
from forecasting.services import log
from forecasting.services.store.unfinished import Progress
from forecasting.steps.forecasting.origin import Origin

NO_BACKTESTS = pl.LazyFrame(
    schema=dict.fromkeys(("unique_id", "model", "grain", "source"), pl.String)
    | dict.fromkeys(("ds", "cutoff"), pl.Date)
    | dict.fromkeys(("y", "yhat", "scale", "mase_scale", "rmsse_scale"), pl.Float64)
    | {"step": pl.Int32, "block": pl.Int32, "closed": pl.Boolean}
)
"""Backtest rows where there are none yet."""


LARGE = 2**30
"""A training that will hold more bytes says so to the user before it starts."""


@dataclass(frozen=True)
class Trained:
    """Fitted models by name, what each is fitted on, the seconds that it took, what it says of how it learned, and the
    megabytes that it was foreseen to hold, where that is known.
    """

    fitted: dict[str, Fitted]
    on: dict[str, str]
    seconds: dict[str, float]
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    megabytes: dict[str, int] = field(default_factory=dict)

    def only(self, name: str) -> Trained:
        """The one model, preceded by those that its forecasts are made of."""
        below = [self.only(member) for member in models.dependencies(self.fitted[name])]
        kept = {n: f for part in below for n, f in part.fitted.items()} | {name: self.fitted[name]}
        return Trained(kept, {n: self.on[n] for n in kept}, {})

    def fitted_on(self, on: str) -> list[Fitted]:
        """The models that are fitted `on` series or on aggregates."""
        return [model for name, model in self.fitted.items() if self.on[name] == on]

    def failures(self) -> list[dict[str, str]]:
        """model, unique_id and reason of every series that a fallback forecasts."""
        return [{"model": name} | row for name, f in self.fitted.items() for row in f.failures.iter_rows(named=True)]

    def remarks(self) -> list[str]:
        """What models say of how they learned, where it is not what their entry in the config says."""
        return [f"{name} {text}" for name, texts in self.notes.items() for text in texts]


def save_trained(trained: Trained, folder: Path) -> list[dict[str, str]]:
    """Write one folder per model; returns their names, families, what they are fitted on, and their folders."""
    places = []
    for i, (name, fitted) in enumerate(trained.fitted.items()):
        fitted.save(folder / f"model-{i}")
        places.append({"name": name, "family": fitted.family, "on": trained.on[name], "folder": f"model-{i}"})
    return places


def load_trained(places: Sequence[Mapping[str, Any]], folder: Path) -> Trained:
    """The models that `save_trained` wrote into the folder; nothing is unpickled."""
    fitted = {m["name"]: models.load(m["family"], folder / m["folder"]) for m in places}
    return Trained(fitted, {m["name"]: m["on"] for m in places}, {})


def train_models(
    recipe: Iterable[Model],
    at: Origin,
    backtests: pl.LazyFrame,
    progress: Progress | None = None,
    lasting: Progress | None = None,
) -> Trained:
    """Fit every model on what is known at the cutoff; weights and variances are learned from rows of `backtests`, of
    which only the models and columns are read that are needed. Models that `progress` holds are not fitted again.
    Models of all series are kept in `lasting` where it is given: the next cutoff finds them there.
    """
    done = Trained({}, {}, {})
    for i, model in enumerate(recipe):
        home = lasting if lasting and models.is_global(model.family) else progress
        facts = home.facts(f"model-{i}") if home else None
        if home and facts:
            fitted = home.read_folder(f"model-{i}", partial(models.load, model.family))
            facts = facts if home is progress else facts | {"seconds": 0.0}
        else:
            fitted, facts = _fit(model, at, backtests, done)
            if home:
                home.keep_folder(f"model-{i}", fitted.save)
                home.keep(f"model-{i}", facts)
        done.fitted[model.name], done.on[model.name] = fitted, model.on
        done.seconds[model.name], done.notes[model.name] = facts["seconds"], tuple(facts["notes"])
        done.megabytes.update(facts.get("megabytes", {}))
    return done


def _fit(model: Model, at: Origin, backtests: pl.LazyFrame, done: Trained) -> tuple[Fitted, dict[str, Any]]:
    """The fitted model, the seconds that it took, what it says of how it learned, and the megabytes foreseen."""
    cut, foreseen = at.cut_of(model.on), {}
    if isinstance(model, ModelInMemory):
        size = model.estimate_memory(cut)
        level, foreseen[model.name] = logging.INFO if size >= LARGE else logging.DEBUG, round(size / 2**20)
        log.event("memory foreseen", level=level, model=model.name, megabytes=foreseen[model.name])
    with log.step("fit", model=model.name, cutoff=str(at.cut.cutoff)) as results:
        fitted = models.fit(model, cut, done.fitted, Evidence(backtests, at, cut))
    notes = fitted.remarks if isinstance(fitted, FittedWithRemarks) else ()
    return fitted, {"seconds": round(results["seconds"], 2), "notes": notes, "megabytes": foreseen}


@dataclass(frozen=True)
class Evidence:
    """What combinations learn from rows of backtests about their members; `cut` is the one that they are fitted on."""

    backtests: pl.LazyFrame
    at: Origin
    cut: Cut

    def weights(self, names: Sequence[str]) -> Weights:
        """See `learn_weights`."""
        return learn_weights(self.backtests, self.cut, names)

    def variances(self, names: Sequence[str]) -> pl.DataFrame:
        """See `learn_variances`."""
        return learn_variances(self.backtests, self.at, names)


def learn_weights(backtests: pl.LazyFrame, cut: Cut, members: Sequence[str]) -> Weights:
    """Weights of members by segment (demand class and volume), from windows that were over by the cutoff and whose
    models are comparable with those that are fitted now (see `comparable_from`).
    """
    classes = classify_series(cut)
    mine = backtests.filter(pl.col("model").is_in(list(members)))
    windows = mine.group_by("cutoff").agg(pl.col("ds").max()).filter(pl.col("ds") <= cut.cutoff).collect()
    since = comparable_from(cut.panel, cut.cutoff)
    used = windows.filter(pl.col("cutoff") >= since)
    if used.height < windows.height:
        log.event("weights are not learned from windows before the first season", since=str(since), used=used.height)
    over = mine.filter(pl.col("cutoff").is_in(used["cutoff"].implode())).join(
        classes.lazy(), on="unique_id", how="semi", maintain_order="left"
    )
    return Weights(ensemble_weights.fit_weights(over, classes, members), classes)


def classify_series(cut: Cut) -> pl.DataFrame:
    """[unique_id, segment]: the segment (demand class and volume) of each series in weights at the cutoff."""
    history = (_history(cut, bucket) for bucket in cut.panel.buckets)
    return demand_segments(history).select("unique_id", segment=pl.format("{}/{}", "segment", "volume"))


def _history(cut: Cut, bucket: int) -> pl.DataFrame:
    return cut.frame(bucket).filter(pl.col("ds") <= cut.cutoff).select(*KEY, "y")


def learn_variances(backtests: pl.LazyFrame, at: Origin, names: Sequence[str]) -> pl.DataFrame:
    """[model, unique_id, var] of a model of series and one of aggregates: their mean squared errors in the newest
    windows that were over by the cutoff, so that a look back finds what was found that night.
    """
    mine = backtests.filter(pl.col("model").is_in(list(names))).collect()
    over = intervals.newest_windows(mine, at.cut.cutoff, at.config.calibration)
    base, top = (over.filter(pl.col("model") == name) for name in names)
    series = hierarchy.backtest_variances(base.filter(pl.col("grain") == "series"))
    errors = (series, hierarchy.aggregate_variances(top, base))
    named = [part.with_columns(model=pl.lit(name)) for name, part in zip(names, errors, strict=True)]
    return pl.concat(named).select("model", "unique_id", "var")
