"""Weights of an ensemble's members by segment of series: `Weights` holds them as two frames and computes none.

`Weights.same` takes {model: weight} and returns these weights for all series; learned ones come from `fit_weights` in
evaluation/ensemble_weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

ALL = "all"
"""The segment of series that belong to no other."""
WEIGHTS = {"segment": pl.String, "model": pl.String, "weight": pl.Float64, "middle": pl.Float64}
SEGMENTS = {"unique_id": pl.String, "segment": pl.String}


@dataclass(frozen=True)
class Weights:
    """`by_segment` [segment, model, weight, middle]: the share of each model in the mean and in the median (`middle`,
    null where none was learned); `homes` [unique_id, segment]: the segment of each series.
    """

    by_segment: pl.DataFrame
    homes: pl.DataFrame

    @staticmethod
    def same(weights: Mapping[str, float]) -> Weights:
        """The same weights, by name of the model, for all series."""
        columns = {"segment": [ALL] * len(weights), "model": list(weights), "weight": list(weights.values())}
        columns |= {"middle": [None] * len(weights)}
        return Weights(pl.DataFrame(columns, schema=WEIGHTS), pl.DataFrame(schema=SEGMENTS))
