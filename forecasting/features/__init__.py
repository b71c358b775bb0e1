"""The only place where features are defined: one list of expressions for training, backtest, forecast and scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.features import calendar, drivers, elasticity, groups, peers, sales
from forecasting.features.base import Context, Feature

__all__ = ["Around", "Feature", "Features"]


@dataclass(frozen=True)
class Around:
    """What stands beside the series of a frame: sums by group and ds of the past (table `groups`), and what all series
    of a group do on a day (see crowd.means), coming days included; None where no column tells.
    """

    groups: pl.DataFrame
    crowd: pl.DataFrame | None


@dataclass(frozen=True)
class Features:
    """The features of a job: `kinds` are the types of the panel's columns, `levels` the groupings with priors."""

    config: Config
    kinds: Mapping[str, pl.DataType]
    levels: tuple[groups.Level, ...]

    def all(self, lead: int) -> list[Feature]:
        """Every numeric feature for rows whose newest known sale is `lead` periods old."""
        context = Context(self.config, self.kinds)
        dates = calendar.features(context, lead, sales.level(context, lead))
        made = [*dates, *sales.features(context, lead), *drivers.features(context, lead)]
        made += elasticity.features(context, lead)
        return [*made, *peers.features(context), *groups.features(context, self.levels)]

    def exprs(self, lead: int) -> list[pl.Expr]:
        """The features as Float32 columns, and `level`, the unit of target and sales features, as Float64."""
        made = [f.expr.cast(pl.Float32).alias(f.name) for f in self.all(lead)]
        return [*made, sales.level(Context(self.config, self.kinds), lead).expr.alias("level")]

    def lookback(self, lead: int) -> int:
        """Periods of history that a row needs."""
        return max(f.lookback for f in self.all(lead))

    def prepare(self, frame: pl.DataFrame, around: Around, lead: int) -> pl.DataFrame:
        """The frame (sorted by unique_id and ds) and joined to it what dates, other series and groups tell."""
        frame = calendar.joined(frame, self.config, lead)
        context = Context(self.config, self.kinds)
        frame = elasticity.joined(peers.joined(frame, around.crowd, context), context, lead)
        if not self.levels:
            return frame
        end = cast(date, frame["ds"].max() or date.min)  # the frame may have no rows
        made = groups.priors(around.groups, self.config, lead, end)
        for level in self.levels:
            names = dict(zip(("now", "trend", "season"), groups.columns(groups.grain(level)), strict=True))
            frame = frame.with_columns(groups.group_label(level).alias("group"))
            frame = frame.join(made.rename(names), on=["group", "ds"], how="left", maintain_order="left")
        return frame.drop("group", strict=False)
