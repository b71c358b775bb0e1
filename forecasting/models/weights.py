"""Weights of an ensemble's members by segment of series and by step: `Weights` holds them as frames, computes none.

`Weights.same` takes {model: weight} and returns these weights for all series; learned ones come from `fit_weights` in
evaluation/ensemble_weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

ALL = "all"
"""The segment of series that belong to no other."""
MEAN, TRIMMED, MEDIAN = "mean", "trimmed mean", "median"
"""Forms: the weighted mean, the mean without the lowest and the highest, and the median of members that have weight."""
TRIM_FROM = 5
"""With fewer members than this nothing is trimmed."""
WEIGHTS = {
    "segment": pl.String, "first_step": pl.Int32, "model": pl.String, "weight": pl.Float64, "middle": pl.Float64,
    "form": pl.String, "median_of": pl.String,
}  # fmt: skip
SEGMENTS = {"unique_id": pl.String, "segment": pl.String}


@dataclass(frozen=True)
class Weights:
    """`by_segment` [segment, first_step, model, weight, middle, form, median_of]: the share of each model in the mean
    and in the median (`middle`) from a step on, how members are combined to the mean, and the column of theirs that is
    combined to the median (q50 or yhat); `homes` [unique_id, segment]: the segment of each series.
    """

    by_segment: pl.DataFrame
    homes: pl.DataFrame

    @staticmethod
    def same(weights: Mapping[str, float]) -> Weights:
        """The same weights, by name of the model, for all series, in the mean as in the median."""
        rows = [(ALL, 1, model, weight, weight, MEAN, "q50") for model, weight in weights.items()]
        return Weights(pl.DataFrame(rows, schema=WEIGHTS, orient="row"), pl.DataFrame(schema=SEGMENTS))

    @staticmethod
    def read(by_segment: pl.DataFrame, homes: pl.DataFrame) -> Weights:
        """Stored weights; those of older bundles have no steps and no form, and their weights of the median, where
        they have some, were learned on means.
        """
        learned = pl.when(pl.col("middle").is_null()).then(pl.lit("q50")).otherwise(pl.lit("yhat"))
        older = {"first_step": pl.lit(1, pl.Int32), "form": pl.lit(MEAN), "median_of": learned}
        added = [value.alias(name) for name, value in older.items() if name not in by_segment.columns]
        complete = by_segment.with_columns(*added, pl.coalesce("middle", "weight").alias("middle"))
        return Weights(complete.select(*WEIGHTS), homes)

    @property
    def form(self) -> str:
        """How the members of the mean are combined."""
        return str(self.by_segment["form"].first())

    @property
    def median_of(self) -> str:
        """The column of the members' rows that is combined to the median."""
        return str(self.by_segment["median_of"].first())

    def of_rows(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """Rows of members [unique_id, step, model ...] with weight, middle and form; rows of other models are dropped.

        Steps beyond the last group of steps have the weights of that one.
        """
        segments, firsts = (self.by_segment[c].unique().sort() for c in ("segment", "first_step"))
        homed = forecasts.join(self.homes, on="unique_id", how="left", maintain_order="left")
        known = pl.when(pl.col("segment").is_in(segments.implode())).then("segment").otherwise(pl.lit(ALL))
        begun = [pl.when(pl.col("step") >= first).then(pl.lit(first, pl.Int32)) for first in firsts]
        first = pl.coalesce(pl.max_horizontal(begun), pl.lit(firsts[0], pl.Int32))
        placed = homed.with_columns(segment=known, first_step=first)
        return placed.join(self.by_segment, on=["segment", "first_step", "model"], maintain_order="left")
