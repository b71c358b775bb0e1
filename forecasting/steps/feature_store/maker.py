"""Rows of features out of a cut, made by the very code that fills the matrices of the models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Scan
from forecasting.data.schemas import feature_rows_table
from forecasting.features import Features
from forecasting.models.lightgbm import training_rows

RULE_YEARS = 4
"""A rule of `future` looks back so many years beyond the horizon."""


@dataclass(frozen=True)
class Since:
    """A scan that reads nothing older than `first`."""

    scan: Scan
    first: date

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.scan(bucket).filter(pl.col("ds") >= self.first)


@dataclass(frozen=True)
class Maker:
    """Feature rows of a cut: of its past, of the past with a label, and of the coming days."""

    cut: Cut
    features: Features

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """The features in their order and types: numbers, then the texts that models know by a code."""
        config, kinds = self.cut.config, self.features.schema
        drivers = (*config.columns.known_ahead, *config.static_columns)
        columns: dict[str, pl.DataType] = {f.name: pl.Float32() for f in self.features.all(1)}
        return {**columns, **{c: pl.String() for c in drivers if kinds.get(c) == pl.String}}

    def past(self, lead: int, first: date | None, bucket: int) -> pl.DataFrame:
        """Rows of feature_rows (without build) for the days first..cutoff, with y where it was observed."""
        frame = self.cut.frame(bucket)
        if first:
            frame = self._near(frame, first, lead)
        rows = self._rows(frame, lead, bucket)
        return rows.filter(pl.col("ds") <= self.cut.cutoff, pl.col("ds") >= first if first else pl.lit(value=True))

    def labelled(self, lead: int, first: date, bucket: int) -> pl.DataFrame:
        """The same rows, only those with an observed y."""
        return self.past(lead, first, bucket).drop_nulls("y")

    def coming(self, bucket: int) -> pl.DataFrame:
        """Rows for the h days after the cutoff of every series that is still sold, each day with the lead of its
        block; nothing older than `since` is read.
        """
        config, cut = self.cut.config, self.cut
        frame = replace(cut, panel=replace(cut.panel, scan=Since(cut.panel.scan, self.since))).frame(bucket)
        parts, begin = [], 1
        for end in config.block_ends:
            first, last = (config.frequency.shift(cut.cutoff, step) for step in (begin, end))
            made = self._rows(self._near(frame, first, end), end, bucket)
            parts.append(made.filter(pl.col("ds").is_between(first, last)))
            begin = end + 1
        return pl.concat(parts).sort(KEY)

    @property
    def since(self) -> date:
        """The oldest day on which rows of the coming days can depend: the features' lookback, and that of the rules of
        `future`; everything where cleaning judges a day by all others of its series.
        """
        config = self.cut.config
        if config.clean.stock_outs == "infer" or config.clean.outliers.rule != "none":
            return config.limits.dates[0]
        rules = (RULE_YEARS * config.frequency.year + config.h) if config.future else 0
        reach = max(rules, *(self.features.lookback(end) for end in config.block_ends))
        return config.frequency.shift(self.cut.cutoff, -reach)

    def _near(self, frame: pl.DataFrame, first: date, lead: int) -> pl.DataFrame:
        """The frame without what rows from `first` on cannot see."""
        return frame.filter(pl.col("ds") >= self.cut.config.frequency.shift(first, -self.features.lookback(lead)))

    def _rows(self, frame: pl.DataFrame, lead: int, bucket: int) -> pl.DataFrame:
        made = training_rows.Matrix(self.features, {}).with_features(self.cut, frame, lead)
        seen = self.cut.config.frequency.offset(pl.col("ds"), pl.lit(-lead))
        made = made.with_columns(event_time=seen, lead=pl.lit(lead, pl.Int32), bucket=pl.lit(bucket, pl.Int32))
        return made.select(c for c in feature_rows_table(self.columns).schema if c != "build")


def maker(cut: Cut) -> Maker:
    """The maker of a cut; raises UserError for a driver whose name the store needs for itself."""
    features = training_rows.features_at(cut)
    made, own = Maker(cut, features), feature_rows_table({}).schema
    for name in made.columns:
        if name in own:
            raise cut.config.fault("columns", f"{name} is a column of the feature store: rename it in the source")
    return made
