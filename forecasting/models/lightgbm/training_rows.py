"""Inputs of the boosters: the rows of a cut to learn from, their features, and the codes of text columns.

`Matrix.with_features` takes a Cut, a frame of it and a lead (how many periods back the newest sales may be that a row
reads), and returns the rows with all inputs and `level`; `Matrix.future_rows` returns those of a bucket's future.
`features_at` and `category_codes` take a Cut and return the parts of a Matrix. Nothing is trained here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features import Features
from forecasting.features.base import SERIES, Context, hidden_mark
from forecasting.features.groups import Level
from forecasting.models.lightgbm.unknown_drivers import Drivers

MOST_CATEGORIES = 64
"""A text column with more values is left out: splits on so many codes cost much and found nothing."""
Codes = dict[str, dict[str, int]]
"""Text column -> value -> its number."""


@dataclass(frozen=True)
class Matrix:
    """The inputs of boosters: the features and the codes of the text columns."""

    features: Features
    codes: Codes

    @property
    def inputs(self) -> list[str]:
        """The columns in the order in which the boosters take them; their names do not depend on the lead."""
        return [*(f.name for f in self.features.all(1)), *self.codes]

    def with_features(self, cut: Cut, frame: pl.DataFrame, lead: int) -> pl.DataFrame:
        """The rows of `frame` with all inputs and `level` as further columns; categories replaced by their codes."""
        codes = [self._code(column) for column in self.codes]
        rows = self.features.prepare(frame, cut.group_data, lead).with_columns(*self.features.exprs(lead))
        return rows.drop(c for c in rows.columns if c.startswith("_")).with_columns(codes)

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
        self, cut: Cut, bucket: int, lead: int, prepared: Drivers, compute: Callable[[], pl.DataFrame]
    ) -> pl.DataFrame:
        """[unique_id, ds, inputs ..., level]: the future rows of a bucket up to `lead` that have a level.

        They are taken from the frame that `compute` returns and kept with the cut, for other models with these inputs;
        `prepared` says which columns that frame marks or fills.
        """

        def select() -> pl.DataFrame:
            days = pl.col("ds").is_between(cut.cutoff, cut.config.frequency.shift(cut.cutoff, lead), closed="right")
            return compute().filter(days, pl.col("level").is_not_null()).select(*KEY, *self.inputs, "level")

        # models that were trained on other days have other codes
        return cut.cached(("future rows", bucket, lead, prepared, self.features.levels, json.dumps(self.codes)), select)


def features_at(cut: Cut, groups: Sequence[Level] = ()) -> Features:
    """The features of a cut, with the priors of these groupings."""
    rows = pl.concat([cut.panel.scan(b) for b in cut.panel.buckets]).filter(pl.col("ds") <= cut.cutoff)
    return Features(cut.config, dict(rows.drop("bucket", strict=False).collect_schema()), tuple(groups))


def category_codes(cut: Cut) -> Codes:
    """A number for every value of the text columns with few values; nulls and unseen values get none."""
    columns = [*cut.config.columns.known_ahead, *cut.config.static_columns]
    history = pl.concat([cut.panel.scan(b) for b in cut.panel.buckets]).filter(pl.col("ds") <= cut.cutoff)
    schema = history.collect_schema()
    texts = [c for c in columns if schema.get(c) == pl.String]
    if not texts:
        return {}
    values = history.select(pl.col(c).unique().drop_nulls().sort().implode() for c in texts).collect()
    found = {c: values[c].item().to_list() for c in texts}
    return {c: {v: i for i, v in enumerate(vs)} for c, vs in found.items() if 1 < len(vs) <= MOST_CATEGORIES}


def is_recent(cut: Cut, years: float) -> pl.Expr:
    """Whether a row is of the last `years` up to the cutoff."""
    first = cut.config.frequency.shift(cut.cutoff, -cut.config.frequency.training_periods(years))
    return pl.col("ds").is_between(first, cut.cutoff, closed="right")


def sample_series(frame: pl.DataFrame, share: float) -> pl.DataFrame:
    """All rows of a share of the series: every so many in the order of volume, so that large and small ones stay."""
    if share >= 1:
        return frame
    order = frame.group_by(SERIES).agg(pl.col("y").sum()).sort("y", SERIES)
    place = pl.int_range(pl.len())
    kept = order.filter(((place + 1) * share).floor() > (place * share).floor())
    return frame.filter(pl.col(SERIES).is_in(kept[SERIES].implode()))
