"""Feature rows: `row_builder_at` takes a Cut and returns a FeatureRowBuilder, which makes the rows of one bucket.

A cut is what was known on a cutoff, future rows included. `past_rows`, `labelled_rows` and `future_rows` return rows of
the table `feature_rows`, by the code that also fills the input matrices of the models. Nothing is written.
"""

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
"""Years before the horizon that a rule of `future` looks back."""


@dataclass(frozen=True)
class Since:
    """A scan of the panel without rows older than `first`; picklable."""

    scan: Scan
    first: date

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.scan(bucket).filter(pl.col("ds") >= self.first)


@dataclass(frozen=True)
class FeatureRowBuilder:
    """Builds feature rows of a cut: of its past, of its past with a label, and of the coming days."""

    cut: Cut
    features: Features

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """The features and their types in order: numbers, then the text columns that models encode."""
        config, kinds = self.cut.config, self.features.schema
        drivers = (*config.columns.known_ahead, *config.static_columns)
        columns: dict[str, pl.DataType] = dict.fromkeys(self.features.names, pl.Float32())
        return {**columns, **{c: pl.String() for c in drivers if kinds.get(c) == pl.String}}

    def past_rows(self, lead: int, first: date | None, bucket: int) -> pl.DataFrame:
        """Rows of the table `feature_rows` (without `build`) of a bucket: one per series and day of first..cutoff.

        `y` is in units of the source and null where it was not observed; features are at `lead` periods.
        """
        frame = self.cut.frame(bucket)
        if first:
            frame = self._without_unused_days(frame, first, lead)
        rows = self._rows(frame, lead, bucket)
        return rows.filter(pl.col("ds") <= self.cut.cutoff, pl.col("ds") >= first if first else pl.lit(value=True))

    def labelled_rows(self, lead: int, first: date, bucket: int) -> pl.DataFrame:
        """The rows of `past_rows` with an observed y."""
        return self.past_rows(lead, first, bucket).drop_nulls("y")

    def future_rows(self, bucket: int) -> pl.DataFrame:
        """Rows of the table `feature_rows` (without `build`) of a bucket for the h periods after the cutoff.

        One per active series and period, whose lead is its step: the newest sale that it may see is that of the cutoff.
        y is null. Nothing older than `oldest_day` is read.
        """
        cut, freq = self.cut, self.cut.config.frequency
        frame = replace(cut, panel=replace(cut.panel, scan=Since(cut.panel.scan, self.oldest_day))).frame(bucket)
        frame = self._without_unused_days(frame, freq.shift(cut.cutoff, 1), cut.h)
        rows = training_rows.Matrix(self.features, {}).at_steps(cut, frame).filter(pl.col("ds") > cut.cutoff)
        return self._as_stored(rows, freq.steps(pl.lit(cut.cutoff), pl.col("ds")), bucket).sort(KEY)

    @property
    def oldest_day(self) -> date:
        """The oldest day that rows of the coming days can depend on.

        It follows from the lookback of the features and of the rules of `future`; it is the first possible day where
        cleaning judges a day by all others of its series.
        """
        config = self.cut.config
        if config.clean.stock_outs == "infer" or config.clean.outliers.rule != "none":
            return config.limits.dates[0]
        rules = (RULE_YEARS * config.frequency.year + config.h) if config.future else 0
        reach = max(rules, self.features.lookback(config.h))
        return config.frequency.shift(self.cut.cutoff, -reach)

    def _without_unused_days(self, frame: pl.DataFrame, first: date, lead: int) -> pl.DataFrame:
        """The frame without days that no feature of the rows from `first` on looks back to."""
        return frame.filter(pl.col("ds") >= self.cut.config.frequency.shift(first, -self.features.lookback(lead)))

    def _rows(self, frame: pl.DataFrame, lead: int, bucket: int) -> pl.DataFrame:
        rows = training_rows.Matrix(self.features, {}).with_features(self.cut, frame, lead)
        return self._as_stored(rows, pl.lit(lead, pl.Int32), bucket)

    def _as_stored(self, rows: pl.DataFrame, lead: pl.Expr, bucket: int) -> pl.DataFrame:
        newest_sale = self.cut.config.frequency.offset(pl.col("ds"), -lead)
        rows = rows.with_columns(event_time=newest_sale, lead=lead, bucket=pl.lit(bucket, pl.Int32))
        return rows.select(c for c in feature_rows_table(self.columns).schema if c != "build")


def row_builder_at(cut: Cut) -> FeatureRowBuilder:
    """The builder of a cut's feature rows."""
    return FeatureRowBuilder(cut, training_rows.features_at(cut))
