"""LightGBM: one global model per horizon block, trained on all series at once, each in units of its recent level.

`build` returns an untrained LightGBM from its entry in the config; `fit` takes a Cut and returns a FittedLightGBM (see
fitted), which forecasts.

A row reads sales at least as many periods back as its step, so no forecast feeds on another one; rows of the past take
each step of a block in turn (see training_rows.assign_leads). The target of the mean is y / level, and rows weigh
level ** (2 - p): the Tweedie deviance of power p is homogeneous of that degree, so it is minimised in the units of y
(Jorgensen, The Theory of Dispersion Models, 1997, chapter 4).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut, frame_once
from forecasting.features import ZERO
from forecasting.features.base import SERIES
from forecasting.models.lightgbm.boosters import (
    TrainingData,
    binning_params,
    count_parts,
    objective_remarks,
    prepare_training_data,
    train_boosters,
)
from forecasting.models.lightgbm.fitted import FittedLightGBM
from forecasting.models.lightgbm.options import TREES, Options, read_options
from forecasting.models.lightgbm.text_codes import category_codes
from forecasting.models.lightgbm.training_inputs import InputParts, estimate_memory, exceed_memory
from forecasting.models.lightgbm.training_rows import (
    Matrix,
    assign_leads,
    features_at,
    is_recent,
    sample_series,
)
from forecasting.models.lightgbm.unknown_drivers import (
    Drivers,
    complete_columns,
    count_nulls,
    hidden_columns,
    mark_hidden,
)

if TYPE_CHECKING:
    import lightgbm

BLOCKS_AT_ONCE = 2
"""Blocks that are trained at the same time, each by one thread: threads that share a tree of few rows spend more time
waiting for each other than working."""
FEW_SERIES = 30
"""Where buckets have fewer of the series that are trained on, some are prepared at once."""


@dataclass(frozen=True)
class LightGBM:
    """An untrained model: its name and the options of its entry in the config."""

    name: str
    options: Options
    on: str = "series"
    family: str = "lightgbm"

    def fit(self, cut: Cut) -> FittedLightGBM:
        """The boosters of each horizon block that the history reaches, trained in one place."""
        return cut.panel.engine.run(self._fit, cut)

    def _fit(self, cut: Cut) -> FittedLightGBM:
        matrix = Matrix(features_at(cut, self.options.priors, self.options.target), category_codes(cut))
        if exceed_memory(min(self.options.rows, self.available(cut)), len(matrix.inputs)):
            cut.panel.engine.rest()
        ends = cut.config.booster_ends
        blocks = dict(zip(ends, pairwise((0, *ends)), strict=True))
        with ThreadPoolExecutor(BLOCKS_AT_ONCE) as pool:
            trained = dict(zip(ends, pool.map(partial(self._train_block, cut, matrix), blocks.values()), strict=True))
        boosters = {end: block for end, (block, _) in trained.items() if block}
        drivers = {end: trained[end][1] for end in boosters}
        inputs, of = tuple(matrix.inputs), self.options
        learned = (of.predicts, of.priors, of.target)
        remarks = objective_remarks(of, [b for block in boosters.values() for b in block])
        return FittedLightGBM(self.name, boosters, drivers, matrix.codes, inputs, *learned, remarks=remarks)

    def _train_block(
        self, cut: Cut, matrix: Matrix, block: tuple[int, int]
    ) -> tuple[tuple[lightgbm.Booster, ...], Drivers]:
        """The boosters of a block (the last step before it, its own last step), and what they learned of drivers.

        No boosters where there is nothing to learn from: no row has a level so many periods back, or nothing was sold.
        """
        chosen = (self.options.years, self.options.rows, self.options.priors, self.options.target)
        key = ("training data", block, chosen, json.dumps(binning_params(self.options), sort_keys=True))
        data = cut.cached(key, partial(self._training_data, cut, matrix, block))
        boosters = train_boosters(self.options, matrix, data) if (data.rows["y"] != 0).any() else ()
        return boosters, data.drivers

    def _training_data(self, cut: Cut, matrix: Matrix, block: tuple[int, int]) -> TrainingData:
        """The rows within the budget: of recent years, with an observed y and a level."""
        available, hidden = self.available(cut), hidden_columns(cut)
        share, marked = min(1.0, self.options.rows / max(available, 1)), matrix.with_marks(hidden)
        inputs, facts, nulls = InputParts(min(self.options.rows, available), len(matrix.inputs)), [], []
        every, at_once = cut.panel.buckets, _buckets_at_once(cut, share)
        for buckets in (every[i : i + at_once] for i in range(0, len(every), at_once)):
            prepared = self._prepared(cut, marked, buckets, share)
            of_block = mark_hidden(cut, assign_leads(cut, prepared, block), hidden)
            recent = is_recent(cut, self.options.years) & pl.col("y").is_not_null()
            rows = marked.evaluate(cut, of_block, recent).drop_nulls("level")
            inputs.add(rows.select(matrix.inputs).cast(pl.Float32).to_numpy(order="c"))
            facts.append(rows.select("ds", "y", ZERO, "level"))
            nulls.append(count_nulls(cut, rows))
        drivers = Drivers(hidden, complete_columns(nulls, inputs.length))
        return prepare_training_data(self.options, matrix, pl.concat(facts), available, inputs, drivers)

    def _prepared(self, cut: Cut, matrix: Matrix, buckets: Sequence[int], share: float) -> pl.DataFrame:
        """The share of the series of buckets, prepared once for the blocks and heads of all models with these inputs.

        A few series of many buckets are prepared at once: those of one would take nearly as long.
        """

        def compute() -> pl.DataFrame:
            if share >= 1:
                return matrix.prepare(cut, cut.frame(buckets[0]))
            parts, before = [], 0
            for frame in (frame_once(cut, bucket) for bucket in buckets):
                parts.append(sample_series(frame, share, before))
                before += frame[SERIES].n_unique()
            return matrix.prepare(cut, pl.concat(parts))

        return cut.cached(("prepared", share, self.options.priors), compute, buckets[0])

    def estimate_memory(self, cut: Cut) -> int:
        """Bytes that `fit` will hold at its peak, beside the frames of a bucket and what the cut has cached."""
        features = features_at(cut, self.options.priors, self.options.target)
        drivers = (*cut.config.columns.known_ahead, *cut.config.static_columns)
        width = len(features.names) + sum(features.schema.get(c) == pl.String for c in drivers)
        blocks = min(BLOCKS_AT_ONCE, len(cut.config.booster_ends))
        rows, trees = min(self.options.rows, self.available(cut)), self.options.trees or TREES
        return blocks * estimate_memory(rows, width, count_parts(rows, trees))

    def available(self, cut: Cut) -> int:
        """How many observed rows of the recent years there are, of which those within the budget are used."""
        recent = is_recent(cut, self.options.years)
        counts = [cut.panel.scan(b).filter(recent).select(pl.col("y").count()) for b in cut.panel.buckets]
        key = ("available rows", self.options.years)
        return int(cut.shared(key, lambda: pl.concat(collect_each(counts)).sum()).item())


def _buckets_at_once(cut: Cut, share: float) -> int:
    """Of how many buckets a share of the series is prepared at once, and drawn from all of them: as many as have
    FEW_SERIES of it, and no more rows than a bucket.
    """
    most = int(1 / share)
    if most == 1:
        return 1
    of_first = frame_once(cut, cut.panel.buckets[0])[SERIES].n_unique() * share
    return min(most, ceil(FEW_SERIES / of_first)) if of_first else most


def build(spec: ModelSpec, config: Config) -> list[LightGBM]:
    """One model with the options of a config entry (see Options). Raises UserError for options that it cannot have."""
    return [LightGBM(spec.name, read_options(spec, config), spec.on)]
