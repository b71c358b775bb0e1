"""LightGBM: one global model per horizon block, trained on all series at once, each in units of its recent level.

`build` returns an untrained LightGBM from its entry in the config; `fit` takes a Cut and returns a FittedLightGBM,
whose `predict` returns [unique_id, ds, yhat, source, cold_start, q50], in units of y and without bounds.

A row reads sales at least as many periods back as the last step of its block, so no forecast feeds on another one. The
target of the mean is y / level, and rows weigh level ** (2 - p): the Tweedie deviance of power p is homogeneous of that
degree, so it is minimised in the units of y (Jorgensen, The Theory of Dispersion Models, 1997, chapter 4).
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
from forecasting.models.lightgbm.boosters import (
    TO_LEVELS,
    TrainingData,
    binning_params,
    prepare_training_data,
    train_boosters,
)
from forecasting.models.lightgbm.options import Options, read_options
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

BLOCKS_AT_ONCE = 2
"""Blocks that are trained at the same time, each by one thread: threads that share a tree of few rows spend more time
waiting for each other than working."""


@dataclass(frozen=True)
class LightGBM:
    """An untrained model: its name and the options of its entry in the config."""

    name: str
    options: Options
    on: str = "series"
    family: str = "lightgbm"

    def fit(self, cut: Cut) -> FittedLightGBM:
        """The boosters of each horizon block of the config that the history reaches."""
        matrix = Matrix(features_at(cut, self.options.priors), category_codes(cut))
        ends = cut.config.block_ends
        with ThreadPoolExecutor(BLOCKS_AT_ONCE) as pool:
            trained = pool.map(partial(self._train_block, cut, matrix), ends)
            boosters = {end: block for end, block in zip(ends, trained, strict=True) if block}
        inputs = tuple(matrix.inputs)
        return FittedLightGBM(self.name, boosters, matrix.codes, inputs, self.options.predicts, self.options.priors)

    def _train_block(self, cut: Cut, matrix: Matrix, lead: int) -> tuple[lightgbm.Booster, ...]:
        """Empty where there is nothing to learn from: no row has a level `lead` periods back, or nothing was sold."""
        chosen = (self.options.years, self.options.rows, self.options.priors)
        key = ("training data", lead, chosen, json.dumps(binning_params(self.options), sort_keys=True))
        data = cut.cached(key, partial(self._training_data, cut, matrix, lead))
        return train_boosters(self.options, matrix, data) if (data.rows["y"] != 0).any() else ()

    def _training_data(self, cut: Cut, matrix: Matrix, lead: int) -> TrainingData:
        """The rows within the budget: of recent years, with an observed y and a level."""
        share, parts = self._share(cut), []
        for bucket in cut.panel.buckets:
            rows = matrix.with_features(cut, sample_series(cut.frame(bucket), share), lead)
            if share >= 1:  # the future rows of all series are among them: kept, so that predict need not compute them
                matrix.future_rows(cut, bucket, lead, rows.clone)
            recent = rows.filter(is_recent(cut, self.options.years)).drop_nulls(["y", "level"])
            parts.append(recent.select(*matrix.inputs, "ds", "y", "level"))
        return prepare_training_data(self.options, matrix, pl.concat(parts))

    def _share(self, cut: Cut) -> float:
        """The share of series to train on, so that the rows of a block stay within the budget."""
        recent = is_recent(cut, self.options.years)
        counts = [cut.panel.scan(b).filter(recent).select(pl.len()) for b in cut.panel.buckets]
        rows: int = sum(c.item() for c in pl.collect_all(counts))
        return min(1.0, self.options.rows / max(rows, 1))


@dataclass(frozen=True)
class FittedLightGBM:
    """Trained boosters, one per seed, by the last step of their block.

    `codes` are those of the categories, `inputs` the columns that boosters take, in order; `predicts` is mean or
    median, `priors` are the groupings whose priors are among the inputs.
    """

    name: str
    boosters: dict[int, tuple[lightgbm.Booster, ...]]
    codes: Codes
    inputs: tuple[str, ...]
    predicts: str
    priors: tuple[Level, ...]
    family: str = "lightgbm"

    @property
    def failures(self) -> pl.DataFrame:
        """No rows: the ladder forecasts series without a level, which `source` names row by row."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start, q50]: one row per future row of the bucket, in units of y.

        q50 is null unless the boosters predict the median. Rows beyond the trained horizon and of series without a
        level come from the ladder.
        """
        frame = cut.frame(bucket)
        ladder = naive.ladder_forecasts(cut, frame)
        matrix = Matrix(Features(cut.config, dict(frame.schema), self.priors), self.codes)
        empty = frame.clear().select(*KEY, _yhat=pl.lit(None, pl.Float64))
        ends = [end for end in sorted(self.boosters) if _first_step(self.boosters, end) <= cut.h]
        blocks = [self._predict_block(self._block_rows(cut, bucket, matrix, end), end) for end in ends]
        rows = ladder.join(pl.concat([empty, *blocks]), on=KEY, how="left", maintain_order="left")
        boosted = pl.col("_yhat").is_not_null()
        rows = rows.with_columns(
            yhat=pl.coalesce("_yhat", "yhat"),
            source=pl.when(boosted).then(pl.lit(self.name)).otherwise("source"),
            cold_start=pl.col("cold_start") & ~boosted,
        )
        median = pl.col("yhat") if self.predicts == "median" else pl.lit(None, pl.Float64)
        return finish(rows, cut.config).select(*KEY, "yhat", "source", "cold_start", q50=pl.when(boosted).then(median))

    def _block_rows(self, cut: Cut, bucket: int, matrix: Matrix, end: int) -> pl.DataFrame:
        """[unique_id, ds, inputs ..., level]: the future rows of one block that have a level."""
        freq = cut.config.frequency
        since = pl.col("ds") > freq.shift(cut.cutoff, -matrix.features.lookback(end))

        def compute() -> pl.DataFrame:
            return matrix.with_features(cut, cut.frame(bucket).filter(since), end)

        rows = matrix.future_rows(cut, bucket, end, compute)
        return rows.filter(pl.col("ds") >= freq.shift(cut.cutoff, _first_step(self.boosters, end)))

    def _predict_block(self, rows: pl.DataFrame, end: int) -> pl.DataFrame:
        """[unique_id, ds, _yhat]: the forecasts for rows of `_block_rows`, in units of y."""
        if rows.is_empty():
            return rows.select(*KEY, _yhat=pl.col("level"))
        inputs, to_levels = rows.select(self.inputs).cast(pl.Float32).to_numpy(), TO_LEVELS[self.predicts]
        seeds = [to_levels(pl.lit(pl.Series(booster.predict(inputs)))) for booster in self.boosters[end]]
        return rows.select(*KEY, _yhat=pl.mean_horizontal(seeds) * pl.col("level"))

    def save(self, folder: Path) -> None:
        """Write one text per booster and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for end, boosters in self.boosters.items():
            for seed, booster in enumerate(boosters):
                booster.save_model(str(folder / f"block-{end}-{seed}.txt"))
        blocks = [(end, len(boosters)) for end, boosters in self.boosters.items()]
        facts = {"name": self.name, "blocks": blocks, "asked": (self.predicts, self.priors), "codes": self.codes}
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
    levels = tuple(tuple(level) for level in priors)
    return FittedLightGBM(facts["name"], boosters, facts["codes"], tuple(facts["inputs"]), predicts, levels)


def build(spec: ModelSpec, config: Config) -> list[LightGBM]:
    """One model with the options of a config entry (see Options). Raises UserError for options that it cannot have."""
    return [LightGBM(spec.name, read_options(spec, config), spec.on)]


def _first_step(boosters: Mapping[int, Any], end: int) -> int:
    return max((e for e in boosters if e < end), default=0) + 1
