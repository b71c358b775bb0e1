"""Inputs of the boosters: the rows of a cut to learn from, their features, and the codes of text columns.

`Matrix.prepare` takes a Cut and a frame of it and computes what does not depend on leads (how many periods back the
newest sales may be that a row reads), once for all blocks and heads; `Matrix.evaluate` takes that and returns the rows
with all inputs and `level` at their leads; `Matrix.future_rows` returns those of a bucket's future. `assign_leads`
gives each row its lead. `features_at` takes a Cut and returns the features of a Matrix; its codes come from text_codes.
Nothing is trained here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import gcd

import polars as pl

from forecasting.data.buckets import bucket_of
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features import Features
from forecasting.features.base import LEAD, SERIES, Context, Lead, hidden_mark
from forecasting.features.groups import Level
from forecasting.features.looked_up import LookedUp
from forecasting.models.lightgbm.text_codes import Codes
from forecasting.models.lightgbm.unknown_drivers import Drivers

Coming = tuple[LookedUp, pl.DataFrame]
"""What the future rows of a bucket look others up in, and these rows."""


@dataclass(frozen=True)
class Matrix:
    """The inputs of boosters: the features and the codes of the text columns."""

    features: Features
    codes: Codes

    @property
    def inputs(self) -> list[str]:
        """The columns in the order in which the boosters take them; their names do not depend on the lead."""
        return [*self.features.names, *self.codes]

    def with_features(self, cut: Cut, frame: pl.DataFrame, lead: int) -> pl.DataFrame:
        """The rows of `frame` with all inputs and `level` as further columns, all at the same lead; categories replaced
        by their codes.
        """
        return self._with_exprs(self.features.prepare(frame, cut.group_data, lead), Lead.of(lead))

    def at_steps(self, cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
        """The same for the coming rows of `frame`, each at its step."""
        prepared = self.prepare(cut, frame).with_columns(_step_ahead(cut).alias(LEAD))
        return self._with_exprs(prepared, Lead.by_row(cut.h))

    def _with_exprs(self, prepared: pl.DataFrame, lead: Lead) -> pl.DataFrame:
        rows = prepared.with_columns(*self.features.exprs(lead))
        return rows.drop(c for c in rows.columns if c.startswith("_")).with_columns(self._codes())

    def prepare(self, cut: Cut, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of `frame` with what `evaluate` reads, for leads up to the horizon."""
        return self.features.prepare(frame, cut.group_data, cut.h)

    def evaluate(self, cut: Cut, prepared: pl.DataFrame, wanted: pl.Expr) -> pl.DataFrame:
        """[unique_id, ds, y, inputs ..., ZERO, level]: the wanted rows of a prepared frame at the leads of its column
        LEAD.

        Others are looked up only: what is wanted is a small part of them.
        """
        whole = LookedUp(prepared)
        return self._evaluate(cut, whole, whole.rows(wanted))

    def _evaluate(self, cut: Cut, looked_up: LookedUp, rows: pl.DataFrame) -> pl.DataFrame:
        """The inputs of `rows`, which bear their LEAD and their number in the frame that they look up."""
        exprs = [*self.features.exprs(Lead.by_row(cut.h, looked_up)), *self._codes()]
        return rows.select(*KEY, pl.col("y").alias("_y"), *exprs).rename({"_y": "y"})

    def _codes(self) -> list[pl.Expr]:
        return [self._code(column) for column in self.codes]

    def _code(self, column: str) -> pl.Expr:
        """The number of each text of the column, null where it is hidden."""
        code = pl.col(column).replace_strict(self.codes[column], default=None, return_dtype=pl.Int32)
        hidden = Context(self.features.config, self.features.schema).hidden(column)
        return code if hidden is None else pl.when(~hidden).then(code).alias(column)

    def with_marks(self, columns: Iterable[str]) -> Matrix:
        """The matrix for frames that mark the rows on which these columns are hidden (see unknown_drivers)."""
        marks = {hidden_mark(column): pl.Boolean() for column in columns}
        return replace(self, features=replace(self.features, schema={**self.features.schema, **marks}))

    def future_rows(
        self, cut: Cut, bucket: int, drivers: Drivers, compute: Callable[[], Coming], lead: int | None = None
    ) -> pl.DataFrame:
        """[unique_id, ds, inputs ..., ZERO, level]: the future rows of a bucket that have a level, each at its step or
        all at `lead`.

        They are those that `compute` returns, and kept with the cut, for other models with these inputs; `drivers` says
        which columns of them are marked or filled.
        """

        def select() -> pl.DataFrame:
            at = _step_ahead(cut) if lead is None else pl.lit(lead, pl.Int32)
            looked_up, coming = compute()
            rows = self._evaluate(cut, looked_up, coming.with_columns(at.alias(LEAD)))
            return rows.filter(pl.col("level").is_not_null()).drop("y")

        # models that were trained on other days have other codes
        kind = (self.features.levels, self.features.target, json.dumps(self.codes))
        return cut.cached(("future rows", drivers, lead, kind), select, bucket)

    def prepare_coming(self, cut: Cut, frame: pl.DataFrame) -> Coming:
        """What `future_rows` takes, of a frame of which only the coming rows have features."""
        looked_up = self.features.look_up(frame, cut.coming_group_data, cut.h, cut.cutoff)
        coming = looked_up.rows(pl.col("ds") > cut.cutoff)
        return looked_up, self.features.describe_rows(coming, cut.coming_group_data, cut.h)


