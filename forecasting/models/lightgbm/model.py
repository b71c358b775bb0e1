"""LightGBM: one global model per horizon block, trained on all series at once, each in units of its recent level.

A row for a day in block b reads sales at least `lead(b)` periods back, so no forecast feeds on another one. The target
is y / level and rows weigh level ** (2 - p): the Tweedie deviance of power p is homogeneous of that degree, so the
boosters minimise the deviance in the units of y (Jorgensen, The Theory of Dispersion Models, 1997, chapter 4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features import Features
from forecasting.features.groups import Level
from forecasting.models import naive
from forecasting.models.base import NO_FAILURES, finish
from forecasting.models.lightgbm import options
from forecasting.models.lightgbm.boosters import (
    UNDONE,
    TrainingData,
    binning_params,
    prepare_training_data,
    train_boosters,
)
from forecasting.models.lightgbm.options import Options
from forecasting.models.lightgbm.training_rows import (
    Codes,
    Matrix,
    category_codes,
    features_at,
    is_recent,
    sample_series,
)

if TYPE_CHECKING:
    import lightgbm

AT_ONCE = 2
"""Blocks that are trained at the same time, each by one thread: threads that share a tree of few rows spend more time
waiting for each other than working."""


@dataclass(frozen=True)
class LightGBM:
    """The recipe: the name of its rows and the options of its entry."""

    name: str
    options: Options
    on: str = "series"
    family: str = "lightgbm"

    def fit(self, cut: Cut) -> FittedLightGBM:
        """The boosters of each horizon block of the config that the history reaches."""
        matrix = Matrix(features_at(cut, self.options.priors), category_codes(cut))
        ends = cut.config.block_ends
        with ThreadPoolExecutor(AT_ONCE) as pool:
            made = pool.map(partial(self._boosters, cut, matrix), ends)
            learned = {end: boosters for end, boosters in zip(ends, made, strict=True) if boosters}
        asked = (self.options.predicts, self.options.priors)
        return FittedLightGBM(self.name, learned, matrix.codes, tuple(matrix.inputs), asked)

    def _boosters(self, cut: Cut, matrix: Matrix, lead: int) -> tuple[lightgbm.Booster, ...]:
        """None where there is nothing to learn from: no row has a level `lead` periods back, or nothing was sold."""
        asked = (self.options.years, self.options.rows, self.options.priors)
        name = ("learned", lead, asked, json.dumps(binning_params(self.options), sort_keys=True))
        known = cut.once(name, partial(self._learned, cut, matrix, lead))
        return train_boosters(self.options, matrix, known) if (known.rows["y"] != 0).any() else ()

    def _learned(self, cut: Cut, matrix: Matrix, lead: int) -> TrainingData:
        """The rows within the budget: of recent years, with an observed y and a known level."""
        share, parts = self._share(cut), []
        for bucket in cut.panel.buckets:
            rows = matrix.with_features(cut, sample_series(cut.frame(bucket), share), lead)
            if share >= 1:  # the coming days of all series are there: whoever asks for them need not make them again
                matrix.future_rows(cut, bucket, lead, rows.clone)
            young = rows.filter(is_recent(cut, self.options.years)).drop_nulls(["y", "level"])
            parts.append(young.select(*matrix.inputs, "ds", "y", "level"))
        return prepare_training_data(self.options, matrix, pl.concat(parts))

    def _share(self, cut: Cut) -> float:
        """The share of series to train on, so that the rows of a block stay within the budget."""
        young = is_recent(cut, self.options.years)
        counts = [cut.panel.scan(b).filter(young).select(pl.len()) for b in cut.panel.buckets]
        rows: int = sum(c.item() for c in pl.collect_all(counts))
        return min(1.0, self.options.rows / max(rows, 1))


@dataclass(frozen=True)
class FittedLightGBM:
    """Boosters, one per seed, by the last step of their block, the codes of categories, the columns that they take, in
    order, and `asked`: what they predict (mean or median), and the groupings whose priors they read.
    """

    name: str
    boosters: dict[int, tuple[lightgbm.Booster, ...]]
    codes: Codes
    inputs: tuple[str, ...]
    asked: tuple[str, tuple[Level, ...]]
    family: str = "lightgbm"

    @property
    def failures(self) -> pl.DataFrame:
        """None: a series without a level is answered by the ladder, and `source` says so."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start, q50]: one row per future row of the bucket, in units of y.

        q50 is null unless the boosters predict the median. Rows beyond the trained horizon and of series without a
        level come from the ladder.
        """
        frame = cut.frame(bucket)
        rungs = naive.ladder_forecasts(cut, frame)
        matrix = Matrix(Features(cut.config, dict(frame.schema), self.asked[1]), self.codes)
        empty = frame.clear().select(*KEY, _own=pl.lit(None, pl.Float64))
        asked = partial(self._asked, cut, bucket, matrix)
        said = pl.concat([empty, *(self._block(asked(end), end) for end in self._ends(cut))])
        rows = rungs.join(said, on=KEY, how="left", maintain_order="left")
        own = pl.col("_own").is_not_null()
        rows = rows.with_columns(
            yhat=pl.coalesce("_own", "yhat"),
            source=pl.when(own).then(pl.lit(self.name)).otherwise("source"),
            cold_start=pl.col("cold_start") & ~own,
        )
        middle = pl.col("yhat") if self.asked[0] == "median" else pl.lit(None, pl.Float64)
        return finish(rows, cut.config).select(*KEY, "yhat", "source", "cold_start", q50=pl.when(own).then(middle))

    def _ends(self, cut: Cut) -> list[int]:
        return [end for end in sorted(self.boosters) if _first_step(self.boosters, end) <= cut.h]

    def _asked(self, cut: Cut, bucket: int, matrix: Matrix, end: int) -> pl.DataFrame:
        """The rows of one block that have a level, with all inputs."""
        freq = cut.config.frequency
        since = pl.col("ds") > freq.shift(cut.cutoff, -matrix.features.lookback(end))
        rows = matrix.future_rows(
            cut, bucket, end, lambda: matrix.with_features(cut, cut.frame(bucket).filter(since), end)
        )
        return rows.filter(pl.col("ds") >= freq.shift(cut.cutoff, _first_step(self.boosters, end)))

    def _block(self, rows: pl.DataFrame, end: int) -> pl.DataFrame:
        """The forecasts of the rows of one block: unique_id, ds and _own."""
        if rows.is_empty():
            return rows.select(*KEY, _own=pl.col("level"))
        inputs, undone = rows.select(self.inputs).cast(pl.Float32).to_numpy(), UNDONE[self.asked[0]]
        said = [undone(pl.lit(pl.Series(booster.predict(inputs)))) for booster in self.boosters[end]]
        return rows.select(*KEY, _own=pl.mean_horizontal(said) * pl.col("level"))

    def save(self, folder: Path) -> None:
        """Write one text per booster and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for end, boosters in self.boosters.items():
            for seed, booster in enumerate(boosters):
                booster.save_model(str(folder / f"block-{end}-{seed}.txt"))
        blocks = [(end, len(boosters)) for end, boosters in self.boosters.items()]
        facts = {"name": self.name, "blocks": blocks, "asked": self.asked, "codes": self.codes}
        facts |= {"inputs": self.inputs}
        (folder / "model.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load(folder: Path) -> FittedLightGBM:
    """The model that `save` wrote into the folder."""
    import lightgbm

    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    boosters = {
        end: tuple(lightgbm.Booster(model_file=str(folder / f"block-{end}-{seed}.txt")) for seed in range(seeds))
        for end, seeds in facts["blocks"]
    }
    predicts, priors = facts["asked"]
    asked = (predicts, tuple(tuple(level) for level in priors))
    return FittedLightGBM(facts["name"], boosters, facts["codes"], tuple(facts["inputs"]), asked)


def build(spec: ModelSpec, config: Config) -> list[LightGBM]:
    """The recipe of a config entry (see Options); raises UserError for options that it cannot have."""
    return [LightGBM(spec.name, options.read(spec, config), spec.on)]


def _first_step(boosters: Mapping[int, Any], end: int) -> int:
    return max((e for e in boosters if e < end), default=0) + 1