def _step_ahead(cut: Cut) -> pl.Expr:
    """How many periods a row lies after the cutoff, at least 1."""
    return cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds")).clip(1)


def assign_leads(cut: Cut, frame: pl.DataFrame, block: tuple[int, int]) -> pl.DataFrame:
    """The frame with the column LEAD for the boosters of a block: the steps after its first number up to its second.

    The past is cut into windows of these steps, as though a forecast had been made before each, and the lead of a row
    is its step in its window: so boosters learn from sales that are as new as those of the coming rows, whose lead is
    their step. Windows begin on another day in each series, and on another weekday, or month, than the one before.
    """
    steps = block[1] - block[0]
    width = next(n for n in count(steps) if gcd(n, cut.config.season) == 1)
    series = frame.select(pl.col(SERIES).unique(maintain_order=True))
    offset = series.with_columns(_offset=bucket_of(series[SERIES], width))
    back = cut.config.frequency.steps(pl.col("ds"), pl.lit(cut.cutoff)) + pl.col("_offset")
    within, window = width - 1 - back % width, back // width
    step = block[0] + 1 + pl.when(within < steps).then(within).otherwise((within + window) % steps)
    lead = pl.when(pl.col("ds") <= cut.cutoff).then(step).otherwise(_step_ahead(cut)).cast(pl.Int32).alias(LEAD)
    return frame.join(offset, on=SERIES, how="left", maintain_order="left").with_columns(lead).drop("_offset")


def features_at(cut: Cut, groups: Sequence[Level] = (), target: str = "level") -> Features:
    """The features of a cut, with the priors of these groupings."""
    rows = pl.concat([cut.panel.scan(b) for b in cut.panel.buckets]).filter(pl.col("ds") <= cut.cutoff)
    return Features(cut.config, dict(rows.drop("bucket", strict=False).collect_schema()), tuple(groups), target)


def is_recent(cut: Cut, years: float) -> pl.Expr:
    """Whether a row is of the last `years` up to the cutoff."""
    first = cut.config.frequency.shift(cut.cutoff, -cut.config.frequency.training_periods(years))
    return pl.col("ds").is_between(first, cut.cutoff, closed="right")


def sample_series(frame: pl.DataFrame, share: float, before: int = 0) -> pl.DataFrame:
    """All rows of a share of the series: every so many in the order of volume, so that large and small ones stay.

    `before` is how many series other frames have had: a share of few series of each is one of all.
    """
    if share >= 1:
        return frame
    order = frame.group_by(SERIES).agg(pl.col("y").abs().sum()).sort("y", SERIES)
    place = pl.int_range(before, before + pl.len())
    kept = order.filter(((place + 1) * share).floor() > (place * share).floor())
    return frame.filter(pl.col(SERIES).is_in(kept[SERIES].implode()))
